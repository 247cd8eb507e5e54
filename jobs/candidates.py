"""Propose the tracks that are considered for each head query."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from lake.code import code_fingerprint
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import CANDIDATES, QUERIES
from night.command import run_command
from night.head import head_settings
from night.night import Done, Night, run_alone
from ranking.candidates import candidates
from ranking.head import head_queries


def run(night: Night) -> Done:
    """Write one row per (locale, query, track) considered for D."""
    lake, settings = night.lake, night.settings.candidates
    days = night.window(settings.window_days)
    inputs = night.inputs(
        daily=(DAILY_ENGAGEMENT, days), queries=(QUERIES, [night.run_date]), tracks=(TRACKS, [night.tracks_unit])
    )
    mark = night.mark(inputs, settings, head_settings(night), code_fingerprint("jobs.candidates"))
    if not night.pending(CANDIDATES, {night.settings.run_date: mark}):
        return Done(skipped=True)
    queries = head_queries(lake.read(QUERIES, [night.run_date], allow_unvalidated=True), head_settings(night)).persist()
    daily = lake.read(DAILY_ENGAGEMENT, days, allow_unvalidated=True)
    frame = candidates(queries, daily, night.tracks(allow_unvalidated=True), settings)
    frame = frame.withColumn("run_date", F.lit(night.run_date)).select(*[c.name for c in CANDIDATES.columns])
    rows = lake.write(CANDIDATES, frame, {night.settings.run_date: mark})
    head = queries.count()
    queries.unpersist()
    return Done(head, sum(rows.values()), f"{head:,} head queries")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("candidates", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.candidates")
