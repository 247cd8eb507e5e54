"""`jobs.experiment` over delivered folders and over the lake: the verdict of a known log, and errors that name file and row."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from evaluation.errors import MetricInput
from evaluation.experiments.interleaving import team_draft
from evaluation.off_policy.value import TooFewEffective
from jobs import count_engagement, experiment, ingest
from lake.errors import BadConfiguration, MissingPartition
from lake.tables.logs import ENGAGEMENT_EVENTS, SEARCH_LOG
from night.experiment_log import ExperimentLogUnfit
from night.night import Night
from tests.events.deliveries import FIRST, TRACKS, Delivered, moment, reaction, search
from tests.jobs.steps import deliver, night, with_catalog

A_LIST, B_LIST = TRACKS[:4], [TRACKS[2], TRACKS[0], TRACKS[5], TRACKS[1]]
LIKES = {"a": 0.35, "b": 0.7}  # how often the first track of each variant's list is heard out


def search_of(day: int, i: int, **change: Any) -> Delivered:
    return search(day, f"s{i}", moment(day, f"{i % 24:02d}:{i % 60:02d}"), **change)


def ab_log() -> tuple[list[Delivered], dict[str, list[tuple[int, int]]]]:
    """120 people over three days, each always in one variant; and variant → (searches, successes) of each person."""
    draw, rows, n = random.Random(5), [], 0
    truth: dict[str, dict[str, list[int]]] = {"a": defaultdict(lambda: [0, 0]), "b": defaultdict(lambda: [0, 0])}
    for day in range(3):
        for person in range(120):
            variant = "ab"[person % 2]
            for _ in range(draw.randrange(1, 3)):
                n += 1
                good = draw.random() < LIKES[variant]
                results = A_LIST if variant == "a" else B_LIST
                one = {
                    "user_id": f"u{person}",
                    "results": results,
                    "variant": variant,
                    "propensity": 0.5,
                    "release_id": "r1",
                }
                rows.append(search_of(day, n, **one))
                truth[variant][f"u{person}"][0] += 1
                truth[variant][f"u{person}"][1] += good
                dwell = 45_000 if good else 4_000
                at = moment(day, f"{n % 24:02d}:{n % 60:02d}")
                rows.append(reaction(day, f"e{n}", f"s{n}", at, track_id=results[0], dwell_ms=dwell))
    return rows, {v: [(s, g) for s, g in people.values()] for v, people in truth.items()}


def judged(spark: SparkSession, root: Path, *overrides: str) -> tuple[Night, dict[str, Any]]:
    """The night after the log, and the verdict that the job wrote."""
    this = night(spark, root, 3, *overrides)
    done = experiment.run(this)
    return this, json.loads(Path(done.note).read_text())["verdict"]


RAW = (
    "experiments.source=logs",
    "experiments.control=a",
    "experiments.days=3",
    "experiments.detect=0.1",
    "experiments.margin=0.1",
)


def test_the_folders_and_the_lake_give_one_verdict_of_the_known_log(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, truth = ab_log()
    deliver(with_catalog(tmp_path), rows)
    _, verdict = judged(spark, tmp_path, *RAW)
    out = capsys.readouterr().out
    for variant, people in truth.items():
        assert verdict["people"][variant] == len(people)
        assert verdict["searches"][variant] == sum(s for s, _ in people)
    success = verdict["treatments"]["b"]["metrics"]["success"]
    rates = {v: sum(g for _, g in people) / sum(s for s, _ in people) for v, people in truth.items()}
    assert (success["control"], success["treatment"]) == pytest.approx((rates["a"], rates["b"]))
    assert verdict["treatments"]["b"]["decision"] == "better" and "b: better" in out
    assert "u1" not in json.dumps(verdict) and "u1" not in out  # no person is in a verdict

    this = night(spark, tmp_path, 3, *RAW, "experiments.source=lake")
    ingest.run(this)
    with pytest.raises(MissingPartition, match=r"search_log|bot_days"):
        experiment.run(this)  # nobody has looked for bots yet
    count_engagement.run(this)
    for table in (SEARCH_LOG, ENGAGEMENT_EVENTS):
        for unit in this.lake.commits(table):
            this.lake.mark(table, unit, "passed")
    done = experiment.run(this)
    assert json.loads(Path(done.note).read_text())["verdict"] == verdict


def test_each_variant_alone_is_judged_by_its_propensities(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, truth = ab_log()
    deliver(with_catalog(tmp_path), rows)
    _, verdict = judged(spark, tmp_path, *RAW, "experiments.kind=off_policy", "experiments.name=alone")
    assert (tmp_path / "home" / "reports" / "experiment-alone.json").exists()
    total = sum(s for people in truth.values() for s, _ in people)
    for variant, people in truth.items():
        searches, good = sum(s for s, _ in people), sum(g for _, g in people)
        values = verdict["targets"][variant]["values"]
        assert values["SNIPS"]["interval"]["mean"] == pytest.approx(good / searches)
        assert values["IPS"]["interval"]["mean"] == pytest.approx(2 * good / total)
        assert values["IPS"]["effective"] == pytest.approx(searches)
        # with two lists without a track in common at a position, positions tell what whole lists tell
        assert values["item-position"]["interval"]["mean"] == pytest.approx(2 * good / total)
        assert values["pseudo-inverse"]["interval"]["mean"] == pytest.approx(2 * good / total)
    file = tmp_path / "targets.jsonl"
    row = {"policy": "mine", "locale": "en-US", "raw_query": "Play Hello", "results": A_LIST}
    file.write_text(json.dumps(row) + "\n")
    _, by_file = judged(spark, tmp_path, *RAW, "experiments.kind=off_policy", f"experiments.policies={file}")
    assert by_file["targets"]["mine"] == verdict["targets"]["a"]
    few = night(spark, tmp_path, 3, *RAW, "experiments.kind=off_policy", "experiments.least_effective=100000")
    values = json.loads(Path(experiment.run(few).note).read_text())["verdict"]["targets"]["a"]["values"]
    assert all("expected 100000 or more" in text for text in values.values()) and len(values) == 6
    assert "refused" in capsys.readouterr().out


def test_an_interleaved_log_tells_whose_tracks_are_preferred(spark: SparkSession, tmp_path: Path) -> None:
    rows, wins = [], {"A": 0, "B": 0}
    for i in range(60):
        draft = team_draft(A_LIST, B_LIST, 4, f"s{i}")
        team = "A" if i % 5 == 0 else "B"
        place = draft.teams.index(team)
        wins[team] += 1
        rows.append(search_of(i % 3, i, results=list(draft.tracks), variant=draft.variant("old", "new")))
        rows.append(
            reaction(i % 3, f"e{i}", f"s{i}", moment(i % 3, "23:59"), track_id=draft.tracks[place], position=place + 1)
        )
    deliver(with_catalog(tmp_path), rows)
    kind = ("experiments.source=logs", "experiments.kind=interleaving")
    _, verdict = judged(spark, tmp_path, *kind, "experiments.control=old", "experiments.treatments=[new]")
    assert (verdict["wins_a"], verdict["wins_b"]) == (wins["A"], wins["B"]) == (12, 48)
    assert verdict["preference"]["mean"] == pytest.approx(0.3) and verdict["preference"]["low"] > 0
    with pytest.raises(ExperimentLogUnfit, match="no search interleaves old with other; the log has old with new"):
        experiment.run(night(spark, tmp_path, 3, *kind, "experiments.control=old", "experiments.treatments=[other]"))
    deliver(tmp_path, [search_of(0, 99, results=A_LIST, variant="interleaved/old/new/AB")], "short.jsonl")
    with pytest.raises(
        ExperimentLogUnfit, match=r"short\.jsonl, row 1 \(search_id s99\): the teams in `variant` are not as many"
    ):
        experiment.run(night(spark, tmp_path, 3, *kind, "experiments.control=old", "experiments.treatments=[new]"))


def test_errors_name_file_row_and_next_step(spark: SparkSession, tmp_path: Path) -> None:
    rows, _ = ab_log()
    deliver(with_catalog(tmp_path), rows)
    place = f"searches/date={FIRST}/"

    def refused(message: str, *overrides: str) -> None:
        with pytest.raises(ExperimentLogUnfit, match=message) as caught:
            experiment.run(night(spark, tmp_path, 3, *RAW, *overrides))
        assert caught.value.exit_code == 2 and "\n" not in str(caught.value)

    refused(
        r"variant c is in no search .* the log has a \(\d+ searches\), b \(\d+ searches\)\. Say",
        "experiments.treatments=[c]",
    )
    with pytest.raises(BadConfiguration, match=r"experiments\.shares names a, expected a, b"):
        experiment.run(night(spark, tmp_path, 3, *RAW, "+experiments.shares={a: 1}"))
    lost = [search_of(0, 900, variant="a", propensity=0.5), search_of(0, 901, variant="a")]
    deliver(tmp_path, lost, "lost.jsonl")
    off_policy = "experiments.kind=off_policy"
    refused(
        rf"{place}lost\.jsonl, row 2 \(search_id s901\): no propensity \(1 such searches\)\. Next: the serving side",
        off_policy,
    )
    # days outside of the experiment are not asked for their propensities
    _, verdict = judged(spark, tmp_path, *RAW, off_policy, "experiments.first_day=2026-03-03")
    assert set(verdict["targets"]) == {"a", "b"}
    deliver(tmp_path, [*lost, search_of(0, 902, client="toaster", variant="a")], "lost.jsonl")
    refused(rf"/{place}lost\.jsonl, row 3: unknown_client \(1 such rows.*experiments\.skip_broken=true")
    this, _ = judged(spark, tmp_path, *RAW, "experiments.skip_broken=true")
    assert any("1 rows break the input contract and were left out" in note for note in this.notes)
    with pytest.raises(MetricInput, match="target 'z' has no list"):
        experiment.run(
            night(
                spark,
                tmp_path,
                3,
                *RAW,
                off_policy,
                "experiments.first_day=2026-03-03",
                "experiments.treatments=[z]",
                "experiments.skip_broken=true",
            )
        )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("experiments.kind=abc", "experiments.kind is 'abc', expected one of ab, interleaving, off_policy"),
        ("experiments.source=disk", "experiments.source is 'disk'"),
        ("experiments.first_day=monday", "experiments.first_day is 'monday', expected YYYY-MM-DD"),
        ("experiments.level=1.0", "experiments.level is 1.0"),
        ("experiments.margin=0", "experiments.margin is 0.0, expected above 0"),
        ("experiments.days=0", "experiments.days is 0.0, expected 1 or more"),
        ("+experiments.shares={a: 0}", "experiments.shares gives a 0.0"),
        ("experiments.name=../x", "experiments.name is '../x'"),
        ("experiments.treatments=[a,a]", "expected each variant once"),
    ],
)
def test_wrong_settings_are_named(override: str, message: str) -> None:
    from hydra import compose, initialize_config_module

    from night.command import settings_of

    with initialize_config_module("conf", version_base="1.3"), pytest.raises(BadConfiguration) as caught:
        settings_of(compose("night", overrides=["run_date=2026-03-01", override]))
    assert message in str(caught.value)


def test_a_refusal_ends_the_command_as_bad_input() -> None:
    assert TooFewEffective.exit_code == ExperimentLogUnfit.exit_code == 2
