"""A night small enough to judge by hand: three entries, two needs behind one of them."""

import json
import math
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from evaluation.all_searches import AllSearches, Slice
from evaluation.errors import RankingsUnfit
from evaluation.night import BASELINES, evaluate_night, print_night, write_night_json
from evaluation.report import OWN_ORDER, TEN_FEATURES, refit_of
from evaluation.truth import NightTruth

LOG3 = math.log2(3)


def truth():
    """en-US "hello": n1 ×3, n2 ×1. es-ES and es-MX "rock": n3 ×1 each. "zzz" ×2 has no entry, "blank" ×1 no track."""
    asked = [
        ("en-US", "hello", "n1", 3),
        ("en-US", "hello", "n2", 1),
        ("es-ES", "pon rock", "n3", 1),
        ("es-MX", "rock", "n3", 1),
        ("en-US", "zzz", "n1", 2),
        ("en-US", "blank", "n4", 1),
    ]
    relevance = [("n1", "a", 4), ("n1", "b", 1), ("n2", "b", 3), ("n3", "x", 2), ("n3", "y", 4)]
    return NightTruth(
        date(2026, 10, 29),
        "unseen_searches",
        pd.DataFrame(asked, columns=["locale", "query", "need_id", "searches"]),
        pd.DataFrame(relevance, columns=["need_id", "track_id", "grade"]),
        {"n1": "title", "n2": "artist", "n3": "genre", "n4": "mood"},
    )


def candidates():
    # y, the best track for rock, is no candidate
    rows = [
        ("en", "hello", "a", 10, 8, 0.5, "hello"),
        ("en", "hello", "b", 10, 9, 0.9, "hello"),
        ("en", "hello", "c", 0, 0, None, "hello"),
        ("es", "rock", "x", 5, 0, 0.0, "rock"),
        ("es", "rock", "c", 5, 1, 0.1, "rock"),
        ("en", "blank", "c", 5, 1, 0.1, "blank"),
        ("en", "unasked", "c", 5, 1, 0.1, "unasked"),
    ]
    frame = pd.DataFrame(rows, columns=["locale", "need", "track_id", "impressions", "clicks", "coec", "text"])
    frame["satisfied"] = frame["clicks"]
    frame["served_discount"] = [10 / LOG3, 10.0, None, 5.0, 5 / LOG3, 5.0, 5.0]
    return frame.assign(coec_raw=frame["coec"].where(frame["track_id"] != "b"))  # b was never shown, so it stands last


def rankings():
    rows = [
        ("en", "hello", "a", 2.0),
        ("en", "hello", "b", 1.0),
        ("es", "rock", "x", 0.3),
        ("es", "rock", "c", 0.2),
        ("en", "blank", "c", 1.0),
        ("en", "unasked", "c", 1.0),
    ]
    return pd.DataFrame(rows, columns=["locale", "need", "track_id", "score"])


def catalog():
    return pd.DataFrame(
        {
            "track_id": list("abcxy"),
            "title": ["hello", "bye", "other", "roca", "rock"],
            "artists": [["q"], ["hello"], ["r"], ["s"], ["rock"]],
            "popularity": [1, 50, 99, 2, None],
        }
    )


def answers_to(judged, rankings, named=None):
    """Each request is answered by the list under its own name in its locale, its language or `*`, or as `named` says there."""
    keys = zip(rankings["locale"], rankings["need"], strict=True)
    lists = {key: key for key in keys} | (named or {})
    lists |= {("es", "pon rock"): lists["es", "rock"]} if ("es", "rock") in lists else {}
    answers = {}
    for locale, query in judged.asked[["locale", "query"]].itertuples(index=False, name=None):
        found = [lists[place, query] for place in (locale, locale[:2], "*") if (place, query) in lists]
        answers |= {(locale, query): found[0]} if found else {}
    return answers


