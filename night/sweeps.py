"""The sweeps of the nights and of scientists: their names, their result files, and how one is run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lake.code import code_fingerprint, library_versions
from lake.errors import BadConfiguration
from lake.rows import frame_of
from lake.schema import struct
from lake.tables.models import TRIALS
from night.checks import search_settings
from night.examples import EXAMPLES, examples_path
from night.night import Done, Night
from night.settings import Settings
from ranking.scoring import feature_list
from tuning.child import run_search_in_child
from tuning.leaderboard import print_leaderboard
from tuning.settings import SearchSettings
from tuning.winner import Winner

EVERY_DAYS = 7
NIGHTS = "night-"  # prefix of the names of the nights' own sweeps
RESULT, MULTIRUN = "result.json", "multirun"
SWEEP_LIBRARIES = ("lightgbm", "numpy", "optuna")  # another version may propose other parameters or grow other trees


def winner_file(settings: Settings) -> Path:
    """The file of the winner of a night: `jobs.train` reads it; the night's own sweep and `jobs.promote` write it."""
    return Path(settings.tuning.sweeps) / f"winner-{settings.run_date}.json"


def result_file(settings: Settings, sweep: str) -> Path:
    """The file of the winner of a scientist's sweep; no night uses it unless `jobs.promote` copies it."""
    return Path(settings.tuning.sweeps) / sweep / RESULT


def write_result(file: Path, result: Mapping[str, object]) -> None:
    """Write the result of a sweep atomically: {fingerprint, examples, winner}, as `run_sweep` builds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=1))
    partial.rename(file)


def is_tonights(night: Night, winner: Winner) -> bool:
    """Whether the winner is of the sweep of D, and was evaluated on the examples of D as they are now."""
    file = winner_file(night.settings)
    stored = json.loads(file.read_text()) if file.exists() else {"winner": {}}
    examples = night.lake.fingerprint(EXAMPLES, night.run_date)
    return stored["winner"].get("sweep") == winner.sweep and examples is not None and stored.get("examples") == examples


def winner_of(night: Night) -> Winner | None:
    """The newest winner not after D whose features are the current ones; None if there is none."""
    features = feature_list().fingerprint
    for file in sorted(Path(night.settings.tuning.sweeps).glob("winner-*.json"), reverse=True):
        if file.stem.removeprefix("winner-") <= night.settings.run_date:
            winner = Winner.from_dict(json.loads(file.read_text())["winner"])
            if winner.features_fingerprint == features:
                return winner
    return None


def sweep_settings(night: Night) -> SearchSettings:
    """The settings of a scientist's sweep, with its name.

    The name is `tuning.resume` or `sweep`; by default it is made of the date, the search space, and a hash of the settings and
    examples. Raises BadConfiguration for a name that is reserved for the nights.
    """
    settings, tuning = search_settings(night.settings), night.settings.tuning
    name = tuning.resume or night.settings.sweep
    if not name:
        digest = night.mark(settings.to_dict(), night.inputs(examples=(EXAMPLES, [night.run_date])))
        name = f"{night.settings.run_date}-{tuning.space}-{digest[:6]}"
    if name.startswith((NIGHTS, "winner-")) or name == MULTIRUN:
        raise BadConfiguration(f"sweep={name}: such names are the night's own. Give the sweep another name.")
    return replace(settings, name=name)


def _mark(night: Night, settings: SearchSettings) -> str:
    return night.mark(
        night.inputs(examples=(EXAMPLES, [night.run_date])),
        settings.to_dict() | {"resume": False},
        feature_list().fingerprint,
        code_fingerprint("jobs.tune"),
        library_versions(*SWEEP_LIBRARIES),
    )


def has_result(night: Night, settings: SearchSettings, file: Path) -> bool:
    """Whether the file holds the winner of a sweep with these settings over the night's examples."""
    return file.exists() and json.loads(file.read_text())["fingerprint"] == _mark(night, settings)


def run_sweep(night: Night, settings: SearchSettings, file: Path) -> Done:
    """Run the sweep unless `file` already holds the result of the same inputs; write its trials to the table `trials`.

    Args:
        night: the night.
        settings: the settings of the sweep.
        file: where the winner is written.
    """
    if has_result(night, settings, file):
        return Done(skipped=True, note=f"winner in {file}")
    features, mark = feature_list(), _mark(night, settings)
    path, earlier = examples_path(night), winner_of(night)
    # the earlier winner is no part of the mark, which would change with each sweep
    settings = replace(settings, earlier=earlier.params if earlier else None)
    winner = run_search_in_child(settings, path, Path(night.settings.tuning.sweeps).resolve(), features)
    trials = winner.trials.assign(run_date=night.run_date)[[c.name for c in TRIALS.columns]]
    rows = list(trials.itertuples(index=False, name=None))
    night.lake.write(TRIALS, frame_of(night.spark, rows, struct(TRIALS)), {settings.name: mark})
    judged_on = night.lake.fingerprint(EXAMPLES, night.run_date)
    write_result(file, {"fingerprint": mark, "examples": judged_on, "winner": winner.to_dict()})
    if settings.trials > 10:
        print_leaderboard(winner)
    night.notes.extend(winner.notes)
    note = f"sweep {settings.name}: best validation NDCG@10 {winner.valid_ndcg10:.4f}"
    if winner.default:
        note += f", default {winner.default.valid_ndcg10:.4f}"
    return Done(night.lake.commits(EXAMPLES)[night.settings.run_date].rows, len(winner.rows), note)
