"""Which days are counted tonight, and what a day's counts follow from."""

from __future__ import annotations

from datetime import date, timedelta

from events.bots import TRAILING_DAYS, BotRules
from events.engagement import COUNT_VERSION
from events.tiles import write_tiles
from lake.tables.daily import BOT_DAYS, DAILY_ENGAGEMENT, DAILY_SEARCHES, ENGAGEMENT_TILES, LISTENER_TILES
from lake.tables.logs import ENGAGEMENT_EVENTS, SEARCH_LOG
from night.night import Night


def add_tiles(night: Night) -> int:
    """Add the days that are final by now to the long history; how many tiles were made."""
    final = night.run_date - timedelta(days=night.days_open)
    return sum(write_tiles(night.lake, final, table) for table in (ENGAGEMENT_TILES, LISTENER_TILES))


def count_mark(night: Night, day: date, rules: BotRules, version: int | None = None) -> str:
    """A day's counts follow from the folders that may hold its rows, and the trailing week's for the bots."""
    span = [day + timedelta(days=i) for i in range(-TRAILING_DAYS, night.days_open + 1)]
    units = [d for d in span if d < night.run_date]
    inputs = night.inputs(searches=(SEARCH_LOG, units), events=(ENGAGEMENT_EVENTS, units))
    return night.mark(COUNT_VERSION if version is None else version, inputs, rules)


def is_of_older_version(night: Night, day: str, rules: BotRules) -> bool:
    """Whether the day was counted from the same logs and rules, by an older version."""
    marks = {count_mark(night, date.fromisoformat(day), rules, version) for version in range(1, COUNT_VERSION)}
    return all(night.lake.fingerprint(table, day) in marks for table in (DAILY_ENGAGEMENT, DAILY_SEARCHES, BOT_DAYS))
