"""Say whether the day before the night is delivered whole: exit code 0 if it is, 3 if not yet. For schedulers that wait."""

from __future__ import annotations

from datetime import timedelta

import hydra
from omegaconf import DictConfig

from events.delivery import check_complete, check_sources
from lake.errors import IncompleteDelivery
from night.command import exit_on_error, run_command, settings_of
from night.night import Night


def check(night: Night) -> str:
    """One line on the delivery of the day before D.

    Raises IncompleteDelivery if the day is missing, still being written, or far smaller than usual.
    """
    settings, day = night.settings.ingest, night.run_date - timedelta(days=1)
    newest = [f for f in night.folders if f.day == day]
    if not newest or not newest[0].files["search"]:  # a producer may deliver the events first
        raise IncompleteDelivery(
            f"{night.settings.logs}: no searches of {day} yet. Wait for them, or look at the producer."
        )
    settle_s = 0.0 if night.is_simulated else settings.settle_s
    check_complete(night.folders, night.run_date, settle_s, settings.accept_incomplete)
    check_sources(newest, settle_s, settings.accept_incomplete)
    return f"{day} is delivered: {newest[0].size('search') + newest[0].size('event'):,} bytes"


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Check once; nothing waits here."""
    with exit_on_error("jobs.delivered"):
        print(check(Night(settings_of(config), None)))  # type: ignore[arg-type]  # no lake is read


if __name__ == "__main__":
    run_command(main, "jobs.delivered")
