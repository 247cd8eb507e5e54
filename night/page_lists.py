"""The lists that the page of a night shows: the most asked ones, the worst ones, and how they differ from last night's.

Only needs that are public, or that catalog and grammar suggest, have a list; searches are counted for public ones alone, and only
public wordings are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from evaluation.page.content import Listed, Track, Turnover, Worst
from evaluation.page.page import MOST_TRACKS, MOST_WORST
from evaluation.page.texts import count, number, share
from evaluation.worst import LANGUAGES
from features.catalogue import feature_table, matrix_names
from lake.rows import frame_of
from lake.tables.daily import DAILY_SEARCHES
from lake.tables.nightly import HEAD_RANKINGS, NEEDS, WORDINGS
from night.night import Night
from night.wordings import mapping
from queries.nightly.by_need import by_need

MOST_LISTS = 12_000  # of which the page holds as many as fit
WORDINGS_EACH = 3
WINDOW_DAYS = 28
IMPRESSIONS = (
    "impressions_log1p_28d"  # column of the pairs' features, 0 where no search of the need was shown the track
)
LIST = ["locale", "need"]


def most_asked(night: Night) -> DataFrame:
    """(place, need, intent, searches) of the released lists with the most searches in the 28 days before D, at most 12,000.

    The rows are computed once and lie in the driver's memory.
    """
    ranked = night.lake.read(HEAD_RANKINGS, [night.run_date]).where("rank = 1").select(*LIST)
    searches = F.when(F.col("is_public"), F.col("searches_28d")).otherwise(F.lit(0))
    needs = night.lake.read(NEEDS, [night.run_date]).select(*LIST, "intent", searches.alias("searches"))
    asked = ranked.join(needs, LIST, "left").fillna({"intent": "other", "searches": 0})
    first = asked.orderBy(F.desc("searches"), "need", "locale").limit(MOST_LISTS).collect()
    return frame_of(night.spark, first, "locale string, need string, intent string, searches bigint")


def lists_released(night: Night) -> int:
    """The number of lists of the night."""
    return night.lake.read(HEAD_RANKINGS, [night.run_date]).where("rank = 1").count()


def listed(night: Night, wanted: DataFrame) -> list[Listed]:
    """The first ten of each of the wanted lists, the most asked first.

    Args:
        night: the night.
        wanted: what `most_asked` returns; it is broadcast.
    """
    wanted = F.broadcast(wanted)
    rows = night.lake.read(HEAD_RANKINGS, [night.run_date]).where(F.col("rank") <= MOST_TRACKS)
    rows = rows.join(wanted, LIST).select(*LIST, "intent", "searches", "rank", "track_id", "reason")
    if IMPRESSIONS in matrix_names():
        pairs = night.lake.read(feature_table("need_track"), [night.run_date]).select(*LIST, "track_id", IMPRESSIONS)
        seen = pairs.join(wanted.select(*LIST), LIST).withColumn("is_shown", F.col(IMPRESSIONS) > 0).drop(IMPRESSIONS)
        rows = rows.join(seen, [*LIST, "track_id"], "left")
    else:
        rows = rows.withColumn("is_shown", F.lit(None).cast("boolean"))
    frame = rows.toPandas().sort_values([*LIST, "rank"], kind="stable")
    asked_as = _wordings(night, wanted)
    out = []
    for key, of_list in frame.groupby(LIST, sort=False):
        place, need = str(key[0]), str(key[1])
        first = of_list.iloc[0]
        is_shown = tuple(bool(x) for x in of_list["is_shown"]) if bool(of_list["is_shown"].notna().all()) else ()
        tracks, reasons = (tuple(str(x) for x in of_list[name]) for name in ("track_id", "reason"))
        searches = int(first["searches"])
        out.append(
            Listed(
                place, need, str(first["intent"]), searches, asked_as.get((place, need), ()), tracks, reasons, is_shown
            )
        )
    return sorted(out, key=lambda one: (-one.searches, one.need, one.place))


def _wordings(night: Night, wanted: DataFrame) -> dict[tuple[str, str], tuple[str, ...]]:
    """(place, need) → its most frequent public wordings, at most three."""
    rows = night.lake.read(WORDINGS, [night.run_date]).where("is_public and is_music and need is not null")
    rows = rows.join(wanted.select(*LIST), LIST).select(*LIST, "query", "searches_28d")
    order = Window.partitionBy(*LIST).orderBy(F.desc("searches_28d"), "query")
    first = rows.withColumn("place", F.row_number().over(order)).where(F.col("place") <= WORDINGS_EACH)
    out: dict[tuple[str, str], tuple[str, ...]] = {}
    for place, need, query in first.orderBy(*LIST, "place").select(*LIST, "query").toPandas().itertuples(index=False):
        out[place, need] = (*out.get((place, need), ()), str(query))
    return out


def tracks_of(night: Night, ids: Collection[str]) -> dict[str, Track]:
    """id → title and artists, of those of the tracks that are in the night's catalog."""
    wanted = frame_of(night.spark, [(i,) for i in sorted(ids)], "track_id string")
    named = night.tracks(allow_unvalidated=False).select("track_id", "title", "artists")
    rows = named.join(F.broadcast(wanted), "track_id", "left_semi").toPandas()
    return {
        str(i): Track(str(title), ", ".join(str(a) for a in artists))
        for i, title, artists in zip(rows["track_id"], rows["title"], rows["artists"], strict=True)
    }


