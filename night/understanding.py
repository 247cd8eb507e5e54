"""The tables `wordings` and `needs` of a night, from its searches, plays and catalog."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.checkpoint import checkpointed
from lake.columns import NAMED_GROUPS
from lake.places import language_of
from lake.rows import frame_of
from lake.tables.nightly import NEEDS, WORDINGS
from night.night import Night
from night.release.names import catalog_file
from night.wordings import WORDING
from queries.nightly.closure import closure
from queries.nightly.demand import play_shape, with_tier
from queries.nightly.evidence import WORDS, Choice, chosen, evidence_of, votes_by_wording, votes_of
from queries.nightly.traffic import asked_needs, asked_wordings, with_need
from queries.nightly.understand import NEED_COLUMNS, readings

LANGUAGES = ("en", "es")  # a suggested need that names nothing gets a list in each

_MOVED = "language string, query string, at int, evidence double, votes array<int>"
_PRIOR = 10.0  # people that the prior weights of a wording's readings count for


def wordings_of_night(
    night: Night, searches: DataFrame, plays: DataFrame | None, recent: date, before: str | None
) -> tuple[DataFrame, DataFrame]:
    """The readings (`queries.nightly.understand.readings`) and the rows of WORDINGS.

    Args:
        night: the night.
        searches: rows of SEARCH_LOG of the days whose plays are to be known by need.
        plays: `events.engagement.pleased_plays` of the days from `recent` on; None if nobody reacted.
        recent: first of the days whose traffic counts.
        before: the run_date of the night whose wordings stay where they moved, or None.
    """
    asked = checkpointed(asked_wordings(searches, recent, night.k))
    distinct = asked.where(F.length("locale") == 2).select(F.col("locale").alias("language"), "query")
    tracks = night.tracks(allow_unvalidated=True)
    read = readings(distinct, catalog_file(tracks, Path(night.settings.cluster.work_dir)))
    moved = frame_of(night.spark, [], _MOVED) if plays is None else moved_wordings(night, read, plays, tracks, before)
    leads = decided(read, moved)
    # a wording that is public in `*` alone is read as the language that asks for it most
    language = F.when(F.col("locale") == "*", F.col("_most")).otherwise(F.substring("locale", 1, 2))
    most = (
        asked.where(F.length("locale") == 2)
        .groupBy("query")
        .agg(F.max_by("locale", F.struct("searches_28d", F.col("locale"))).alias("_most"))
    )
    rows = asked.join(most, "query").withColumn("language", language).join(leads, ["language", "query"])
    rows = rows.withColumn("run_date", F.lit(night.run_date))
    return read, rows.select(*[F.col(c.name).cast(c.type) for c in WORDINGS.columns])


def needs_of_night(
    night: Night,
    searches: DataFrame,
    plays: DataFrame | None,
    recent: date,
    read: DataFrame,
    need_by_wording: DataFrame,
) -> DataFrame:
    """The rows of NEEDS: needs that were asked, in each place, and those that catalog and grammar suggest.

    Args:
        night: the night.
        searches: rows of SEARCH_LOG.
        plays: `events.engagement.pleased_plays`, or None.
        recent: first of the days that count.
        read: `queries.nightly.understand.readings`.
        need_by_wording: (language, query, need), as the night decided.
    """
    asked = checkpointed(asked_needs(searches, need_by_wording, recent, night.k))
    suggested = closure(night.tracks(allow_unvalidated=True), night.settings.closure, night.settings.ranking.max_needs)
    suggested = checkpointed(suggested)
    known = attributes_of(read).unionByName(suggested.select(*NEED_COLUMNS)).dropDuplicates(["need"])
    is_named = F.col("intent_group").isin(*NAMED_GROUPS)
    places = F.when(is_named, F.array(F.lit("*"))).otherwise(F.array(*[F.lit(x) for x in LANGUAGES]))
    placed = suggested.select("need", "demand", F.explode(places).alias("locale"))
    both = asked.join(placed, ["locale", "need"], "full").join(known, "need")
    both = both.withColumns(
        {
            "language": language_of(),
            "is_suggested": F.col("demand").isNotNull(),
            "demand": F.coalesce("demand", F.lit(0.0)),
            "searches_28d": F.coalesce("searches_28d", F.lit(0)),
            "people_28d": F.coalesce("people_28d", F.lit(0)),
            "is_public": F.coalesce("is_public", F.lit(False)),
            "run_date": F.lit(night.run_date),
        }
    )
    units = [u for u in night.lake.commits(NEEDS) if u < night.settings.run_date]
    previous = night.lake.read(NEEDS, [max(units)], allow_unvalidated=True) if units else None
    tiered = with_tier(both, previous)
    if plays is None:
        nothing = F.lit(None).cast("double")
        tiered = tiered.withColumns({"play_entropy": nothing, "play_volatility": nothing})
    else:
        shape = play_shape(with_need(plays, need_by_wording), night.run_date)
        tiered = tiered.join(shape, ["locale", "need"], "left")
    return tiered.select(*[F.col(c.name).cast(c.type) for c in NEEDS.columns])


def stored_before(night: Night) -> str | None:
    """The run_date of the newest earlier night whose wordings are stored; None if there is none."""
    lake, unit = night.lake, night.settings.run_date
    units = [u for u in lake.commits(WORDINGS) if u < unit]
    return max(units, default=None)


def moved_wordings(night: Night, read: DataFrame, plays: DataFrame, tracks: DataFrame, before: str | None) -> DataFrame:
    """The wordings whose plays say that another reading is right (`queries.nightly.evidence`): columns of _MOVED.

    Args:
        night: the night; gets a note on how many were tested and how many moved.
        read: `queries.nightly.understand.readings`.
        plays: `events.engagement.pleased_plays` of the last 28 days.
        tracks: the catalog.
        before: the run_date of the night whose wordings stay where they moved, or None.
    """
    votes = votes_by_wording(votes_of(plays, read, tracks))
    tested = {wording: evidence_of(v) for wording, v in votes.items()}
    moves = chosen(tested, _moved_before(night, before, tested))
    night.notes.append(f"{len(tested):,} wordings tested by their plays, {len(moves):,} moved to another reading")
    rows = [
        (*wording, choice.at, round(choice.evidence, 9), list(votes[wording].by_reading))
        for wording, choice in sorted(moves.items())
    ]
    return frame_of(night.spark, rows, _MOVED)


def _moved_before(
    night: Night, before: str | None, tested: dict[tuple[str, str], Choice]
) -> dict[tuple[str, str], int]:
    """The reading, by its place in `readings`, of each tested wording that had moved the night before."""
    if before is None or not tested:
        return {}
    stored = night.lake.read(WORDINGS, [before], allow_unvalidated=True).where(
        (F.col("how") == "evidence") & (F.length("locale") == 2)
    )
    at = F.array_position("readings", F.col("need")).cast("int") - 1  # WORDS where none of them is left
    return {(r[0], r[1]): int(r[2]) for r in stored.select("locale", "query", at).collect() if (r[0], r[1]) in tested}


def decided(read: DataFrame, moved: DataFrame) -> DataFrame:
    """One row per (language, query): need, text_need, how, readings, weights, evidence, and what `read` says of the wording.

    A wording whose plays fit none of its readings leads to its own words.
    """
    rows = read.join(F.broadcast(moved), WORDING, "left")
    text_need, has_moved = F.get("needs", F.lit(0))["need"], F.col("at").isNotNull()
    moved_to = F.when(F.col("at") == WORDS, F.col("own_words")["need"]).otherwise(F.get("needs", F.col("at"))["need"])
    total = F.aggregate("votes", F.lit(0), lambda a, n: a + n)
    voted = F.zip_with("weights", "votes", lambda w, n: F.round((w * _PRIOR + n) / (_PRIOR + total), 9))
    return rows.select(
        *WORDING,
        "stripped",
        "is_music",
        F.when(has_moved, moved_to).otherwise(text_need).alias("need"),
        text_need.alias("text_need"),
        F.when(has_moved, F.lit("evidence")).otherwise(F.col("how")).alias("how"),
        F.when(has_moved, F.lit(1.0)).otherwise(F.col("confidence")).alias("confidence"),
        F.transform("needs", lambda n: n["need"]).alias("readings"),
        F.when(has_moved, voted).otherwise(F.col("weights")).alias("weights"),
        F.coalesce("evidence", F.lit(0.0)).alias("evidence"),
        "reasons",
    )


def attributes_of(read: DataFrame) -> DataFrame:
    """The columns of NEED_COLUMNS of every need that a wording may lead to; one row per need."""
    both = read.select(F.explode(F.array_append("needs", F.col("own_words"))).alias("n")).where(F.col("n").isNotNull())
    return both.select("n.*").dropDuplicates(["need"])
