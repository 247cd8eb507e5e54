"""truth/ agrees with the logs and with itself."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

WORDS = ("days=4", "searches_per_day=1500", "jsonl_days=1")


def test_every_search_has_its_truth(simulated):
    world = simulated(*WORDS)
    truth, logged, unseen = world.truth("searches"), world.log("searches"), world.truth("unseen_searches")
    assert truth.search_id.is_unique
    assert set(truth.search_id) == set(logged.search_id) | set(unseen.search_id)
    assert not set(logged.search_id) & set(unseen.search_id)
    assert truth.need_id.isna().eq(truth.is_bot).all()
    assert set(truth.need_id.dropna()) <= set(world.truth("needs").need_id)
    assert len(unseen) == 1500 and unseen.ts.str.startswith("2026-10-05").all()
    assert list(unseen) == ["search_id", "ts", "client", "locale", "raw_query", "need_id", "is_bot"]
    assert unseen.merge(truth, on="search_id").eval("is_bot_x == is_bot_y").all()


def test_needs_and_relevance(simulated):
    world = simulated(*WORDS)
    needs, relevance = world.truth("needs"), world.truth("relevance")
    assert set(needs.kind) == {
        "title",
        "artist",
        "title_artist",
        "album",
        "genre",
        "genre_decade",
        "mood",
        "activity",
        "open",
    }
    assert needs.slots.map(json.loads).map(type).eq(dict).all()
    assert relevance.grade.between(1, 4).all() and not relevance.duplicated(["need_id", "track_id"]).any()
    assert set(relevance.need_id) == set(needs.need_id), "every need can be met"
    best = relevance.groupby("need_id").grade.max().reindex(needs.need_id).to_numpy()
    assert (best == 4).mean() > 0.99
    size = relevance.groupby("need_id").size().reindex(needs.need_id)
    assert size[needs.kind.isin(["genre", "mood", "activity", "open"]).to_numpy()].max() == 300


def test_a_search_is_in_its_needs_locale_and_words_fit_the_need(simulated):
    world = simulated(*WORDS)
    s = world.log("searches").merge(world.truth("searches"), on="search_id").dropna(subset="need_id")
    s = s.merge(world.truth("needs"), on="need_id")
    assert (s.locale_x == s.locale_y).all()
    titles = s[s.kind == "title"]
    held = [json.loads(x)["title"].lower() in q.lower() for x, q in zip(titles.slots, titles.raw_query, strict=True)]
    assert 0.8 < np.mean(held) < 0.97, "most as meant, the rest misheard or mistyped"
    for words in ("play music", "pon música", "música"):
        assert (s[s.raw_query == words].kind == "open").mean() > 0.9, "(a dropped word makes it of some other need)"
    asked = " | ".join(s.raw_query)
    assert all(
        x in asked
        for x in (
            "play ",
            "alexa ",
            "i want to hear ",
            "pon ",
            "ponme ",
            "quiero escuchar ",
            "reproduce ",
            " by ",
            " de los ",
        )
    )


def test_locales_differ_in_taste_and_title_needs_share_a_name(simulated):
    world = simulated(*WORDS)
    needs, relevance = world.truth("needs"), world.truth("relevance")
    rock = needs[(needs.kind == "genre") & (needs.slots == '{"genre": "rock"}')].set_index("locale").need_id
    best = {k: set(relevance[(relevance.need_id == n) & (relevance.grade == 4)].track_id) for k, n in rock.items()}
    assert best["es-MX"] and best["es-MX"] != best["en-GB"]
    hello = needs[(needs.kind == "title") & (needs.locale == "en-US") & needs.slots.str.contains('"title": "Hello"')]
    assert len(hello) >= 2
    first, second = (relevance[relevance.need_id == n].set_index("track_id").grade for n in hello.need_id[:2])
    tops = first[first == 4].index
    assert len(tops) and (second.reindex(tops) == 1).all(), "namesakes are grade 1 for each other"


def test_head_of_traffic(simulated):
    world = simulated("days=6", "searches_per_day=4000")
    s = world.log("searches").merge(world.truth("searches").query("not is_bot"), on="search_id")
    group = s.groupby(["locale", "raw_query"]).agg(n=("search_id", "size"), people=("user_id", "nunique"))
    assert 0.45 < group[group.people >= 3].n.sum() / group.n.sum() < 0.85
    assert len(group) > 5 * (group.people >= 3).sum() * 0.5, "and a long tail"


def test_popular_is_wrong_and_default_is_right(simulated):
    def correlation(name: str) -> float:
        world = simulated("days=1", "searches_per_day=300", f"world={name}")
        catalog = pd.read_json(world.out / "catalog.jsonl.gz", lines=True).set_index("track_id").popularity
        needs = world.truth("needs").query("kind == 'open'")
        graded = world.truth("relevance").merge(needs, on="need_id")
        liked = graded.groupby("track_id").grade.mean().reindex(catalog.index).fillna(0)
        return float(np.corrcoef(catalog.fillna(catalog.mean()), liked)[0, 1])

    assert correlation("default") > 0.1
    assert correlation("popular_is_wrong") < -0.1