def unseen_by_intent(lists: Sequence[Listed]) -> list[tuple[str, int, float]]:
    """(intent, searches, share of the first ten tracks that no search of the need was shown), the most asked intent first.

    The share is weighted by the searches of the lists; lists of which it is not known are left out.
    """
    sums: dict[str, tuple[int, float]] = {}
    for one in lists:
        if one.is_shown and one.searches:
            searches, unseen = sums.get(one.intent, (0, 0.0))
            of_list = one.is_shown.count(False) / len(one.is_shown)
            sums[one.intent] = (searches + one.searches, unseen + one.searches * of_list)
    rows = [(intent, searches, unseen / searches) for intent, (searches, unseen) in sums.items()]
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def worst_by_truth(rows: Sequence[Mapping[str, Any]], lists: Sequence[Listed]) -> list[Worst]:
    """The entries that lose the most (`evaluation.worst.worst_entries`), with what the page knows of their lists."""
    known = {(one.place, one.need): one for one in lists}
    out = []
    for row in rows:
        key, ids = (row["locale"], row["need"]), tuple(t["track_id"] for t in row["listed"])
        one = known.get(key, Listed(*key, row["kind"], 0, (), ids, ("",) * len(ids)))
        facts = (
            ("searches", count(row["searches"])),
            ("NDCG@10", number(row["ndcg10"])),
            ("rival", number(row["rival_ndcg10"])),
            ("lost", number(row["lost"], 1)),
        )
        gains = {t["track_id"]: t["gain"] for t in row["listed"]}
        of_list = tuple(gains.get(t, 0.0) for t in one.tracks)
        out.append(Worst(one, row["language"], row["lost"], facts, of_list, tuple(row["ideal"])))
    return out