def evaluated(judged, rankings, candidates, catalog, *, answers=None):
    """`evaluate_night` with the answers of `answers_to`."""
    return evaluate_night(judged, rankings, candidates, catalog, answers_to(judged, rankings, answers))


@pytest.fixture(scope="module")
def result():
    return evaluated(truth(), rankings(), candidates(), catalog())


# expected gains: hello a 3/4·15 = 11.25, b 3/4·1 + 1/4·7 = 2.5; rock y 15, x 3
HELLO_IDEAL, ROCK_IDEAL = 11.25 + 2.5 / LOG3, 15 + 3 / LOG3


def test_ndcg_by_hand(result):
    b_first = (2.5 + 11.25 / LOG3) / HELLO_IDEAL
    c_first_then_b = (2.5 / LOG3 + 11.25 / 2) / HELLO_IDEAL
    x_first, x_second = 3 / ROCK_IDEAL, 3 / LOG3 / ROCK_IDEAL
    # weights: hello 4, rock 2 (in es-ES and es-MX, each in its own words)
    assert result.ndcg10["playfirst"] == pytest.approx((4 * 1 + 2 * x_first) / 6)
    assert result.ndcg10["skyline"] == pytest.approx((4 * 1 + 2 * x_first) / 6)
    assert result.ndcg10["ctr"] == pytest.approx((4 * b_first + 2 * x_second) / 6)
    assert result.ndcg10["coec"] == pytest.approx((4 * b_first + 2 * x_second) / 6)
    # b was served first, and x before the other of rock
    assert result.ndcg10["served"] == pytest.approx((4 * b_first + 2 * x_first) / 6)
    # all 40 impressions got 20 clicks, so 10 clicks on 20 more: b 19/30, a 18/30, c 10/20; rock c 11/25, x 10/25
    assert result.ndcg10["ctr_smoothed"] == pytest.approx((4 * b_first + 2 * x_second) / 6)
    a_then_b_and_c_tied = (11.25 + 2.5 * (1 / LOG3 + 1 / 2) / 2) / HELLO_IDEAL
    assert result.ndcg10["coec_raw"] == pytest.approx((4 * a_then_b_and_c_tied + 2 * x_second) / 6)
    # two impressions of the words change no order
    assert result.ndcg10["pooled_text"] == pytest.approx((4 * b_first + 2 * x_second) / 6)
    assert result.ndcg10["popularity"] == pytest.approx((4 * c_first_then_b + 2 * x_second) / 6)
    # BM25: "hello" is one word of two in both a and b: tied; no candidate of rock has the word: tied
    tied = (1 + b_first) / 2
    assert result.ndcg10["bm25"] == pytest.approx((4 * tied + 2 * (x_first + x_second) / 2) / 6)
    assert result.ndcg10_unweighted["ctr"] == pytest.approx((b_first + x_second) / 2)
    assert result.ndcg10_unweighted["playfirst"] == pytest.approx((1 + x_first) / 2)


def test_refits_widen_the_intervals_by_the_variance_of_one_fit():
    """Own orders: as published, and with hello upside down. The ten columns rank as published in the first refit, by id in the second."""
    own, few = candidates(), candidates()
    shipped = rankings().set_index(["locale", "need", "track_id"])["score"]
    score = [shipped.get((r.locale, r.need, r.track_id), -1.0) for r in own.itertuples()]
    rows = own.assign(
        **{
            OWN_ORDER: score,
            TEN_FEATURES: score,
            refit_of(OWN_ORDER, 1): score,
            refit_of(TEN_FEATURES, 1): score,
            refit_of(OWN_ORDER, 2): [s if n == "rock" else -s for s, n in zip(score, own["need"], strict=True)],
            refit_of(TEN_FEATURES, 2): few["clicks"].astype(float),
        }
    )
    plain = evaluated(truth(), rankings(), rows.drop(columns=[c for c in rows if "refit" in c]), catalog())
    refitted = evaluated(truth(), rankings(), rows, catalog())
    for arm in ("ctr", TEN_FEATURES):
        before, after = plain.diff[arm].interval, refitted.diff[arm].interval
        assert after.mean == before.mean and after.high - after.low > before.high - before.low
        assert "over 2 fits" in after.method and "fits" not in before.method
    assert refitted.ndcg10 == plain.ndcg10 and refitted.diff["ctr"].bootstrap == plain.diff["ctr"].bootstrap
    same = rows.assign(**{refit_of(OWN_ORDER, 2): score, refit_of(TEN_FEATURES, 2): score})
    assert evaluated(truth(), rankings(), same, catalog()).diff["ctr"].interval == plain.diff["ctr"].interval


