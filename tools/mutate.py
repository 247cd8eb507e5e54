"""Put each deliberate error of `tools/mutants.py` into a copy of the code, alone, and see that its tests fail.

    python -m tools.mutate                       (`make mutate`; some twenty minutes on two cores)
    python -m tools.mutate --only labels --spark none      (an area, a file or words of a name)

Prints one row per mutant: what is wrong, the file, the test that caught it, seconds. Exit code 0 if every mutant is caught; 1 if
one survives (then a test is missing: write it), or if a test fails without any mutant; 2 if the arguments choose no mutant.

The tests that use Spark share one JVM: each run of them makes a session of its own in it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.mutants import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent
NOT_COPIED = (".git", ".venv", "var", "build", "dist", ".hypothesis")  # of the project's own folder
LIMIT_S, LIMIT_OF_ALL_S = 600, 3600  # the tests of one mutant, and those of all without one
# a test that failed, without its parameters; an error in a fixture catches nothing
FAILED = re.compile(r"^FAILED [^:\s]+::(?:\w+::)*(\w+)", re.MULTILINE)

LOST_JVM = "Py4JNetworkError"  # a test fails without its JVM, too, and that catches nothing

# starts the JVM in the copy's folder, where its Python workers find the code, and keeps it until its input ends
JVM_PROGRAM = """
import sys
from pyspark import SparkContext
from lake.session import SessionSettings, spark_session
from tests.conftest import JAVA_OPTIONS
spark_session(SessionSettings("mutants", "local[2]", "6g", shuffle_partitions=2, work_dir=sys.argv[1], java_options=JAVA_OPTIONS)).stop()
at = SparkContext._gateway.gateway_parameters
print(at.port, at.auth_token, flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Outcome:
    """What the tests of a mutant said: the test that failed, or "" and why nothing caught it; and the seconds they took."""

    caught_by: str
    why_not: str
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the chosen mutants and print their table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default="", help="an area, a file, or words of a name")
    parser.add_argument(
        "--spark", choices=("all", "none", "only"), default="all", help="the mutants whose tests use Spark, and others"
    )
    given = parser.parse_args(arguments)
    wanted = [m for m in MUTANTS if given.only in (m.area, m.file) or given.only in m.name]
    kinds = {"all": (False, True), "none": (False,), "only": (True,)}[given.spark]
    wanted = [m for m in wanted if m.spark in kinds]
    if not wanted:
        parser.error(f"--only {given.only!r} chooses no mutant; areas: {', '.join(sorted({m.area for m in MUTANTS}))}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="playfirst-mutants-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=_not_copied)
        survivors = [name for spark in kinds for name in _survivors(wanted, tree, spark)]
    print(
        f"{len(wanted) - len(survivors)} of {len(wanted)} mutants caught in {time.monotonic() - started:.0f} s."
        + (f" Not caught: {'; '.join(survivors)}. Write the missing test." if survivors else "")
    )
    return 1 if survivors else 0


def _not_copied(folder: str, names: list[str]) -> list[str]:
    """The names in a folder that are not copied. Every module must be: the set-up's finder would take a missing one from ROOT."""
    left_out = NOT_COPIED if Path(folder) == ROOT else ()
    return [n for n in names if n in left_out or n == "__pycache__" or n.endswith((".egg-info", "_cache"))]


def _survivors(wanted: Sequence[Mutant], tree: Path, spark: bool) -> list[str]:
    """The names of the mutants of one kind that no test caught; prints a row for each."""
    chosen = [m for m in wanted if m.spark == spark]
    if not chosen:
        return []
    with _jvm(tree) if spark else _no_jvm() as environment:
        every = sorted({test for m in chosen for test in m.tests})
        seconds = _check_unchanged(every, tree, environment)
        print(f"{len(every)} tests pass without a mutant{' (Spark)' if spark else ''}: {seconds:.0f} s", flush=True)
        out = []
        for mutant in chosen:
            outcome = of_mutant(mutant, tree, environment)
            print(row(mutant, outcome), flush=True)
            out += [] if outcome.caught_by else [f"{mutant.name} ({mutant.file})"]
    return out


