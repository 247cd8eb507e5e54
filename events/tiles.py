"""The long history of engagement by query and by track, and of distinct listeners, in tiles of 1, 8, 64 and 512 days.

The first day of a tile is a multiple of its length (by its ordinal, counted from 0001-01-01), so any run of days is covered by
a few tiles of each length. Tiles are computed by addition only, never by subtraction, so they stay exact: when a day is counted
again, the tiles that contain it, one of each length, are computed again. Tiles hold final days; the few provisional days are
read from `daily_engagement`.
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
SKETCH_BITS = 10  # of a HyperLogLog: a standard error of 3 %, and exact below some 96 listeners
TILE_VERSION = 1  # raise it when the meaning of a tile changes, so that all are computed again


@dataclass(frozen=True, order=True)
class Tile:
    """A run of `days` consecutive days that begins with `first`."""

    first: date
    days: int

    @property
    def name(self) -> str:
        """The tile's unit in its table, such as `2026-09-24+8`."""
        return f"{self.first}+{self.days}"

    @property
    def before(self) -> date:
        """The day after the tile's last day."""
        return self.first + timedelta(days=self.days)

    def children(self) -> list[Tile]:
        """The tiles of the next smaller length of which the tile is the sum; none for a tile of one day."""
        smaller = SIZES[SIZES.index(self.days) - 1] if self.days > SIZES[0] else 0
        return [Tile(self.first + timedelta(days=i), smaller) for i in range(0, self.days, smaller)] if smaller else []


