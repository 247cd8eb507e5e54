"""Fit the exposure curves for D and for every training snapshot, each from the days before it."""

from __future__ import annotations

from datetime import date, timedelta

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from labels.exposure import CurveSettings, curves, position_counts
from lake.code import code_fingerprint
from lake.rows import frame_of
from lake.schema import struct
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.nightly import EXPOSURE_CURVES, NEEDS
from night.command import run_command
from night.night import Done, Night, run_alone
from night.wordings import mapping, mapping_inputs
from queries.nightly.by_need import by_need, distinct_needs


def _curve_settings(night: Night) -> CurveSettings:
    return CurveSettings(night.settings.labels.curve_days, night.settings.labels.curve_strength)


def _wanted(night: Night) -> dict[str, str]:
    return {str(d): _mark(night, d, _curve_settings(night)) for d in (*night.as_of, night.run_date)}


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if the curves of all snapshots are up to date."""
    return night.why(_wanted(night), EXPOSURE_CURVES)


def run(night: Night) -> Done:
    """Write one curve per (client, intent group) and snapshot."""
    lake, settings = night.lake, _curve_settings(night)
    pending = night.pending(EXPOSURE_CURVES, _wanted(night))
    if not pending:
        return Done(skipped=True)
    import pandas as pd

    needs = distinct_needs(lake.read(NEEDS, [night.run_date], allow_unvalidated=True))
    fitted, n_in = [], 0
    for unit in sorted(pending):
        days = night.window(settings.days, date.fromisoformat(unit))
        day = date.fromisoformat(unit)
        daily = lake.read(DAILY_ENGAGEMENT, days, allow_unvalidated=True).withColumn("as_of", F.lit(day))
        counts = position_counts(by_need(daily, mapping(night, [day])), needs).toPandas()
        n_in += int(counts.impressions.sum())
        fitted.append(curves(counts, settings).assign(run_date=date.fromisoformat(unit)))
    frame = pd.concat(fitted)[[c.name for c in EXPOSURE_CURVES.columns]]
    cells = list(frame.itertuples(index=False, name=None))
    rows = lake.write(EXPOSURE_CURVES, frame_of(night.spark, cells, struct(EXPOSURE_CURVES)), pending)
    return Done(n_in, sum(rows.values()), f"{len(pending)} snapshots")


def _mark(night: Night, day: date, settings: CurveSettings) -> str:
    days = (day - timedelta(days=settings.days), day)
    inputs = night.inputs(
        daily=(DAILY_ENGAGEMENT, night.days(*days)),
        needs=(NEEDS, [night.run_date]),
        wordings=mapping_inputs(night, day),
    )
    return night.mark(inputs, settings, code_fingerprint("jobs.fit_exposure"))


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("fit_exposure", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.fit_exposure")
