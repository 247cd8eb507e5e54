"""Count each day's impressions and reactions, without bots, into daily sums that can be added up over days."""

from __future__ import annotations

from datetime import date, timedelta

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from events.bots import TRAILING_DAYS, bot_days, chosen_artists, excluded_days, left_out
from events.engagement import counted_days
from events.sessions import sessions
from events.tiles import Tile, listener_days
from lake.checkpoint import checkpointed
from lake.tables.daily import BOT_DAYS, DAILY_ENGAGEMENT, DAILY_SEARCHES, LISTENER_TILES
from lake.tables.logs import ENGAGEMENT_EVENTS, SEARCH_LOG
from night.command import run_command
from night.counting import add_tiles, count_mark, is_of_older_version, tiles_to_add
from night.night import Done, Night, run_alone

NEEDED = ("search_id", "user_id", "ts", "client", "surface", "locale", "query", "results", "search_date")


def _pending(night: Night) -> tuple[dict[str, str], set[str]]:
    """The days to count with their marks, and the days that stay as an older version counted them."""
    lake, rules = night.lake, night.settings.bots
    # counted days are included because one may have lost its last search since, and its counts must become empty
    searched = {*lake.partitions(SEARCH_LOG), *lake.commits(DAILY_ENGAGEMENT)}
    days = sorted(d for d in searched if d < night.settings.run_date)
    wanted = {day: count_mark(night, date.fromisoformat(day), rules) for day in days}
    # all three tables of a day are compared: a run under other settings may have been interrupted between their writes
    pending = {
        d: m for table in (DAILY_ENGAGEMENT, DAILY_SEARCHES, BOT_DAYS) for d, m in night.pending(table, wanted).items()
    }
    waiting = {
        d
        for d in pending
        if night.can_wait(date.fromisoformat(d), night.reads_from) and is_of_older_version(night, d, rules)
    }
    return {d: m for d, m in pending.items() if d not in waiting}, waiting


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if all days are counted and all tiles are written."""
    pending, _ = _pending(night)
    if pending:
        return night.why(pending, DAILY_ENGAGEMENT) or f"{len(pending)} days were counted in part"
    return tiles_to_add(night)


def run(night: Night) -> Done:
    """Count the days whose searches or reactions have changed.

    A day's counts are provisional until all folders that may hold its late rows are delivered; then they are final.
    """
    lake, rules = night.lake, night.settings.bots
    pending, waiting = _pending(night)
    night.note_waiting("counted", waiting)
    if not pending:
        tiles = add_tiles(night)
        return Done(rows_out=tiles, skipped=not tiles, note=f"{tiles} tiles")
    searches, events = (
        lake.read(SEARCH_LOG, allow_unvalidated=True),
        lake.read(ENGAGEMENT_EVENTS, allow_unvalidated=True),
    )
    # a night that is run again after later ones must not use what was delivered since
    is_known = (F.col("search_date") < F.lit(night.run_date)) & (F.col("delivered_date") < F.lit(night.run_date))
    first, last = date.fromisoformat(min(pending)), date.fromisoformat(max(pending))
    back = first - timedelta(days=TRAILING_DAYS - 1)
    # a search just before midnight may be repeated just after it
    searches = searches.where(is_known).where(
        F.col("search_date").between(F.lit(back), F.lit(last + timedelta(days=1)))
    )
    events = events.where(is_known).where(F.col("search_date").between(F.lit(back), F.lit(last)))
    artists = night.tracks(allow_unvalidated=True).select("track_id", F.col("artists_normal")[0].alias("artist"))
    bots = bot_days(searches, chosen_artists(events, artists), rules).persist()
    mine = F.col("search_date").cast("string").isin(sorted(pending))
    tagged = sessions(searches.select(*NEEDED)).where(mine).join(F.broadcast(bots), ["user_id", "search_date"], "left")
    tagged = tagged.withColumn("is_bot", F.col("rule").isNotNull()).persist()
    counts = counted_days(tagged, events.where(mine))
    lake.write(DAILY_SEARCHES, counts.daily_searches, pending)
    excluded = checkpointed(excluded_days(tagged))
    lake.write(BOT_DAYS, excluded, pending)
    lake.write(
        LISTENER_TILES,
        listener_days(tagged),
        {Tile(date.fromisoformat(d), 1).name: mark for d, mark in pending.items()},
    )
    rows = lake.write(DAILY_ENGAGEMENT, counts.daily_engagement, pending)  # last: its commit marks the day as counted
    tiles = add_tiles(night)
    counted = tagged.count()
    tagged.unpersist()
    bots.unpersist()
    bots_out = left_out(excluded)
    night.notes += [f"bots by rule {b.rule}: {b.example} (all: table bot_days)" for b in bots_out]
    by_rule = ", ".join(f"{b.rule} {b.searches:,}" for b in bots_out) or "none"
    return Done(counted, sum(rows.values()), f"{len(pending)} days, {tiles} tiles; searches left out: {by_rule}")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("count_engagement", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.count_engagement")
