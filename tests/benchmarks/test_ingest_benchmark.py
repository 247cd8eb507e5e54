"""The benchmark's two sides give the same tables on a tiny day with every fault; its reports say what they should."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from pyspark.sql import SparkSession

from benchmarks import ingest, ingest_duckdb
from benchmarks.big_day import BigDay, delivered_day
from benchmarks.compare import differences
from benchmarks.ingest_ours import overrides, timed_steps
from benchmarks.tasks import Action, recorded, stages, worst_ratio
from lake.io import Lake
from lake.layout import live_files
from night.command import settings_of
from night.night import Night

DAY = BigDay(searches=300, spread=60)  # about five searches and fifteen events with each fault


def test_both_sides_give_the_same_tables(spark: SparkSession, tmp_path: Path) -> None:
    folder = delivered_day(DAY, tmp_path / "days", ("json",))["json"]
    catalog, home, other = folder.parent / "catalog.jsonl.gz", tmp_path / "ours", tmp_path / "theirs"
    home.mkdir()
    (home / "key").write_text("ab" * 32 + "\n")
    ingest.requests_table([folder], tmp_path / "requests.parquet")
    with initialize_config_module("conf", version_base="1.3"):
        words = [*overrides(folder, catalog, DAY.run_date, home), "ingest.max_quarantined_share=1"]
        settings = settings_of(compose("night", overrides=words))
    with recorded(spark) as actions:
        seconds = timed_steps(Night(settings, Lake(spark, home / "lake")))
    given = ingest_duckdb.Inputs(folder, catalog, home / "key", tmp_path / "requests.parquet", memory="1GB")
    ingest_duckdb.counted_day(given, other)

    found = differences(home / "lake", other)
    assert {d.table: d.examples for d in found if d.mismatches} == {}
    assert all(d.rows for d in found)
    assert set(seconds) == {"ingest", "count_engagement"}
    assert any(a.name.endswith("search_log: save") for a in actions)


def test_a_row_that_differs_is_counted_and_shown(tmp_path: Path) -> None:
    import duckdb

    columns = "DATE '2026-10-01' AS search_date, 'en-US' AS locale, 'q' AS query, 'web' AS client, {n} AS searches"
    rest = "0 AS satisfied, 0 AS rephrased, 0 AS bot_searches"
    log = tmp_path / "lake" / "daily_searches" / "_delta_log"
    log.mkdir(parents=True)
    for name, n in (("lake/daily_searches/old", 1), ("lake/daily_searches/new", 2), ("daily_searches", 3)):
        duckdb.execute(f"COPY (SELECT {columns.format(n=n)}, {rest}) TO '{tmp_path / name}.parquet'")
    (log / "0.json").write_text(json.dumps({"add": {"path": "old.parquet"}}) + "\n")
    (log / "1.json").write_text(
        "\n".join(json.dumps(a) for a in ({"remove": {"path": "old.parquet"}}, {"add": {"path": "new.parquet"}}))
    )
    assert [f.name for f in live_files(tmp_path / "lake" / "daily_searches")] == ["new.parquet"]

    [found] = differences(tmp_path / "lake", tmp_path, ("daily_searches",))
    assert (found.rows, found.mismatches) == (1, 2)  # ours has no equal there, theirs has none here
    assert "'searches': 2" in found.examples[0] and "'searches': 3" in found.examples[1]


def test_stages_are_read_from_an_event_log(tmp_path: Path) -> None:
    def task(stage: int, seconds: float) -> dict[str, object]:
        return {
            "Event": "SparkListenerTaskEnd",
            "Stage ID": stage,
            "Task Info": {"Launch Time": 1000, "Finish Time": 1000 + seconds * 1000},
            "Task Metrics": {"Disk Bytes Spilled": 5},
        }

    done = {
        "Event": "SparkListenerStageCompleted",
        "Stage Info": {
            "Stage ID": 4,
            "Stage Name": "save at x",
            "Submission Time": 1_000_500,
            "RDD Info": [
                {"RDD ID": 2, "Scope": '{"id":"1","name":"Exchange"}'},
                {"RDD ID": 1, "Scope": '{"id":"0","name":"Scan text "}'},
            ],
        },
    }
    log = tmp_path / "log"
    log.write_text(
        "".join(json.dumps(e, separators=(",", ":")) + "\n" for e in (task(4, 1), task(4, 3), task(4, 2), done))
    )
    [stage] = stages(log, [Action("before", 900, 999), Action("jobs.x: save", 1000, 1002)])
    assert (stage.name, stage.action, sorted(stage.seconds), stage.spilled) == (
        "Scan text , Exchange",
        "jobs.x: save",
        [1, 2, 3],
        15,
    )
    assert worst_ratio([{"seconds": [9.0]}, {"seconds": stage.seconds}]) == 1.5  # a lone task has no median to leave


@pytest.mark.parametrize("words", [["--formats", "csv"], ["--searches", "1"], ["--hot-share", "1"], ["--rounds", "0"]])
def test_bad_arguments_end_with_two(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        ingest.main(words)
    assert ended.value.code == 2
