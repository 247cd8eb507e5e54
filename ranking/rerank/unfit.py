"""Re-rank rule: what cannot be what was asked for never leads a list."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ranking.head import HeadSettings
from ranking.rerank.rule import Rule

_NOISE_TITLE = (
    r"\b(white|pink|brown|grey|gray|green) noise\b"
    r"|\b(rain|ocean|sea|wave|fan|shower|river|waterfall|thunderstorm|nature|dryer|vacuum)s? (sounds?|noises?)\b"
    r"|\bruido (blanco|rosa|marron)\b|\bsonidos? de (la |el |las |los )?(lluvia|mar|olas|rio|naturaleza|tormenta)\b"
)
_NOISE_GENRES = ("white noise", "noise", "nature sounds", "rain", "environmental", "sound effects")


def is_noise() -> Column:
    """Whether a track of the catalog is a recording of noise and no music, by its folded title or its genres."""
    of_genre = F.arrays_overlap(F.col("genres"), F.array(*[F.lit(genre) for genre in _NOISE_GENRES]))
    return F.coalesce(F.col("title_normal").rlike(_NOISE_TITLE), F.lit(False)) | F.coalesce(of_genre, F.lit(False))


def unfit(rows: DataFrame, settings: HeadSettings, run_date: date) -> DataFrame:
    """Move behind all others, in their order: undated tracks where the newest or oldest are asked for, noise where a mood or activity is.

    Noise that is asked for by its genre or name stays.
    """
    by_date = F.col("sort_by").isin("newest", "oldest") & F.col("release_year").isNull()
    by_feel = F.col("mood").isNotNull() | F.col("activity").isNotNull()
    noise = by_feel & (F.size("genre") == 0) & F.col("is_noise")
    last = F.coalesce(by_date, F.lit(False)) | noise
    return rows.withColumn("new_rank", F.row_number().over(Window.partitionBy("locale", "need").orderBy(last, "rank")))


RULE = Rule("unfit", unfit, "undated tracks lead no list of the newest, recordings of noise no mood")
