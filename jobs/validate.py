"""The gate over every table up to the features: a partition that fails is neither graded nor published."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from night.command import run_command
from night.gate import gate, to_judge
from night.night import Done, Night, run_alone
from night.tables import as_built, gated


def to_do(night: Night) -> str:
    """Which units have not passed their gate, in words; "" if all have."""
    return to_judge(night, gated("validate"))


def run(night: Night) -> Done:
    """Judge the tables built so far; a failure ends the night with exit code 3 and names table, column, rule and counts."""
    return gate(night, [as_built(t, night.settings.features.only) for t in gated("validate")], "validate")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("validate", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.validate")
