"""What a release answers: which wordings lead to which list, and how much of the traffic."""

from __future__ import annotations

import pandas as pd

from night.released import answers_of, entries_of, traffic

LISTS = [("*", "title=hello"), ("es", "title=hello"), ("en", "genre=rock"), ("es", "genre=rock"), ("*", "artist=x")]


def public(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["locale", "query", "need"])


def test_a_wording_is_answered_by_the_nearest_list_of_its_need_and_named_once() -> None:
    found = answers_of(
        LISTS,
        public(
            ("*", "hello", "title=hello"),
            ("en", "hello", "title=hello"),  # "*" answers it there, too
            ("en-US", "hello", "title=hello"),
            ("es", "hello", "title=hello"),  # has a list of its own
            ("es-MX", "hello", "title=hello"),
            ("en", "rock music", "genre=rock"),
            ("*", "polka", "genre=polka"),  # no list
        ),
    )
    assert found == {
        ("*", "hello"): ("*", "title=hello"),
        ("es", "hello"): ("es", "title=hello"),
        ("en", "rock music"): ("en", "genre=rock"),
    }


def test_a_wording_that_means_something_else_in_a_language_is_named_there_with_the_wider_list() -> None:
    found = answers_of(LISTS, public(("*", "hello", "title=hello"), ("en", "hello", "artist=x")))
    assert found == {("*", "hello"): ("*", "title=hello"), ("en", "hello"): ("*", "artist=x")}


def test_a_list_has_its_most_asked_wording_and_the_others_as_aliases() -> None:
    rows = [("*", "hello", "title=hello", 9), ("*", "play hello", "title=hello", 20), ("*", "helo", "title=hello", 3)]
    named = pd.DataFrame(rows, columns=["locale", "query", "need", "searches_28d"])
    ranked = [("*", "title=hello", 2, "b", 0.5), ("*", "title=hello", 1, "a", 0.7), ("*", "artist=x", 1, "c", 0.1)]
    rankings = pd.DataFrame(ranked, columns=["locale", "need", "rank", "track_id", "score"])
    [entry] = entries_of(rankings.assign(propensity=1.0, reason="text"), named)
    assert (entry.locale, entry.query, entry.aliases) == ("*", "play hello", ("hello", "helo"))
    assert [t.track_id for t in entry.tracks] == ["a", "b"]


def test_traffic_is_answered_where_it_was_asked() -> None:
    """ "despacito" has a list in Spanish: whoever asks in English is not answered by it."""
    rows = [
        ("es-ES", "despacito", 50, True),
        ("es", "despacito", 50, True),
        ("en-US", "despacito", 2, False),
        ("en", "despacito", 2, False),
        ("*", "despacito", 52, True),
        ("en-US", "hello", 10, True),
        ("*", "hello", 10, True),
        ("en-US", "secret", 1, False),
    ]
    wordings = pd.DataFrame(rows, columns=["locale", "query", "searches_28d", "is_public"])
    answers = {("es", "despacito"): ("es", "x"), ("en-US", "hello"): ("*", "y")}
    assert traffic(wordings, answers) == (60, 62)
    assert traffic(wordings, {}) == (0, 62)