def test_what_was_never_shown_by_hand(result):
    """c has no gain; y, the best of rock, is no candidate; a and b of hello and x of rock were shown."""
    # the ideal tens: hello a, b (4 searches), rock y, x (2): y alone was never shown
    assert result.never_shown.share == pytest.approx(2 / (2 * 4 + 2 * 2))
    assert result.never_shown.reached == 0
    assert result.shown_skyline == pytest.approx(result.ndcg10["skyline"])
    rows = candidates()
    rows.loc[(rows["need"] == "hello") & (rows["track_id"] == "a"), "impressions"] = 0
    told = evaluated(truth(), rankings(), rows, catalog())
    assert told.never_shown.share == pytest.approx((4 + 2) / 12) and told.never_shown.reached == pytest.approx(4 / 6)
    assert told.shown_skyline == pytest.approx((4 * 2.5 / HELLO_IDEAL + 2 * 3 / ROCK_IDEAL) / 6)


def test_the_leads_to_quote_and_the_price_of_the_rules(capsys):
    rows = candidates().assign(own_order=[1, 2, 0, 5, 4, 0, 0], ten_features=[3, 2, 1, 1, 2, 0, 0])
    told = evaluated(truth(), rankings(), rows, catalog())
    b_first, x_first = (2.5 + 11.25 / LOG3) / HELLO_IDEAL, 3 / ROCK_IDEAL
    assert told.ndcg10["own_order"] == pytest.approx((4 * b_first + 2 * x_first) / 6)
    assert told.ndcg10["ten_features"] == pytest.approx((4 + 2 * x_first / LOG3) / 6)
    assert told.diff["ten_features"].interval.mean == pytest.approx(
        told.ndcg10["playfirst"] - told.ndcg10["ten_features"]
    )
    assert "own_order" not in told.diff  # it is ours
    best = max(told.ndcg10[arm] for arm in BASELINES)
    assert told.ndcg10[told.strongest] == best and told.as_json()["strongest"]["without_learning"] == told.strongest
    print_night(told)
    shown = capsys.readouterr().out
    assert f"Lead over {told.strongest}, the strongest arm without learning" in shown and "ten best columns" in shown
    assert "The rules of the re-rank cost -0." in shown  # here they help


def test_each_request_is_judged_by_its_own_needs():
    """Whoever says "hola" wants n2, and is answered with the list of "hello", whose listeners want n1."""
    asked = pd.DataFrame(
        [("en-US", "hello", "n1", 3), ("en-US", "hola", "n2", 1), ("es-MX", "rock", "n3", 1)],
        columns=["locale", "query", "need_id", "searches"],
    )
    answers = {("en", "hola"): ("en", "hello")}
    told = evaluated(replace(truth(), asked=asked), rankings(), candidates(), catalog(), answers=answers)
    x_first, x_second = 3 / ROCK_IDEAL, 3 / LOG3 / ROCK_IDEAL
    # by entry the list a, b is the ideal of the mixture; whoever wanted b found it second
    assert told.ndcg10["playfirst"] == pytest.approx((4 * 1 + x_first) / 5)
    assert told.ndcg10_by_request["playfirst"] == pytest.approx((3 * 1 + 1 * (1 / LOG3) + x_first) / 5)
    hello_reversed = (1 + 15 / LOG3) / (15 + 1 / LOG3)
    assert told.ndcg10_by_request["ctr"] == pytest.approx((3 * hello_reversed + 1 * 1 + x_second) / 5)


