"""The simulator's truth of a night, and the data that the released lists are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import feature_table
from lake.code import code_fingerprint
from lake.errors import InputContractError
from lake.places import places
from lake.rows import frame_of
from lake.store import absolute, place
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import SEARCH_LOG, TRACKS
from lake.tables.nightly import CANDIDATES, EXPOSURE_CURVES, HEAD_RANKINGS, JUDGEMENTS, LIST_VARIANTS, NEEDS, WORDINGS
from night.counting import without_bots
from night.lineage import release_of
from night.night import Night
from night.settings import Settings
from night.wordings import mapping
from queries.nightly.by_need import by_need
from ranking.examples import training_examples_table

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.answers import Answers
    from evaluation.truth import NightTruth


WINDOW_DAYS = 28


def truth_folder(settings: Settings) -> Path:
    """The folder that contains truth/: the simulator writes it beside the logs."""
    return absolute(place(settings.logs)).parent


def has_truth(night: Night) -> bool:
    """Whether the logs are simulated and truth/ exists beside them."""
    return night.is_simulated and (truth_folder(night.settings) / "truth").is_dir()


def truth_of(night: Night) -> NightTruth:
    """The simulator's truth of the searches of D.

    Raises InputContractError if there is none, as for logs that are not simulated.
    """
    if not has_truth(night):
        raise InputContractError(
            f"{truth_folder(night.settings)} holds no truth/: only simulated logs can be judged so."
        )
    from evaluation.truth import night_truth

    return night_truth(truth_folder(night.settings), night.logs, night.run_date)


@dataclass(frozen=True)
class Lookups:
    """What a lookup of the searches of D needs.

    Args:
        answers: (locale, wording) -> (place, need) of the list of a need that the release gives for it.
        entries: (place, need) of these lists.
        every_answer: the same with the answers that are the first tracks of a name, whose place is `names`.
        lists: one row per (locale, need, track_id) of the first ten of each list of `every_answer` and `unsure`, with `rank` from 1. An
            answer from which the reader has taken what the request refuses is a list of its own.
        matched_by: (locale, wording) -> how the reader came to the list.
        confidence: (locale, wording) -> of the reading that led to a list, also where it is below the release's threshold.
        unsure: (locale, wording) -> (place, need) of the list to which a reading below the threshold would lead.
    """

    answers: Answers
    entries: DataFrame
    every_answer: Answers
    lists: pd.DataFrame
    matched_by: Mapping[tuple[str, str], str]
    confidence: Mapping[tuple[str, str], float]
    unsure: Answers


def lookups(night: Night, truth: NightTruth) -> Lookups:
    """What the serving reader answers, from the night's release, to each search of D.

    Raises InputContractError if the night has no release.
    """
    import pandas as pd

    from evaluation.judge import NDCG_K
    from serving.by_need import NAMES_PLACE
    from serving.opened import OpenRelease

    root = Path(night.settings.releases)
    release_id = release_of(night, root)
    if release_id is None:
        raise InputContractError(f"{root} has no release of {night.settings.run_date}. Run jobs.publish.")
    release, guessing = OpenRelease(root, release_id), OpenRelease(root, release_id, least_confidence=0.0)
    answers, every, matched_by, confidence, unsure = {}, {}, {}, {}, {}
    lists: dict[tuple[str, str], list[str]] = {}
    for locale, query in sorted(set(truth.asked[["locale", "query"]].itertuples(index=False, name=None))):
        answer = release.lookup(query, locale, 0.0, explain=True)
        is_sure = answer.is_hit
        if not is_sure:
            answer = guessing.lookup(query, locale, 0.0, explain=True)
        entry = answer.explanation.entry if answer.explanation is not None else None
        if entry is None or answer.matched_by is None:
            continue
        confidence[locale, query] = answer.confidence
        tracks = [track.track_id for track in answer.tracks[:NDCG_K]]
        own = entry
        if lists.setdefault(entry, tracks) != tracks:
            own = (entry[0], f"{entry[1]} as answered to {locale} {query}")
            lists[own] = tracks
        if not is_sure:
            unsure[locale, query] = own
            continue
        every[locale, query], matched_by[locale, query] = own, answer.matched_by
        if entry[0] != NAMES_PLACE:
            answers[locale, query] = entry
    rows = [(*entry, track, rank) for entry, tracks in lists.items() for rank, track in enumerate(tracks, 1)]
    return Lookups(
        answers,
        frame_of(night.spark, sorted(set(answers.values())), "locale string, need string"),
        every,
        pd.DataFrame(rows, columns=["locale", "need", "track_id", "rank"]),
        matched_by,
        confidence,
        unsure,
    )


def asked_before(night: Night) -> dict[str, int]:
    """Wording -> its searches in the 28 days before D, in all places."""
    rows = night.lake.read(WORDINGS, [night.run_date]).where(F.length("locale") == 2)
    counted = rows.groupBy("query").agg(F.sum("searches_28d").alias("n")).toPandas()
    return dict(zip(counted["query"], counted["n"], strict=True))


def _searches_before(night: Night) -> DataFrame:
    """The logged searches of the WINDOW_DAYS before D, bots included."""
    first = night.run_date - timedelta(days=WINDOW_DAYS)
    asked = night.lake.read(SEARCH_LOG, allow_unvalidated=True)
    return asked.where((F.col("search_date") >= F.lit(first)) & (F.col("search_date") < F.lit(night.run_date)))


def _by_list(night: Night, searches: DataFrame, column: str) -> DataFrame:
    """(place, need) and the column of each search, once for each place in which it counts."""
    asked = searches.select(F.lit(night.run_date).alias("as_of"), "locale", "query", column)
    asked = by_need(asked, mapping(night, [night.run_date]))
    return asked.select(F.explode(places()).alias("locale"), "need", column)


def served(night: Night, wanted: DataFrame) -> DataFrame:
    """(place, need, track_id, served_discount): how high the served lists of the last 28 days ranked each track.

    served_discount is the sum of 1 / log2(position + 1) over the searches, positions from 1; searches of bots are left out.

    Args:
        night: the night.
        wanted: (place, need) of the lists to look at.
    """
    asked = _searches_before(night)
    placed = _by_list(night, without_bots(night.lake, asked), "results")
    listed = placed.join(F.broadcast(wanted), ["locale", "need"]).select(
        "locale", "need", F.posexplode("results").alias("_i", "track_id")
    )
    return listed.groupBy("locale", "need", "track_id").agg(
        F.sum(F.lit(1.0) / F.log2(F.col("_i") + 2)).alias("served_discount")
    )


def needs_before(night: Night, wanted: DataFrame) -> pd.DataFrame:
    """(place, need, need_id, searches): the simulator's needs behind the searches of the 28 days before D, by list; bots are left out.

    Args:
        night: the night.
        wanted: (place, need) of the lists to look at.
    """
    from evaluation.truth import true_needs

    placed = _by_list(night, _searches_before(night), "search_id")
    known = night.spark.createDataFrame(true_needs(truth_folder(night.settings)))
    counted = placed.join(F.broadcast(wanted), ["locale", "need"]).join(known, "search_id")
    return counted.groupBy("locale", "need", "need_id").agg(F.count("*").alias("searches")).toPandas()


def newest_labels(night: Night, wanted: DataFrame) -> pd.DataFrame | None:
    """(place, need, track_id, grade) of the newest label week, of pairs that were shown; None while the night has no grades.

    Args:
        night: the night.
        wanted: (place, need) of the lists to look at.
    """
    if night.settings.run_date not in night.lake.passed(JUDGEMENTS) or not night.as_of:
        return None
    rows = night.lake.read(JUDGEMENTS, [night.run_date]).where(F.col("as_of") == F.lit(night.as_of[-1]))
    rows = rows.where(F.coalesce("is_shown", F.lit(True))).join(F.broadcast(wanted), ["locale", "need"])
    return rows.select("locale", "need", "track_id", "grade").toPandas()


def report_mark(night: Night) -> str:
    """The mark of the report: of the release, the lists and what they come from, the baselines' inputs, and the simulator's truth."""
    day, root = [night.run_date], truth_folder(night.settings)
    inputs = night.inputs(
        released=(HEAD_RANKINGS, day),
        variants=(LIST_VARIANTS, day),
        candidates=(CANDIDATES, day),
        wordings=(WORDINGS, day),
        needs=(NEEDS, day),
        features=(feature_table("need_track"), day),
        daily=(DAILY_ENGAGEMENT, night.window(WINDOW_DAYS)),
        tracks=(TRACKS, [night.tracks_unit]),
        curves=(EXPOSURE_CURVES, day),
        grades=(JUDGEMENTS, day),
    )
    files = sorted((root / "truth").glob("*")) + sorted((night.logs / "searches" / f"date={night.run_date}").glob("*"))
    hashes = [[f.name, night.hashes.of(f)] for f in files if f.is_file()]
    night.hashes.save()
    released = release_of(night, Path(night.settings.releases))  # its reader answers the searches
    # `serving` is in no import of the report's steps that a fingerprint follows, and decides what is answered
    code = code_fingerprint("jobs.report", "serving")
    return night.mark(inputs, hashes, released, night.settings.report.refits, code)


def judged_mark(night: Night) -> str:
    """The mark of what `jobs.ablate` computes: a fingerprint of the night's examples, features, lists and ranker settings."""
    day = [night.run_date]
    return night.mark(
        night.inputs(
            examples=(training_examples_table(), day),
            features=(feature_table("need_track"), day),
            released=(HEAD_RANKINGS, day),
        ),
        dict(night.settings.ranker),
    )


