"""The long history: any span is covered by tiles exactly once, a restated day makes only its own tiles anew."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from events.dwell import BINS
from events.engagement import SUMS
from events.tiles import (
    ALL_TIME,
    SIZES,
    SKETCH_BITS,
    YEAR,
    Tile,
    cover,
    history,
    listener_estimate,
    tile_around,
    tiles_of,
    write_tiles,
)
from lake.columns import POSITIONS
from lake.io import Lake
from lake.schema import struct
from lake.tables.daily import DAILY_ENGAGEMENT, ENGAGEMENT_TILES

START = date(2026, 3, 1)


def day(i: int) -> date:
    return START + timedelta(days=i)


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(0, 900), max_size=300), st.integers(0, 900), st.integers(0, 900), st.integers(0, 900))
def test_a_span_is_covered_once_and_nothing_else_is(held_at: set[int], low: int, high: int, final: int) -> None:
    held = {day(i) for i in held_at}
    wanted = {day(i) for i in held_at if low <= i < high}
    made = {t.name for tiles in tiles_of(held, day(final)).values() for t in tiles}
    tiles, rest = cover(wanted, held, made)
    met = [d for t in tiles for i in range(t.days) if (d := t.first + timedelta(days=i)) in held] + rest
    assert sorted(met) == sorted(wanted)
    assert all(d >= day(final) or f"{d}+1" not in made for d in rest)


def test_tiles_lie_in_each_other() -> None:
    for size in SIZES[1:]:
        tile = tile_around(START, size)
        children = tile.children()
        assert children[0].first == tile.first and children[-1].before == tile.before
        assert all(tile_around(c.first, size) == tile for c in children)
    assert Tile(START, 1).children() == []
    assert Tile(START, 8).name == "2026-03-01+8"


def test_a_year_needs_few_tiles() -> None:
    held = {day(i) for i in range(1_000)}
    made = {t.name for tiles in tiles_of(held, day(1_000)).values() for t in tiles}
    for last in range(900, 1_000):
        tiles, rest = cover({day(i) for i in range(last - YEAR, last)}, held, made)
        assert len(tiles) <= 7 * 4 + 6 and not rest


def daily(spark: SparkSession, days: range, factor: int = 1) -> DataFrame:
    """Each day `hello` plays track a in en-US and en-GB, and every third day track b in es-ES, day + 1 times."""
    rows = []
    for i in days:
        for locale, query, track in (("en-US", "hello", "a"), ("en-GB", "hello", "a"), ("es-ES", "hola", "b")):
            if track == "a" or i % 3 == 0:
                counts = [factor * (i + 1) if m in ("impressions", "long_plays") else 0 for m in SUMS]
                rows.append((day(i), locale, query, track, "alexa", *counts, *[[0] * (POSITIONS + 1)] * 3, [0] * BINS))
    return spark.createDataFrame(rows, struct(DAILY_ENGAGEMENT))


def write_days(lake: Lake, days: range, mark: str, factor: int = 1) -> None:
    lake.write(DAILY_ENGAGEMENT, daily(lake.spark, days, factor), {day(i): mark for i in days})


def summed(lake: Lake, as_of: date, spans: tuple[int, ...] = (YEAR, ALL_TIME)) -> dict[tuple[int, str, str, str], int]:
    rows = (
        history(lake, [as_of], spans).groupBy("span_days", "level", "place", "key").agg(F.sum("long_plays")).collect()
    )
    return {(r[0], r[1], r[2], r[3]): int(r[4]) for r in rows}


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, tmp_path)
    write_days(lake, range(20), "f1")
    return lake


def test_what_is_read_is_what_the_days_say_and_nothing_of_the_future(lake: Lake) -> None:
    assert write_tiles(lake, day(18)) == 18 + sum(len(tiles_of(map(day, range(18)), day(18))[s]) for s in SIZES[1:])
    for as_of in (20, 19, 11, 1):
        found = summed(lake, day(as_of))
        english, spanish = sum(range(1, as_of + 1)), sum(i + 1 for i in range(as_of) if i % 3 == 0)
        for span in (YEAR, ALL_TIME):
            assert found[span, "query", "en-US", "hello"] == found[span, "query", "en-GB", "hello"] == english
            assert found[span, "track", "en", "a"] == 2 * english
            assert found[span, "query", "es-ES", "hola"] == found[span, "track", "es", "b"] == spanish


def test_a_span_begins_with_its_first_day_and_not_the_one_before(lake: Lake) -> None:
    write_tiles(lake, day(18))
    spans = (1, 2, 3, 8, 9, 19)
    found = summed(lake, day(20), spans)
    for span in spans:
        assert found[span, "query", "en-US", "hello"] == sum(i + 1 for i in range(20 - span, 20)), span


def test_a_restated_day_makes_its_own_tiles_anew_and_no_other(lake: Lake) -> None:
    write_tiles(lake, day(18))
    before = dict(lake.commits(ENGAGEMENT_TILES))
    assert write_tiles(lake, day(18)) == 0
    write_days(lake, range(5, 6), "f2", factor=100)
    made = write_tiles(lake, day(18))
    after = lake.commits(ENGAGEMENT_TILES)
    changed = {name for name, commit in after.items() if before[name] != commit}
    held_by = {tile_around(day(5), size) for size in SIZES}
    assert changed == {t.name for t in held_by if t.before <= day(18)} and made == len(changed) >= 1
    assert summed(lake, day(20))[YEAR, "track", "en", "a"] == 2 * (sum(range(1, 21)) + 99 * 6)


def test_a_tile_is_the_sum_of_its_days(lake: Lake) -> None:
    write_tiles(lake, day(20))
    rows = lake.read(ENGAGEMENT_TILES, allow_unvalidated=True).toPandas()
    rows["days"] = rows["tile"].str.split("+").str[1].astype(int)
    one = rows[rows["days"] == 1].copy()
    one["parent"] = [tile_around(date.fromisoformat(t[:10]), 8).name for t in one["tile"]]
    wanted = one.groupby(["parent", "level", "place", "key"])["impressions"].sum()
    found = rows[rows["days"] == 8].set_index(["tile", "level", "place", "key"])["impressions"]
    assert len(found)
    pd.testing.assert_series_equal(found.sort_index(), wanted[found.index].sort_index(), check_names=False)


def test_merged_sketches_count_the_same_in_any_order(spark: SparkSession) -> None:
    """40 listeners on each of 20 days: sketches too small for their registers alone, and together too many to be exact."""
    rows = spark.range(800).select((F.col("id") % 20).alias("day"), F.pmod(F.xxhash64("id"), F.lit(5000)).alias("user"))
    days = rows.groupBy("day").agg(F.hll_sketch_agg(F.col("user").cast("string"), SKETCH_BITS).alias("listeners"))
    days = days.localCheckpoint()
    plain, ours = set(), set()
    for order in (F.asc("day"), F.desc("day"), F.xxhash64("day"), F.xxhash64(F.col("day") * 7)):
        in_order = days.coalesce(1).sortWithinPartitions(order)
        [row] = in_order.agg(
            F.hll_sketch_estimate(F.hll_union_agg("listeners")).alias("plain"),
            listener_estimate("listeners").alias("n"),
        ).collect()
        plain.add(row["plain"])
        ours.add(row["n"])
    exact = rows.select("user").distinct().count()
    assert len(ours) == 1 and abs(ours.pop() - exact) <= 0.1 * exact
    assert len(plain) > 1  # what is avoided
    few = rows.where("day < 2").select("user").distinct().count()  # few are counted nearly exactly
    [row] = days.where("day < 2").agg(listener_estimate("listeners").alias("n")).collect()
    assert abs(row["n"] - few) <= 1
