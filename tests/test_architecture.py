"""Imports point one way, heavy libraries stay in their rooms, and nothing is done at import time that costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = {  # a room may import rooms of a lower number only (and itself)
    "lake": 0,
    "events": 1,
    "queries": 1,
    "features": 2,
    "labels": 2,
    "evaluation": 2,
    "ranking": 3,
    "tuning": 4,
    "quality": 4,
    "serving": 4,
    "jobs": 5,
    "tools": 6,
    "benchmarks": 6,
}
ROOMS = [*ORDER, "simulator"]
ONLY_IN = {
    "hydra": {"jobs", "tests"},
    "omegaconf": {"jobs", "tests"},
    "lightgbm": {"ranking", "tests"},
    "ray": {"tuning", "tests"},
    "optuna": {"tuning", "tests"},
    "great_expectations": {"quality", "tests"},
    "lmdb": {"serving", "tests"},
    "delta": {"lake"},
    "py4j": {"lake"},
    "duckdb": {"tests", "benchmarks"},
    "pycrfsuite": {"queries", "benchmarks"},
    "sklearn": {"queries", "benchmarks"},
    "jellyfish": {"queries"},
    "pickle": set(),
    "cloudpickle": set(),
    "shelve": set(),
}
SOURCES = [p for room in ROOMS for p in sorted((ROOT / room).rglob("*.py"))]


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, imported module) of every import statement, also inside functions."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append((node.lineno, node.module))
    return found


def broken(room: str, module: str) -> bool:
    """Whether a room may not import the module."""
    top = module.split(".")[0]
    if room == "simulator" or top == "simulator":
        return top in ROOMS and top != room
    if top in ORDER and top != room and ORDER[top] >= ORDER[room]:
        return True
    return top in ONLY_IN and room not in ONLY_IN[top]


@pytest.mark.parametrize(
    ("room", "module", "wrong"),
    [
        ("features", "labels.grades", True),
        ("ranking", "features.spec", False),
        ("serving", "ranking.head", False),
        ("serving", "quality.gate", True),
        ("simulator", "queries.text.normalise", True),
        ("evaluation", "simulator.needs", True),
        ("jobs", "hydra", False),
        ("events", "hydra", True),
        ("labels", "features.spec", True),
        ("queries", "events", True),
    ],
)
def test_the_rule_itself_can_fail(room: str, module: str, wrong: bool) -> None:
    assert broken(room, module) is wrong


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    wrong = [f"line {line}: {module}" for line, module in imports(path) if broken(room, module)]
    assert not wrong, f"{path.relative_to(ROOT)} imports what {room}/ may not: {wrong}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_jvm_pickle_eval_or_instantiate(path: Path) -> None:
    text = path.read_text()
    names = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
    attributes = {n.attr for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Attribute)}
    room = path.relative_to(ROOT).parts[0]
    calls = {n.func.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not calls & {"eval", "exec"}
    assert not {"DeltaTable", "instantiate"} & (names | attributes)
    if path.relative_to(ROOT).as_posix() != "lake/session.py":
        assert not {"_jvm", "_jsc", "sparkContext", "rdd"} & attributes, f"{room} reaches into the JVM"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_files_name_says_what_lives_there(path: Path) -> None:
    assert not re.search(r"(^|/)(utils?|common|misc|helpers?)(\.py|/)", path.relative_to(ROOT).as_posix())


def test_no_target_or_clock_in_the_configuration() -> None:
    for file in (ROOT / "conf").rglob("*.yaml"):
        text = file.read_text()
        assert "_target_" not in text and "${now" not in text, file
        assert text.startswith("#"), f"{file} opens with the command that runs it"


HEAVY = ("pyspark", "lightgbm", "pandas", "ray", "optuna", "great_expectations", "hydra")


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("serving.lookup", ("pyspark", "lightgbm", "pandas", "numpy", "pyarrow", "hydra", "ray")),
        ("features.catalogue", HEAVY),
        ("lake.tables", HEAVY),
        ("ranking.head", ("pyspark", "lightgbm", "ray", "hydra")),
        ("queries.explain", ("pyspark", "pandas")),
    ],
)
def test_heavy_libraries_are_imported_late(module: str, banned: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {banned!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
