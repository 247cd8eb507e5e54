"""Search the ranker's parameters on the night's training examples, in a child process with Ray."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from jobs.assemble import refuse_leaks
from jobs.checks import search_settings
from jobs.command import run_command
from jobs.night import Done, Night, run_alone
from jobs.settings import Settings
from lake.code import code_fingerprint, library_versions
from lake.errors import BadConfiguration, MissingPartition
from lake.rows import frame_of
from lake.schema import struct
from lake.tables import TRIALS
from ranking.examples import training_examples_table
from ranking.scoring import feature_list
from tuning.child import run_search_in_child
from tuning.errors import SweepFailed
from tuning.leaderboard import print_leaderboard, print_side_by_side
from tuning.settings import SearchSettings
from tuning.winner import Winner

EXAMPLES = training_examples_table()
EVERY_DAYS = 7
NIGHTS = "night-"  # names of the nights' own sweeps begin so
RESULT, MULTIRUN = "result.json", "multirun"
SWEEP_LIBRARIES = ("lightgbm", "numpy", "optuna")  # another version may propose other points or grow other trees


def examples_path(night: Night) -> Path:
    """The night's training examples as Parquet files, written once: trials and the final fit open them by path."""
    mark = night.lake.fingerprint(EXAMPLES, night.run_date)
    if mark is None:
        raise MissingPartition(
            f"training_examples: {night.settings.run_date} was never written. Run jobs.assemble first."
        )
    refuse_leaks(night)
    folder = Path(night.settings.tuning.sweeps) / "examples" / f"{night.settings.run_date}-{mark}"
    if not (folder / "_SUCCESS").exists():
        shutil.rmtree(folder.parent, ignore_errors=True)  # of other nights too: each makes its own from the lake
        frame = night.lake.read(EXAMPLES, [night.run_date], allow_unvalidated=True)
        frame.coalesce(1).write.mode("overwrite").parquet(str(folder.resolve()))
    return folder


def winner_file(settings: Settings) -> Path:
    """Where the night of `run_date` keeps its winner: `jobs.train` reads it, only the night's own sweep and `jobs.promote` write it."""
    return Path(settings.tuning.sweeps) / f"winner-{settings.run_date}.json"


def result_file(settings: Settings, sweep: str) -> Path:
    """Where a scientist's sweep keeps its winner; no night reads it until `jobs.promote` is told to take it."""
    return Path(settings.tuning.sweeps) / sweep / RESULT


def write_result(file: Path, result: Mapping[str, object]) -> None:
    """Write a sweep's result ({fingerprint, examples, winner}), atomically."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(result, indent=1))
    partial.rename(file)


def is_tonights(night: Night, winner: Winner) -> bool:
    """Whether the winner was judged on the examples of D as they are now."""
    file = winner_file(night.settings)
    stored = json.loads(file.read_text()) if file.exists() else {"winner": {}}
    examples = night.lake.fingerprint(EXAMPLES, night.run_date)
    return stored["winner"].get("sweep") == winner.sweep and examples is not None and stored.get("examples") == examples


def winner_of(night: Night) -> Winner | None:
    """The newest winner not after D whose features are today's; None if there is none."""
    features = feature_list().fingerprint
    for file in sorted(Path(night.settings.tuning.sweeps).glob("winner-*.json"), reverse=True):
        if file.stem.removeprefix("winner-") <= night.settings.run_date:
            winner = Winner.from_dict(json.loads(file.read_text())["winner"])
            if winner.features_fingerprint == features:
                return winner
    return None


