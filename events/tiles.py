"""The long history of engagement by query and by track, and of who asked, in tiles of 1, 8, 64 and 512 days.

A tile's first day is a multiple of its length (in days since 0001-01-01), so any span of days is covered by a few tiles of each
length. Tiles are only ever added up, never subtracted from: a day that is restated makes the tiles above it anew, one of each
length, and what they say stays exact. They hold final days; the few provisional ones are read from `daily_engagement`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.engagement import SUMS
from lake.fingerprint import fingerprint
from lake.rows import frame_of
from lake.schema import Table
from lake.tables.daily import DAILY_ENGAGEMENT, ENGAGEMENT_TILES, LISTENER_TILES

if TYPE_CHECKING:
    from lake.io import Lake

SIZES = (1, 8, 64, 512)  # days
YEAR, ALL_TIME = 365, 36_500  # spans of history that are read, in days
LISTENER_SPANS = (28, YEAR, ALL_TIME)
SKETCH_BITS = 10  # of a HyperLogLog: it errs by 3 %, and not at all below 96 listeners or so
TILE_VERSION = 1  # raise it when the meaning of a tile changes: all are then made again


@dataclass(frozen=True, order=True)
class Tile:
    """A run of `days` days from `first` on."""

    first: date
    days: int

    @property
    def name(self) -> str:
        """Its unit in the table, such as `2026-09-24+8`."""
        return f"{self.first}+{self.days}"

    @property
    def before(self) -> date:
        """The day after its last one."""
        return self.first + timedelta(days=self.days)

    def children(self) -> list[Tile]:
        """The tiles of the next smaller length that it is the sum of; none for one day."""
        smaller = SIZES[SIZES.index(self.days) - 1] if self.days > SIZES[0] else 0
        return [Tile(self.first + timedelta(days=i), smaller) for i in range(0, self.days, smaller)] if smaller else []


def tile_around(day: date, days: int) -> Tile:
    """The tile of that length that holds the day."""
    return Tile(date.fromordinal(day.toordinal() // days * days), days)


def tiles_of(held: Iterable[date], before: date) -> dict[int, list[Tile]]:
    """Length -> the tiles that end by `before` and hold one of the days, oldest first."""
    known = set(held)
    return {size: sorted(t for t in {tile_around(d, size) for d in known} if t.before <= before) for size in SIZES}


def cover(days: Collection[date], held: Collection[date], made: Collection[str]) -> tuple[list[Tile], list[date]]:
    """Tiles of `made` (names) that hold none of the `held` days but `days`, each once, and the days that no tile holds.

    Larger tiles are taken first.
    """
    left, others, taken = set(days), set(held) - set(days), []
    for size in reversed(SIZES):
        for tile in sorted({tile_around(d, size) for d in left}):
            inside = {tile.first + timedelta(days=i) for i in range(tile.days)}
            if tile.name in made and not inside & others:
                taken.append(tile)
                left -= inside
    return sorted(taken), sorted(left)


def day_rows(daily: DataFrame) -> DataFrame:
    """Each day of `daily` (daily_engagement) as its tile of one day. Grain: see ENGAGEMENT_TILES."""
    name = _day_tile()
    sums = [F.sum(m).alias(m) for m in SUMS]
    by_query = daily.groupBy(name, F.col("locale").alias("place"), F.col("query").alias("key")).agg(*sums)
    language = F.substring("locale", 1, 2).alias("place")
    by_track = daily.groupBy(name, language, F.col("track_id").alias("key")).agg(*sums)
    columns = [c.name for c in ENGAGEMENT_TILES.columns if c.name != "level"]
    return by_query.select(F.lit("query").alias("level"), *columns).unionByName(
        by_track.select(F.lit("track").alias("level"), *columns)
    )


def listener_days(searches: DataFrame) -> DataFrame:
    """Who asked each query on each day, as sketches. Grain: (tile of one day, locale, query); bots are left out."""
    people = searches.where(~F.col("is_bot"))
    sketch = F.hll_sketch_agg("user_id", SKETCH_BITS).alias("listeners")
    return people.groupBy(_day_tile(), "locale", "query").agg(sketch)


def _day_tile() -> Column:
    """The name of the tile of one day that a row's `search_date` is."""
    return F.concat(F.col("search_date").cast("string"), F.lit("+1")).alias("tile")


def added_up(rows: DataFrame, parents: Sequence[Tile], table: Table = ENGAGEMENT_TILES) -> DataFrame:
    """The rows of the parents' children in a table of tiles, added up (sketches: merged) to the parents."""
    pairs = [(child.name, parent.name) for parent in parents for child in parent.children()]
    of = frame_of(rows.sparkSession, pairs, "tile string, parent string")
    joined = rows.join(F.broadcast(of), "tile").drop("tile").withColumnRenamed("parent", "tile")
    values: list[Column] = [F.hll_union_agg("listeners").alias("listeners")]
    if table is ENGAGEMENT_TILES:
        values = [F.sum(m).alias(m) for m in SUMS]
    return joined.groupBy("tile", *table.keys).agg(*values)


