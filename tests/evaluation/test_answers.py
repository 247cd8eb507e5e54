"""Full form before stripped, locale before language before `*`: as the serving reader looks up."""

import pandas as pd
import pytest

from evaluation.answers import answered
from evaluation.errors import RankingsUnfit

LADDER = [
    ("es-MX", "pon rock"),
    ("es", "pon rock"),
    ("*", "pon rock"),
    ("es-MX", "rock"),
    ("es", "rock"),
    ("*", "rock"),
]


def entry(released, locale="es-MX", query="pon rock", stripped="rock"):
    asked = pd.DataFrame({"locale": [locale], "query": [query], "need_id": ["n"], "searches": [3]})
    keys = pd.DataFrame(released, columns=["locale", "query"])
    row = answered(asked, keys, {(locale, query): stripped} if stripped else None).iloc[0]
    assert row["searches"] == 3
    return None if pd.isna(row["entry_query"]) else (row["entry_locale"], row["entry_query"])


@pytest.mark.parametrize("step", range(6))
def test_the_ladder(step):
    assert entry(LADDER[step:][::-1]) == LADDER[step]


def test_aliases_answer_last_the_full_form_before_the_stripped_one():
    asked = pd.DataFrame({"locale": ["es-MX"], "query": ["pon roc"]})
    keys = pd.DataFrame([("es", "rock"), ("*", "rocanrol")], columns=["locale", "query"])
    aliases = {("*", "pon roc"): "rocanrol", ("es", "roc"): "rock"}

    def found(released: pd.DataFrame, known: dict[tuple[str, str], str]) -> tuple[str, str]:
        row = answered(asked, released, {("es-MX", "pon roc"): "roc"}, known).iloc[0]
        return row["entry_locale"], row["entry_query"]

    assert found(keys, aliases) == ("*", "rocanrol")
    assert found(keys, {("es", "roc"): "rock"}) == ("es", "rock")
    with_own = pd.concat([keys, pd.DataFrame({"locale": ["*"], "query": ["roc"]})])
    assert found(with_own, aliases) == ("*", "roc")


def test_a_miss_is_a_miss():
    assert entry([("en", "pon rock"), ("es-ES", "rock")]) is None
    assert entry([("es", "rock")], stripped=None) is None


def test_two_requests_of_one_entry_stay_two_rows():
    asked = pd.DataFrame(
        {"locale": ["es-MX", "es-ES"], "query": ["rock", "rock"], "need_id": ["n", "m"], "searches": [1, 2]}
    )
    got = answered(asked, pd.DataFrame({"locale": ["es"], "query": ["rock"]}))
    assert got["entry_locale"].tolist() == ["es", "es"] and got["need_id"].tolist() == ["n", "m"]


def test_a_key_released_twice_is_refused():
    with pytest.raises(RankingsUnfit, match="2 rows hold 1 keys"):
        entry([("es", "rock"), ("es", "rock")])
