"""Read every query asked in the last 28 days: the `queries` table of the night, per locale and roll-up."""

from __future__ import annotations

from datetime import timedelta

import hydra
from omegaconf import DictConfig

from jobs.command import run_command
from jobs.night import Done, Night, run_alone
from lake.fingerprint import code_fingerprint
from lake.tables import QUERIES, SEARCH_LOG, TRACKS
from queries.traffic import asked_queries, readings_everywhere, with_traffic
from queries.understand import readings

WINDOW_DAYS = 28


def run(night: Night) -> Done:
    """One row per (locale or roll-up, query), with its reading, traffic and whether enough people asked it."""
    lake, first = night.lake, night.run_date - timedelta(days=WINDOW_DAYS)
    units = [u for u in lake.commits(SEARCH_LOG) if str(first - timedelta(days=2)) <= u < night.settings.run_date]
    inputs = night.inputs(searches=(SEARCH_LOG, units), tracks=(TRACKS, [night.tracks_unit]))
    mark = night.mark(inputs, night.k, code_fingerprint("queries"))
    if not night.pending(QUERIES, {night.settings.run_date: mark}):
        return Done(skipped=True)
    searches = lake.read(SEARCH_LOG, units, allow_unvalidated=True)
    asked = asked_queries(searches, first, night.run_date, night.k).persist()
    tracks = night.tracks(allow_unvalidated=True)
    read = readings_everywhere(asked, lambda distinct: readings(distinct, tracks))
    frame = with_traffic(read, asked, night.run_date)
    rows = lake.write(QUERIES, frame, {night.settings.run_date: mark})
    n_asked = asked.count()
    asked.unpersist()
    return Done(n_asked, sum(rows.values()), f"a query is public from {night.k} people on")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="understand")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("understand", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.understand")
