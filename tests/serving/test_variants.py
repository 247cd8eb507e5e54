"""A unit gets one variant of a list for a whole release, as often as the release says; the rest of the list follows."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from pathlib import Path

import lmdb
import pytest

from serving.mapped import mapped
from serving.matched import Matched
from serving.reader import ReleaseReader
from serving.variants import chosen, drawn, served_list
from tests.serving.conftest import write

CHANCES = {0: 0.625, 1: 0.25, 2: 0.125}
LISTS = {0: ["t2", "t3", "t1"], 1: ["t2", "t1", "t3"], 2: ["t3", "t2", "t1"]}


def by_the_document(release_id: str, unit: str) -> int:
    """The variant of "play music" for a unit, as docs/release-format.md says it."""
    key = b"\0".join(text.encode() for text in (release_id, "*", "open", unit))
    d = int.from_bytes(blake2b(key, digest_size=8).digest(), "big") / 2**64
    return 1 if d < 0.25 else 2 if d < 0.375 else 0


def units_of(release_id: str) -> dict[int, str]:
    """One unit for each variant of "play music"."""
    return {by_the_document(release_id, f"u{n}"): f"u{n}" for n in range(200)}


def test_a_unit_gets_its_variant_and_is_told_how_likely_it_was(root: Path, published: str) -> None:
    reader = ReleaseReader(root)
    units = units_of(published)
    assert set(units) == {0, 1, 2}
    for variant, unit in units.items():
        for _ in range(2):
            answer = reader.lookup("play music", "en-US", unit=unit)
            assert (answer.variant, answer.propensity) == (variant, CHANCES[variant])
            assert [track.track_id for track in answer.tracks] == LISTS[variant]
            assert [track.score for track in answer.tracks] == [-1.0, -2.0, -3.0]
    for nobody in (None, ""):
        answer = reader.lookup("play music", "en-US", unit=nobody)
        assert (answer.variant, answer.propensity, answer.tracks[1].track_id) == (0, 1.0, "t3")


def test_lists_without_variants_and_misses(root: Path, published: str) -> None:
    reader = ReleaseReader(root)
    answer = reader.lookup("play hullo", "en-US", unit="u1")
    assert (answer.variant, answer.propensity) == (0, 1.0)
    miss = reader.lookup("zxqv wvut", "en-US", unit="u1")
    assert (miss.variant, miss.propensity) == (None, None)


def test_variants_are_served_as_often_as_they_say() -> None:
    n = 20_000
    served = Counter(
        chosen(drawn("2026-11-21-0123456789ab", "en", "open", f"person {i}"), [0.25, 0.125]) for i in range(n)
    )
    assert set(served) == {(0, 0.625), (1, 0.25), (2, 0.125)}
    for (_, probability), times in served.items():
        assert times == pytest.approx(n * probability, abs=4 * (n * probability * (1 - probability)) ** 0.5)


def test_another_night_another_list_and_another_need_draw_anew() -> None:
    plain = drawn("a", "en", "open", "u")
    assert len({plain, drawn("b", "en", "open", "u"), drawn("a", "es", "open", "u"), drawn("a", "en", "x", "u")}) == 4


def test_a_file_from_before_there_were_variants_is_read(root: Path) -> None:
    """A night of before drew the one list that it stored, and said how likely that was."""
    path = root / write(root) / "rankings.lmdb"
    path.chmod(0o644)
    with lmdb.open(str(path), subdir=False, max_dbs=11, lock=False) as env:
        variants = env.open_db(b"variants", create=False)
        with env.begin(write=True) as txn:
            txn.drop(variants)
    older = mapped(path)
    assert older.format == 2 and "variants" not in older.tables
    match = Matched("wording", "open", 1.0, (), ("*", "open"), (1, 2, 0), (-1.0, -2.0, -3.0), 0.9)
    with older.env.begin(buffers=True) as txn:
        assert served_list(txn, older.tables, "2026-11-21-0123456789ab", match, "u1") == (0, 0.9, (1, 2, 0))
