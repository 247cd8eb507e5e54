"""Re-rank rule: what is not what was asked for never leads a list."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from ranking.head import HeadSettings
from ranking.rerank.rule import Rule

ALBUM_TRACKS = 4  # of one album, from which it is no single
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


def unfit(rows: DataFrame, settings: HeadSettings) -> DataFrame:
    """Move behind all others, in their order: what has not the title that was asked for, another artist's tracks where an artist alone
    is, the only track of another album than the one that has the name, undated tracks where the newest or oldest are asked for,
    noise where neither a genre nor a name is. Before these, the tracks that violate fewer constraints come first (`ranking.misfits`):
    where the seventies are asked for, no other track leads.

    Noise that is asked for by its genre or name stays, and so does a list of which nothing has the title or the artist.
    """
    by_date = F.col("sort_by").isin("newest", "oldest") & F.col("release_year").isNull()
    is_unnamed = F.col("intent_group").isin("broad", "open") & (F.size("genre") == 0) & F.col("activity").isNull()
    noise = is_unnamed & F.col("is_noise")
    is_other = _has_another_title() | _has_another_artist() | F.col("_is_single")
    is_last = F.coalesce(by_date, F.lit(False)) | noise | is_other
    of_list = Window.partitionBy("locale", "need")
    return (
        _with_singles(rows)
        .withColumn("new_rank", F.row_number().over(of_list.orderBy(is_last, "misfits", "rank")))
        .drop("_is_single")
    )


def _has_another_title() -> Column:
    """Whether a title is asked for and the track's does not begin with it ("Despacito - Remix" has the title "despacito")."""
    is_title = F.col("intent").isin("title", "title_artist") & F.col("title_name").isNotNull()
    own = F.concat(F.col("title_normal"), F.lit(" "))
    return F.coalesce(is_title & ~F.startswith(own, F.concat(F.col("title_name"), F.lit(" "))), F.lit(False))


def _has_another_artist() -> Column:
    """Whether an artist alone is asked for, and the track is by another one: "latest songs by X" begins with no song of Y."""
    is_artist = (F.col("intent") == "artist") & F.col("artist_name").isNotNull()
    return F.coalesce(is_artist & ~F.array_contains("artists_normal", F.col("artist_name")), F.lit(False))


def _with_singles(rows: DataFrame) -> DataFrame:
    """Add `_is_single`: an album is asked for, and the track's artist has only this track on an album of the list, while another has
    an album of ALBUM_TRACKS tracks ("Nevermind" is Nirvana's album before a single of that name).
    """
    of_list = Window.partitionBy("locale", "need")
    sized = rows.withColumn("_size", F.count("*").over(Window.partitionBy("locale", "need", "album")))
    of_artist = F.max("_size").over(Window.partitionBy("locale", "need", "artist"))
    is_single = (F.col("intent") == "album") & (of_artist == 1) & (F.max("_size").over(of_list) >= ALBUM_TRACKS)
    return sized.withColumn("_is_single", F.coalesce(is_single, F.lit(False))).drop("_size")


RULE = Rule(
    "unfit",
    unfit,
    "other titles and artists, what violates a constraint, singles called like an album, undated tracks among the newest, noise where "
    "no name, genre or activity asks for it: "
    "behind all others",
    in_variants=True,
)