def report_file(settings: Settings) -> Path:
    """The file of the night's figures."""
    return Path(settings.reports) / "night.json"


def ablation_file(settings: Settings) -> Path:
    """The file in which `jobs.ablate` writes what each feature family contributes."""
    return Path(settings.reports) / "ablation.json"


def rows_of_arms(night: Night, wanted: DataFrame) -> DataFrame:
    """What the baselines are ranked by: one row per candidate (place, need, track_id) of the wanted lists.

    Columns: candidate_rank, coec, coec_raw, text, impressions, clicks (on voice long plays) and satisfied plays of the need,
    served_discount (null where the track was in no served list).
    """
    lake, day = night.lake, [night.run_date]
    daily = lake.read(DAILY_ENGAGEMENT, night.window(WINDOW_DAYS)).withColumn("as_of", F.lit(night.run_date))
    spread = by_need(daily, mapping(night, day)).withColumn("locale", F.explode(places()))
    seen = spread.groupBy("locale", "need", "track_id").agg(
        F.sum("impressions").alias("impressions"),
        F.sum(F.when(F.col("client") == "alexa", F.col("long_plays")).otherwise(F.col("clicks"))).alias("clicks"),
        F.sum("satisfied").alias("satisfied"),
    )
    texts = lake.read(NEEDS, day).select("need", "text").distinct()
    features = lake.read(feature_table("need_track"), day).select(
        "locale", "need", "track_id", F.col("coec_28d").alias("coec"), F.col("coec_raw_28d").alias("coec_raw")
    )
    return (
        lake.read(CANDIDATES, day)
        .select("locale", "need", "track_id", F.col("source_rank").alias("candidate_rank"))
        .join(F.broadcast(wanted), ["locale", "need"])
        .join(features, ["locale", "need", "track_id"])
        .join(texts, "need")
        .join(seen, ["locale", "need", "track_id"], "left")
        .fillna(0, ["impressions", "clicks", "satisfied"])
        .join(served(night, wanted), ["locale", "need", "track_id"], "left")
    )
