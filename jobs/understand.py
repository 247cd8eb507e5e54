"""Decide for every wording of the last 28 days which need it leads to, and list the needs that may get a list.

Bots count neither as traffic nor as people: a farm cannot make its own wording public.
"""

from __future__ import annotations

from datetime import date, timedelta

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from events.engagement import pleased_plays
from lake.code import code_fingerprint, library_versions
from lake.errors import MissingPartition
from lake.schema import struct
from lake.tables.daily import BOT_DAYS
from lake.tables.logs import ENGAGEMENT_EVENTS, SEARCH_LOG, TRACKS
from lake.tables.nightly import HEARD, NEEDS, WORDINGS
from night.command import run_command
from night.counting import without_bots
from night.night import Done, Night, run_alone
from night.understanding import needs_of_night, stored_before, wordings_of_night
from night.wordings import need_of
from queries.nightly.traffic import heard_by

WINDOW_DAYS = 28
WRITTEN = (WORDINGS, HEARD, NEEDS)
READING_LIBRARIES = (
    "python-crfsuite",
    "rapidfuzz",
    "jellyfish",
    "scipy",
)  # another version may read a request otherwise


def _read_units(night: Night) -> tuple[list[str], list[str], str | None]:
    """Units of `search_log`, units of `engagement_events`, and the earlier night whose `wordings` are read, if there is one."""
    lake, unit = night.lake, night.settings.run_date
    first = _first_day(night) - timedelta(days=night.settings.ingest.days_late)
    units = [u for u in lake.commits(SEARCH_LOG) if str(first) <= u < unit]
    reacted_from = str(night.run_date - timedelta(days=WINDOW_DAYS + 2))
    reacted = [u for u in units if reacted_from <= u and u in lake.commits(ENGAGEMENT_EVENTS)]
    return units, reacted, stored_before(night)


def _first_day(night: Night) -> date:
    """First of the days whose plays are to be known by need, in the oldest of the night's snapshots, too.

    With fewer days, which of a snapshot's old plays count would depend on whether their wording was asked again after it.
    """
    return night.reads_from


def _mark(night: Night) -> str:
    lake = night.lake
    units, reacted, before = _read_units(night)
    inputs = night.inputs(
        searches=(SEARCH_LOG, units),
        events=(ENGAGEMENT_EVENTS, reacted),
        bots=(BOT_DAYS, [d for d in lake.commits(BOT_DAYS) if str(_first_day(night)) <= d < night.settings.run_date]),
        tracks=(TRACKS, [night.tracks_unit]),
        previous=(WORDINGS, [before] if before else []),
    )
    settings, code = night.settings, code_fingerprint("jobs.understand")
    return night.mark(
        inputs, night.k, settings.closure, settings.ranking.max_needs, code, library_versions(*READING_LIBRARIES)
    )


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if its tables are up to date."""
    return night.why({night.settings.run_date: _mark(night)}, *WRITTEN)


def run(night: Night) -> Done:
    """Write the wordings and needs of the night, and what was heard for each need."""
    lake, unit, mark = night.lake, night.settings.run_date, _mark(night)
    if not night.why({unit: mark}, *WRITTEN):
        return Done(skipped=True)
    units, reacted, before = _read_units(night)
    first, last = str(_first_day(night)), night.settings.run_date
    uncounted = [d for d in lake.partitions(SEARCH_LOG) if first <= d < last and d not in lake.commits(BOT_DAYS)]
    if uncounted:
        raise MissingPartition(
            f"bot_days: {len(uncounted)} days, the first {uncounted[0]}, were never counted, so it is not known who is a bot. Run "
            "jobs.count_engagement first."
        )
    recent = night.run_date - timedelta(days=WINDOW_DAYS)
    searches = lake.read(SEARCH_LOG, units, allow_unvalidated=True)
    days = F.col("search_date")
    searches = searches.where((days >= F.lit(_first_day(night))) & (days < F.lit(night.run_date)))
    searches = without_bots(lake, searches)  # accounts of a farm are no people, neither for k nor as listeners
    plays = None
    if reacted:
        events = lake.read(ENGAGEMENT_EVENTS, reacted, allow_unvalidated=True)
        plays = pleased_plays(searches.where(days >= F.lit(recent)), events).persist()
    else:
        night.notes.append(f"no reactions in the {WINDOW_DAYS} days before {unit}: nothing is known of plays")
    read, wordings = wordings_of_night(night, searches, plays, recent, before)
    asked = sum(lake.write(WORDINGS, wordings, {unit: mark}).values())
    need_by_wording = need_of(lake.read(WORDINGS, [unit], allow_unvalidated=True)).persist()
    nothing = night.spark.createDataFrame([], struct(HEARD)).drop("run_date")
    heard = nothing if plays is None else heard_by(plays, need_by_wording)
    lake.write(HEARD, heard.withColumn("run_date", F.lit(night.run_date)), {unit: mark})
    needs = needs_of_night(night, searches, plays, recent, read, need_by_wording)
    rows = lake.write(NEEDS, needs, {unit: mark})
    for frame in (plays, need_by_wording):
        if frame is not None:
            frame.unpersist()
    return Done(asked, sum(rows.values()), f"{asked:,} wordings; a wording is public from {night.k} people on")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("understand", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.understand")
