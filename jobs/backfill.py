"""Read and count days again that nights left as an older version had computed them: `from` to `to`, both included."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import hydra
from omegaconf import DictConfig

from jobs import count_engagement, ingest
from lake.errors import BadConfiguration
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
    """Read and count the delivered days from asked[0] to asked[1] that are not up to date.

    A day is read again if its folder still exists, and counted again if the lake has its rows.
    """
    one = replace(night, notes=[], backfilled=asked)
    done = [ingest.run(one), count_engagement.run(one)]
    night.notes += one.notes
    return Done(
        sum(d.rows_in for d in done),
        sum(d.rows_out for d in done),
        "; ".join(d.note for d in done if d.note),
        all(d.skipped for d in done),
    )


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="backfill")
def main(config: DictConfig) -> None:
    """Run this command alone."""
    with exit_on_error("jobs.backfill"):
        asked = days_asked(config["from"], config["to"])
    run_alone("backfill", lambda night: run(night, asked), config)


if __name__ == "__main__":
    run_command(main, "jobs.backfill")
