"""Which list answers a request: the one that the release gave for it, in its own locale."""

import pandas as pd

from evaluation.answers import answered

ASKED = pd.DataFrame(
    {
        "locale": ["es-MX", "es-ES", "es-MX", "en-US"],
        "query": ["rock", "rock", "rock", "rock"],
        "need_id": ["n", "m", "m", "n"],
        "searches": [1, 2, 3, 4],
    }
)


def test_two_requests_of_one_list_stay_two_rows_and_a_miss_is_a_miss():
    got = answered(ASKED, {("es-MX", "rock"): ("es", "genre=rock"), ("es-ES", "rock"): ("es", "genre=rock")})
    assert got["entry_locale"].fillna("").tolist() == ["es", "es", "es", ""]
    assert got["entry_need"].fillna("").tolist() == ["genre=rock"] * 3 + [""]
    assert got["need_id"].tolist() == ["n", "m", "m", "n"] and got["searches"].tolist() == [1, 2, 3, 4]


def test_an_answer_in_another_locale_is_none():
    assert answered(ASKED, {("es", "rock"): ("es", "genre=rock")})["entry_need"].isna().all()
