"""The sweeps of the nights and of scientists: their names, their result files, and how one is run."""

from __future__ import annotations

import difflib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from lake.code import code_fingerprint, library_versions
from lake.errors import BadConfiguration
from lake.rows import frame_of
from lake.schema import struct
from lake.store import is_elsewhere, write_file
from lake.tables.models import TRIALS
from night.checks import search_settings
from night.examples import EXAMPLES, examples_path, sampled_to
from night.night import Done, Night
from night.night import night as open_night
from night.settings import Settings
from ranking.scoring import feature_list
from tuning.child import BINS, run_search_in_child
from tuning.leaderboard import print_leaderboard
from tuning.progress import Progress
from tuning.recommend import NIGHTS_RESULTS, RESULT
from tuning.report import write_report
from tuning.screen import Screen
from tuning.settings import SPEC, SearchSettings
from tuning.tracking import Targets, copied
from tuning.winner import Winner

EVERY_DAYS = 7
NIGHTS = "night-"  # prefix of the names of the nights' own sweeps
MULTIRUN = "multirun"
PROMOTED_ON = "promoted_on"  # key of a promoted winner's file: the snapshot on which it was better
KEEP_EVERY_S = 60.0  # how often a running sweep is written to an object store
DATA = "sweep-data"  # below cluster.work_dir: binned examples, which any sweep can make again
SWEEP_LIBRARIES = ("lightgbm", "numpy", "optuna")  # another version may propose other parameters or grow other trees


def winner_file(settings: Settings) -> Path:
    """The file of the winner of a night: `jobs.train` reads it; `night.promotion` writes it, and the first sweep of all."""
    return Path(settings.tuning.sweeps) / f"winner-{settings.run_date}.json"


def result_file(settings: Settings, sweep: str) -> Path:
    """The file of the winner of a sweep; no night uses it before it is promoted (`night.promotion`)."""
    return Path(settings.tuning.sweeps) / sweep / RESULT


def write_result(file: Path, result: Mapping[str, object]) -> None:
    """Write the result of a sweep atomically: {fingerprint, examples, winner}, as `run_sweep` builds it."""
    write_file(file, json.dumps(result, indent=1).encode())


def is_tonights(night: Night, winner: Winner) -> bool:
    """Whether the winner is of the sweep of D, and was evaluated on the examples of D as they are now."""
    file = winner_file(night.settings)
    stored = json.loads(file.read_text()) if file.exists() else {"winner": {}}
    examples = night.lake.fingerprint(EXAMPLES, night.run_date)
    return stored["winner"].get("sweep") == winner.sweep and examples is not None and stored.get("examples") == examples


def is_promoted(night: Night, winner: Winner) -> bool:
    """Whether the newest file of this winner says that `jobs.promote` has promoted it."""
    for _, stored in _nights_winners(night.settings):
        if stored["winner"]["sweep"] == winner.sweep:
            return bool(stored.get(PROMOTED_ON))
    return False


def _nights_winners(settings: Settings) -> Iterator[tuple[str, dict[str, Any]]]:
    """(run date, content) of the winners of the nights up to D, the newest first."""
    for file in sorted(Path(settings.tuning.sweeps).glob(NIGHTS_RESULTS), reverse=True):
        if (day := file.stem.removeprefix("winner-")) <= settings.run_date:
            yield day, json.loads(file.read_text())


def winner_of(night: Night, before: str = "") -> Winner | None:
    """The newest winner not after D whose features are the current ones; None if there is none.

    Args:
        night: the night of D.
        before: with a date, only winners of nights before it.
    """
    features = feature_list().fingerprint
    for day, stored in _nights_winners(night.settings):
        winner = Winner.from_dict(stored["winner"])
        if winner.features_fingerprint == features and (not before or day < before):
            return winner
    return None


def sweep_dates(night: Night) -> list[date]:
    """The nights with a sweep of their own over today's features, in order."""
    usable, days = feature_list().fingerprint, set()
    folder = Path(night.settings.tuning.sweeps)
    results = [(f.parent.name.removeprefix(NIGHTS), f) for f in folder.glob(f"{NIGHTS}*/{RESULT}")]
    winners = [(f.stem.removeprefix("winner-"), f) for f in folder.glob(NIGHTS_RESULTS)]
    for day, file in (*results, *winners):
        if json.loads(file.read_text())["winner"]["features_fingerprint"] == usable:
            days.add(date.fromisoformat(day))
    return sorted(days)


