"""The edges of a command: the command line becomes a typed `Settings`, and an error becomes one line and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydra import compose, initialize_config_module
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lake.errors import BadConfiguration, PlayfirstError
from night.checks import check_values
from night.settings import Settings

# of jobs.backfill (`from` is a Python keyword, so it cannot be a dataclass field), jobs.release and jobs.replay
COMMAND_KEYS = ("from", "to", "do", "id", "nights", "by")


def settings_of(config: DictConfig) -> Settings:
    """Check names, types and values of a composed configuration. Raises BadConfiguration naming the key."""
    try:
        known = OmegaConf.masked_copy(config, [str(k) for k in config if k not in COMMAND_KEYS])
        typed = OmegaConf.merge(OmegaConf.structured(Settings), known)
        missing = sorted(OmegaConf.missing_keys(typed))
        if missing:
            raise BadConfiguration(f"{', '.join(missing)} missing. Say it on the command line: {missing[0]}=…")
        settings = OmegaConf.to_object(typed)
    except OmegaConfBaseException as error:
        key = error.full_key or getattr(error, "key", None) or "configuration"
        raise BadConfiguration(f"{key}: {str(error).splitlines()[0]}. Look at conf/night.yaml.") from error
    assert isinstance(settings, Settings)
    check_values(settings)
    return settings


def settings_from_words(words: Sequence[str]) -> Settings:
    """The settings that `python -m jobs.nightly <words>` would run with. Raises BadConfiguration and Hydra's own errors."""
    with initialize_config_module("conf", version_base="1.3"):
        return settings_of(compose("night", overrides=[_quoted(word) for word in words]))


def words_under(home: Path | str, logs: Path | str, catalog: Path | str, run_date: str) -> list[str]:
    """The words of a night over logs that writes everything under the folder `home`, its key of pseudonyms included."""
    return [
        f"run_date={run_date}",
        f"logs={logs}",
        f"catalog={catalog}",
        f"lake.root={home}/lake",
        f"releases={home}/releases",
        f"rankers={home}/rankers",
        f"reports={home}/reports",
        f"tuning.sweeps={home}/sweeps",
        f"privacy.key_file={home}/key",
        f"privacy.simulated_key_file={home}/key",
        f"quality.docs_dir={home}/data-docs",
        f"cluster.work_dir={home}/spark",
    ]


def run_command(main: Callable[[], None], name: str) -> None:
    """Run a Hydra main and end the process: exit code 0, or one line on stderr and the exit code of the error.

    Args:
        main: the function that `hydra.main` decorates.
        name: the command as the line names it, such as `jobs.train`.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises errors of composition instead of printing them itself
    if not {"-m", "--multirun"} & set(sys.argv):  # in a multirun a comma separates the values of several jobs
        sys.argv[1:] = [_quoted(a) for a in sys.argv[1:]]
    with exit_on_error(name):
        main()


@contextmanager
def exit_on_error(name: str) -> Iterator[None]:
    """End the process with one line on stderr and the exit code of the error if the block raises.

    A Hydra main needs it around its own body, too: Hydra lets SystemExit pass without output, and prints any other error itself
    first. The stack of an unexpected error is written to `var/reports/last-error.txt`, and the line names that file.
    """
    try:
        yield
    except PlayfirstError as error:
        _end(f"{name}: {error}", error.exit_code)
    except (HydraException, OmegaConfBaseException) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        message = " ".join(line for line in lines if not line.startswith(("To append", "full_key", "object_type")))
        _end(f"{name}: {message.rstrip('.')}. Keys and their meaning: conf/night.yaml.", 2)
    except KeyboardInterrupt:
        _end(f"{name}: stopped by you. Run it again: it goes on where it stopped.", 1)
    except Exception as error:
        code = getattr(error, "exit_code", None)
        if isinstance(code, int):  # errors of serving and evaluation, which import nothing of lake
            _end(f"{name}: {' '.join(str(error).split())}", code)
        first = next(iter(str(error).splitlines()), "")[:200]
        _end(f"{name}: unexpected {type(error).__name__}: {first} ({_write_stack()}). Run jobs.doctor, then again.", 1)


def _write_stack() -> str:
    """Write the stack of the current error and say where, or why it could not be written: that must not hide the error itself."""
    log = Path("var/reports/last-error.txt")
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traceback.format_exc())
    except OSError as error:
        return f"its stack could not be written to {log}: {error.strerror}"
    return f"stack in {log}"


def _quoted(argument: str) -> str:
    """The argument with quotes around a plain value that has characters of Hydra's grammar; lists and dicts are not changed."""
    key, sign, text = argument.partition("=")
    if not sign or not text or text[0] in "\"'[{" or not any(c in text for c in " ,()"):
        return argument
    return f"{key}='{text}'"


def _end(line: str, code: int) -> None:
    print(line, file=sys.stderr, flush=True)
    sys.exit(code)
