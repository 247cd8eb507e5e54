"""The marks of a day's counts, which decide what is counted again, and the tiles of the long history."""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import DataFrame

from events.bots import TRAILING_DAYS, BotRules
from events.engagement import COUNT_VERSION
from events.tiles import tiles_to_write, write_tiles
from lake.io import Lake
from lake.joins import if_small
from lake.tables.daily import BOT_DAYS, DAILY_ENGAGEMENT, DAILY_SEARCHES, ENGAGEMENT_TILES, LISTENER_TILES
from lake.tables.logs import ENGAGEMENT_EVENTS, SEARCH_LOG
from night.night import Night

TILES = (ENGAGEMENT_TILES, LISTENER_TILES)


def without_bots(lake: Lake, searches: DataFrame) -> DataFrame:
    """The searches of people: rows of SEARCH_LOG without those of an account on a day on which BOT_DAYS excludes it.

    The rows of BOT_DAYS grow with the farms of a log, so on a cluster Spark decides
    whether they are broadcast.
    """
    bots = lake.read(BOT_DAYS, allow_unvalidated=True).select("user_id", "search_date")
    return searches.join(if_small(bots), ["user_id", "search_date"], "left_anti")


def add_tiles(night: Night) -> int:
    """Add the days that can no longer change to the tiles of the long history; returns the number of tiles written."""
    return sum(write_tiles(night.lake, _final_before(night), table) for table in TILES)


def tiles_to_add(night: Night) -> str:
    """Which tiles `add_tiles` would write, in words; "" if all are up to date."""
    counts = {t.name: tiles_to_write(night.lake, _final_before(night), t) for t in TILES}
    return "; ".join(f"{n:,} of {name} missing or out of date" for name, n in counts.items() if n)


def _final_before(night: Night) -> date:
    """Counts of the days before this one can no longer change."""
    return night.run_date - timedelta(days=night.days_open)


def count_mark(night: Night, day: date, rules: BotRules, version: int | None = None) -> str:
    """The mark of a day's counts.

    The counts depend on the folders that may hold rows of the day, and on those of the trailing week, which the bot rules look
    at.

    Args:
        night: the night that counts.
        day: the counted day (search_date).
        rules: the bot rules.
        version: the version of the counting code; by default the current one.
    """
    span = [day + timedelta(days=i) for i in range(-TRAILING_DAYS, night.days_open + 1)]
    units = [d for d in span if d < night.run_date]
    inputs = night.inputs(searches=(SEARCH_LOG, units), events=(ENGAGEMENT_EVENTS, units))
    return night.mark(COUNT_VERSION if version is None else version, inputs, rules)


def is_of_older_version(night: Night, day: str, rules: BotRules) -> bool:
    """Whether the stored counts of the day come from the same logs and rules and differ in the version of the code alone."""
    marks = {count_mark(night, date.fromisoformat(day), rules, version) for version in range(1, COUNT_VERSION)}
    return all(night.lake.fingerprint(table, day) in marks for table in (DAILY_ENGAGEMENT, DAILY_SEARCHES, BOT_DAYS))
