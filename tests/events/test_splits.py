"""However many cores cut the files, and also when others cut them in between: each broken line is found with its own number."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from events import reading
from events.contract import EVENT_FIELDS, SEARCH_FIELDS
from events.ingest import ClassifiedRows, delivered_files, judged_events, judged_searches, quarantine, with_outcome
from events.privacy import ensure_key, key_frame
from events.reading import rows
from lake.errors import RowsUnaccounted
from queries.nightly.understand import normalised
from tests.shipped import SHIPPED

DAY, TRACKS, LINES = "2026-03-02", [f"t{i}" for i in range(8)], 600
CORES = (1, 2, 4, 7, 16)
# cores that judge the rows, and those that look the broken ones up again: executors may come late, or go
PAIRS = [(1, 1), (2, 7), (4, 4), (7, 1), (1, 16), (16, 2)]
SPLITS = ("spark.sql.files.maxPartitionBytes", "spark.sql.files.openCostInBytes", "spark.sql.files.minPartitionNum")


@dataclass
class Truth:
    """What was written: files by source, broken rows by file and 1-based line, and rows by file and outcome."""

    paths: dict[str, list[Path]] = field(default_factory=lambda: {"searches": [], "events": []})
    broken: dict[tuple[str, int], tuple[str, list[str]]] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    foreign: Counter[str] = field(default_factory=Counter)


def made_rows(source: str, mark: str) -> list[tuple[dict[str, Any] | None, list[str] | None]]:
    """Rows (None: a blank line) with their reasons ([]: good, None: a copy); one row in five is broken, some of those twice or more."""
    made: list[tuple[dict[str, Any] | None, list[str] | None]] = []
    for i in range(LINES):
        at, ident = f"{DAY}T10:{i % 60:02d}:00.000Z", f"{mark}{i}"
        if source == "searches":
            row = {
                "search_id": ident,
                "user_id": f"u{i % 9}",
                "ts": at,
                "client": "mobile",
                "locale": "en-US",
                "raw_query": "play hello" + " please" * (i % 5),
                "results": TRACKS[:4],
            }
            broken: list[tuple[dict[str, Any], str]] = [
                ({"client": "toaster"}, "unknown_client"),
                ({"results": []}, "no_results"),
            ]
        else:
            row = {
                "event_id": ident,
                "search_id": "known",
                "track_id": TRACKS[i % 4],
                "position": i % 4 + 1,
                "ts": at,
                "kind": "play",
                "dwell_ms": 1000 * (i % 40),
            }
            broken = [({"kind": "hum"}, "unknown_kind"), ({"search_id": "never"}, "no_search")]
        if i % 5 == 3:
            change, reason = broken[i // 5 % 2]
            made += [(row | change, [reason])] * (3 if i % 35 == 3 else 1)
        else:
            made.append((row, []))
        if i % 50 == 10:
            made += [(made[-1][0], None), (None, None)]  # a copy of a good row, and a blank line
    return made


def as_ubi(row: dict[str, Any]) -> dict[str, Any]:
    own = {"client": row["client"], "locale": row["locale"]}
    return {
        "query_id": row["search_id"],
        "client_id": row["user_id"],
        "timestamp": row["ts"],
        "user_query": row["raw_query"],
        "query_attributes": own,
        "query_response_hit_ids": row["results"],
    }


def put(truth: Truth, root: Path, source: str, name: str, mark: str) -> None:
    """Write one file of made rows and note what it holds."""
    made, folder = made_rows(source, mark), root / source / f"date={DAY}"
    folder.mkdir(parents=True, exist_ok=True)
    place, ident = f"{source}/date={DAY}/{name}", "search_id" if source == "searches" else "event_id"
    if name.endswith(".parquet"):
        made = [(row, why) for row, why in made if row is not None]
    lines = []
    for number, (row, why) in enumerate(made, 1):
        if row is None:
            lines.append("")
            continue
        if name.endswith(".jsonl") and number % 7 == 0:
            row = row | {"app_version": number}
            truth.foreign[place] += 1
        if why:
            truth.broken[place, number] = (row[ident], why)
        truth.outcomes[place, "received"] += 1
        truth.outcomes[place, "duplicate" if why is None else "quarantined" if why else "accepted"] += 1
        lines.append(json.dumps(as_ubi(row) if "ndjson" in name else row))
    text = "".join(line + "\n" for line in lines).encode()
    if name.endswith(".parquet"):
        pd.DataFrame([row for row, _ in made]).to_parquet(folder / name, row_group_size=50)
    else:
        (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    truth.paths[source].append(folder / name)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    root, made = tmp_path_factory.mktemp("splits"), Truth()
    for name in ("a.jsonl", "b.jsonl", "c.jsonl", "d.jsonl.gz", "e.parquet", "f.ndjson"):
        put(made, root, "searches", name, name[0])
    for name in ("a.jsonl", "b.jsonl", "c.parquet", "d.jsonl.gz"):
        put(made, root, "events", name, name[0])
    return made


@pytest.fixture
def sampled(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[SparkSession]:
    """The session with foreign fields looked for in a sample also of small files; what it cuts files by is put back."""
    monkeypatch.setattr(reading, "WHOLE_BYTES", 0, raising=False)
    before = {k: spark.conf.get(k, None) for k in SPLITS}
    yield spark
    for key, value in before.items():
        spark.conf.unset(key) if value is None else spark.conf.set(key, value)


def cut_for(spark: SparkSession, cores: int) -> None:
    """Have files cut as a session of so many cores would, of files so much larger that each is cut several times."""
    for key, value in zip(SPLITS, ("40k", "1k", str(2 * cores)), strict=True):
        spark.conf.set(key, value)


def blocks(spark: SparkSession, files: list[Path]) -> set[tuple[str, int]]:
    read = spark.read.text([str(f) for f in files if f.name.endswith("jsonl")])
    place = read.select(F.col("_metadata.file_name").alias("f"), F.col("_metadata.file_block_start").alias("b"))
    return {(r["f"], r["b"]) for r in place.distinct().collect()}


def judged(spark: SparkSession, root: Path, truth: Truth) -> list[ClassifiedRows]:
    ensure_key(root / "key", root / "lake")
    parsed = rows(spark, truth.paths["searches"], SEARCH_FIELDS, "searches", SHIPPED.ubi)
    searches = judged_searches(parsed, key_frame(spark, root / "key"), normalised, None).localCheckpoint()
    known = spark.createDataFrame([("known", TRACKS)], "search_id string, results array<string>").selectExpr(
        "*", f"DATE'{DAY}' AS search_date", f"DATE'{DAY}' AS delivered_date", "false AS is_forgotten"
    )
    tracks = spark.createDataFrame([(t,) for t in TRACKS], "track_id string")
    reacted = rows(spark, truth.paths["events"], EVENT_FIELDS, "events", SHIPPED.ubi)
    events = judged_events(reacted, known, tracks, 2).localCheckpoint()
    return [
        ClassifiedRows(with_outcome(searches, "search", None, 2), "search", truth.paths["searches"]),
        ClassifiedRows(with_outcome(events, "event", None, 2), "event", truth.paths["events"]),
    ]


def found_of(rows_of: list[Row]) -> dict[tuple[str, int], tuple[str, list[str]]]:
    said = {}
    for row in rows_of:
        text = json.loads(row["raw_text"])
        said[row["source_file"], row["line"]] = (
            text.get("event_id") or text.get("search_id") or text.get("query_id"),
            row["reasons"],
        )
    return said


def test_the_files_are_cut_otherwise_for_each_number_of_cores(sampled: SparkSession, truth: Truth) -> None:
    cuts = []
    for cores in CORES:
        cut_for(sampled, cores)
        cuts.append(blocks(sampled, truth.paths["searches"]))
    assert min(map(len, cuts)) >= 6 and max(map(len, cuts)) >= 12 and len({frozenset(c) for c in cuts}) >= 3


FOREIGN: dict[str, set[tuple[str, int]]] = {}  # of the first pair of cores: the others give the same


@pytest.mark.parametrize(("judging", "finding"), PAIRS, ids=[f"{a} then {b}" for a, b in PAIRS])
def test_each_broken_line_is_found_whatever_the_cores(
    sampled: SparkSession, tmp_path: Path, truth: Truth, judging: int, finding: int
) -> None:
    cut_for(sampled, judging)
    sides = judged(sampled, tmp_path, truth)
    accounts = {r["source_file"]: r for r in delivered_files(sides).collect()}
    cut_for(sampled, finding)
    stored = quarantine(sampled, sides).collect()
    assert len(stored) == len(truth.broken) and found_of(stored) == truth.broken
    per_file = Counter(r["source_file"] for r in stored)
    for place, account in accounts.items():
        assert account["received"] == account["accepted"] + account["duplicate"] + account["quarantined"]
        assert account["quarantined"] == per_file[place]
        for outcome in ("received", "accepted", "duplicate", "quarantined"):
            assert account[outcome] == truth.outcomes[place, outcome], (place, outcome)
    foreign = {(p, a["foreign_fields"], *a["foreign_names"]) for p, a in accounts.items()}
    assert FOREIGN.setdefault("first", foreign) == foreign  # type: ignore[arg-type]
    assert {p for p, a in accounts.items() if a["foreign_names"]} == set(truth.foreign)
    for place, count in truth.foreign.items():  # one row in 16 of some 700 tells it to within three standard errors
        assert abs(accounts[place]["foreign_fields"] - count) < 0.9 * count


def test_foreign_fields_of_a_small_file_are_counted_one_by_one(
    spark: SparkSession, tmp_path: Path, truth: Truth
) -> None:
    accounts = {
        r["source_file"]: r["foreign_fields"] for r in delivered_files(judged(spark, tmp_path, truth)).collect()
    }
    assert {p: n for p, n in accounts.items() if n} == dict(truth.foreign)


def test_a_file_that_changes_while_it_is_read_is_named(spark: SparkSession, tmp_path: Path) -> None:
    changing = Truth()
    put(changing, tmp_path, "searches", "a.jsonl", "a")
    put(changing, tmp_path, "events", "a.jsonl", "a")
    sides = judged(spark, tmp_path, changing)
    assert delivered_files(sides).count() == 2
    file = changing.paths["searches"][0]
    file.write_text(file.read_text().replace('"toaster"', '"kettle!"', 1))
    with pytest.raises(RowsUnaccounted, match=rf"searches/date={DAY}/a\.jsonl: .* rows to be quarantined") as caught:
        quarantine(spark, sides)
    assert caught.value.exit_code == 1