def sweep_settings(night: Night, words: Collection[str] = ()) -> SearchSettings:
    """The settings of a scientist's sweep, with its name.

    The name is `tuning.resume` or `sweep`; by default it is made of the date, the search space, and a hash of the settings and
    examples. A resumed sweep keeps the settings that it began with; more `tuning.trials` or a greater `tuning.time_budget_s`
    lets it go on for longer, if they are among the words of the command: what a search space sets is no wish to go on.

    Args:
        night: the night.
        words: the keys that the command line gave, such as `tuning.trials`.

    Raises:
        BadConfiguration: the name is reserved for the nights, or no sweep of the name is there to be resumed.
    """
    settings, tuning = replace(search_settings(night.settings), recommend=True), night.settings.tuning
    name = tuning.resume or night.settings.sweep
    if not name:
        digest = night.mark(settings.to_dict(), night.inputs(examples=(EXAMPLES, [night.run_date])))
        name = f"{night.settings.run_date}-{tuning.space}-{digest[:6]}"
    if name.startswith((NIGHTS, "winner-")) or name == MULTIRUN:
        raise BadConfiguration(f"sweep={name}: such names are the night's own. Give the sweep another name.")
    if not tuning.resume:
        return replace(settings, name=name)
    began = Path(tuning.sweeps) / name / SPEC
    if not began.exists():
        known = sorted(file.parent.name for file in Path(tuning.sweeps).glob(f"*/{SPEC}"))
        nearest = (difflib.get_close_matches(name, known, 1, 0.0) or ["none"])[0]
        raise BadConfiguration(
            f"tuning.resume={name}: no sweep of that name in {tuning.sweeps} (nearest: {nearest}). Start it with sweep={name}"
        )
    stored = SearchSettings(**json.loads(began.read_text())["settings"])
    return replace(
        stored,
        resume=True,
        trials=max(stored.trials, settings.trials if "tuning.trials" in words else 0),
        time_budget_s=max(stored.time_budget_s, settings.time_budget_s if "tuning.time_budget_s" in words else 0),
        address=settings.address,
    )


def _mark(night: Night, settings: SearchSettings) -> str:
    return night.mark(
        night.inputs(examples=(EXAMPLES, [night.run_date])),
        settings.to_dict() | {"resume": False, "address": ""},  # neither changes what comes out
        sampled_to(night),
        feature_list().fingerprint,
        code_fingerprint("jobs.tune"),
        library_versions(*SWEEP_LIBRARIES),
    )


def has_result(night: Night, settings: SearchSettings, file: Path) -> bool:
    """Whether the file holds the winner of a sweep with these settings over the night's examples."""
    return file.exists() and json.loads(file.read_text())["fingerprint"] == _mark(night, settings)


@dataclass(frozen=True)
class AskedSweep:
    """A sweep that is ready to run without the lake.

    Args:
        settings: its settings.
        examples: the Parquet files of the training examples.
        sweeps: the folder with one folder per sweep.
        bins: the folder with the binned data.
        file: where its result is written.
        mark: the mark of its inputs and settings.
        judged_on: fingerprint of the examples in the lake.
        copies: where the finished sweep is copied to.
    """

    settings: SearchSettings
    examples: Path
    sweeps: Path
    bins: Path
    file: Path
    mark: str
    judged_on: str | None
    copies: Targets


def copies_of(settings: Settings) -> Targets:
    """Where the settings copy finished sweeps to."""
    return Targets(settings.tuning.optuna, settings.tuning.mlflow)


def bins_of(settings: Settings) -> Path:
    """The folder with the binned examples: scratch of this machine, or beside the sweeps where other nodes must see it.

    Raises BadConfiguration if the sweeps of a Ray cluster lie in an object store: LightGBM reads binned data from a disk alone.
    """
    if not settings.tuning.address:
        return Path(settings.cluster.work_dir) / DATA
    if is_elsewhere(settings.tuning.sweeps):
        raise BadConfiguration(
            f"tuning.sweeps={settings.tuning.sweeps} with tuning.address: expected a folder on a disk that all nodes mount"
        )
    return Path(settings.tuning.sweeps).resolve() / BINS


def ask_sweep(night: Night, settings: SearchSettings, file: Path) -> AskedSweep | None:
    """Write the examples for the sweep, unless they are there, and note what it is made of; None if `file` holds its result."""
    if has_result(night, settings, file):
        return None
    mark = _mark(night, settings)
    if not settings.recommend and not settings.resume:
        # the earlier winner is no part of the mark, which would change with each sweep
        earlier = winner_of(night)
        settings = replace(settings, earlier=earlier.params if earlier else None)
    return AskedSweep(
        settings,
        examples_path(night),
        Path(night.settings.tuning.sweeps).resolve(),
        bins_of(night.settings),
        file,
        mark,
        night.lake.fingerprint(EXAMPLES, night.run_date),
        copies_of(night.settings),
    )


