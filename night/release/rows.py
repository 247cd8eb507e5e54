"""The rows of a release as Spark computes them: the executors encode lists, names and tracks, and sort them; nothing is collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.checkpoint import checkpointed
from lake.ordered import in_order, numbered
from serving import encode
from serving.content import Entry, RankedTrack, TrackInfo, Variant
from serving.layout import MAX_TRACKS, MAX_VALUE_BYTES
from serving.rows import BESIDE, PAGE, Row

if TYPE_CHECKING:
    import pandas as pd

ROWS = "table string, key binary, value binary"
EXPLAINED = 10
_PART_BYTES = 8 << 20  # of rows that are sorted by one task, and that the driver has in memory
_LIST = ("locale", "need")


@dataclass(frozen=True)
class SortedRows(Iterable[Row]):
    """Rows in the order of (table, key); every iteration sorts them anew, and reads one part at a time.

    Args:
        frame: columns of ROWS; computed.
        room: the sum of `serving.rows.room_of` over the rows.
    """

    frame: DataFrame
    room: int

    @classmethod
    def of(cls, *frames: DataFrame) -> SortedRows:
        """The rows of some frames, computed now."""
        rows = checkpointed(reduce(lambda a, b: a.unionByName(b), frames))
        size = F.octet_length("key") + F.octet_length("value")
        pages = F.when(F.octet_length("value") >= MAX_VALUE_BYTES, PAGE).otherwise(0)
        room = rows.agg(F.sum((2 * (size + BESIDE) + pages).cast("long"))).first()
        return cls(rows, int(room[0] or 0) if room else 0)

    def __add__(self, other: SortedRows) -> SortedRows:
        """The rows of both; nothing is computed again."""
        return SortedRows(self.frame.unionByName(other.frame), self.room + other.room)

    def __iter__(self) -> Iterator[Row]:
        for table in in_order(self.frame, ("table", "key"), 1 + self.room // _PART_BYTES):
            columns = [table.column(name).to_pylist() for name in Row._fields]
            yield from map(Row, *columns)


def encoded(frame: DataFrame, encode_one: Callable[[Any], Iterable[Row]]) -> DataFrame:
    """The rows (ROWS) that a function makes of each row of a frame, which it gets as a named tuple."""

    def encode_all(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        for batch in batches:
            rows = [row for one in batch.itertuples(index=False) for row in encode_one(one)]
            yield pd.DataFrame(rows, columns=list(Row._fields))

    return frame.mapInPandas(encode_all, ROWS)


def with_ordinals(*track_ids: DataFrame) -> DataFrame:
    """(track_id, ordinal) of all tracks that some frames name in a column `track_id`, by the order of the ids; computed now."""
    distinct = reduce(lambda a, b: a.unionByName(b), [f.select("track_id") for f in track_ids]).distinct()
    return numbered(distinct, "track_id").select("track_id", F.col("number").cast("int").alias("ordinal"))


def of_tracks(frame: DataFrame, keys: tuple[str, ...], ordinals: DataFrame) -> DataFrame:
    """The frame with `ordinals`, an array, in place of `tracks`, an array of track_ids.

    Args:
        frame: with `tracks`.
        keys: columns that identify a row.
        ordinals: `with_ordinals`.
    """
    one_each = frame.select(*keys, F.posexplode("tracks").alias("_at", "track_id")).join(ordinals, "track_id")
    listed = F.array_sort(F.collect_list(F.struct("_at", "ordinal")))["ordinal"].alias("ordinals")
    return frame.drop("tracks").join(one_each.groupBy(*keys).agg(listed), list(keys))


def list_rows(lists: DataFrame, variants: DataFrame, ordinals: DataFrame) -> DataFrame:
    """The rows of the lists.

    Args:
        lists: locale, need, rank, track_id, score, reason (null: none).
        variants: rows of `list_variants`.
        ordinals: `with_ordinals` of the lists.
    """
    track = F.struct("rank", "track_id", "score", "ordinal", "reason")
    ranked = lists.join(ordinals, "track_id").groupBy(*_LIST).agg(F.array_sort(F.collect_list(track)).alias("tracks"))
    other = F.struct("variant", "probability", "tracks")
    beside = variants.where("variant > 0").groupBy(*_LIST).agg(F.array_sort(F.collect_list(other)).alias("variants"))
    return encoded(ranked.join(beside, list(_LIST), "left").select(*_LIST, "tracks", "variants"), _of_list)


def track_rows(ordinals: DataFrame, catalog: DataFrame) -> DataFrame:
    """The rows of the tracks.

    Args:
        ordinals: `with_ordinals` of all that the release names.
        catalog: track_id, title, artists.
    """
    info = catalog.select("track_id", "title", "artists", F.lit(True).alias("is_known"))
    return encoded(ordinals.join(info, "track_id", "left"), _of_track)


def wording_rows(wordings: DataFrame) -> DataFrame:
    """The rows of wordings: locale, query, need."""
    return encoded(
        wordings.select("locale", "query", "need"), lambda r: [encode.wording_row(r.locale, r.query, r.need)]
    )


def listed_tracks(lists: DataFrame) -> DataFrame:
    """The column `track_id` of the tracks of lists that are stored."""
    return lists.where(F.col("rank") <= MAX_TRACKS).select("track_id")


def entry_of(locale: str, need: str, tracks: Iterable[Any], variants: Iterable[Mapping[str, Any]]) -> Entry:
    """The list of a need.

    Args:
        locale: its place.
        need: its key.
        tracks: by rank, with track_id, score and reason.
        variants: by number, with probability and tracks.
    """
    listed = list(tracks)
    reasons = tuple(str(t["reason"]) for t in listed[:EXPLAINED] if t["reason"] is not None)
    others = tuple(Variant(float(v["probability"]), tuple(map(str, v["tracks"]))) for v in variants)
    return Entry(locale, need, tuple(RankedTrack(t["track_id"], float(t["score"])) for t in listed), others, reasons)


def _of_list(row: Any) -> Iterator[Row]:
    entry = entry_of(row.locale, row.need, row.tracks, () if row.variants is None else row.variants)
    return encode.list_rows(entry, {t["track_id"]: int(t["ordinal"]) for t in row.tracks})


def _of_track(row: Any) -> Iterator[Row]:
    info = TrackInfo(row.track_id, str(row.title), tuple(row.artists)) if row.is_known is True else None
    return encode.track_row(int(row.ordinal), row.track_id, info)
