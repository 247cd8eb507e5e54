"""A scientist's sweep has a name and a folder of its own; the night's ranker parameters change by the night's sweep or by promotion alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import promote, tune
from lake.commits import Commit
from lake.errors import BadConfiguration, NightLocked
from lake.tables.models import TRIALS
from night import promotion, sweeps
from night.examples import EXAMPLES
from night.night import Night
from night.sweeps import is_tonights, winner_of, write_result
from ranking.scoring import feature_list
from tests.conftest import RUN_DATE, World
from tuning.comparison import Comparison
from tuning.data import SweepData
from tuning.ledger import Trial
from tuning.settings import SearchSettings
from tuning.winner import DEFAULT_TRIAL, Winner, best_of


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[SearchSettings]:
    """The sweeps that were asked for; the search itself (tests/tuning/test_child.py) is replaced by two trials."""
    asked: list[SearchSettings] = []

    def found(settings: SearchSettings, path: Path, work_dir: Path, features: Any, *_: Any) -> Winner:
        asked.append(settings)
        base = settings.base_params().to_dict()
        trials = [
            Trial(DEFAULT_TRIAL, base, 40, 0.80, 0.01, 1.0, "completed"),
            Trial("t1", base | {"num_leaves": 17}, 50, 0.81, 0.01, 1.0, "completed"),
        ]
        (work_dir / settings.name).mkdir(parents=True, exist_ok=True)
        facts = SweepData(work_dir, (0,), "f", 900, 90, 40, 0.2, 0.4, [1] * 40, "2026-03-09").facts()
        return best_of(trials, settings.name, "identity", features.fingerprint, data=facts)

    monkeypatch.setattr(sweeps, "run_search_in_child", found)
    monkeypatch.setattr(sweeps, "examples_path", lambda night: tmp_path / "examples.parquet")
    return asked


def a_night(spark: SparkSession, home: Path, world: World, *overrides: str) -> Night:
    night = world.night(spark, home, "nightly.tune=always", *overrides)
    night.first_day = date.fromisoformat(RUN_DATE) - timedelta(days=22)
    # as if jobs.assemble had written the examples
    night.lake.commits(EXAMPLES)[RUN_DATE] = Commit("of the examples", 9, "run")
    return night


def test_a_sweep_has_its_own_folder_and_the_nights_winner_and_ledger_stay(
    spark: SparkSession, tmp_path: Path, world: World, searched: list[SearchSettings]
) -> None:
    sweeps = tmp_path / "sweeps"
    assert not tune.run_if_due(a_night(spark, tmp_path, world)).skipped
    ours = {p.name: p.read_bytes() for p in sweeps.glob("winner-*.json")}
    assert (
        set(ours) == {f"winner-{RUN_DATE}.json"} and searched[0].name == f"night-{RUN_DATE}" and not searched[0].prune
    )
    assert not tune.run(a_night(spark, tmp_path, world, "sweep=mine")).skipped
    assert not tune.run(a_night(spark, tmp_path, world)).skipped
    assert [s.name for s in searched[1:2]] == ["mine"] and searched[2].name.startswith(f"{RUN_DATE}-smoke-")
    assert {p.name: p.read_bytes() for p in sweeps.glob("winner-*.json")} == ours
    kept = {p.parent.name for p in sweeps.glob("*/result.json")}
    assert kept == {f"night-{RUN_DATE}", "mine", searched[2].name}
    assert tune.run(a_night(spark, tmp_path, world, "sweep=mine")).skipped and len(searched) == 3
    named = {s.name for s in searched}
    assert set(a_night(spark, tmp_path, world).lake.commits(TRIALS)) == named


def test_a_sweep_that_was_cut_short_is_not_done(
    spark: SparkSession, tmp_path: Path, world: World, searched: list[SearchSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sweeps.run_search_in_child
    monkeypatch.setattr(sweeps, "run_search_in_child", lambda *a: replace(whole(*a), is_whole=False))
    assert not tune.run(a_night(spark, tmp_path, world, "sweep=mine")).skipped
    monkeypatch.setattr(sweeps, "run_search_in_child", whole)
    assert not tune.run(a_night(spark, tmp_path, world, "sweep=mine")).skipped and len(searched) == 2
    assert tune.run(a_night(spark, tmp_path, world, "sweep=mine")).skipped and len(searched) == 2


def test_trials_that_were_not_written_when_their_sweep_ended_are_written_by_the_same_command(
    spark: SparkSession, tmp_path: Path, world: World, searched: list[SearchSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night had the lake's lock for too long after the search."""
    with monkeypatch.context() as locked:

        def refuse(*_: object) -> None:
            raise NightLocked("held by another run")

        locked.setattr(sweeps, "record_sweep", refuse)
        with pytest.raises(NightLocked):
            tune.run(a_night(spark, tmp_path, world, "sweep=mine"))
    again = a_night(spark, tmp_path, world, "sweep=mine")
    assert not tune.run(again).skipped and len(searched) == 1
    assert again.lake.read(TRIALS, ["mine"], allow_unvalidated=True).count() == 2
    assert tune.run(a_night(spark, tmp_path, world, "sweep=mine")).skipped