def worst_by_logs(night: Night, lists: Sequence[Listed]) -> list[Worst]:
    """Without the truth: the public needs with the most searches in 28 days that ended without a long play, save or like.

    Each language gives 25. What these searches were answered with is what the logs say was served, which need not be tonight's
    list; a need whose list is not among `lists` is left out.
    """
    searched = night.lake.read(DAILY_SEARCHES, night.window(WINDOW_DAYS)).withColumn("as_of", F.lit(night.run_date))
    by = ["language", "need"]
    needs = by_need(searched, mapping(night, [night.run_date])).withColumn("language", F.substring("locale", 1, 2))
    sums = (
        needs.where("need is not null")
        .groupBy(*by)
        .agg(
            F.sum("searches").alias("searches"),
            F.sum("satisfied").alias("satisfied"),
            F.sum("rephrased").alias("rephrased"),
        )
    )
    public = (
        night.lake.read(NEEDS, [night.run_date]).where("is_public").select(F.col("locale").alias("language"), "need")
    )
    lost = sums.join(public, by, "left_semi").withColumn("lost", F.col("searches") - F.col("satisfied"))
    order = Window.partitionBy("language").orderBy(F.desc("lost"), "need")
    first = lost.where(F.col("language").isin(*LANGUAGES)).withColumn("place", F.row_number().over(order))
    rows = first.where(F.col("place") <= MOST_WORST // len(LANGUAGES)).orderBy(F.desc("lost"), *by).toPandas()
    known = {(one.place, one.need): one for one in lists}
    out = []
    for row in rows.to_dict("records"):
        lists_of_need = [known[p, row["need"]] for p in (row["language"], "*") if (p, row["need"]) in known]
        if lists_of_need and row["lost"] > 0:
            rate = row["satisfied"] / row["searches"]
            facts = (
                ("searches", count(row["searches"])),
                ("satisfied", share(rate)),
                ("asked again in other words", share(row["rephrased"] / row["searches"])),
            )
            out.append(Worst(lists_of_need[0], str(row["language"]), float(row["lost"]), facts))
    return out


def turnover(night: Night, lists: Sequence[Listed], before: date) -> Turnover | None:
    """How the lists differ from those of an earlier night; None if the lake no longer has those, or no list is in both."""
    if str(before) not in night.lake.passed(HEAD_RANKINGS):
        return None
    now, then = (
        night.lake.read(HEAD_RANKINGS, [d]).where(F.col("rank") <= MOST_TRACKS) for d in (night.run_date, before)
    )
    firsts = [f.where("rank = 1").select(*LIST) for f in (now, then)]
    new, gone = (
        firsts[0].join(firsts[1], LIST, "left_anti").count(),
        firsts[1].join(firsts[0], LIST, "left_anti").count(),
    )
    wanted = frame_of(night.spark, [(one.place, one.need) for one in lists], "locale string, need string")
    rows = then.join(F.broadcast(wanted), LIST).select(*LIST, "rank", "track_id").toPandas()
    earlier = {key: tuple(of["track_id"]) for key, of in rows.sort_values([*LIST, "rank"]).groupby(LIST)}
    return turnover_of(lists, earlier, new, gone)


def turnover_of(
    lists: Sequence[Listed], earlier: Mapping[Any, tuple[str, ...]], new: int, gone: int
) -> Turnover | None:
    """The change of the lists that are in `earlier`, too; None if there is none.

    Args:
        lists: tonight's lists.
        earlier: (place, need) → the first ten tracks of the earlier night.
        new: lists that the earlier night did not have.
        gone: lists that only the earlier night had.
    """
    both = [(one, earlier[one.place, one.need]) for one in lists if earlier.get((one.place, one.need))]
    if not both:
        return None
    weights = [one.searches for one, _ in both] if any(one.searches for one, _ in both) else [1] * len(both)
    kept = [len(set(was) & set(one.tracks)) / len(was) for one, was in both]
    same = [float(one.tracks[:1] == was[:1]) for one, was in both]
    total = sum(weights)
    changed = sorted(zip(both, kept, strict=True), key=lambda pair: -pair[0][0].searches * (1 - pair[1]))
    return Turnover(
        len(both),
        sum(w * k for w, k in zip(weights, kept, strict=True)) / total,
        sum(w * s for w, s in zip(weights, same, strict=True)) / total,
        new,
        gone,
        [(one.place, one.need, one.searches, k) for (one, _), k in changed[:20] if k < 1 and one.searches],
    )
