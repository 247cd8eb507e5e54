"""The canonical dump, its hash, and scores that survive float32."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.content import Entry, Name, Names, Variant, hash_of_dump, stored_score
from serving.mapped import mapped
from serving.verify import dump
from tests.serving.conftest import ENTRIES, GRAMMAR, HELLO, MUSIC, entry, write


def dumped(root: Path, *entries: Entry, **parts: Any) -> list[str]:
    path = root / write(root, entries or ENTRIES, **parts) / "rankings.lmdb"
    return list(dump(mapped(path), GRAMMAR, 5))


def test_the_dump_is_sorted_and_has_scores_at_nine_decimals(root: Path) -> None:
    assert dumped(root, MUSIC, HELLO)[:6] == [
        '{"locale": "*", "need": "open", "tracks": [{"track_id": "t2", "score": -1.000000000}, '
        '{"track_id": "t3", "score": -2.000000000}, {"track_id": "t1", "score": -3.000000000}]}',
        '{"locale": "en-US", "need": "title=hello", "tracks": '
        '[{"track_id": "t1", "score": 0.899999976}, {"track_id": "t2", "score": 0.100000001}]}',
        '{"locale": "*", "need": "open", "variant": 1, "probability": 0.250000000, "tracks": ["t2", "t1"]}',
        '{"locale": "*", "need": "open", "variant": 2, "probability": 0.125000000, "tracks": ["t3", "t2"]}',
        '{"locale": "en-US", "wording": "hullo", "need": "title=hello"}',
        '{"locale": "es", "wording": "el mariachi", "need": "genre=mariachi"}',
    ]


def test_the_hash_is_that_of_a_header_line_and_the_full_dump(root: Path) -> None:
    text = "playfirst release format 2\n" + "".join(line + "\n" for line in dumped(root))
    assert hash_of_dump(dumped(root), 2) == hashlib.sha256(text.encode()).hexdigest()
    assert dumped(root) == dumped(root, *ENTRIES[::-1])
    assert dumped(root)[-1].startswith('{"grammar_sha256": ')


@pytest.mark.parametrize(
    "changed",
    [
        {"entries": [entry("en-US", "title=hello", ("t2", 0.9), ("t1", 0.1))]},
        {"entries": [entry("en-US", "title=hello", ("t1", 0.9), ("t2", 0.100001))]},
        {"entries": [entry("en-GB", "title=hello", ("t1", 0.9), ("t2", 0.1))]},
        {"entries": [entry("en-US", "title=hello", ("t1", 0.9), ("t2", 0.1), variants=(Variant(0.1, ("t2",)),))]},
        {"wordings": {("en-US", "hullo"): "open"}},
        {"names": Names({"title": {"hello": Name(51.0, ("t1", "t2"))}})},
        {"names": Names({"title": {"hello": Name(50.0, ("t2", "t1"))}})},
    ],
)
def test_the_dump_sees_order_score_locale_wording_and_names(root: Path, changed: dict[str, Any]) -> None:
    plain: dict[str, Any] = {
        "entries": [entry("en-US", "title=hello", ("t1", 0.9), ("t2", 0.1))],
        "wordings": {("en-US", "hullo"): "title=hello"},
        "names": Names({"title": {"hello": Name(50.0, ("t1", "t2"))}}),
    }
    before, after = (dumped(root, *one.pop("entries"), **one) for one in ({**plain}, plain | changed))
    assert before != after


@given(st.floats(-3e38, 3e38))
def test_a_printed_score_read_back_is_the_same_float32(score: float) -> None:
    stored = stored_score(score)
    assert struct.unpack("<f", struct.pack("<f", stored))[0] == stored
    printed = f"{stored:.9f}"
    assert stored_score(float(printed)) == stored
    assert f"{stored_score(json.loads(printed)):.9f}" == printed
    assert float(f"{round(stored, 9):.9f}") == float(printed)


def test_there_is_one_zero() -> None:
    assert f"{stored_score(-0.0):.9f}" == f"{stored_score(-1e-12):.9f}" == "0.000000000"