def test_where_all_requests_of_an_entry_want_the_same_both_means_agree(result):
    assert result.ndcg10_by_request == pytest.approx(result.ndcg10)


def test_a_list_that_the_night_did_not_rank_compares_no_arms(result):
    """Its 5 searches are answered with a list of what is like an artist, which has no candidates: they count as answered alone."""
    more = pd.DataFrame([("en-US", "like abba", "n1", 5)], columns=["locale", "query", "need_id", "searches"])
    asked = pd.concat([truth().asked, more], ignore_index=True)
    answers = {("en-US", "like abba"): ("*", "similar_to=abba")}
    told = evaluated(replace(truth(), asked=asked), rankings(), candidates(), catalog(), answers=answers)
    assert told.ndcg10 == result.ndcg10 and told.weights["judged"] == result.weights["judged"]
    assert told.coverage == pytest.approx(12 / 14) and told.entries["without_candidates"] == 1


def test_what_was_judged(result):
    assert result.coverage == pytest.approx(7 / 9)  # all but zzz
    assert result.entries == {
        "released": 4,
        "asked": 3,
        "judged": 2,
        "without_relevant": 1,
        "without_candidates": 0,
        "needs": 2,
        "candidate_rows": 6,
    }
    assert result.weights["judged"] == 6 and result.weights["answered"] == 7 and result.weights["searches"] == 9
    assert result.weights["effective_needs"] == pytest.approx(36 / 20)
    assert "ideal=catalog" in result.metric and "ties=expected" in result.metric


def test_recall_by_hand(result):
    # gain: hello all, rock 3 of 18. grade 3 and 4: n1 a found, n2 b found; n3 y not
    assert result.recall100["gain"] == pytest.approx((4 * 1 + 2 * 3 / 18) / 6)
    assert result.recall100["grade3"] == pytest.approx(4 / 6)
    assert "popularity" in result.recall_order


def test_differences_are_paired_and_by_need(result):
    for name in BASELINES:
        lead = result.diff[name]
        assert lead.interval.mean == pytest.approx(result.ndcg10["playfirst"] - result.ndcg10[name])
        assert lead.interval.n == 2
        assert lead.interval.low <= lead.interval.mean <= lead.interval.high
    assert set(result.diff) == set(BASELINES)


def test_entries_of_one_need_are_one_cluster():
    more = truth()
    asked = pd.concat([more.asked, pd.DataFrame([("en-US", "hello there", "n1", 4)], columns=more.asked.columns)])
    wider = NightTruth(more.run_date, more.source, asked, more.relevance, more.kinds)
    twin_c = candidates().query("need == 'hello'").assign(need="hello there")
    twin_r = rankings().query("need == 'hello'").assign(need="hello there")
    got = evaluated(wider, pd.concat([rankings(), twin_r]), pd.concat([candidates(), twin_c]), catalog())
    assert got.entries["judged"] == 3 and got.diff["ctr"].interval.n == 2


def test_one_want_in_several_locales_can_be_one_cluster():
    one_song = truth()
    asked = pd.concat([one_song.asked, pd.DataFrame([("en-US", "hola", "n5", 2)], columns=one_song.asked.columns)])
    relevance = pd.concat([one_song.relevance, one_song.relevance.query("need_id == 'n1'").assign(need_id="n5")])
    twin_c = candidates().query("need == 'hello'").assign(need="hola")
    twin_r = rankings().query("need == 'hello'").assign(need="hola")
    wants = {"n1": "title hello", "n5": "title hello", "n3": "genre rock"}
    wider = NightTruth(one_song.run_date, "x", asked, relevance, one_song.kinds, wants)
    result = evaluated(wider, pd.concat([rankings(), twin_r]), pd.concat([candidates(), twin_c]), catalog())
    got = result.diff["ctr"]
    assert (got.interval.n, got.across_locales.n) == (3, 2)
    assert got.across_locales.mean == pytest.approx(got.interval.mean)


