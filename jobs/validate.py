"""The gate over every table up to the features: nothing is graded or published from a partition that fails."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from features.catalogue import feature_tables
from lake import tables as t
from night.command import run_command
from night.gate import gate
from night.night import Done, Night, run_alone

GATED = (
    t.SEARCH_LOG,
    t.ENGAGEMENT_EVENTS,
    t.QUARANTINE,
    t.DELIVERED_FILES,
    t.TRACKS,
    t.QUERIES,
    t.ALIAS_PAIRS,
    t.DAILY_ENGAGEMENT,
    t.ENGAGEMENT_TILES,
    t.LISTENER_TILES,
    t.DAILY_SEARCHES,
    t.BOT_DAYS,
    t.EXPOSURE_CURVES,
    t.BACKOFF_STRENGTHS,
    t.VECTORS,
    t.CANDIDATES,
)


def run(night: Night) -> Done:
    """Judge what is built; exit code 3 with table, column, rule and counts if anything fails."""
    return gate(night, (*GATED, *feature_tables()), "validate")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="validate")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("validate", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.validate")
