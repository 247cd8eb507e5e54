"""What listeners, bots and the logging policy do: recovered from the logs and compared with what was drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd

WORDS = ("days=4", "searches_per_day=1500", "jsonl_days=1")


def test_examination_is_one_over_rank_in_the_position_world(simulated):
    world = simulated("days=3", "searches_per_day=6000", "world=position")
    shown = world.impressions()
    assert set(shown.client) == {"mobile", "web", "firetv"}
    attraction = np.array(world.behaviour()["attraction"])
    expected = attraction[shown.grade.astype(int)]
    by_rank = shown.assign(expected=expected).groupby("position")[["clicked", "expected"]].sum()
    examined = by_rank.clicked / by_rank.expected
    assert np.allclose(examined, 1 / by_rank.index, rtol=0.12), examined.round(3).tolist()


def test_false_clicks_in_the_trust_world(simulated):
    world = simulated("days=2", "searches_per_day=6000", "world=trust")
    shown = world.impressions().query("grade == 0")
    a = world.behaviour()["attraction"][0]
    rate = shown.groupby("position").clicked.mean()
    wanted = [1 - (1 - a / r) * (1 - 0.25 / r) for r in rate.index]
    assert np.allclose(rate, wanted, atol=0.025), (rate.tolist(), wanted)


def test_voice_hears_one_track_at_a_time(simulated):
    world = simulated("days=4", "searches_per_day=600", "world=voice")
    s, e = world.log("searches").drop_duplicates("search_id"), world.log("events").drop_duplicates("event_id")
    assert set(s.client) == {"alexa"} and "click" not in set(e.kind)
    # Events come up to two days late, so only the first day's searches are sure to be told whole.
    e = e[e.search_id.isin(s[s.ts < "2026-10-02"].search_id)].sort_values(["search_id", "ts"])
    kinds = e.groupby(["search_id", "position"]).kind.agg(set)
    assert kinds.map(lambda k: "play" in k and len(k & {"complete", "skip", "stop"}) == 1).all()
    later = [(search, position) for search, position in kinds.index if position > 1]
    assert len(later) > 150
    for search, position in later:
        assert (search, position - 1) in kinds.index, "what was not reached did not sound"
        assert kinds[search, position - 1] & {"complete", "skip"}, "who stops has left"
    begun = e[e.kind == "play"]
    assert begun.groupby("search_id").position.is_monotonic_increasing.all(), "in queue order"


def test_failures_are_rephrased_within_two_minutes(simulated):
    world = simulated(*WORDS)
    s = (
        world.log("searches")
        .drop_duplicates("search_id")
        .merge(world.truth("searches").query("not is_bot"), on="search_id")
    )
    s = s.assign(at=pd.to_datetime(s.ts)).sort_values(["user_id", "at"])
    before = s.groupby("user_id")[["need_id", "raw_query", "at"]].shift()
    again = (s.need_id == before.need_id) & ((s["at"] - before["at"]).dt.total_seconds() <= 120)
    assert 0.03 < again.mean() < 0.4
    assert (s.raw_query[again] != before.raw_query[again]).mean() > 0.85


def test_two_policy_changes_and_exact_propensities(simulated):
    world = simulated("days=6", "searches_per_day=4000")
    s = world.log("searches").drop_duplicates("search_id")
    by_day = s.groupby(s.ts.str[:10]).variant.agg(lambda v: sorted(set(v)))
    assert all(len(v) == 1 for v in by_day) and sorted({v[0] for v in by_day}) == ["policy_a", "policy_b", "policy_c"]
    full = s[s.results.map(len) == 10]
    screen, voice = full[full.client != "alexa"], full[full.client == "alexa"]
    assert set(screen.propensity.round(6)) == {0.9, round(0.1 / 9, 6)}
    share = 1 / np.arange(2, 11)
    assert set(voice.propensity.round(6)) <= {0.9, *(0.1 * share / share.sum()).round(6)}
    for part in (screen, voice):
        assert abs((part.propensity < 0.9).mean() - 0.1) < 0.02
    # A perturbed screen list is the usual one with one adjacent swap.
    day = screen[screen.ts.str[:10] == screen.ts.str[:10].min()].assign(results=lambda f: f.results.map(tuple))
    usual = day[day.propensity == 0.9].groupby(["locale", "raw_query"]).results.agg(["first", "nunique"])
    assert (usual["nunique"] == 1).all(), "one request, one unperturbed list within a day"
    odd = day[day.propensity < 0.9].join(usual["first"], on=["locale", "raw_query"]).dropna(subset="first")
    assert len(odd) > 5 and all(
        sum(a != b for a, b in zip(x, y, strict=True)) == 2 for x, y in zip(odd.results, odd["first"], strict=True)
    )


def test_the_four_kinds_of_bots(simulated):
    world = simulated("days=6", "searches_per_day=4000")
    s = world.log("searches").drop_duplicates("search_id").merge(world.truth("searches"), on="search_id")
    b = world.behaviour()
    accounts = {user for users in b["bots"].values() for user in users}
    assert 0.03 < s.is_bot.mean() < 0.05
    assert s[s.user_id.isin(accounts)].is_bot.all()
    assert set(s[s.is_bot].user_id) <= accounts
    clicks = world.log("events").query("kind == 'click'").groupby("search_id").size()
    scrapers = s[s.user_id.isin(b["bots"]["scraper"])]
    gaps = (
        scrapers.assign(at=pd.to_datetime(scrapers.ts))
        .sort_values("at")
        .groupby(["user_id", scrapers.ts.str[:10]])["at"]
        .diff()
        .dt.total_seconds()
    )
    assert gaps.median() < 15, "hundreds of searches an hour"
    per_account = clicks.reindex(scrapers.search_id).fillna(0).groupby(scrapers.user_id.to_numpy()).mean()
    assert per_account.min() == 0 and per_account.max() > 5, "everything or nothing"
    assert s[s.user_id.isin(b["bots"]["replay"])].groupby("user_id").raw_query.nunique().max() <= 1
    farm = s[s.user_id.isin(b["bots"]["slow_farm"])]
    assert len(b["bots"]["slow_farm"]) == 50 and farm.groupby(["user_id", farm.ts.str[:10]]).size().max() <= 6
    catalog = pd.read_json(world.out / "catalog.jsonl.gz", lines=True).set_index("track_id").artists.str[0]
    pushed = world.log("events").query("kind == 'click'").merge(farm[["search_id"]], on="search_id")
    assert len(pushed) > 50 and set(catalog[pushed.track_id]) == {b["farm_artist"]}
    home = s[s.user_id.isin(b["household"])]
    assert (
        not home.is_bot.any() and set(home.client) == {"alexa"} and len(home) / 6 > 20 and home.need_id.nunique() > 40
    )


def test_new_releases_come_out_inside_the_window(simulated):
    world = simulated("days=6", "searches_per_day=1000", "world=drift")
    catalog = pd.read_json(world.out / "catalog.jsonl.gz", lines=True, convert_dates=False).set_index("track_id")
    coming = catalog[catalog.release_date.fillna("") >= "2026-10-01"].release_date
    assert len(coming) > 50 and coming.nunique() > 3
    shown = world.log("searches")[["ts", "results"]].explode("results")
    day = coming.reindex(shown.results)
    served = shown[day.notna().to_numpy()]
    assert len(served) > 20 and (served.ts.str[:10].to_numpy() >= day.dropna().to_numpy()).all(), (
        "never before its release"
    )


def test_a_mixture_of_clients_and_both_kinds_of_errors(simulated):
    world = simulated(*WORDS)
    s = world.log("searches").merge(world.truth("searches").query("not is_bot"), on="search_id")
    assert 0.4 < (s.client == "alexa").mean() < 0.65
    said = set(s[s.client == "alexa"].raw_query)
    assert all(q == q.lower() for q in said)
    typed = s[s.client != "alexa"].raw_query
    assert (
        typed.str.contains("[A-Z]").any() and typed.str.contains("musica").any() and typed.str.contains("música").any()
    )