def test_a_resumed_sweep_goes_on_for_longer_if_it_is_asked_to(
    spark: SparkSession, tmp_path: Path, world: World
) -> None:
    """What the search space sets by itself is no wish: smoke has 8 trials."""
    begun = replace(sweeps.sweep_settings(a_night(spark, tmp_path, world, "sweep=small")), trials=5, time_budget_s=300)
    (tmp_path / "sweeps/small").mkdir(parents=True)
    (tmp_path / "sweeps/small/spec.json").write_text(json.dumps({"settings": begun.to_dict()}))
    night = a_night(spark, tmp_path, world, "tuning.resume=small")
    assert (sweeps.sweep_settings(night).trials, sweeps.sweep_settings(night).time_budget_s) == (5, 300)
    longer = a_night(spark, tmp_path, world, "tuning.resume=small", "tuning.trials=50")
    assert sweeps.sweep_settings(longer, {"tuning.resume", "tuning.trials"}).trials == 50


@pytest.mark.parametrize("name", [f"night-{RUN_DATE}", "winner-of-all", "multirun"])
def test_the_nights_own_names_are_refused(spark: SparkSession, tmp_path: Path, world: World, name: str) -> None:
    for key in ("sweep", "tuning.resume"):
        with pytest.raises(BadConfiguration, match="the night's own"):
            sweeps.sweep_settings(a_night(spark, tmp_path, world, f"{key}={name}"))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[float]:
    """The mean differences that the next comparisons find; the comparison itself: tests/tuning/test_comparison.py."""
    means: list[float] = []

    def compared(*_: object) -> Comparison:
        mean = means.pop()
        return Comparison("2026-03-16", 99, 0.8 + mean, 0.8, mean, mean - 0.002, mean + 0.002, (mean,), 0.002)

    monkeypatch.setattr(promotion, "compare", compared)
    monkeypatch.setattr(promotion, "examples_path", lambda night: tmp_path / "examples.parquet")
    return means


def test_only_a_promoted_sweep_becomes_the_nights(
    spark: SparkSession, tmp_path: Path, world: World, searched: list[SearchSettings], later: list[float]
) -> None:
    night = a_night(spark, tmp_path, world, "sweep=mine")
    with pytest.raises(BadConfiguration, match=r"no finished sweep of that name\. Finished in .*: none"):
        promote.run(night)
    assert tune.run(night).note.endswith("NDCG@10 0.8100, default 0.8000")
    assert winner_of(night) is None
    # no better on the later snapshot: a normal answer, which changes nothing and is not asked again
    later.append(-0.001)
    assert "no better: the default parameters stays" in promote.run(night).note
    assert winner_of(night) is None and promote.run(night).skipped and not later
    (tmp_path / "sweeps/mine/promotion.json").unlink()
    later.append(0.003)
    assert "promoted; on the snapshot 2026-03-16" in promote.run(night).note
    winner = winner_of(night)
    assert winner is not None and winner.params["num_leaves"] == 17 and is_tonights(night, winner)
    assert sweeps.is_promoted(night, winner)
    assert promote.run(night).skipped
    with pytest.raises(BadConfiguration, match=r"Finished in .*: mine"):
        promote.run(a_night(spark, tmp_path, world, "sweep=yours"))
    other = json.loads(tune.result_file(night.settings, "mine").read_text())
    other["winner"]["features_fingerprint"] = "other"
    tune.result_file(night.settings, "mine").write_text(json.dumps(other))
    with pytest.raises(BadConfiguration, match="its features are not today's"):
        promote.run(night)