def write_tiles(lake: Lake, before: date, table: Table = ENGAGEMENT_TILES) -> int:
    """Make the tiles that end by `before` and are not there for what the days say now, smallest first; how many.

    Tiles of one day of LISTENER_TILES are there already: who asked is known to the counting of a day alone.
    """
    held = [date.fromisoformat(u) for u in lake.commits(DAILY_ENGAGEMENT) if u < str(before)]
    made = 0
    for size, tiles in tiles_of(held, before).items():
        if size == 1 and table is not ENGAGEMENT_TILES:
            continue
        wanted = {t.name: _mark(lake, t, table) for t in tiles}
        pending = {name: mark for name, mark in wanted.items() if lake.fingerprint(table, name) != mark}
        if not pending:
            continue
        mine = [t for t in tiles if t.name in pending]
        if size == 1:
            rows = day_rows(lake.read(DAILY_ENGAGEMENT, [t.first for t in mine], allow_unvalidated=True))
        else:
            there = lake.commits(table)
            children = [c.name for t in mine for c in t.children() if c.name in there]
            rows = added_up(lake.read(table, children, allow_unvalidated=True), mine, table)
        lake.write(table, rows.select(*[c.name for c in table.columns]), pending)
        made += len(pending)
    return made


def _mark(lake: Lake, tile: Tile, table: Table) -> str:
    """What a tile is made of: its day's counts, or its children."""
    if tile.days == 1:
        return fingerprint([TILE_VERSION, lake.fingerprint(DAILY_ENGAGEMENT, tile.first)])
    return fingerprint([TILE_VERSION, [lake.fingerprint(table, c.name) for c in tile.children()]])


def history(lake: Lake, as_of: Sequence[date], spans: Sequence[int] = (YEAR, ALL_TIME)) -> DataFrame:
    """What happened in the spans (days) before each snapshot, by query and track, a row for each tile that holds some of it.

    Columns: as_of, span_days, level, place, key, and the counts, to be summed by whoever asks. Days on or after a snapshot are
    in none of its tiles.
    """
    held = [date.fromisoformat(u) for u in lake.commits(DAILY_ENGAGEMENT)]
    made = lake.commits(ENGAGEMENT_TILES)
    parts, days = _parts(held, made, as_of, spans)
    units = sorted({name for name, _, _ in parts} & set(made))
    frames = [lake.read(ENGAGEMENT_TILES, units, allow_unvalidated=True)] if units else []
    loose = [d for d in sorted(days) if Tile(d, 1).name not in units]
    if loose or not frames:
        frames.append(day_rows(lake.read(DAILY_ENGAGEMENT, loose or None, allow_unvalidated=True)))
    return _in_spans(frames[0] if len(frames) == 1 else frames[0].unionByName(frames[1]), parts)


def listener_history(lake: Lake, as_of: Sequence[date], spans: Sequence[int] = LISTENER_SPANS) -> DataFrame:
    """Who asked in the spans (days) before each snapshot, a row for each tile that holds some of it.

    Columns: as_of, span_days, locale, query, listeners (a sketch), to be merged by whoever asks.
    """
    made = lake.commits(LISTENER_TILES)
    parts, _ = _parts([date.fromisoformat(u[:10]) for u in made if u.endswith("+1")], made, as_of, spans)
    units = sorted({name for name, _, _ in parts})
    return _in_spans(lake.read(LISTENER_TILES, units or None, allow_unvalidated=True), parts)


def _in_spans(rows: DataFrame, parts: Sequence[tuple[str, date, int]]) -> DataFrame:
    """The rows of each tile with the snapshots and spans that it is a part of, once for each; their tile is dropped."""
    of = frame_of(rows.sparkSession, parts, "tile string, as_of date, span_days int")
    return rows.join(F.broadcast(of), "tile").drop("tile")


def _parts(
    held: Sequence[date], made: Collection[str], as_of: Sequence[date], spans: Sequence[int]
) -> tuple[list[tuple[str, date, int]], set[date]]:
    """(tile, snapshot, span) of every tile and loose day that the spans consist of, and the loose days."""
    parts: list[tuple[str, date, int]] = []
    days: set[date] = set()
    for snapshot in as_of:
        for span in spans:
            first = snapshot - timedelta(days=min(span, snapshot.toordinal() - 1))
            tiles, rest = cover([d for d in held if first <= d < snapshot], held, made)
            parts += [(t.name, snapshot, span) for t in tiles] + [(Tile(d, 1).name, snapshot, span) for d in rest]
            days |= set(rest)
    return parts, days
