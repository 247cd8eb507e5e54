"""Shared by the commands of this package: one-line errors, exit codes, output that does not fail on any text."""

import argparse
import io
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from lake.local_path import why_not_local
from serving.errors import ReleaseError


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line and exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Print `message` in one line with the next step and exit with 2."""
        self.exit(2, f"{self.prog}: {message}. See python -m {self.prog.split()[0]} --help\n")


def local_path(text: str) -> Path:
    """The argparse type of a local path; a path to another store (s3a://…) is an argument error."""
    if why := why_not_local(text):
        raise argparse.ArgumentTypeError(f"{text!r}: {why}; in another store: python -m jobs.release do=… releases=…")
    return Path(text)


def port_number(text: str) -> int:
    """The argparse type of a port."""
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r}: expected 0 to 65535")
    return int(text)


def hours(text: str) -> float:
    """The argparse type of a duration in hours, more than 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: expected hours, more than 0")
    return value


def guarded(name: str, run: Callable[[], int | None]) -> int:
    """Call `run` and return the exit code; a release error becomes one line on stderr and its own exit code.

    Standard streams become UTF-8 and do not fail on invalid text: an incomplete character in the input becomes U+FFFD, and a lone
    surrogate is printed as its escape, which is also its escape in JSON.

    Args:
        name: the name of the command, which begins the error line.
        run: the command; it returns an exit code, or None for 0.
    """
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    try:
        code = run() or 0
        sys.stdout.flush()
        return code
    except ReleaseError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # `… | head` has closed the pipe. Redirect stdout, or Python prints another error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"{name}: {error}. Check the path and its permissions.", file=sys.stderr)
        return 1