def row(mutant: Mutant, outcome: Outcome) -> str:
    """The mutant's row of the table."""
    caught = outcome.caught_by or f"NOT CAUGHT: {outcome.why_not}"
    return f"| {mutant.name} | {mutant.file} | {caught} | {outcome.seconds:.1f} |"


def mutated(mutant: Mutant, text: str) -> str:
    """The file's text with the error; ValueError unless the replaced text occurs exactly once."""
    if (times := text.count(mutant.before)) != 1:
        raise ValueError(
            f"{mutant.file}: the text of mutant {mutant.name!r} occurs {times} times, expected once: {mutant.before!r}. "
            "Mend its row in tools/mutants.py."
        )
    return text.replace(mutant.before, mutant.after)


def of_mutant(mutant: Mutant, tree: Path, environment: Mapping[str, str]) -> Outcome:
    """Apply the mutant in the copy, run its tests, and take it back.

    Args:
        mutant: the error.
        tree: the copy of the project.
        environment: variables for the tests beside those of this process.
    """
    path, started = tree / mutant.file, time.monotonic()
    text = path.read_text(encoding="utf-8")
    path.write_text(mutated(mutant, text), encoding="utf-8")
    try:
        code, printed = _pytest(mutant.tests, tree, environment, LIMIT_S)
    finally:
        path.write_text(text, encoding="utf-8")
    failed = FAILED.search(printed)
    caught_by = failed[1] if code == 1 and failed and LOST_JVM not in printed else ""
    why_not = {0: "its tests pass", None: f"its tests did not end in {LIMIT_S} s"}.get(code, "its tests did not run")
    return Outcome(caught_by, why_not, time.monotonic() - started)


def _check_unchanged(tests: Sequence[str], tree: Path, environment: Mapping[str, str]) -> float:
    """Run the tests without a mutant, and return the seconds; SystemExit if one fails, for then it would catch anything."""
    started = time.monotonic()
    code, printed = _pytest(tests, tree, environment, LIMIT_OF_ALL_S)
    if code != 0:
        raise SystemExit(f"{printed}\nthe tests fail without a mutant: mend them first")
    return time.monotonic() - started


def _pytest(tests: Sequence[str], tree: Path, environment: Mapping[str, str], limit_s: int) -> tuple[int | None, str]:
    """Run tests in a process of their own; its exit code, None if it did not end in time, and what it printed."""
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-x", "-q", "-rf", "--hypothesis-seed=0", *tests]
    process = subprocess.Popen(
        command,
        cwd=tree,
        env={**os.environ, **_NO_BYTECODE, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        printed, _ = process.communicate()
        return None, printed
    return process.returncode, printed


# a mutant of the same length, written in the same second, would be taken for what was compiled before
_NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def _no_jvm() -> Iterator[dict[str, str]]:
    yield {}


@contextmanager
def _jvm(tree: Path) -> Iterator[dict[str, str]]:
    """A JVM for all runs of tests; yields the variables by which PySpark connects to it instead of starting one."""
    work = tree.parent / "spark"
    with subprocess.Popen(
        [sys.executable, "-c", JVM_PROGRAM, str(work)],
        cwd=tree,
        env={**os.environ, **_NO_BYTECODE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None  # both are pipes
        try:
            answer = process.stdout.readline().split()
            if len(answer) != 2:
                raise SystemExit(
                    "the JVM for the tests did not start; run one of the tests that use Spark alone to see why"
                )
            yield {"PYSPARK_GATEWAY_PORT": answer[0], "PYSPARK_GATEWAY_SECRET": answer[1]}
        finally:
            process.stdin.close()


if __name__ == "__main__":
    sys.exit(main())
