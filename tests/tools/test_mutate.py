"""The mutants fit today's code, and the command calls caught what a test catches and nothing else."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, SOURCES
from tools import mutate
from tools.mutants import AREAS, MUTANTS, Mutant


def test_there_are_enough_of_every_area() -> None:
    areas = Counter(m.area for m in MUTANTS)
    assert set(areas) == set(AREAS) and len(MUTANTS) >= 60 and min(areas.values()) >= 10
    assert max(Counter(m.name for m in MUTANTS).values()) == 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_each_mutant_fits_todays_code_and_names_tests_that_exist(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    changed = mutate.mutated(mutant, source)
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source))  # another program, and one that can be read
    for test in mutant.tests:
        file, name = test.split("::")
        of_file = ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        assert name in {node.name for node in of_file if isinstance(node, ast.FunctionDef)}, test


def test_a_text_that_occurs_twice_or_not_at_all_is_refused() -> None:
    mutant = Mutant("odd", "metrics", "a.py", "x", "y", ())
    assert mutate.mutated(mutant, "x = 1") == "y = 1"
    for text in ("x = x", "z"):
        with pytest.raises(ValueError, match=r"a\.py: the text of mutant 'odd' occurs"):
            mutate.mutated(mutant, text)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project of one function whose tests catch a mutant, miss it, or fail for another reason."""
    (tmp_path / "adding.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "test_adding.py").write_text(
        "import pytest\nfrom adding import add\n\n"
        "@pytest.fixture\ndef three():\n    assert add(1, 2) == 3\n\n"
        "def test_sum():\n    assert add(2, 3) == 5\n\n"
        "def test_weak():\n    assert add(2, 2) == 4\n\n"
        "def test_in_a_fixture(three):\n    pass\n\n"
        "def test_without_its_jvm():\n    assert add(2, 3) == 5, 'Py4JNetworkError: Answer from Java side is empty'\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("test", "caught_by", "why_not"),
    [
        ("test_sum", "test_sum", ""),
        ("test_weak", "", "its tests pass"),
        ("test_in_a_fixture", "", "its tests did not run"),
        ("test_without_its_jvm", "", "its tests did not run"),
        ("test_of_yesterday", "", "its tests did not run"),
    ],
)
def test_caught_is_what_a_test_catches(tree: Path, test: str, caught_by: str, why_not: str) -> None:
    before = (tree / "adding.py").read_text()
    mutant = Mutant("times for plus", "metrics", "adding.py", "a + b", "a * b", (f"test_adding.py::{test}",))
    outcome = mutate.of_mutant(mutant, tree, {})
    assert outcome.caught_by == caught_by and (caught_by or outcome.why_not == why_not)
    assert (tree / "adding.py").read_text() == before
    shown = mutate.row(mutant, outcome)
    assert shown.startswith("| times for plus | adding.py | ") and (caught_by or f"NOT CAUGHT: {why_not}") in shown


def test_every_module_is_in_the_copy() -> None:
    """The set-up's finder takes a module that the copy lacks from the project itself, where no mutant is."""
    copied = {
        path
        for folder in {path.parent for path in SOURCES}
        for path in folder.glob("*.py")
        if path.name not in mutate._not_copied(str(folder), [p.name for p in folder.iterdir()])
    }
    above = {folder for path in SOURCES for folder in path.parents if ROOT in folder.parents}
    assert copied == set(SOURCES)
    assert not [f for f in above if f.name in mutate._not_copied(str(f.parent), [f.name])]
    assert mutate._not_copied(str(ROOT), [".venv", "var", "build", "lake", "__pycache__"]) == [
        ".venv",
        "var",
        "build",
        "__pycache__",
    ]


def test_a_choice_of_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        mutate.main(["--only", "no such thing"])
    assert refused.value.code == 2 and "areas: audit, estimators, labels" in capsys.readouterr().err