def tile_around(day: date, days: int) -> Tile:
    """The tile of `days` days that contains the day."""
    return Tile(date.fromordinal(day.toordinal() // days * days), days)


def tiles_of(stored_days: Iterable[date], before: date) -> dict[int, list[Tile]]:
    """Length -> the tiles of that length that lie before `before` and contain one of the days, oldest first."""
    days = set(stored_days)
    return {size: sorted(t for t in {tile_around(d, size) for d in days} if t.before <= before) for size in SIZES}


def cover(
    days: Collection[date], stored_days: Collection[date], stored_tiles: Collection[str]
) -> tuple[list[Tile], list[date]]:
    """Cover some days with as few stored tiles as possible.

    Args:
        days: The days to cover.
        stored_days: All days that have counts; a tile that contains one of them outside of `days` is not used.
        stored_tiles: Names of the stored tiles.

    Returns:
        Tiles that contain each day at most once, larger tiles being used first, and the days that no usable tile contains.
    """
    uncovered, others, tiles = set(days), set(stored_days) - set(days), []
    for size in reversed(SIZES):
        for tile in sorted({tile_around(d, size) for d in uncovered}):
            inside = {tile.first + timedelta(days=i) for i in range(tile.days)}
            if tile.name in stored_tiles and not inside & others:
                tiles.append(tile)
                uncovered -= inside
    return sorted(tiles), sorted(uncovered)


def day_rows(daily: DataFrame) -> DataFrame:
    """The tiles of one day, from the days of `daily` (daily_engagement). Grain: see ENGAGEMENT_TILES."""
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
    """Sketches of the listeners who asked each query on each day. Grain: (tile of one day, locale, query); bots are left out."""
    people = searches.where(~F.col("is_bot"))
    sketch = F.hll_sketch_agg("user_id", SKETCH_BITS).alias("listeners")
    return people.groupBy(_day_tile(), "locale", "query").agg(sketch)


def listener_estimate(sketches: Column | str) -> Column:
    """How many listeners some sketches have together: an aggregate, the same in whatever order Spark merges them.

    Estimates of merged sketches depend on the order of the merges, by some percent, as long as one of them is small: then the
    HIP estimator (Lang 2017, arXiv:1708.06839) goes on from update to update. A union of two large sketches falls back to an
    estimator that looks at the registers alone, and these are the same in any order; so the merged sketch is united with itself.
    """
    merged = F.hll_union_agg(sketches)
    return F.hll_sketch_estimate(F.hll_union(merged, merged))


def _day_tile() -> Column:
    """The name of the one-day tile of a row's `search_date`."""
    return F.concat(F.col("search_date").cast("string"), F.lit("+1")).alias("tile")


def added_up(rows: DataFrame, parents: Sequence[Tile], table: Table = ENGAGEMENT_TILES) -> DataFrame:
    """Sum the rows of child tiles to their parents; sketches are merged.

    Args:
        rows: Rows of the children, from a table of tiles.
        parents: The tiles to compute.
        table: ENGAGEMENT_TILES or LISTENER_TILES.
    """
    pairs = [(child.name, parent.name) for parent in parents for child in parent.children()]
    parent_of = frame_of(rows.sparkSession, pairs, "tile string, parent string")
    joined = rows.join(F.broadcast(parent_of), "tile").drop("tile").withColumnRenamed("parent", "tile")
    values: list[Column] = [F.hll_union_agg("listeners").alias("listeners")]
    if table is ENGAGEMENT_TILES:
        values = [F.sum(m).alias(m) for m in SUMS]
    return joined.groupBy("tile", *table.keys).agg(*values)


def write_tiles(lake: Lake, before: date, table: Table = ENGAGEMENT_TILES) -> int:
    """Compute the tiles before `before` that are missing or out of date, smallest first; the number of tiles written.

    One-day tiles of LISTENER_TILES are not computed here: only the job that counts a day sees its listeners, and that job
    writes them.

    Args:
        lake: The lake.
        before: Days from this one on are in no tile.
        table: ENGAGEMENT_TILES or LISTENER_TILES.
    """
    n_written = 0
    for size, tiles in _tiles(lake, before, table).items():
        pending = _pending(lake, tiles, table)
        if not pending:
            continue
        pending_tiles = [t for t in tiles if t.name in pending]
        if size == 1:
            rows = day_rows(lake.read(DAILY_ENGAGEMENT, [t.first for t in pending_tiles], allow_unvalidated=True))
        else:
            stored = lake.commits(table)
            children = [c.name for t in pending_tiles for c in t.children() if c.name in stored]
            rows = added_up(lake.read(table, children, allow_unvalidated=True), pending_tiles, table)
        lake.write(table, rows.select(*[c.name for c in table.columns]), pending)
        n_written += len(pending)
    return n_written


def tiles_to_write(lake: Lake, before: date, table: Table) -> int:
    """How many tiles `write_tiles` would write first; 0 if none is missing or out of date. Larger tiles of these may follow."""
    return next((len(p) for tiles in _tiles(lake, before, table).values() if (p := _pending(lake, tiles, table))), 0)


def _tiles(lake: Lake, before: date, table: Table) -> dict[int, list[Tile]]:
    """Days in a tile -> the tiles that this module writes, smallest first."""
    stored_days = [date.fromisoformat(u) for u in lake.commits(DAILY_ENGAGEMENT) if u < str(before)]
    by_size = tiles_of(stored_days, before)
    return {size: list(tiles) for size, tiles in by_size.items() if size > 1 or table is ENGAGEMENT_TILES}


def _pending(lake: Lake, tiles: Sequence[Tile], table: Table) -> dict[str, str]:
    """Name -> mark, of the tiles that are missing or out of date."""
    wanted = {t.name: _mark(lake, t, table) for t in tiles}
    return {name: mark for name, mark in wanted.items() if lake.fingerprint(table, name) != mark}


def _mark(lake: Lake, tile: Tile, table: Table) -> str:
    """The mark of a tile: a fingerprint of its day's counts, or of its children."""
    if tile.days == 1:
        return fingerprint([TILE_VERSION, lake.fingerprint(DAILY_ENGAGEMENT, tile.first)])
    return fingerprint([TILE_VERSION, [lake.fingerprint(table, c.name) for c in tile.children()]])


def _current(lake: Lake, table: Table) -> set[str]:
    """Names of the stored tiles that are of the counts which this lake reads now.

    A past night that is run again has counts of its own for its last days, without the rows that came later; a tile that a later
    night has written over these days holds them.
    """
    stored = lake.commits(table)
    known: dict[Tile, bool] = {}

    def is_current(tile: Tile) -> bool:
        if tile not in known:
            is_own = tile.days == 1 and table is LISTENER_TILES  # written with the counts of its day
            known[tile] = is_own or (
                stored[tile.name].fingerprint == _mark(lake, tile, table)
                and all(is_current(child) for child in tile.children() if child.name in stored)
            )
        return known[tile]

    tiles = (Tile(date.fromisoformat(name[:10]), int(name[11:])) for name in stored)
    return {tile.name for tile in tiles if is_current(tile)}


def history(lake: Lake, as_of: Sequence[date], spans: Sequence[int] = (YEAR, ALL_TIME)) -> DataFrame:
    """Counts by query and track over the spans before each snapshot, one row per snapshot, span, tile, level, place and key.

    The caller sums the rows of the tiles. No tile of a snapshot contains the snapshot's day or a later one.

    Args:
        lake: The lake.
        as_of: The snapshots.
        spans: Lengths of history, in days.

    Returns:
        as_of, span_days, level, place, key and the counts SUMS.
    """
    stored_days = [date.fromisoformat(u) for u in lake.commits(DAILY_ENGAGEMENT)]
    stored_tiles = _current(lake, ENGAGEMENT_TILES)
    parts, days = _parts(stored_days, stored_tiles, as_of, spans)
    units = sorted({name for name, _, _ in parts} & stored_tiles)
    frames = [lake.read(ENGAGEMENT_TILES, units, allow_unvalidated=True)] if units else []
    loose = [d for d in sorted(days) if Tile(d, 1).name not in units]
    if loose or not frames:
        frames.append(day_rows(lake.read(DAILY_ENGAGEMENT, loose or None, allow_unvalidated=True)))
    return _in_spans(frames[0] if len(frames) == 1 else frames[0].unionByName(frames[1]), parts)


def listener_history(lake: Lake, as_of: Sequence[date], spans: Sequence[int] = LISTENER_SPANS) -> DataFrame:
    """Sketches of listeners over the spans before each snapshot, one row per snapshot, span, tile, locale and query.

    The caller merges the sketches of the tiles.

    Args:
        lake: The lake.
        as_of: The snapshots.
        spans: Lengths of history, in days.

    Returns:
        as_of, span_days, locale, query and listeners (a sketch).
    """
    stored_tiles = _current(lake, LISTENER_TILES)
    stored_days = [date.fromisoformat(u[:10]) for u in stored_tiles if u.endswith("+1")]
    parts, _ = _parts(stored_days, stored_tiles, as_of, spans)
    units = sorted({name for name, _, _ in parts})
    return _in_spans(lake.read(LISTENER_TILES, units or None, allow_unvalidated=True), parts)


def _in_spans(rows: DataFrame, parts: Sequence[tuple[str, date, int]]) -> DataFrame:
    """The rows of each tile once for every (tile, as_of, span_days) of `parts`, with as_of and span_days in place of the tile."""
    spans = frame_of(rows.sparkSession, parts, "tile string, as_of date, span_days int")
    return rows.join(F.broadcast(spans), "tile").drop("tile")


def _parts(
    stored_days: Sequence[date], stored_tiles: Collection[str], as_of: Sequence[date], spans: Sequence[int]
) -> tuple[list[tuple[str, date, int]], set[date]]:
    """The tiles that cover the spans before each snapshot.

    Args:
        stored_days: All days that have counts.
        stored_tiles: Names of the stored tiles.
        as_of: The snapshots.
        spans: Lengths of history, in days.

    Returns:
        (tile name, snapshot, span) triples, where a day that no stored tile covers stands as a tile of one day; and those days.
    """
    parts: list[tuple[str, date, int]] = []
    days: set[date] = set()
    for snapshot in as_of:
        for span in spans:
            first = snapshot - timedelta(days=min(span, snapshot.toordinal() - 1))
            tiles, rest = cover([d for d in stored_days if first <= d < snapshot], stored_days, stored_tiles)
            parts += [(t.name, snapshot, span) for t in tiles] + [(Tile(d, 1).name, snapshot, span) for d in rest]
            days |= set(rest)
    return parts, days
