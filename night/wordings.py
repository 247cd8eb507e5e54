"""Which need each wording leads to in each of the night's snapshots, from the stored wordings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.schema import Table
from lake.tables.nightly import WORDINGS
from night.night import Night

WORDING = ["language", "query"]


def need_of(stored: DataFrame, column: str = "need", *more: str) -> DataFrame:
    """(language, query, need, …) of rows of WORDINGS: the need of each music wording in its language.

    Args:
        stored: rows of WORDINGS.
        column: the column of the need: `need` or `text_need`.
        more: further columns to keep.
    """
    rows = stored.where((F.length("locale") == 2) & F.col(column).isNotNull())
    return rows.select(F.col("locale").alias("language"), "query", F.col(column).alias("need"), *more)


def mapping(night: Night, dates: Sequence[date]) -> DataFrame:
    """(as_of, language, query, need): which need the plays of each wording count for, in each of the snapshots `dates`.

    For tonight it is what the night decided. For an earlier snapshot it is what that day's own night stored, if it passed; else,
    and for wordings that it did not know, what text and catalog say, without the evidence of later plays. Tonight's rows have every
    wording that was asked since `Night.reads_from`, so those of each snapshot's longest window are among them.
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