def search_sweep(asked: AskedSweep, keep: Callable[[], object] = lambda: None) -> Winner:
    """Run the sweep without Spark and without the lock of the lake; show how it goes, and at the end its leaderboard and report.

    Args:
        asked: the sweep.
        keep: called every KEEP_EVERY_S seconds meanwhile, to write what there is of it to its store.
    """
    settings = asked.settings
    with Screen(settings.name, settings.base_params().to_dict()) as screen:
        kept = time.monotonic()

        def show(state: Progress) -> None:
            nonlocal kept
            screen.show(state)
            if time.monotonic() - kept > KEEP_EVERY_S:
                keep()
                kept = time.monotonic()

        winner = run_search_in_child(settings, asked.examples, asked.sweeps, feature_list(), asked.bins, show)
    # without the mark the sweep is not done: the same command, or tuning.resume, goes on with it
    write_result(
        asked.file,
        {"fingerprint": asked.mark if winner.is_whole else "", "examples": asked.judged_on, "winner": winner.to_dict()},
    )
    print_leaderboard(winner, screen.console)
    report = write_report(asked.sweeps / settings.name, settings, winner)
    for line in (f"report: {report}", *copied(asked.copies, asked.sweeps / settings.name, settings, winner)):
        screen.console.print(line, highlight=False, soft_wrap=True)
    return winner


def record_sweep(night: Night, name: str, mark: str, winner: Winner) -> Done:
    """Write the trials of a finished sweep to the table `trials`, under the mark of its inputs and settings."""
    trials = winner.trials.assign(run_date=night.run_date)[[c.name for c in TRIALS.columns]]
    rows = list(trials.itertuples(index=False, name=None))
    night.lake.write(TRIALS, frame_of(night.spark, rows, struct(TRIALS)), {name: mark})
    night.notes.extend(winner.notes)
    note = f"sweep {name}: best validation NDCG@10 {winner.valid_ndcg10:.4f}"
    if winner.default:
        note += f", default {winner.default.valid_ndcg10:.4f}"
    return Done(night.lake.commits(EXAMPLES)[night.settings.run_date].rows, len(winner.rows), note)


def run_sweep(night: Night, settings: SearchSettings, file: Path) -> Done:
    """Run the sweep unless `file` already holds the result of the same inputs, and record it, all within one night.

    Args:
        night: the night.
        settings: the settings of the sweep.
        file: where the winner is written.
    """
    asked = ask_sweep(night, settings, file)
    if asked is None:
        return _record_if_missing(night, settings, file)
    return record_sweep(night, settings.name, asked.mark, search_sweep(asked, night.keep))


def _record_if_missing(night: Night, settings: SearchSettings, file: Path) -> Done:
    """Write the trials of a sweep that is done to the table `trials`, if what came after the search was broken off."""
    mark = _mark(night, settings)
    if night.lake.fingerprint(TRIALS, settings.name) == mark:
        return Done(skipped=True, note=f"already done; winner in {file}")
    return record_sweep(night, settings.name, mark, _stored_winner(file))


def run_sweep_alone(settings: Settings, words: Collection[str] = ()) -> tuple[SearchSettings, Winner, str]:
    """Run a scientist's sweep as a command: the lake is locked before and after the search, so that a night can run meanwhile.

    A sweeps folder in an object store is a local copy that the lock protects: then the lake stays locked for the whole sweep.

    Args:
        settings: the checked settings.
        words: the keys that the command line gave.

    Returns:
        The settings of the sweep, its winner, and what was done in words.
    """
    wait_s = settings.nightly.lock_wait_s
    if is_elsewhere(settings.tuning.sweeps):
        with open_night(settings, wait_s) as this:
            this.lake.begin_step("tune")
            wanted = sweep_settings(this, words)
            try:
                done = run_sweep(this, wanted, result_file(this.settings, wanted.name))
            finally:
                this.keep()  # what there is of a sweep that was broken off is resumed from the store
            return wanted, _stored_winner(result_file(this.settings, wanted.name)), done.note
    with open_night(settings, wait_s) as this:
        this.lake.begin_step("tune")
        wanted = sweep_settings(this, words)
        file = result_file(this.settings, wanted.name)
        asked = ask_sweep(this, wanted, file)
        if asked is None:
            return wanted, _stored_winner(file), _record_if_missing(this, wanted, file).note
    winner = search_sweep(asked)
    with open_night(settings, wait_s) as this:
        this.lake.begin_step("tune")
        done = record_sweep(this, wanted.name, asked.mark, winner)
        for note in this.notes:
            print(f"  {note}")
    return wanted, winner, done.note


def _stored_winner(file: Path) -> Winner:
    return Winner.from_dict(json.loads(file.read_text())["winner"])
