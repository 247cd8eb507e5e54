"""Judge the lists of a night beside every arm, by the simulator's truth or by the grades of the week after it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from labels.grades import judgements
from lake.errors import InputContractError
from lake.rows import frame_of
from lake.tables.daily import DAILY_SEARCHES
from lake.tables.nightly import EXPOSURE_CURVES, HEAD_RANKINGS, LIST_VARIANTS, NEEDS
from night.arms import with_learned_arms
from night.judged import grade_settings, in_label_weeks
from night.night import Night
from night.truth import Lookups, has_truth, lookups, needs_before, newest_labels, rows_of_arms, truth_folder
from queries.nightly.by_need import distinct_needs

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.report import NightResult
    from evaluation.truth import NightTruth

GRADES = "grades of the week after"  # `NightTruth.source` of `truth_of_grades`
DESCRIBED = ("track_id", "title", "artists", "popularity", "genres", "released_at")


def judged_night(night: Night, truth: NightTruth, looked_up: Lookups) -> NightResult:
    """The figures of the night's lists and of every arm (`evaluation.night.evaluate_night`).

    Args:
        night: the night, which has a release.
        truth: what people asked, and which tracks were right.
        looked_up: what the reader answers to it.
    """
    from evaluation.night import evaluate_night
    from evaluation.truth import knowable_gains

    lake, day = night.lake, [night.run_date]
    rankings = lake.read(HEAD_RANKINGS, day).select("locale", "need", "track_id", "score", "rank").toPandas()
    frame = with_learned_arms(night, rows_of_arms(night, looked_up.entries).toPandas(), looked_up.entries)
    catalog = night.tracks(allow_unvalidated=False).select(*DESCRIBED).toPandas()
    knowable = None
    if has_truth(night) and truth.source != GRADES:
        knowable = knowable_gains(truth_folder(night.settings), needs_before(night, looked_up.entries))
    return evaluate_night(
        truth,
        rankings,
        frame,
        catalog,
        looked_up.answers,
        variants=lake.read(LIST_VARIANTS, day).toPandas(),
        knowable=knowable,
        labels=newest_labels(night, looked_up.entries),
    )


def last_graded(newest: Night) -> date:
    """The last night whose week of reactions has been delivered whole by the night `newest`."""
    return newest.run_date - timedelta(days=newest.settings.labels.label_days + newest.days_open)


def truth_of_grades(past: Night, newest: Night) -> tuple[NightTruth, Lookups]:
    """What logs alone say of a past night: the searches of the label week from D on, and the grades of their reactions.

    Returns it with what the reader answers to these searches, which it depends on.

    The gain of a list is that of its own grades (`labels.grades.judgements`: corrected for exposure, of what was shown). A track
    that no search has shown in that week counts as wrong, so the served order has an advantage that it does not have by the
    truth, and a list that shows something new pays for it: compare arms, not values.

    Args:
        past: the night that is judged, which has a release.
        newest: the night whose lake has the reactions.

    Raises:
        InputContractError: the reactions of the week after `past` are not delivered yet, or there are none.
    """

    from evaluation.truth import NightTruth

    last = last_graded(newest)
    if past.run_date > last:
        raise InputContractError(
            f"{past.run_date}: its week of reactions is not whole before {newest.run_date}. Give a run_date up to {last}."
        )
    lake, before = newest.lake, past.run_date + timedelta(days=newest.settings.labels.label_days)
    days = newest.days(past.run_date, before)
    if not days:
        raise InputContractError(f"the lake has no counts from {past.run_date} to {before}: nothing can be graded.")
    counts = lake.read(DAILY_SEARCHES, days).groupBy("locale", "query").agg(F.sum("searches").alias("searches"))
    asked = counts.where("searches > 0").toPandas()
    # the lists that answer are known only after a lookup, which needs just the requests
    requests = NightTruth(past.run_date, GRADES, asked.assign(need_id=""), _no_relevance())
    looked_up = lookups(past, requests)
    entry = [looked_up.answers.get(key) for key in asked[["locale", "query"]].itertuples(index=False, name=None)]
    asked["need_id"] = ["" if one is None else " ".join(one) for one in entry]
    daily = in_label_weeks(past, {past.run_date: days})
    needs = past.lake.read(NEEDS, [past.run_date])
    curves = past.lake.read(EXPOSURE_CURVES, [past.run_date])
    graded = judgements(daily, curves, distinct_needs(needs), grade_settings(past))
    lists = frame_of(past.spark, sorted(set(looked_up.answers.values())), "locale string, need string")
    rows = graded.where("grade > 0").join(F.broadcast(lists), ["locale", "need"], "left_semi")
    relevance = rows.select(F.concat_ws(" ", "locale", "need").alias("need_id"), "track_id", "grade").toPandas()
    groups = needs.join(F.broadcast(lists), ["locale", "need"]).select("locale", "need", "intent_group")
    of_lists = groups.collect()
    kinds = {f"{place} {need}": str(group) for place, need, group in of_lists}
    wants = {f"{place} {need}": str(need) for place, need, _ in of_lists}
    return NightTruth(past.run_date, GRADES, asked, relevance, kinds, wants), looked_up


def _no_relevance() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"need_id": [], "track_id": [], "grade": []})