def test_the_same_pair_is_compared_again_only_on_labels_that_the_last_comparison_did_not_have(
    spark: SparkSession,
    tmp_path: Path,
    world: World,
    searched: list[SearchSettings],
    later: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    night = a_night(spark, tmp_path, world, "sweep=mine")
    tune.run(night)
    compare, judged_on = promotion.compare, list[str]()

    def noted(*given: object) -> Comparison:
        judged_on.append(str(given[2]))
        return compare(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(promotion, "compare", noted)
    later.append(-0.001)
    promote.run(night)
    file = tmp_path / "sweeps/mine/promotion.json"
    of_yesterday = json.loads(file.read_text())
    of_yesterday["asked"]["examples"] = "of another night"
    file.write_text(json.dumps(of_yesterday))
    later.append(-0.002)
    promote.run(night)
    assert judged_on[0] < judged_on[1] == "2026-03-16"  # the snapshot of the last verdict
    assert [verdict["snapshot"] for verdict in json.loads(file.read_text())["earlier"]] == ["2026-03-16"]


@pytest.mark.parametrize(("mean", "in_use"), [(0.003, "night-2026-03-16"), (-0.003, "night-2026-03-09")])
def test_a_nights_own_sweep_is_used_after_a_later_night_has_compared_it(
    spark: SparkSession,
    tmp_path: Path,
    world: World,
    searched: list[SearchSettings],
    later: list[float],
    mean: float,
    in_use: str,
) -> None:
    """The first sweep of all is used at once, since nothing else is there; each further one only if it is better later."""
    night, folder = a_night(spark, tmp_path, world), tmp_path / "sweeps"
    tune.run_if_due(night)
    stored = json.loads((folder / f"winner-{RUN_DATE}.json").read_text())
    for file in (folder / f"winner-{RUN_DATE}.json", folder / f"night-{RUN_DATE}" / "result.json"):
        file.unlink()
    for day, trees, judged_on in (("2026-03-09", 50, "2026-02-20"), ("2026-03-16", 60, str(night.as_of[-1]))):
        winner = {**stored["winner"], "sweep": f"night-{day}", "trees": trees}
        winner["data"] = {**winner["data"], "judged_on": judged_on}
        write_result(folder / f"night-{day}" / "result.json", {**stored, "winner": winner})
        if day == "2026-03-09":
            write_result(folder / f"winner-{day}.json", {**stored, "winner": winner})
    # tonight's newest snapshot is the one that the sweep of 2026-03-16 was judged on: it waits
    assert promotion.to_be_judged(night) == ""
    result = folder / "night-2026-03-16/result.json"
    waiting = json.loads(result.read_text())
    waiting["winner"]["data"]["judged_on"] = str(night.as_of[-1] - timedelta(days=7))
    write_result(result, waiting)
    assert "night-2026-03-16 can be compared" in tune.to_do(night)
    later.append(mean)
    tune.run_if_due(night)
    assert any("night-2026-03-16: " in note and "did not read" in note for note in night.notes)
    used = winner_of(night)
    assert used is not None and used.sweep == in_use
    # tonight's own sweep has run, and waits in its turn
    assert (folder / f"night-{RUN_DATE}" / "result.json").exists()
    assert promotion.to_be_judged(night) == "" and not later


def test_a_night_whose_features_no_winner_has_tunes_again(
    spark: SparkSession, tmp_path: Path, world: World, searched: list[SearchSettings]
) -> None:
    """Else it would lose its sweep in silence, or be held for it, with each new feature."""
    night = a_night(spark, tmp_path, world)
    night = replace(night, settings=replace(night.settings, nightly=replace(night.settings.nightly, tune="auto")))
    night.first_day = date.fromisoformat(RUN_DATE) - timedelta(days=22)
    tune.run(a_night(spark, tmp_path, world, "sweep=mine"))
    stored = json.loads(tune.result_file(night.settings, "mine").read_text())
    yesterday = tmp_path / "sweeps" / "winner-2026-03-22.json"
    write_result(yesterday, stored)
    assert "last sweep 2026-03-22" in tune.run_if_due(night).note
    stored["winner"]["features_fingerprint"] = "of fewer features"
    write_result(yesterday, stored)
    assert not tune.run_if_due(night).skipped
    assert feature_list().fingerprint == winner_of(night).features_fingerprint  # type: ignore[union-attr]
