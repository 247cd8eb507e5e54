"""The declared steps: what a plan says without Spark, which steps a run is asked for, and what a record keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from jobs import nightly, understand
from jobs.graph import GRAPH
from lake.errors import BadConfiguration
from lake.io import Lake
from lake.session import LazySession, SessionSettings
from lake.tables.nightly import HEARD, NEEDS, WORDINGS
from night.night import Done, Night
from night.openlineage import events_of
from night.plan import planned
from night.runs import last_runs, record_of, write_record
from night.step import Step, chosen_steps, feeders
from night.summary import Summary
from night.tables import all_tables
from tests.conftest import World

OWN = (WORDINGS, HEARD, NEEDS)  # what `understand` writes


def step(name: str) -> Step:
    return {s.name: s for s in GRAPH}[name]


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """A night on an empty lake whose session must not start."""
    settings = replace(
        World(tmp_path).settings(tmp_path), run_date="2026-03-02", catalog=str(tmp_path / "catalog.jsonl")
    )
    return Night(settings, Lake(LazySession(SessionSettings(master="none")), tmp_path / "lake"))


def test_every_table_is_read_by_steps_after_the_one_that_writes_it() -> None:
    names = [s.name for s in GRAPH]
    for s in GRAPH:
        for table in s.reads:
            if table.written_by != "forget":
                assert names.index(table.written_by) <= names.index(s.name), (s.name, table.name)
    written = {t.name for s in GRAPH for t in s.writes}
    assert {t.name for t in all_tables()} - written == {"forgotten_users", "ledger"}


def test_feeders_are_the_earlier_steps_that_write_what_is_read() -> None:
    assert feeders(step("candidates"), GRAPH) == ["ingest", "count_engagement", "understand"]
    assert feeders(step("train"), GRAPH) == ["assemble", "tune"]  # examples, and the sweep's winner, which is a file
    assert feeders(step("ingest"), GRAPH) == []
    # a table that is behind a gate is read after it, by every step that comes later: Airflow ran grade beside validate once
    assert all("validate" in feeders(step(name), GRAPH) for name in ("grade", "assemble", "rank_head", "publish"))
    assert "validate" not in feeders(step("build_features"), GRAPH)


@pytest.mark.parametrize(
    ("until", "only", "names"),
    [
        ("", [], [s.name for s in GRAPH]),
        ("understand", [], ["ingest", "count_engagement", "understand"]),
        ("", ["publish", "rank_head"], ["rank_head", "publish"]),
    ],
)
def test_a_run_is_a_part_of_the_graph_in_its_order(until: str, only: list[str], names: list[str]) -> None:
    assert [s.name for s in chosen_steps(GRAPH, until, only)] == names


@pytest.mark.parametrize(
    ("until", "only", "words"),
    [
        ("understnd", [], "Is understand meant?"),
        ("", ["publish", "trian"], "nightly.only: 'trian' is none of the steps ingest, .* Is train meant?"),
        ("train", ["train"], "both given"),
    ],
)
def test_a_wrong_step_is_refused_with_the_nearest(until: str, only: list[str], words: str) -> None:
    with pytest.raises(BadConfiguration, match=words):
        chosen_steps(GRAPH, until, only)


def test_a_plan_follows_the_work_from_step_to_step(night: Night) -> None:
    asked: list[str] = []

    def to_do(name: str, why: str) -> Step:
        def reason(_: Night) -> str:
            asked.append(name)
            return why

        return replace(step(name), to_do=reason)

    reasons = {"understand": "1 of needs never written", "fit_exposure": "never asked", "train": ""}
    steps = [to_do(s.name, reasons.get(s.name, "")) for s in GRAPH]
    why = {p.step: p.why for p in planned(night, steps, steps)}
    assert why["ingest"] == why["count_engagement"] == ""
    assert why["understand"] == "1 of needs never written"
    assert why["fit_exposure"] == "reads what understand will write" and "fit_exposure" not in asked
    assert why["train"] == "reads what assemble, tune will write"
    alone = {p.step: p.why for p in planned(night, [s for s in steps if s.name == "fit_exposure"], steps)}
    assert alone == {"fit_exposure": "never asked"}  # what feeds it is no part of the run


def test_a_night_on_an_empty_lake_is_planned_whole_without_spark(night: Night, tmp_path: Path) -> None:
    day = tmp_path / "logs" / "searches" / "date=2026-03-01"
    day.mkdir(parents=True)
    (day / "part.jsonl").write_text("{}\n")
    (tmp_path / "catalog.jsonl").write_text("{}\n")
    plan = {p.step: p for p in planned(night, GRAPH[:-1], GRAPH)}
    assert plan["ingest"].why == "1 delivered days new or changed; a new catalog"
    assert all(p.why for p in plan.values()) and night.lake.started is None
    assert plan["ingest"].seconds is None
    assert not (tmp_path / "lake").exists()


def test_a_plan_expects_what_the_last_run_needed(night: Night) -> None:
    for day, seconds in (("01", 9.0), ("02", 5.0)):
        at = datetime(2026, 3, int(day), 2, tzinfo=UTC)
        summary = Summary(Console(quiet=True), [("grade", Done(10, 7), seconds), ("train", Done(skipped=True), 0.1)])
        summary.began = {"grade": at, "train": at}
        record = record_of(night, summary, at, None)
        file = write_record(night, record | {"run_id": f"r{day}"})
    assert json.loads(file.read_text())["outcome"] == "passed"
    file.with_name("2026-03-02_9_broken.json").write_text("{")  # sorts last
    expected = last_runs(night)
    assert set(expected) == {"grade"} and expected["grade"]["seconds"] == 5.0 and expected["grade"]["rows_out"] == 7


def test_a_run_that_fails_leaves_a_record_that_names_the_step(night: Night) -> None:
    def broken(_: Night) -> Done:
        raise ValueError("no disk\nand more")

    steps = [replace(step("grade"), run=lambda _: Done(1, 1)), replace(step("train"), run=broken)]
    with pytest.raises(ValueError, match="no disk"):
        nightly.run(night, steps, Console(quiet=True))
    [file] = (Path(night.settings.reports) / "runs").glob("*.json")
    record = json.loads(file.read_text())
    assert (record["outcome"], record["failure"], record["failed_step"]) == ("failed", "ValueError: no disk", "train")
    assert [s["step"] for s in record["steps"]] == ["grade"]
    kinds = [(e["eventType"], e["job"]["name"]) for e in events_of(record, "lake")]
    assert kinds == [("START", "night.grade"), ("COMPLETE", "night.grade"), ("FAIL", "night.train")]


def test_a_run_that_an_operator_breaks_off_has_not_passed(night: Night) -> None:
    def interrupted(_: Night) -> Done:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nightly.run(night, [replace(step("train"), run=interrupted)], Console(quiet=True))
    [file] = (Path(night.settings.reports) / "runs").glob("*.json")
    assert json.loads(file.read_text())["outcome"] == "failed"


@pytest.mark.parametrize("target", ["http://127.0.0.1:9/events", "http://127.0.0.1:x", "no/such/\0name"])
def test_lineage_that_cannot_be_sent_is_a_note_and_ends_no_night(night: Night, target: str) -> None:
    night.settings.nightly.lineage = target
    nightly.run(night, [replace(step("grade"), run=lambda _: Done(1, 1))], Console(quiet=True))
    assert night.notes[-1].startswith(f"0 of 2 OpenLineage events sent: nightly.lineage={target}: "), night.notes


def test_lineage_of_a_failed_run_is_sent(night: Night, tmp_path: Path) -> None:
    def broken(_: Night) -> Done:
        raise ValueError("no disk")

    night.settings.nightly.lineage = str(tmp_path / "events" / "lineage.jsonl")
    with pytest.raises(ValueError, match="no disk"):
        nightly.run(night, [replace(step("train"), run=broken)], Console(quiet=True))
    [event] = map(json.loads, Path(night.settings.nightly.lineage).read_text().splitlines())
    assert event["eventType"] == "FAIL" and event["job"]["name"] == "night.train"


def test_understand_is_done_when_all_its_tables_are(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with other settings that was broken off after its first table has left rows of those settings in it."""
    marks: list[str] = []
    real = Night.mark
    monkeypatch.setattr(Night, "reads_from", night.run_date - timedelta(days=90))  # there are no logs
    monkeypatch.setattr(Night, "mark", lambda self, *parts: marks.append(real(self, *parts)) or marks[-1])
    assert "never written" in understand.to_do(night)
    for table in (WORDINGS, HEARD, NEEDS):
        monkeypatch.setattr(
            night.lake,
            "fingerprint",
            lambda t, u, other=table: "other" if t is other else marks[0] if t in OWN else None,
        )
        assert understand.to_do(night) == f"1 of {table.name} from other inputs, settings or code"
    monkeypatch.setattr(night.lake, "fingerprint", lambda t, u: marks[0] if t in OWN else None)
    assert understand.to_do(night) == "" and understand.run(night).skipped
