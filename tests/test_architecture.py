"""Imports point one way, heavy libraries stay in their rooms, and nothing is done at import time that costs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
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
    "night": 5,
    "jobs": 6,
    "tools": 7,
    "benchmarks": 8,
}
# the same inside the great rooms; "" are the files that lie in the room itself
INNER = {
    "lake": {"": 0, "tables": 1},
    "queries": {"text": 0, "catalog": 1, "grammar": 2, "models": 3, "training": 4, "nightly": 4, "": 5},
    "ranking": {"sources": 1, "rerank": 1, "": 2},
    "serving": {"": 0, "sinks": 1},
    "features": {"": 0, "build": 1},
    "evaluation": {"": 0, "off_policy": 1, "page": 1, "experiments": 2},
}
# files of a room that its inner rooms may import all the same, or that may import inner rooms above them
DECLARED = {
    "lake": {"io", "ledger", "rerun"},
    "ranking": {"head", "misfits", "refusals"},
    "features": {"explain"},
}
ROOMS = [*ORDER, "simulator"]
ONLY_IN = {
    "hydra": {"jobs", "night", "tests"},
    "omegaconf": {"jobs", "night", "tests"},
    "lightgbm": {"ranking", "tests", "benchmarks"},
    "ray": {"tuning", "tests", "benchmarks"},
    "optuna": {"tuning", "tests", "benchmarks"},
    "great_expectations": {"quality", "tests"},
    "lmdb": {"serving", "tests"},
    "delta": {"lake"},
    "py4j": {"lake"},
    "duckdb": {"tests", "benchmarks"},
    "pycrfsuite": {"queries", "benchmarks"},
    "sklearn": {"queries", "benchmarks"},
    "jellyfish": {"queries"},
    "jinja2": {"evaluation"},
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
        ("night", "jobs.tune", True),
        ("jobs", "night.gate", False),
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


def place_of(module: str) -> tuple[str, str, str]:
    """(room, inner room or "", file) of a module of ours."""
    parts = module.split(".")
    inner = parts[1] if len(parts) > 1 and (ROOT / parts[0] / parts[1]).is_dir() else ""
    return parts[0], inner, parts[-1]


def broken_inside(module: str, imported: str) -> bool:
    """Whether a module may not import another of its own room."""
    (room, inner, file), (other_room, other, other_file) = place_of(module), place_of(imported)
    if room != other_room or room not in INNER or inner == other:
        return False
    if file in DECLARED.get(room, set()) or other_file in DECLARED.get(room, set()):
        return False
    return INNER[room][other] >= INNER[room][inner]


@pytest.mark.parametrize(
    ("module", "imported", "wrong"),
    [
        ("queries.text.normalise", "queries.grammar.lexicon", True),
        ("queries.catalog.linker", "queries.text.normalise", False),
        ("queries.grammar.rules", "queries.reading", True),
        ("features.spec", "features.build.engine", True),
        ("features.build.engine", "features.spec", False),
        ("ranking.sources.text", "ranking.candidates", True),
        ("serving.reader", "serving.sinks.lmdb_release", True),
        ("lake.schema", "lake.tables.logs", True),
        ("evaluation.report", "evaluation.page.texts", True),
    ],
)
def test_the_rule_inside_a_room_can_fail(module: str, imported: str, wrong: bool) -> None:
    assert broken_inside(module, imported) is wrong


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(p): p for p in SOURCES}


def our_imports(path: Path) -> set[str]:
    """Modules of ours that a file imports, also inside functions and for type checkers."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names} & MODULES.keys()
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = {f"{node.module}.{a.name}" for a in node.names} & MODULES.keys()
            found |= named or ({node.module} & MODULES.keys())
    return found - {module_of(path)}


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of nodes that reach each other (strongly connected components of two or more; Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    out: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            group = sorted(stack[at:])
            del stack[at:]
            if len(group) > 1:
                out.append(group)

    for node in graph:
        if node not in index:
            visit(node)
    return out


def test_circles_are_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b"}, "b": set(), "c": {"b", "a"}}) == []


def test_no_module_and_no_room_is_in_a_circle() -> None:
    graph = {module: our_imports(path) for module, path in MODULES.items()}
    assert circles(graph) == []
    rooms: dict[str, set[str]] = {}
    for module, imported in graph.items():
        rooms.setdefault(module.split(".")[0], set()).update(m.split(".")[0] for m in imported)
    assert circles({room: others - {room} for room, others in rooms.items()}) == []


@pytest.mark.parametrize("path", [p for p in SOURCES if p.relative_to(ROOT).parts[0] in INNER], ids=module_of)
def test_imports_inside_a_room_point_one_way(path: Path) -> None:
    wrong = sorted(m for m in our_imports(path) if broken_inside(module_of(path), m))
    assert not wrong, f"{module_of(path)} imports what its inner room may not: {wrong}"


STEPS_THAT_RUN_STEPS = {"graph", "nightly", "backfill", "forget", "replay"}


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("*.py")), ids=lambda p: p.stem)
def test_no_step_imports_a_step(path: Path) -> None:
    steps = sorted(m for m in our_imports(path) if m.startswith("jobs."))
    assert not steps or path.stem in STEPS_THAT_RUN_STEPS, f"{path.stem} imports {steps}"


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


VAGUE = {"told", "said", "held", "found", "met", "made"}  # they say what was done to a value, not what it is


def vague_names(tree: ast.Module) -> list[tuple[int, str]]:
    """(line, name) of every variable and argument with a vague name."""
    stored = [(n.lineno, n.id) for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return [
        one
        for one in [*stored, *((n.lineno, n.arg) for n in ast.walk(tree) if isinstance(n, ast.arg))]
        if one[1] in VAGUE
    ]


def test_variables_say_what_the_value_is() -> None:
    assert vague_names(ast.parse("def f(said):\n    found = said\n    kept = found")) == [(2, "found"), (1, "said")]
    ours = [*SOURCES, *(p for room in ("tools", "benchmarks") for p in sorted((ROOT / room).rglob("*.py")))]
    assert not [(p.relative_to(ROOT), *one) for p in ours for one in vague_names(ast.parse(p.read_text("utf-8")))]


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
        ("serving.reader", HEAVY),
        ("lake.tables", HEAVY),
        ("features.catalogue", ("lightgbm", "pandas", "ray", "optuna", "great_expectations", "hydra")),
        ("ranking.head", ("lightgbm", "ray", "hydra")),
        ("queries.explain", ("pyspark", "pandas")),
        ("queries.link", ("pyspark", "pandas")),
        ("simulator.generate", ("pyspark", "lightgbm", "ray")),
    ],
)
def test_heavy_libraries_are_imported_late(module: str, banned: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([m for m in {banned!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
