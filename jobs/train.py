"""Fit the ranker of the night: with the parameters of the sweep's winner, unless the default parameters are better."""

from __future__ import annotations

import shutil

import hydra
from omegaconf import DictConfig

from lake.code import code_fingerprint, library_versions
from night.command import run_command
from night.examples import EXAMPLES, examples_path, sampled_to
from night.night import Done, Night, run_alone
from night.rankers import chosen_parameters, is_up_to_date, ranker_folder, ship
from night.sweeps import is_promoted, winner_of
from ranking.dataset import read_examples
from ranking.ranker import RankerParams, fit
from ranking.scoring import feature_list

FIT_LIBRARIES = ("lightgbm", "numpy")  # another version may grow other trees


def _mark(night: Night) -> str:
    winner = winner_of(night)
    return night.mark(
        night.inputs(examples=(EXAMPLES, [night.run_date])),
        dict(night.settings.ranker),
        [winner.params, winner.trees, winner.identity, is_promoted(night, winner)] if winner else None,
        sampled_to(night),
        feature_list().fingerprint,
        code_fingerprint("jobs.train"),
        library_versions(*FIT_LIBRARIES),
    )


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if the night's ranker is up to date, or if there is nothing to learn from."""
    folder = ranker_folder(night)
    if not night.as_of:
        return "" if night.can_train or not folder.exists() else "a ranker is there that nothing was learned for"
    if is_up_to_date(folder, feature_list(), _mark(night)):
        return ""
    return "the ranker is of other examples, settings or code" if folder.exists() else "no ranker of this night"


def run(night: Night) -> Done:
    """Choose the parameters and the number of trees on the validation snapshot, then fit on all snapshots."""
    folder = ranker_folder(night)
    if not night.as_of:
        if night.can_train:  # jobs.rank_head then raises StaleRanker
            return Done(
                skipped=True,
                note=f"{night.history_days} days of history, but every snapshot lies in a hole of the logs",
            )
        shutil.rmtree(folder, ignore_errors=True)
        return Done(
            skipped=True,
            note=f"{night.history_days} days of history, no snapshot to learn from: lists are ordered by shrunk COEC",
        )
    winner, threads, features, mark = winner_of(night), night.settings.tuning.threads, feature_list(), _mark(night)
    if is_up_to_date(folder, features, mark):
        return Done(skipped=True)
    path = examples_path(night)
    examples = read_examples(path, features, night.settings.tuning.folds)
    chosen, default = chosen_parameters(night, winner, examples)
    metadata = {
        "fingerprint": mark,
        "examples": night.lake.fingerprint(EXAMPLES, night.run_date),
        "sweep": winner.sweep if winner else None,
        "run_date": night.settings.run_date,
        "chosen": "default" if chosen is default else "sweep",
        "valid_ndcg10": chosen.valid_ndcg10,
        "default_valid_ndcg10": default.valid_ndcg10,
    }
    ranker = fit(
        examples, RankerParams.from_dict(chosen.params), trees=chosen.trees, seed=1, threads=threads, metadata=metadata
    )
    ship(ranker, chosen, folder)
    reached = f"validation NDCG@10 {chosen.valid_ndcg10:.4f} (default {default.valid_ndcg10:.4f})"
    note = f"{metadata['chosen']} parameters, {chosen.trees} trees, {reached}"
    return Done(len(examples.grades), ranker.trees, note)


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("train", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.train")
