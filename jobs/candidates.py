"""Propose the tracks that are considered for each ranked need."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from lake.code import code_fingerprint
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import CANDIDATES, HEARD, NEEDS
from night.command import run_command
from night.head import head_settings
from night.night import Done, Night, run_alone
from ranking.candidates import candidates
from ranking.head import ranked_needs


def _mark(night: Night) -> str:
    settings = night.settings.candidates
    inputs = night.inputs(
        daily=(DAILY_ENGAGEMENT, night.window(settings.window_days)),
        needs=(NEEDS, [night.run_date]),
        heard=(HEARD, [night.run_date]),
        tracks=(TRACKS, [night.tracks_unit]),
    )
    return night.mark(inputs, settings, head_settings(night), code_fingerprint("jobs.candidates"))


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if the night's candidates are up to date."""
    return night.why({night.settings.run_date: _mark(night)}, CANDIDATES)


def run(night: Night) -> Done:
    """Write one row per (place, need, track) considered for D."""
    lake, settings, mark = night.lake, night.settings.candidates, _mark(night)
    if not night.pending(CANDIDATES, {night.settings.run_date: mark}):
        return Done(skipped=True)
    days = night.window(settings.window_days)
    needs = ranked_needs(lake.read(NEEDS, [night.run_date], allow_unvalidated=True), head_settings(night)).persist()
    heard = lake.read(HEARD, [night.run_date], allow_unvalidated=True)
    daily = lake.read(DAILY_ENGAGEMENT, days, allow_unvalidated=True)
    frame = candidates(needs, heard, daily, night.tracks(allow_unvalidated=True), settings)
    frame = frame.withColumn("run_date", F.lit(night.run_date)).select(*[c.name for c in CANDIDATES.columns])
    rows = lake.write(CANDIDATES, frame, {night.settings.run_date: mark})
    warm, cold = needs.where("is_warm").count(), needs.where("NOT is_warm").count()
    needs.unpersist()
    return Done(
        warm + cold,
        sum(rows.values()),
        f"{warm:,} needs that enough people asked, {cold:,} that catalog and grammar suggest",
    )


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("candidates", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.candidates")
