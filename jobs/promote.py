"""Let the nights use the winner of a scientist's sweep: the next `jobs.train` compares it with the default parameters."""

from __future__ import annotations

import json
from pathlib import Path

import hydra
from omegaconf import DictConfig

from lake.errors import BadConfiguration
from night.command import run_command
from night.night import Done, Night, run_alone
from night.sweeps import RESULT, result_file, winner_file, write_result
from ranking.scoring import feature_list
from tuning.winner import Winner


def run(night: Night) -> Done:
    """Copy the winner of `sweep=NAME` to the night of `run_date`.

    Raises BadConfiguration if it is missing or was fitted on other features.
    """
    name, folder = night.settings.sweep, Path(night.settings.tuning.sweeps)
    file = result_file(night.settings, name)
    if not name or not file.exists():
        finished = ", ".join(sorted(f.parent.name for f in folder.glob(f"*/{RESULT}"))) or "none"
        raise BadConfiguration(
            f"sweep={name}: no finished sweep of that name. Finished in {folder}: {finished}. Give sweep=NAME."
        )
    stored = json.loads(file.read_text())
    winner = Winner.from_dict(stored["winner"])
    if winner.features_fingerprint != feature_list().fingerprint:
        raise BadConfiguration(f"sweep={name}: its features are not today's. Run jobs.tune again; nothing was changed.")
    target = winner_file(night.settings)
    if target.exists() and json.loads(target.read_text()) == stored:
        return Done(skipped=True, note=f"{target} holds it")
    write_result(target, stored)
    default = f", default {winner.default.valid_ndcg10:.4f}" if winner.default else ""
    return Done(
        len(winner.rows),
        1,
        f"{name}: validation NDCG@10 {winner.valid_ndcg10:.4f}{default}; in {target}. Next: jobs.train or the next night",
    )


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this command alone."""
    run_alone("promote", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.promote")
