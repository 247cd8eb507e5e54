"""Read and count days again that nights left as an older version had computed them: `from` to `to`, both included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import hydra
from omegaconf import DictConfig

from jobs import count_engagement, ingest
from lake.errors import BadConfiguration
from lake.schema import Table
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import DELIVERED_FILES
from night.command import exit_on_error, run_command
from night.night import Done, Night, run_alone


def days_asked(first: object, last: object) -> tuple[date, date]:
    """The two dates parsed. Raises BadConfiguration if one is no date, or if `first` is after `last`."""
    try:
        days = (date.fromisoformat(str(first)), date.fromisoformat(str(last)))
    except ValueError:
        raise BadConfiguration(f"from={first} to={last}: expected two dates, from=YYYY-MM-DD to=YYYY-MM-DD.") from None
    if days[0] > days[1]:
        raise BadConfiguration(f"from={first} is after to={last}. Give the earlier day first.")
    return days


def run(night: Night, asked: tuple[date, date]) -> Done:
    """Read and count the delivered days from asked[0] to asked[1] that are not up to date, all in one pass over their files.

    A day is read if its folder is new or has changed since it was read, and counted if its rows, or those of a day that its counts
    depend on, have changed. The notes name every day of the span: read, counted, or skipped and why.
    """
    if night.is_rerun:
        raise BadConfiguration(
            f"run_date={night.settings.run_date}: the lake has later nights, whose counts a past night does not change. Give the newest "
            "run_date, or the one of tonight."
        )
    one = replace(night, notes=[], backfilled=asked)
    before = {t.name: _marks(night, t) for t in (DELIVERED_FILES, DAILY_ENGAGEMENT)}
    done = [ingest.run(one), count_engagement.run(one)]
    night.notes += one.notes
    days = [str(asked[0] + timedelta(days=i)) for i in range((asked[1] - asked[0]).days + 1)]
    read, counted = (
        {d for d, m in _marks(night, t).items() if before[t.name].get(d) != m}
        for t in (DELIVERED_FILES, DAILY_ENGAGEMENT)
    )
    night.notes += _named(
        {
            "read and counted": [d for d in days if d in read and d in counted],
            "read": [d for d in days if d in read - counted],
            "counted": [d for d in days if d in counted - read],
            "skipped, up to date": [d for d in days if d in before[DELIVERED_FILES.name] and d not in read | counted],
            "skipped, not delivered": [d for d in days if d not in _marks(night, DELIVERED_FILES)],
        }
    )
    return Done(
        sum(d.rows_in for d in done),
        sum(d.rows_out for d in done),
        "; ".join(d.note for d in done if d.note),
        all(d.skipped for d in done),
    )


def _marks(night: Night, table: Table) -> dict[str, str]:
    return {unit: commit.fingerprint for unit, commit in night.lake.commits(table).items()}


def _named(days: Mapping[str, Sequence[str]]) -> list[str]:
    """One note for each kind of days that there are, with the days in order."""
    return [f"{what}: {', '.join(of_kind)}" for what, of_kind in days.items() if of_kind]


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="backfill")
def main(config: DictConfig) -> None:
    """Run this command alone."""
    with exit_on_error("jobs.backfill"):
        asked = days_asked(config["from"], config["to"])
    run_alone("backfill", lambda night: run(night, asked), config)


if __name__ == "__main__":
    run_command(main, "jobs.backfill")