def run_if_due(night: Night) -> Done:
    """`nightly.tune`: never; always; auto is the first night and then every seventh run_date.

    The night's sweep is repeatable: a fixed design of points, each grown to its end. A night goes on without a sweep that fails or
    does not end in time, with the newest winner there is or the default parameters, and notes it; the next night tries again.
    """
    mode = night.settings.nightly.tune
    sweeps = sorted(Path(night.settings.tuning.sweeps).glob("winner-*.json"))
    usable = [
        f for f in sweeps if json.loads(f.read_text())["winner"]["features_fingerprint"] == feature_list().fingerprint
    ]
    earlier = [date.fromisoformat(f.stem.removeprefix("winner-")) for f in usable]
    earlier = [d for d in earlier if d < night.run_date]
    due = not earlier or (night.run_date - max(earlier)).days >= EVERY_DAYS
    if not night.as_of:
        return Done(skipped=True, note="no training examples")
    if mode == "never" or (mode == "auto" and not due):
        why = "nightly.tune=never" if mode == "never" else f"last sweep {max(earlier)}; every {EVERY_DAYS} days"
        return Done(skipped=True, note=why)
    settings = replace(
        search_settings(night.settings), name=f"{NIGHTS}{night.settings.run_date}", prune=False, resume=False
    )
    try:
        return _searched(night, settings, winner_file(night.settings))
    except SweepFailed as failure:
        night.notes.append(f"the night went on without its sweep, which the next one tries again: {failure}")
        return Done(skipped=True, note="failed: see the notes")


def run(night: Night) -> Done:
    """A scientist's sweep over the night's training examples: a folder of its own under `tuning.sweeps`; nothing of the night's changes."""
    settings = named(night)
    return _searched(night, settings, result_file(night.settings, settings.name))


def named(night: Night) -> SearchSettings:
    """What the sweep is asked to do, under its name: `sweep` or `tuning.resume`; by default date, search space and a hash of both.

    Raises BadConfiguration for a name that the nights use themselves.
    """
    settings, tuning = search_settings(night.settings), night.settings.tuning
    name = tuning.resume or night.settings.sweep
    if not name:
        asked = night.mark(settings.to_dict(), night.inputs(examples=(EXAMPLES, [night.run_date])))
        name = f"{night.settings.run_date}-{tuning.space}-{asked[:6]}"
    if name.startswith((NIGHTS, "winner-")) or name in ("examples", MULTIRUN):
        raise BadConfiguration(f"sweep={name}: such names are the night's own. Give the sweep another name.")
    return replace(settings, name=name)


def _searched(night: Night, settings: SearchSettings, file: Path) -> Done:
    """Run the sweep unless its result is there; its trials go to the table `trials`, its winner to `file`."""
    features = feature_list()
    examples = night.inputs(examples=(EXAMPLES, [night.run_date]))
    mark = night.mark(
        examples,
        settings.to_dict() | {"resume": False},
        features.fingerprint,
        code_fingerprint("jobs.tune"),
        library_versions(*SWEEP_LIBRARIES),
    )
    if file.exists() and json.loads(file.read_text())["fingerprint"] == mark:
        return Done(skipped=True, note=f"winner in {file}")
    path, earlier = examples_path(night), winner_of(night)
    # not in the mark, which would change with each sweep
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


def swept(night: Night) -> Done:
    """`run`, whose result is printed side by side with the others' when `--multirun` has run them all."""
    done = run(night)
    settings = named(night)
    stored = json.loads(result_file(night.settings, settings.name).read_text())
    _finished.append((settings, Winner.from_dict(stored["winner"])))
    return done


_finished: list[tuple[SearchSettings, Winner]] = []


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="tune")
def main(config: DictConfig) -> None:
    """Run one named sweep; with `--multirun`, one for each combination of values."""
    running = HydraConfig.get()
    if running.mode == RunMode.MULTIRUN and config.sweep:
        config.sweep = f"{config.sweep}-{running.job.num}"
    run_alone("tune", swept, config)


def main_and_compare() -> None:
    """The sweeps, then their results side by side if there are several."""
    main()
    if len(_finished) > 1:
        print_side_by_side(_finished)


if __name__ == "__main__":
    run_command(main_and_compare, "jobs.tune")
