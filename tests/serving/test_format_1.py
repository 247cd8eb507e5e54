"""A release of format 1 still answers, so that a rollback works: its wordings in the order full, stripped, alias."""

from pathlib import Path

import pytest

from serving.operate import resume, rollback
from serving.reader import ReleaseReader
from serving.release import main as release
from serving.verify import verify_release
from serving.writer import publish
from tests.serving.conftest import night
from tests.serving.format_1 import Lists, write_format_1

TRACKS = {"t1": ("Hello", "Adele"), "t2": ("Hello", "Lionel Richie"), "t3": ("Hola", "Los Lobos")}
LISTS: Lists = {
    ("en-US", "play hello"): ((), (("t1", 1.0),)),
    ("en", "hello"): (("hullo", "play hallo"), (("t2", 1.0),)),
    ("*", "hello"): ((), (("t3", 1.0),)),
    ("en-US", "ciao"): (("hola",), (("t1", 1.0),)),
    ("*", "hola"): ((), (("t3", 0.9),)),
    ("es-MX", "pon hola"): ((), (("t2", 1.0),)),
}


@pytest.fixture
def old(root: Path) -> str:
    release_id = write_format_1(root, "2026-11-19", LISTS, TRACKS)
    publish(root, release_id, 14)
    return release_id


@pytest.mark.parametrize(
    ("request_", "locale", "track"),
    [
        ("Play  HELLO!", "en-US", "t1"),  # the full form wins over the stripped one
        ("play hello", "en-GB", "t2"),  # the language answers before *
        ("hello", "en-US", "t2"),
        ("hello", "fr-FR", "t3"),  # everywhere
        ("hola", "en-US", "t3"),  # full in * wins over an alias in the locale
        ("hullo", "en-US", "t2"),
        ("play hullo", "en-GB", "t2"),  # the stripped form in the alias table
        ("play hallo", "en-US", "t2"),
        ("pon hola", "es_mx", "t2"),
        ("pon hola", "es-ES", "t3"),
    ],
)
def test_the_order(root: Path, old: str, request_: str, locale: str, track: str) -> None:
    answer = ReleaseReader(root, max_age_h=1e6).lookup(request_, locale)
    assert (answer.matched_by, answer.need, answer.tracks[0].track_id) == ("wording", None, track)


def test_misses_verify_and_dump(root: Path, old: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ReleaseReader(root, max_age_h=1e6).lookup("goodbye", "en-US", explain=True)
    assert (answer.is_hit, answer.need, answer.matched_by) == (False, None, None)
    assert answer.explanation is not None and len(answer.explanation.tried) == 6
    assert verify_release(root, old).entries == len(LISTS)
    assert release(["dump", "--releases", str(root)]) == 0
    assert capsys.readouterr().out.count('"aliases"') == len(LISTS)


def test_a_running_reader_follows_from_1_to_2_and_back(root: Path, old: str) -> None:
    reader = ReleaseReader(root, max_age_h=1e6, poll_ms=0)
    assert (reader.release_id, reader.lookup("play hello", "en-US").need) == (old, None)
    new = night(root, 20)
    answer = reader.lookup("play hello", "en-US")
    assert (answer.release_id, answer.need, answer.matched_by) == (new, "title=hello", "reading")
    assert rollback(root) == old and reader.lookup("play hello", "en-US").release_id == old
    resume(root)
    night(root, 21)
    assert reader.lookup("play hello", "en-US").need == "title=hello" and reader.problem is None


def test_a_damaged_value_of_format_1_is_named(root: Path, old: str) -> None:
    path = root / old / "rankings.lmdb"
    raw = path.read_bytes()
    path.unlink()
    path.write_bytes(raw.replace(b"Richie", b"richie"))
    from serving.by_wording import damaged_values
    from serving.mapped import mapped

    assert any("CRC32" in line for line in damaged_values(mapped(path)))