def test_the_slices_are_by_kind_of_the_most_probable_need(result):
    assert set(result.by_kind) == {"title", "genre"}
    assert result.by_kind["title"]["playfirst"] == pytest.approx(1.0)
    assert (result.by_kind["genre"]["searches"], result.by_kind["genre"]["entries"]) == (2, 1)


def test_row_order_and_further_columns_do_not_matter(result):
    again = evaluated(
        truth(),
        rankings()[::-1].assign(title="t"),
        candidates()[::-1].assign(popularity=None),
        catalog()[::-1],
    )
    assert again.as_json() == result.as_json()


def test_unranked_candidates_come_last():
    short = rankings().query("not (need == 'hello' and track_id == 'a')")
    got = evaluated(truth(), short, candidates(), catalog())
    # b first, then a and c in either order
    hello = (2.5 + 11.25 * (1 / LOG3 + 1 / 2) / 2) / HELLO_IDEAL
    assert got.ndcg10["playfirst"] == pytest.approx((4 * hello + 2 * 3 / ROCK_IDEAL) / 6)


def test_a_rank_wins_over_the_score():
    turned = rankings().assign(rank=[2, 1, 2, 1, 1, 1])
    got = evaluated(truth(), turned, candidates(), catalog())
    assert got.ndcg10["playfirst"] == pytest.approx(got.ndcg10["ctr"])


def test_only_the_first_hundred_candidates_count_for_recall():
    rows = [("en", "hello", f"f{i}", 1, 0, 0.0, "hello", 0, 1.0, 0.0) for i in range(99)]
    filler = pd.DataFrame(rows, columns=candidates().columns)
    crowd = pd.concat([filler, candidates()]).assign(candidate_rank=0)
    crowd.loc[crowd["track_id"] == "b", "candidate_rank"] = 1  # 101st or so
    got = evaluated(truth(), rankings(), crowd, catalog())
    assert got.recall100["gain"] == pytest.approx((4 * 11.25 / 13.75 + 2 * 3 / 18) / 6)
    assert got.recall100["grade3"] == pytest.approx((4 * 0.75 + 0) / 6)
    assert "candidate_rank" in got.recall_order


def described():
    """The catalog with genres and days of release: a is 90 days old on the night, b 91, c a day, of x nothing is known."""
    ages = {"a": 90, "b": 91, "c": 1, "y": 5}
    released = [None if t == "x" else truth().run_date - timedelta(days=ages[t]) for t in "abcxy"]
    return catalog().assign(genres=[["pop"], ["pop", "rock"], [], ["rock"], ["rock"]], released_at=released)


def test_the_figures_of_the_lists_by_hand():
    """The lists are a, b for "hello" (4 searches; 3 want n1, 1 n2) and x, c for rock (2 want n3)."""
    told = evaluated(truth(), rankings(), candidates(), described()).lists
    found = told["playfirst"]
    # a has grade 4 for n1, and no grade for n2; x has grade 2 for n3
    assert found["success1"] == pytest.approx(3 / 6)
    # b first: grade 1 for n1 and 3 for n2; c first for rock
    assert told["ctr"]["success1"] == pytest.approx(1 / 6)
    # no word of rock is in x or c: either may be first; of hello a and b are tied
    assert told["bm25"]["success1"] == pytest.approx((3 / 2 + 1 / 2) / 6)
    assert found["diversity"] == pytest.approx((4 * (1 - 1 / math.sqrt(2)) + 2 * 1) / 6)
    assert found["artist_entropy"] == 1.0
    assert found["new_release_share"] == pytest.approx(0.5)
    seen = sorted([4, 4 / LOG3, 2, 2 / LOG3])
    gini = sum((2 * i - 5) * n for i, n in enumerate(seen, 1)) / (4 * sum(seen))
    assert found["gini"] == pytest.approx(gini)


