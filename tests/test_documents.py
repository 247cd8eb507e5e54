"""What documents and docstrings name in backticks exists: modules, names in them, files, setting keys, make targets."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from night.tables import all_tables
from tests.test_architecture import MODULES, ROOMS, ROOT

TICKED = re.compile(r"`([^`\n]+)`")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = [*MODULES.values(), *sorted((ROOT / "tests").rglob("*.py"))]
SUFFIXES = (".py", ".md", ".yaml", ".toml", ".json")
OBJECTS = {
    "night": "night.night",
    "lake": "lake.io",
}  # `night.spark`, `lake.read`: members of what every step is handed
COLUMNS = {t.name: {c.name for c in t.columns} for t in all_tables()}
MADE_AT_RUN_TIME = ("var/", "releases/", "logs/", "truth/", "~")
PACKAGED = re.compile(r"[a-z_]+\.v1\.(json|zip)")


@cache
def make_targets() -> set[str]:
    return set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))


@cache
def setting_keys() -> set[str]:
    """Every key that an operator can set, with its sections before it."""

    def keys(value: object, above: str) -> set[str]:
        if not isinstance(value, dict):
            return {above}
        return {above}.union(*(keys(v, f"{above}.{k}" if above else str(k)) for k, v in value.items()))

    found = keys(yaml.safe_load((ROOT / "conf" / "night.yaml").read_text()), "")
    for file in (ROOT / "conf").rglob("*.yaml"):
        group = file.parent.name
        if group != "conf":
            found |= keys(yaml.safe_load(file.read_text()), "tuning" if group == "search_space" else group)
            found |= keys(yaml.safe_load(file.read_text()), "")
    return found


@cache
def names_in(module: str) -> frozenset[str]:
    """Names that a module defines or imports at its top, and `Class.member` of its classes."""
    tree = ast.parse(MODULES[module].read_text())
    out: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            out.add(node.name)
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    out |= {f"{node.name}.{member.name}", member.name}
                elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                    out |= {f"{node.name}.{member.target.id}", member.target.id}
        elif isinstance(node, ast.FunctionDef):
            out.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            out |= {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.ImportFrom | ast.Import):
            out |= {a.asname or a.name for a in node.names}
    return frozenset(out)


def is_ours(dotted: str) -> bool:
    """Whether a dotted name is a module of ours, a name in one, or a setting key."""
    dotted = dotted.removesuffix(".*")
    if dotted in MODULES or dotted in setting_keys() or any(m.startswith(dotted + ".") for m in MODULES):
        return True
    parts = dotted.split(".")
    for at in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:at])
        if module in MODULES and ".".join(parts[at:]) in names_in(module):
            return True
    if parts[0] in OBJECTS and parts[1] in names_in(OBJECTS[parts[0]]):
        return True
    return parts[1] in COLUMNS.get(parts[0], ())


def missing(ticked: str) -> str | None:
    """What is wrong with one text in backticks; None if nothing is, or if it names nothing of ours."""
    text = ticked.strip()
    if found := re.match(r"make ([a-z-]+)", text):
        return None if found[1] in make_targets() else f"no make target {found[1]}"
    for module in re.findall(r"python -m ([\w.]+)", text):
        if module.split(".")[0] in ROOMS and module not in MODULES:
            return f"no module {module}"
    if re.fullmatch(r"[\w./-]+/?", text) and "/" in text:
        if text.startswith(MADE_AT_RUN_TIME) or text.split("/")[0] not in {*ROOMS, "docs", "tests", "conf"}:
            return None
        return None if (ROOT / text).exists() or not text.endswith((*SUFFIXES, "/")) else f"no file {text}"
    if re.fullmatch(r"[a-z_]+(\.\w+)+(\(\))?", text):
        dotted = text.removesuffix("()")
        first = dotted.split(".")[0]
        if first in ROOMS and not dotted.endswith(SUFFIXES) and not PACKAGED.fullmatch(dotted):
            return None if is_ours(dotted) else f"no name {dotted}"
    return None


@pytest.mark.parametrize(
    ("ticked", "wrong"),
    [
        ("make nightly", None),
        ("make knightly", "no make target knightly"),
        ("features.spec.Feature", None),
        ("features.spec.Future", "no name features.spec.Future"),
        ("ranking.max_needs", None),
        ("ranking.max_neds", "no name ranking.max_neds"),
        ("python -m jobs.tune run_date=…", None),
        ("python -m jobs.tuna run_date=…", "no module jobs.tuna"),
        ("labels/grades.py", None),
        ("labels/marks.py", "no file labels/marks.py"),
        ("pandas.DataFrame", None),
    ],
)
def test_the_check_itself_can_fail(ticked: str, wrong: str | None) -> None:
    assert missing(ticked) == wrong


def docstrings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    nodes = [
        n for n in ast.walk(tree) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [text for n in nodes if (text := ast.get_docstring(n))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_documents_name_what_exists(path: Path) -> None:
    wrong = [w for t in TICKED.findall(path.read_text()) if (w := missing(t))]
    assert not wrong, f"{path.name}: {wrong}"


def test_docstrings_name_what_exists() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {w}"
        for path in CODE
        for text in docstrings(path)
        for t in TICKED.findall(text)
        if (w := missing(t))
    ]
    assert not wrong, "\n".join(wrong)
