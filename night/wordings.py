"""Which need each wording leads to: as the night decides it, and as each of its training snapshots may know it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.rows import frame_of
from lake.schema import Table
from lake.tables.nightly import WORDINGS
from night.night import Night
from queries.nightly.evidence import WORDS, Choice, chosen, evidence_of, votes_by_wording, votes_of

WORDING = ["language", "query"]
_MOVED = "language string, query string, at int, evidence double, votes array<int>"
_PRIOR = 10.0  # people that the prior weights of a wording's readings count for


def stored_before(night: Night) -> str | None:
    """The run_date of the newest earlier night whose wordings are stored; None if there is none."""
    lake, unit = night.lake, night.settings.run_date
    units = [u for u in lake.commits(WORDINGS) if u < unit]
    return max(units, default=None)


def moved_wordings(night: Night, read: DataFrame, plays: DataFrame, tracks: DataFrame, before: str | None) -> DataFrame:
    """The wordings whose plays say that another reading is right (`queries.nightly.evidence`): columns of _MOVED.

    Args:
        night: the night; gets a note on how many moved, and how many changed since the night before.
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


def need_of(stored: DataFrame, column: str = "need", *more: str) -> DataFrame:
    """(language, query, need, …) of rows of WORDINGS: the need of each music wording in its language.

    Args:
        stored: rows of WORDINGS.
        column: the column of the need: `need` or `text_need`.
        more: further columns to keep.
    """
    rows = stored.where((F.length("locale") == 2) & F.col(column).isNotNull())
    return rows.select(F.col("locale").alias("language"), "query", F.col(column).alias("need"), *more)


def attributes_of(read: DataFrame) -> DataFrame:
    """The columns of NEED_COLUMNS of every need that a wording may lead to; one row per need."""
    both = read.select(F.explode(F.array_append("needs", F.col("own_words"))).alias("n")).where(F.col("n").isNotNull())
    return both.select("n.*").dropDuplicates(["need"])


def mapping(night: Night, dates: Sequence[date]) -> DataFrame:
    """(as_of, language, query, need): which need the plays of each wording count for, in each of the snapshots `dates`.

    For tonight it is what the night decided. For an earlier snapshot it is what that day's own night stored, if it passed; else,
    and for wordings that it did not know, what text and catalog say, without the evidence of later plays.
    """
    tonight = night.lake.read(WORDINGS, [night.run_date], allow_unvalidated=True)
    passed = set(night.lake.passed(WORDINGS))
    own = [d for d in dates if d != night.run_date and str(d) in passed]
    by_text = [d for d in dates if d != night.run_date]
    frames = [need_of(tonight).withColumn("as_of", F.lit(d)) for d in dates if d == night.run_date]
    if by_text:
        of_days = F.explode(F.array(*[F.lit(d) for d in by_text]))
        rows = need_of(tonight, "text_need").withColumn("as_of", of_days)
        if own:
            stored = night.lake.read(WORDINGS, own)
            known = need_of(stored.withColumnRenamed("run_date", "as_of"), "need", "as_of").withColumnRenamed(
                "need", "_own"
            )
            rows = rows.join(known, ["as_of", *WORDING], "left").withColumn("need", F.coalesce("_own", "need"))
        frames.append(rows)
    columns = ("as_of", *WORDING, "need")
    return reduce(lambda a, b: a.unionByName(b), [f.select(*columns) for f in frames])


def mapping_inputs(night: Night, day: date) -> tuple[Table, list[object]]:
    """What `mapping` reads for a snapshot, for its mark: tonight's wordings, and the snapshot's own if its night passed."""
    own = day != night.run_date and str(day) in night.lake.passed(WORDINGS)
    return (WORDINGS, [night.run_date, day] if own else [night.run_date])
