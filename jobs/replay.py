"""Walk forward over past nights: run each with what was known then, and judge its lists beside every arm on what came after it.

    python -m jobs.replay run_date=2026-10-29 nights=7            the seven nights that end with run_date
    python -m jobs.replay run_date=2026-10-20 nights=7 by=grades  judged by the reactions of the week after each, as logs of real people allow

A night that the lake has, with its release and ranker, is judged as it was run. Any other is run from the daily counts as they stood on
its morning, with the ranker's settings instead of a sweep that has seen later days. Everything that it writes lies apart: its tables
under `reruns/` of the lake, which later nights do not read, its release, ranker and reports under `cluster.work_dir`. Where no catalog
of its time is stored, the newest one stands in, without the tracks that were released later. A replay that was stopped goes on where it
stopped, and the lake is locked for one night at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from evaluation.errors import EvaluationError
from evaluation.replay import print_replay, replayed
from evaluation.report import NightResult, write_json
from events.catalog import released_by
from jobs.graph import GRAPH
from lake.columns import BACKDATED
from lake.errors import BadConfiguration, NightLocked, PlayfirstError
from lake.rerun import RerunLake
from lake.tables.logs import DELIVERED_FILES, TRACKS
from lake.tables.models import FEATURE_AUDITS
from night.command import exit_on_error, run_command, settings_of
from night.evaluated import GRADES, judged_night, last_graded, truth_of_grades
from night.lineage import release_of
from night.night import Night
from night.night import night as opened
from night.rankers import ranker_of
from night.settings import Settings
from night.step import chosen_steps, run_steps
from night.truth import has_truth, lookups, truth_of

BY = ("auto", "truth", "grades")
# not ingest: the lake has the logs, and what is delivered since is none of that night's business
STEPS = [step for step in chosen_steps(GRAPH, "publish", []) if step.name != "ingest"]
# what a night of a replay writes apart: all but the audit of the code, which is the same for any night
APART = (TRACKS, *(table for step in STEPS for table in step.writes if table is not FEATURE_AUDITS))


def run(open_night: Callable[[], AbstractContextManager[Night]], nights: int, by: str) -> str:
    """Judge `nights` nights that end with D, print the tables and write `reports/replay-<D>-<nights>-<by>.json`.

    A night that cannot be run or judged is named with its reason, and the others are summarised.

    Args:
        open_night: opens the last of the nights, with the lake's lock; called once for each of them.
        nights: how many, at least one.
        by: `truth`, `grades`, or `auto` for the truth if the logs have one.

    Returns:
        The lead over the strongest arm without learning, in words, and the file of all figures.

    Raises:
        BadConfiguration: there is no truth, a date is before the logs can train a ranker, or its week of reactions is not whole yet.
        PlayfirstError: no night could be judged; the error is that of the last one.
    """
    results: list[NightResult] = []
    failure: Exception | None = None
    for back in reversed(range(nights)):
        with open_night() as night:
            judged_by = _checked(night, nights, by)
            day = night.run_date - timedelta(days=back)
            try:
                results.append(_judged(night, day, judged_by))
            except NightLocked:
                raise
            except (PlayfirstError, EvaluationError) as error:
                failure = error
                print(f"{day}: not judged: {error}", flush=True)
            last, reports = night.run_date, Path(night.settings.reports)
    if not results:
        assert failure is not None
        raise failure
    figures = replayed(results)
    print_replay(figures, "the simulator's truth" if judged_by == "truth" else GRADES)
    out = reports / f"replay-{last}-{nights}-{judged_by}.json"
    write_json({"judged_by": judged_by, "asked_nights": nights, **figures.as_json()}, out)
    lead = figures.leads[figures.strongest]
    return f"lead over {figures.strongest} {lead.mean:+.4f} [{lead.low:+.3f}, {lead.high:+.3f}]; {out}"


def _checked(night: Night, nights: int, by: str) -> str:
    """What the nights are judged by. Raises BadConfiguration; see `run`."""
    judged_by = ("truth" if has_truth(night) else "grades") if by == "auto" else by
    if judged_by == "truth" and not has_truth(night):
        raise BadConfiguration("by=truth: only simulated logs have a truth. Give by=grades.")
    earliest = night.run_date - timedelta(days=nights - 1)
    first = night.first_day + timedelta(days=night.settings.ranking.min_history_days)
    if earliest < first:
        raise BadConfiguration(
            f"nights={nights}: the first would be {earliest}, and only from {first} on is there enough history for a ranker. Give fewer."
        )
    if judged_by == "grades" and night.run_date > (last := last_graded(_newest(night))):
        raise BadConfiguration(
            f"run_date={night.run_date}: its week of reactions is not whole in the lake. Give run_date={last} or earlier."
        )
    return judged_by


def _judged(night: Night, day: date, judged_by: str) -> NightResult:
    past = _night_of(night, str(day))
    if judged_by == "grades":
        return judged_night(past, *truth_of_grades(past, _newest(night)))
    truth = truth_of(past)
    return judged_night(past, truth, lookups(past, truth))


def _newest(night: Night) -> Night:
    """The night after the newest delivered folder, which knows all reactions that the lake has."""
    newest = max(night.lake.commits(DELIVERED_FILES), default=None)
    if newest is None:
        return night
    after = date.fromisoformat(newest) + timedelta(days=1)
    return Night(replace(night.settings, run_date=str(max(after, night.run_date))), night.lake)


def _night_of(night: Night, day: str) -> Night:
    """A night of the replay, with a release; a line on stdout says whether it was there or is run now."""
    stored = Night(replace(night.settings, run_date=day), night.lake)
    if _is_whole(stored):
        print(f"{day}: judged as it was run", flush=True)
        return stored
    again = _apart(stored)
    print(f"{day}: the lake has no such night with its release and ranker; running it apart", flush=True)
    _with_catalog(again)
    run_steps(again, STEPS)
    for note in again.notes:
        print(f"  {note}", flush=True)
    return again


def _apart(stored: Night) -> Night:
    """The same night, which writes nothing where another night reads."""
    settings, lake = stored.settings, stored.lake
    scratch = Path(settings.cluster.work_dir) / "replay"
    apart = replace(
        settings,
        releases=str(scratch / "releases"),
        rankers=str(scratch / "rankers"),
        reports=str(scratch / "reports"),
        quality=replace(settings.quality, docs_dir=str(scratch / "data-docs")),
        tuning=replace(settings.tuning, sweeps=str(scratch / "sweeps")),
        nightly=replace(settings.nightly, tune="never"),
        publish=replace(settings.publish, sinks=["lmdb"], force="a replay compares no night with the one before"),
    )
    base = lake.base if isinstance(lake, RerunLake) else lake
    return Night(apart, RerunLake(base, settings.run_date, APART))


def _with_catalog(again: Night) -> None:
    """Store the catalog that the night uses, unless the lake has one of its time."""
    lake, unit = again.lake, again.settings.run_date
    stored = {u: c for u, c in lake.commits(TRACKS).items() if not c.fingerprint.startswith(BACKDATED)}
    if not stored or any(u <= unit for u in stored):
        return
    newest = max(stored)
    again.notes.append(
        f"no catalog of {unit} or before is stored: that of {newest} stands in, without tracks released later. Its genres, moods and "
        "popularity may be newer than the night, for every arm"
    )
    # BACKDATED: its popularity is no feature
    mark = BACKDATED + again.mark("stands in for a replay", newest, stored[newest].fingerprint)
    if lake.fingerprint(TRACKS, unit) != mark:
        frame = released_by(lake.read(TRACKS, [newest], allow_unvalidated=True), again.run_date)
        lake.write(TRACKS, frame.withColumn("run_date", F.lit(again.run_date)), {unit: mark})


def _is_whole(one: Night) -> bool:
    """Whether the night has a release, and the ranker that its own lists were ranked by."""
    try:
        return release_of(one, Path(one.settings.releases)) is not None and ranker_of(one) is not None
    except PlayfirstError:
        return False


def _words(config: DictConfig) -> tuple[Settings, int, str]:
    """The settings, `nights` and `by`. Raises BadConfiguration."""
    nights, by = str(config["nights"]), str(config["by"])
    if not nights.isdigit() or int(nights) < 1:
        raise BadConfiguration(f"nights={nights}: expected a whole number from 1.")
    if by not in BY:
        raise BadConfiguration(f"by={by}: expected one of {', '.join(BY)}.")
    return settings_of(config), int(nights), by


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="replay")
def main(config: DictConfig) -> None:
    """Run this command alone."""
    with exit_on_error("jobs.replay"):
        settings, nights, by = _words(config)
        print(run(lambda: opened(settings, settings.nightly.lock_wait_s), nights, by))


if __name__ == "__main__":
    run_command(main, "jobs.replay")
