"""Search the ranker's parameters on the night's training examples, in a child process with Ray."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import hydra
from omegaconf import DictConfig

from jobs.assemble import refuse_leaks
from jobs.checks import search_settings
from jobs.command import run_command
from jobs.night import Done, Night, run_alone
from lake.errors import MissingPartition
from lake.fingerprint import code_fingerprint
from lake.schema import struct
from lake.tables import TRIALS
from ranking.examples import training_examples_table
from ranking.scoring import feature_list
from tuning.child import run_search_in_child
from tuning.errors import SweepFailed
from tuning.leaderboard import print_leaderboard
from tuning.winner import Winner

EXAMPLES = training_examples_table()
EVERY_DAYS = 7


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


def _winner_file(night: Night) -> Path:
    return Path(night.settings.tuning.sweeps) / f"winner-{night.settings.run_date}.json"


def is_tonights(night: Night, winner: Winner) -> bool:
    """Whether the winner was judged on the examples of D as they are now."""
    file = _winner_file(night)
    said = json.loads(file.read_text()) if file.exists() else {"winner": {}}
    held = night.lake.fingerprint(EXAMPLES, night.run_date)
    return said["winner"].get("sweep") == winner.sweep and held is not None and said.get("examples") == held


def winner_of(night: Night) -> Winner | None:
    """The winner of the newest sweep not after D whose features are today's; None if there is none."""
    features = feature_list().fingerprint
    for file in sorted(Path(night.settings.tuning.sweeps).glob("winner-*.json"), reverse=True):
        if file.stem.removeprefix("winner-") <= night.settings.run_date:
            winner = Winner.from_dict(json.loads(file.read_text())["winner"])
            if winner.features_fingerprint == features:
                return winner
    return None


def run_if_due(night: Night) -> Done:
    """`nightly.tune`: never; always; auto is the first night and then every seventh run_date.

    A night goes on without a sweep that fails, with the newest winner there is or the default parameters, and says so; the next
    night tries again.
    """
    mode = night.settings.nightly.tune
    sweeps = sorted(Path(night.settings.tuning.sweeps).glob("winner-*.json"))
    earlier = [date.fromisoformat(f.stem.removeprefix("winner-")) for f in sweeps]
    earlier = [d for d in earlier if d < night.run_date]
    due = not earlier or (night.run_date - max(earlier)).days >= EVERY_DAYS
    if not night.as_of:
        return Done(skipped=True, note="no training examples")
    if mode == "never" or (mode == "auto" and not due):
        why = "nightly.tune=never" if mode == "never" else f"last sweep {max(earlier)}; every {EVERY_DAYS} days"
        return Done(skipped=True, note=why)
    try:
        return run(night)
    except SweepFailed as failure:
        night.notes.append(f"the night went on without its sweep, which the next one tries again: {failure}")
        return Done(skipped=True, note="failed: see the notes")


def run(night: Night) -> Done:
    """A sweep over the night's training examples; its trials go to `trials`, its winner to jobs.train."""
    section, features = night.settings.tuning, feature_list()
    settings = search_settings(night.settings)
    examples = night.inputs(examples=(EXAMPLES, [night.run_date]))
    mark = night.mark(
        examples, settings.to_dict() | {"resume": False}, features.fingerprint, code_fingerprint("tuning", "ranking")
    )
    file = _winner_file(night)
    if file.exists() and json.loads(file.read_text())["fingerprint"] == mark:
        return Done(skipped=True, note=f"winner in {file}")
    path, earlier = examples_path(night), winner_of(night)
    # not in the mark, which would change with each sweep
    settings = replace(settings, earlier=earlier.params if earlier else None)
    winner = run_search_in_child(settings, path, Path(section.sweeps).resolve(), features)
    trials = winner.trials.assign(run_date=night.run_date)[[c.name for c in TRIALS.columns]]
    rows = list(trials.itertuples(index=False, name=None))
    night.lake.write(TRIALS, night.spark.createDataFrame(rows, struct(TRIALS)), {settings.name: mark})
    partial = file.with_suffix(".partial")
    judged_on = night.lake.fingerprint(EXAMPLES, night.run_date)
    partial.write_text(json.dumps({"fingerprint": mark, "examples": judged_on, "winner": winner.to_dict()}, indent=1))
    partial.rename(file)
    if section.trials > 10:
        print_leaderboard(winner)
    night.notes.extend(winner.notes)
    note = f"sweep {settings.name}: best validation NDCG@10 {winner.valid_ndcg10:.4f}"
    if winner.default:
        note += f", default {winner.default.valid_ndcg10:.4f}"
    return Done(night.lake.commits(EXAMPLES)[night.settings.run_date].rows, len(winner.rows), note)


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="tune")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("tune", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.tune")
