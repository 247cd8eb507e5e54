"""Verdicts of A/B experiments on small simulated logs of one row per person and day."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from evaluation.errors import MetricInput
from evaluation.experiments.ab import ab_verdict
from evaluation.experiments.as_json import as_plain
from evaluation.experiments.plan import Plan
from evaluation.experiments.ratios import Arm, adjusted_difference
from evaluation.experiments.sample_ratio import sample_ratio_p_value

FIRST = date(2026, 3, 8)
PLAN = Plan("old", ("new",), {"old": 1.0, "new": 1.0}, FIRST, FIRST + timedelta(days=7), 7, 0.03, 0.03, 0.95)


def log(effect=0.0, people=600, days=7, seed=1, only_es=0.0, history=True):
    """Half of the people in each variant; `effect` on the success rate of all, `only_es` on that of es-MX alone."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(people):
        variant, locale = ("old", "new")[i % 2], ("en-US", "es-MX")[i // 2 % 2]
        rate = rng.beta(4, 6)
        for day in range(-7 if history else 0, days):
            searches = int(rng.poisson(1.5))
            if not searches:
                continue
            is_treated = variant == "new" and day >= 0
            lift = is_treated * (effect + (locale == "es-MX") * only_es)
            successes = int(rng.binomial(searches, min(max(rate + lift, 0.0), 1.0)))
            served = variant if day >= 0 else None
            rows.append(
                (
                    f"u{i}",
                    served,
                    FIRST + timedelta(days=day),
                    locale,
                    "mobile",
                    searches,
                    successes,
                    successes,
                    successes,
                    40.0 * successes,
                )
            )
    names = (
        "user_id",
        "variant",
        "search_date",
        "locale",
        "client",
        "searches",
        "successes",
        "first_successes",
        "satisfied_plays",
        "heard_s",
    )
    return pd.DataFrame(rows, columns=names)


def test_a_clear_gain_is_better_and_a_clear_loss_worse():
    better, worse = ab_verdict(log(0.1), PLAN), ab_verdict(log(-0.1), PLAN)
    assert (better.problem, better.treatments["new"].decision) == ("", "better")
    assert worse.treatments["new"].decision == "worse"
    assert "keep the control" in worse.treatments["new"].reason
    one = better.treatments["new"].metrics["success"]
    assert one.treatment - one.control == pytest.approx(0.1, abs=0.03)
    assert one.variance_left < 0.9  # what people did before tells something


def test_without_a_difference_a_loss_is_ruled_out():
    verdict = ab_verdict(log(people=3_000), PLAN).treatments["new"]
    assert verdict.decision == "not worse" and verdict.segments is not None
    assert verdict.segments.verdict == "accepted"
    assert set(verdict.segments.segments) == {"locale en-US", "locale es-MX", "client mobile"}


def test_a_gain_that_one_segment_pays_for_is_vetoed():
    verdict = ab_verdict(log(0.12, only_es=-0.25), PLAN).treatments["new"]
    assert (verdict.decision, verdict.segments.worst) == ("vetoed", "locale es-MX")


def test_the_primary_difference_is_that_of_its_arms():
    rows = log(0.05)
    difference = ab_verdict(rows, PLAN).treatments["new"].metrics["success"].difference
    day = pd.to_datetime(rows["search_date"]).dt.date
    before = rows[day < FIRST].groupby("user_id")[["searches", "successes"]].sum()
    arms = {}
    during = rows[day >= FIRST].groupby(["variant", "user_id"])[["searches", "successes"]].sum()
    known = before.reindex(during.index.get_level_values("user_id"))
    rate = known["successes"].sum() / known["searches"].sum()
    for variant in ("new", "old"):
        now = during.loc[variant]
        then = before.reindex(now.index)
        covariates = np.stack(
            [then["searches"].notna(), (then["successes"] - rate * then["searches"]).fillna(0)], axis=1
        )
        arms[variant] = Arm.of(now["successes"], now["searches"], covariates.astype(float))
    wanted = adjusted_difference(arms["new"], arms["old"]).interval()
    assert (difference.mean, difference.low, difference.p_value) == pytest.approx(
        (wanted.mean, wanted.low, wanted.p_value)
    )


def test_before_the_planned_end_the_interval_of_every_look_decides():
    rows, early = log(0.05, people=1_000), replace(PLAN, before=FIRST + timedelta(days=30))
    at_the_end, looking = ab_verdict(rows, PLAN).treatments["new"], ab_verdict(rows, early).treatments["new"]
    assert at_the_end.metrics == looking.metrics and at_the_end.looks == looking.looks
    wide, narrow = looking.looks[-1].interval, looking.metrics["success"].difference
    assert wide.low < narrow.low and wide.high > narrow.high
    assert at_the_end.decision == "better" and narrow.low > 0
    assert looking.decision == ("better" if wide.low > 0 else "undecided")
    clear = ab_verdict(log(0.2), early).treatments["new"]
    assert clear.decision == "better" and "at every look" in clear.reason
    none = ab_verdict(log(0.0, people=200), early).treatments["new"]
    assert none.decision == "undecided" and "run on to 2026-04-06" in none.reason


def test_days_after_the_planned_end_are_left_out():
    rows = log(0.0)
    late = log(0.3, seed=2).assign(search_date=lambda r: [d + timedelta(days=40) for d in r["search_date"]])
    assert ab_verdict(pd.concat([rows, late.dropna()]), PLAN) == ab_verdict(rows, PLAN)


def test_lost_people_make_it_invalid_whatever_the_gain():
    rows = log(0.2)
    lost = rows[~((rows["variant"] == "new") & rows["user_id"].str.endswith(("1", "3")))]
    verdict = ab_verdict(lost, PLAN)
    assert verdict.sample_ratio_p == sample_ratio_p_value(verdict.people, PLAN.shares) < 0.001
    assert verdict.treatments["new"].decision == "invalid" and "sample-ratio mismatch" in verdict.problem
    planned = replace(PLAN, shares={"old": 5.0, "new": 3.0})
    assert ab_verdict(lost, planned).problem == ""


def test_people_in_both_variants_are_left_out_and_many_make_it_invalid():
    rows = log()
    both = rows[rows["user_id"].isin(["u0", "u2"])].assign(variant="new")
    verdict = ab_verdict(pd.concat([rows, both]), PLAN)
    assert verdict.crossed == pytest.approx(2 / 600) and verdict.people == {"old": 298, "new": 300}
    assert verdict.problem == ""
    others = rows[rows["variant"].notna() & rows["user_id"].str.endswith("7")]
    swapped = others.assign(variant=others["variant"].map({"old": "new", "new": "old"}))
    verdict = ab_verdict(pd.concat([rows, swapped]), PLAN)
    assert verdict.treatments["new"].decision == "invalid" and "assign by person" in verdict.problem


def test_p_values_are_adjusted_over_treatments():
    rows = log(0.06)
    third = (
        log(0.0, seed=3, people=300)
        .query("variant == 'new'")
        .assign(variant="other", user_id=lambda r: "v" + r["user_id"])
    )
    alone = ab_verdict(rows, PLAN).treatments["new"]
    plan = replace(PLAN, treatments=("new", "other"), shares={"old": 2.0, "new": 2.0, "other": 1.0})
    both = ab_verdict(pd.concat([rows, third]), plan).treatments
    p = [v.metrics["success"].difference.p_value for v in both.values()]
    assert both["new"].metrics["success"].difference == alone.metrics["success"].difference
    assert both["new"].metrics["success"].adjusted_p == pytest.approx(min(1.0, 2 * p[0])) and p[0] < p[1]


def test_an_arm_without_people_names_itself():
    rows = log()
    with pytest.raises(MetricInput, match="variant new has 0 people"):
        ab_verdict(rows[rows["variant"] != "new"], PLAN)


def test_small_segments_are_named_and_not_judged():
    rows = log()
    rare = rows[rows["user_id"] == "u5"].assign(user_id="w", locale="en-GB")
    verdict = ab_verdict(pd.concat([rows, rare]), PLAN).treatments["new"]
    assert verdict.unjudged == ("locale en-GB",)


def test_the_verdict_is_plain_json():
    plain = as_plain(ab_verdict(log(0.1), PLAN))
    assert plain["plan"]["first_day"] == "2026-03-08"
    assert plain["treatments"]["new"]["looks"][-1]["day"] == "2026-03-14"
    assert as_plain({"a": float("nan"), "b": (1, date(2026, 3, 1))}) == {"a": None, "b": [1, "2026-03-01"]}
