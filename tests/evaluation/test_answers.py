"""Full form before stripped, locale before language before `*`: as the serving reader looks up."""

import pandas as pd
import pytest

from evaluation.answers import answered

LADDER = [
    ("es-MX", "pon rock"),
    ("es", "pon rock"),
    ("*", "pon rock"),
    ("es-MX", "rock"),
    ("es", "rock"),
    ("*", "rock"),
]


def found(answers, locale="es-MX", query="pon rock", stripped="rock"):
    asked = pd.DataFrame({"locale": [locale], "query": [query], "need_id": ["n"], "searches": [3]})
    row = answered(asked, answers, {(locale, query): stripped} if stripped else None).iloc[0]
    assert row["searches"] == 3
    return None if pd.isna(row["entry_need"]) else (row["entry_locale"], row["entry_need"])


@pytest.mark.parametrize("step", range(6))
def test_the_ladder(step):
    answers = {key: ("*", f"need {at}") for at, key in enumerate(LADDER)}
    assert found({key: answers[key] for key in LADDER[step:][::-1]}) == ("*", f"need {step}")


def test_the_list_may_be_that_of_a_wider_place():
    assert found({("es-MX", "pon rock"): ("es", "genre=rock")}) == ("es", "genre=rock")


def test_a_miss_is_a_miss():
    assert found({("en", "pon rock"): ("en", "x"), ("es-ES", "rock"): ("es", "x")}) is None
    assert found({("es", "rock"): ("es", "x")}, stripped=None) is None


def test_two_requests_of_one_list_stay_two_rows():
    asked = pd.DataFrame(
        {"locale": ["es-MX", "es-ES"], "query": ["rock", "rock"], "need_id": ["n", "m"], "searches": [1, 2]}
    )
    got = answered(asked, {("es", "rock"): ("es", "genre=rock")})
    assert got["entry_locale"].tolist() == ["es", "es"] and got["need_id"].tolist() == ["n", "m"]