def test_figures_without_their_column_are_null_and_each_names_its_measure(result):
    assert math.isnan(result.lists["playfirst"]["diversity"]) and result.lists["playfirst"]["success1"] == 0.5
    told = result.as_json()["lists"]
    assert told["arms"]["playfirst"]["diversity"] is None and set(told["arms"]) == set(result.ndcg10)
    assert {name for of in told["arms"].values() for name in of} == set(told["measures"])
    assert "success@1[min_grade=3" in told["measures"]["success1"]


def test_night_json_is_nested_and_whole(result, tmp_path):
    path = tmp_path / "reports" / "night.json"
    write_night_json(result, path)
    night = json.loads(path.read_text())
    assert {"playfirst", *BASELINES, "skyline", "random"} == set(night["ndcg10"])
    assert all(0 <= value <= 1 for value in night["ndcg10"].values())
    assert night["diff"]["bm25"]["low"] <= night["diff"]["bm25"]["mean"] <= night["diff"]["bm25"]["high"]
    assert night["diff"]["bm25"]["n_needs"] == 2
    assert {"recall100", "coverage", "entries", "weights", "run_date", "metric"} <= set(night)
    assert [p.name for p in path.parent.iterdir()] == ["night.json"]


def test_the_table_names_every_arm(result, capsys):
    print_night(result)
    out = capsys.readouterr().out
    assert all(arm in out for arm in result.ndcg10) and "recall@100" in out
    assert "…" not in out and "95 % by want" in out  # all of it fits into 80 columns
    best = {kind: max(row[arm] for arm in result.diff) for kind, row in result.by_kind.items()}
    told = {line.split("│")[1].strip(): line.split("│")[5].split() for line in out.splitlines() if line.count("│") == 6}
    for kind, value in best.items():
        shown, arm = told[kind]
        assert float(shown) == pytest.approx(value, abs=5e-4) and result.by_kind[kind][arm] == value


def test_the_table_of_all_searches_fits_into_80_columns(result, capsys):
    figures = AllSearches(
        Slice(4795, 0.75, 0.85, 0.01), {"genre_decade": Slice(391, 0.5, 0.7, 0.02)}, {"1–2": Slice(9, 0, 0, 0)}
    )
    print_night(replace(result, all_searches=figures))
    out = capsys.readouterr().out
    assert "genre_decade" in out and "asked 1–2" in out and "…" not in out
    assert {"ndcg10_all", "all"} <= set(replace(result, all_searches=figures).as_json())


@pytest.mark.parametrize(
    "change,says",
    [
        ({"rankings": rankings().drop(columns="score")}, r"rankings: missing columns \['score'\]"),
        ({"candidates": candidates().drop(columns=["coec", "text"])}, r"missing columns \['coec', 'text'\]"),
        ({"catalog": catalog().drop(columns="title")}, "catalog: missing"),
        ({"rankings": pd.concat([rankings(), rankings()])}, "rankings: 6 rows repeat a key"),
        ({"rankings": rankings().assign(score=None)}, "6 rows have no score"),
        ({"rankings": rankings().assign(need=list("uvwxyz"))}, "answer none of the day's 9 searches"),
        ({"rankings": rankings().assign(track_id=list("aqxccc"))}, "1 of 5 ranked tracks are no candidates, as q"),
    ],
)
def test_frames_that_do_not_fit_are_refused(change, says):
    given = {"rankings": rankings(), "candidates": candidates(), "catalog": catalog(), **change}
    with pytest.raises(RankingsUnfit, match=says) as said:
        evaluated(truth(), **given)
    assert "\n" not in str(said.value)
