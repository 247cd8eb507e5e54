"""Fit the ranker that ships: the sweep's winner where it is not worse, the default parameters otherwise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from jobs.command import run_command
from jobs.night import Done, Night, run_alone
from jobs.tune import EXAMPLES, examples_path, is_tonights, winner_of
from lake.code import code_fingerprint, library_versions
from lake.errors import StaleRanker
from ranking.dataset import Examples, FeatureList, read_examples
from ranking.ranker import Ranker, RankerCorrupt, RankerParams, fit, load
from ranking.scoring import feature_list
from tuning.winner import Result, assert_shipped, choose

FIT_LIBRARIES = ("lightgbm", "numpy")  # another version may grow other trees


def ranker_folder(night: Night) -> Path:
    """Where the ranker of D is kept."""
    return Path(night.settings.rankers) / night.settings.run_date


def ranker_of(night: Night) -> Path | None:
    """The folder of the night's ranker; None where the history is too short to train one.

    Raises StaleRanker where one can be trained and is missing, or was trained on other examples than the night's.
    """
    folder = ranker_folder(night)
    if not night.can_train:
        return None
    card, day = folder / "ranker.json", night.settings.run_date
    earlier = [f.parent.name for f in folder.parent.glob("*/ranker.json") if f.parent.name < day]
    last = f"the last ranker is of {max(earlier)}" if earlier else "there is no earlier one"
    if not card.exists():
        raise StaleRanker(
            f"no ranker in {folder}, and {night.history_days} days of history can train one; {last}. Run jobs.train run_date={day}; "
            "CURRENT stays as it is."
        )
    if trained_on(folder) != night.lake.fingerprint(EXAMPLES, night.run_date):
        raise StaleRanker(
            f"the ranker in {folder} was trained on other examples than the lake holds of {day}; {last}. Run jobs.train run_date={day}; "
            "CURRENT stays as it is."
        )
    return folder


def trained_on(folder: Path) -> str | None:
    """Fingerprint of the examples that the ranker in a folder was trained on. Raises RankerCorrupt where it cannot be read."""
    return _metadata(folder).get("examples")


def sweep_of(folder: Path) -> str | None:
    """The sweep among whose parameters the ranker's were chosen; None where there was none."""
    return _metadata(folder).get("sweep")


def _metadata(folder: Path) -> dict[str, Any]:
    """What the training noted beside the model; read without LightGBM."""
    try:
        return dict(json.loads((folder / "ranker.json").read_bytes())["metadata"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RankerCorrupt(f"ranker {folder}: unreadable ({error!r}); run jobs.train again") from error


def _judged(examples: Examples, params: dict[str, Any], threads: int) -> Result:
    """What some parameters reach on the validation span, stopping early."""
    return Result.of(fit(examples, RankerParams.from_dict(params), seed=1, threads=threads))


def _same(swept: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether the default that a sweep judged is what the settings say now."""
    return RankerParams.from_dict(dict(swept)) == RankerParams.from_dict(dict(wanted))


def stands(folder: Path, features: FeatureList, mark: str) -> bool:
    """Whether the ranker of these inputs is saved and sound; one that is stale or damaged is to be made again."""
    if not (folder / "ranker.json").exists():
        return False
    try:
        return load(folder, features).metadata.get("fingerprint") == mark
    except (StaleRanker, RankerCorrupt):
        return False


def ship(ranker: Ranker, chosen: Result, folder: Path) -> None:
    """Save the ranker, and put it into its place once it is what was chosen. Raises StaleRanker; then the place is as it was."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    ranker.save(partial)
    assert_shipped(chosen, load(partial, ranker.features))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def run(night: Night) -> Done:
    """Choose parameters and tree count on the validation span, then fit on all snapshots."""
    folder = ranker_folder(night)
    if not night.as_of:
        if night.can_train:  # jobs.rank_head holds the night
            return Done(
                skipped=True,
                note=f"{night.history_days} days of history, but every snapshot lies in a hole of the logs",
            )
        shutil.rmtree(folder, ignore_errors=True)
        return Done(
            skipped=True,
            note=f"{night.history_days} days of history, no snapshot to learn from: lists are ordered by shrunk COEC",
        )
    winner, threads = winner_of(night), night.settings.tuning.threads
    features = feature_list()
    mark = night.mark(
        night.inputs(examples=(EXAMPLES, [night.run_date])),
        dict(night.settings.ranker),
        [winner.params, winner.trees, winner.identity] if winner else None,
        features.fingerprint,
        code_fingerprint("jobs.train"),
        library_versions(*FIT_LIBRARIES),
    )
    if stands(folder, features, mark):
        return Done(skipped=True)
    path = examples_path(night)
    examples = read_examples(path, features, night.settings.tuning.folds)
    # a sweep over these very examples judged the default beside its winner; another's winner is judged anew, as are other defaults
    default = winner.default if winner and is_tonights(night, winner) else None
    if winner and default and _same(default.params, night.settings.ranker):
        judged, chosen = default, choose(default, winner)
    else:
        judged = _judged(examples, night.settings.ranker, threads)
        chosen = judged
        if winner:
            again = _judged(examples, winner.params, threads)
            chosen = again if again.valid_ndcg10 >= judged.valid_ndcg10 else judged
    said = {
        "fingerprint": mark,
        "examples": night.lake.fingerprint(EXAMPLES, night.run_date),
        "sweep": winner.sweep if winner else None,
        "run_date": night.settings.run_date,
        "chosen": "default" if chosen is judged else "sweep",
        "valid_ndcg10": chosen.valid_ndcg10,
        "default_valid_ndcg10": judged.valid_ndcg10,
    }
    ranker = fit(
        examples, RankerParams.from_dict(chosen.params), trees=chosen.trees, seed=1, threads=threads, metadata=said
    )
    ship(ranker, chosen, folder)
    note = f"{said['chosen']} parameters, {chosen.trees} trees, validation NDCG@10 {chosen.valid_ndcg10:.4f} (default {judged.valid_ndcg10:.4f})"
    return Done(len(examples.grades), ranker.trees, note)


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="train")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("train", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.train")
