"""What the commands of this room share: one-line errors, exit codes, output that survives any text."""

import argparse
import io
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
    """The type of an argument that is a path; one that names another store (s3a://…) is a wrong argument."""
    if why := why_not_local(text):
        raise argparse.ArgumentTypeError(f"{text!r}: {why}")
    return Path(text)


def guarded(name: str, run: Callable[[], int | None]) -> int:
    """Call `run`; an error of ours becomes one line on stderr and its exit code, success the code it returns or 0.

    Standard streams become UTF-8 and never fail on odd text: a half character read becomes U+FFFD, a lone
    surrogate is printed as its escape, which inside JSON is the escape that JSON knows.
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
        # `… | head`: the reader has what it wanted. Point stdout away, or Python complains once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"{name}: {error}. Check the path and its permissions.", file=sys.stderr)
        return 1
