"""What a mark says of code: comments change nothing; a function changes exactly what depends on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lake.code import ROOMS, ROOT, Sources

STEPS = (
    "understand",
    "fit_exposure",
    "candidates",
    "build_features",
    "grade",
    "assemble",
    "tune",
    "train",
    "rank_head",
)
# the steps after which nothing of another step's is computed: what a change reaches beyond them reaches through their output
FEATURES = (
    "features.build.engine",
    "features.catalogue",
    "features.build.vectors",
    "features.build.backoff",
    "features.build.popularity",
    "events.tiles",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    files = {
        "features/rates.py": """
            from events.dwell import seconds
            from lake.io import read
            def rate(x):
                'A rate.'
                return seconds(x) / 2  # half
        """,
        "events/dwell.py": "def seconds(x):\n    return x\n\n\ndef unused(x):\n    return 0\n",
        "lake/io.py": "def read():\n    return 1\n",
        "jobs/one.py": "from jobs.two import shared\nfrom features.rates import rate\ndef run():\n    return shared() + rate(1)\n",
        "jobs/two.py": "from labels.grades import grade\nLIMIT = 3\ndef shared():\n    return LIMIT\ndef run():\n    return grade()\n",
        "labels/grades.py": "def grade():\n    return 4\n",
        "queries/words.py": "from pathlib import Path\nFILE = Path(__file__).parent / 'data' / 'moods.json'\n",
        "queries/data/moods.json": "[]",
        "queries/data/other.json": "[]",
        "features/catalogue.py": "import importlib\nFAMILIES = ('rates',)\nALL = [importlib.import_module(f'features.{f}') for f in FAMILIES]\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.removeprefix("            ") for line in text.split("\n")))
    return tmp_path


def changed(tree: Path, file: str, old: str, new: str, *entries: str) -> list[str]:
    """The entries whose fingerprint is another after the change."""
    before = {e: Sources(tree).fingerprint(e) for e in entries}
    path = tree / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return [e for e in entries if Sources(tree).fingerprint(e) != before[e]]


@pytest.mark.parametrize(
    ("file", "old", "new", "reached"),
    [
        ("features/rates.py", "# half", "# a half, said otherwise", []),
        ("features/rates.py", "A rate.", "Another docstring.", []),
        ("features/rates.py", "/ 2", "/ 3", ["features.rates", "features.catalogue", "jobs.one"]),
        ("events/dwell.py", "return x", "return x + 1", ["features.rates", "features.catalogue", "jobs.one"]),
        ("lake/io.py", "return 1", "return 2", []),
        ("jobs/two.py", "LIMIT = 3", "LIMIT = 4", ["jobs.one", "jobs.two"]),
        ("jobs/two.py", "return grade()", "return grade() + 1", ["jobs.two"]),
        ("labels/grades.py", "return 4", "return 5", ["jobs.two"]),
        ("queries/data/moods.json", "[]", "[1]", ["queries.words"]),
        ("queries/data/other.json", "[]", "[1]", []),
    ],
)
def test_a_change_reaches_what_depends_on_it(tree: Path, file: str, old: str, new: str, reached: list[str]) -> None:
    entries = ("features.rates", "features.catalogue", "jobs.one", "jobs.two", "queries.words")
    assert changed(tree, file, old, new, *entries) == reached


def test_what_was_parsed_is_taken_by_content_alone(tree: Path) -> None:
    """A cache that anybody can lose: a file that is put back has its mark again, a damaged cache is none."""
    first = Sources(tree).fingerprint("jobs.one")
    cache = tree / "lake" / "__pycache__" / "code_marks.json"
    assert cache.exists() and Sources(tree).fingerprint("jobs.one") == first
    cache.write_text("{")
    assert Sources(tree).fingerprint("jobs.one") == first


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of our own rooms, to be mutated."""
    root = tmp_path_factory.mktemp("house")
    for room in ROOMS:
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("*.pyc"))
    return root


ENTRIES = {f"jobs.{s}": (f"jobs.{s}",) for s in STEPS} | {"features": FEATURES}


def marks(house: Path) -> dict[str, str]:
    return {name: Sources(house).fingerprint(*entries) for name, entries in ENTRIES.items()}


@pytest.mark.parametrize(
    ("file", "must", "must_not"),
    [
        ("events/dwell.py", {"features", "jobs.build_features"}, {"jobs.fit_exposure"}),
        ("features/build/genres.py", {"features", "jobs.build_features"}, {"jobs.understand", "jobs.fit_exposure"}),
        ("features/coec.py", {"features"}, {"jobs.understand", "jobs.fit_exposure"}),
        ("labels/exposure.py", {"jobs.fit_exposure"}, {"features", "jobs.understand", "jobs.candidates"}),
        ("labels/grades.py", {"jobs.grade"}, {"features", "jobs.understand", "jobs.fit_exposure", "jobs.candidates"}),
        ("queries/nightly/evidence.py", {"jobs.understand"}, {"features", "jobs.fit_exposure"}),
        ("queries/grammar/rules.py", {"jobs.understand"}, {"jobs.fit_exposure"}),
        (
            "ranking/ranker.py",
            {"jobs.train", "jobs.rank_head", "jobs.tune"},
            {"features", "jobs.understand", "jobs.grade"},
        ),
        ("tuning/space.py", {"jobs.tune"}, {"features", "jobs.understand", "jobs.grade", "jobs.fit_exposure"}),
        ("events/reading.py", set(), set(ENTRIES)),
        ("lake/io.py", set(), set(ENTRIES)),
        ("quality/suite.py", set(), set(ENTRIES)),
        ("serving/reader.py", set(), set(ENTRIES)),
    ],
)
def test_our_own_steps_follow_from_what_they_import(house: Path, file: str, must: set[str], must_not: set[str]) -> None:
    """A comment reaches nothing; a statement more reaches the steps that import the file, and no others."""
    path = house / file
    text, before = path.read_text(), marks(house)
    path.write_text(text + "\n# a comment\n")
    assert marks(house) == before
    path.write_text(text + "\nMUTANT = 1\n")
    try:
        reached = {name for name, mark in marks(house).items() if mark != before[name]}
    finally:
        path.write_text(text)
    assert must <= reached and not must_not & reached, reached
    assert marks(house) == before


def test_data_of_the_reading_reaches_the_reading(house: Path) -> None:
    before = marks(house)
    path = house / "queries" / "data" / "moods.v1.json"
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    assert (
        marks(house)["jobs.understand"] != before["jobs.understand"]
        and marks(house)["jobs.fit_exposure"] == before["jobs.fit_exposure"]
    )
    path.write_bytes(content)
