"""The canonical dump, its hash, and scores that survive float32."""

import hashlib
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.content import content_hash, dump_lines, stored_score
from tests.serving.conftest import ENTRIES, HELLO, MUSIC, entry


def test_the_dump_is_sorted_and_has_scores_at_nine_decimals() -> None:
    assert list(dump_lines([MUSIC, HELLO])) == [
        '{"locale": "*", "query": "play music", "aliases": [], "tracks": [{"track_id": "t2", "score": -1.000000000}, '
        '{"track_id": "t3", "score": -2.000000000}, {"track_id": "t1", "score": -3.000000000}]}',
        '{"locale": "en-US", "query": "hello", "aliases": ["helo", "hullo"], "tracks": '
        '[{"track_id": "t1", "score": 0.899999976}, {"track_id": "t2", "score": 0.100000001}]}',
    ]


def test_the_hash_is_that_of_a_header_line_and_the_dump() -> None:
    text = "playfirst release format 1\n" + "".join(line + "\n" for line in dump_lines(ENTRIES))
    assert content_hash(ENTRIES, 1) == hashlib.sha256(text.encode()).hexdigest()
    assert content_hash(ENTRIES, 1) == content_hash(ENTRIES[::-1], 1)
    assert content_hash(ENTRIES, 1) != content_hash(ENTRIES, 2)


@pytest.mark.parametrize(
    "changed",
    [
        entry("en-US", "hello", ("t2", 0.9), ("t1", 0.1)),
        entry("en-US", "hello", ("t1", 0.9), ("t2", 0.100001)),
        entry("en-GB", "hello", ("t1", 0.9), ("t2", 0.1)),
        entry("en-US", "hello", ("t1", 0.9), ("t2", 0.1), aliases=("hullo",)),
    ],
)
def test_the_hash_sees_order_score_locale_and_alias(changed: object) -> None:
    plain = entry("en-US", "hello", ("t1", 0.9), ("t2", 0.1))
    assert content_hash([changed], 1) != content_hash([plain], 1)  # type: ignore[list-item]


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
