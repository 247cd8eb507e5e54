"""Bring days up to date that nights left as an older version read and counted them: `from` … `to`, both included."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import hydra
from omegaconf import DictConfig

from jobs import count_engagement, ingest
from lake.errors import BadConfiguration
from night.command import run_command, told
from night.night import Done, Night, run_alone


def days_asked(first: object, last: object) -> tuple[date, date]:
    """The two dates. Raises BadConfiguration where one is none, or they are the wrong way round."""
    try:
        asked = (date.fromisoformat(str(first)), date.fromisoformat(str(last)))
    except ValueError:
        raise BadConfiguration(f"from={first} to={last}: expected two dates, from=YYYY-MM-DD to=YYYY-MM-DD.") from None
    if asked[0] > asked[1]:
        raise BadConfiguration(f"from={first} is after to={last}. Give the earlier day first.")
    return asked


def run(night: Night, asked: tuple[date, date]) -> Done:
    """Read and count the delivered days among `asked` whose folders are there or whose rows the lake holds; the rest is done already."""
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
    with told("jobs.backfill"):
        asked = days_asked(config["from"], config["to"])
    run_alone("backfill", lambda night: run(night, asked), config)


if __name__ == "__main__":
    run_command(main, "jobs.backfill")
