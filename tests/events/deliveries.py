"""Small made deliveries for tests, and what ingest and count make of them, without a lake."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from events.contract import EVENT_FIELDS, SEARCH_FIELDS
from events.engagement import counted_days
from events.ingest import ClassifiedRows, judged_events, judged_searches, with_outcome
from events.privacy import ensure_key, key_frame
from events.reading import rows
from events.sessions import sessions
from queries.nightly.understand import normalised
from tests.shipped import SHIPPED

FIRST = date(2026, 3, 2)
TRACKS = [f"t{i}" for i in range(8)]
KINDS = ("click", "play", "skip", "complete", "stop", "save", "like")
Row = dict[str, Any]


@dataclass(frozen=True)
class Delivered:
    """One line and the folder (days after FIRST) it lands in."""

    folder: int
    source: str
    text: bytes


def made_log(seed: int, searches: int, days: int = 2, mark: str = "") -> list[Delivered]:
    """Searches over some days with a few reactions each, every row in the folder of its own day; ids begin with `mark`."""
    import random

    draw, out = random.Random(seed), []
    for i in range(searches):
        day = draw.randrange(days)
        at = f"{FIRST + timedelta(days=day)}T{draw.randrange(24):02d}:{draw.randrange(60):02d}:{draw.randrange(60):02d}.000Z"
        results = draw.sample(TRACKS, 4)
        search: Row = {
            "search_id": f"{mark}s{i}",
            "user_id": f"{mark}u{draw.randrange(12)}",
            "ts": at,
            "client": draw.choice(["alexa", "mobile"]),
            "locale": draw.choice(["en-US", "es-MX"]),
            "raw_query": draw.choice(["play hello", "rock", "Música"]),
            "results": results,
        }
        out.append(Delivered(day, "searches", json.dumps(search, ensure_ascii=False).encode()))
        for j in range(draw.randrange(4)):
            place = draw.randrange(4)
            event: Row = {
                "event_id": f"{mark}e{i}-{j}",
                "search_id": f"{mark}s{i}",
                "track_id": results[place],
                "position": place + 1,
                "ts": at,
                "kind": draw.choice(KINDS),
                "dwell_ms": draw.choice([0, 4_000, 45_000]),
            }
            out.append(Delivered(day, "events", json.dumps(event).encode()))
    return out


def moment(day: int, clock: str) -> str:
    """That time (HH:MM) of the day `day` days after FIRST, as it is logged."""
    return f"{FIRST + timedelta(days=day)}T{clock}:00.000Z"


def search(folder: int, search_id: str, ts: str, **change: Any) -> Delivered:
    """One search in a folder: TRACKS[:4] on a phone, by a listener of its own."""
    row: Row = {
        "search_id": search_id,
        "user_id": f"u-{search_id}",
        "ts": ts,
        "client": "mobile",
        "locale": "en-US",
        "raw_query": "play hello",
        "results": TRACKS[:4],
    }
    return Delivered(folder, "searches", json.dumps(row | change).encode())


def reaction(folder: int, event_id: str, search_id: str, ts: str, **change: Any) -> Delivered:
    """One reaction in a folder: the first track of the search played for 45 s."""
    row: Row = {
        "event_id": event_id,
        "search_id": search_id,
        "track_id": TRACKS[0],
        "position": 1,
        "ts": ts,
        "kind": "play",
        "dwell_ms": 45_000,
    }
    return Delivered(folder, "events", json.dumps(row | change).encode())


def plain_days(days: int) -> list[Delivered]:
    """A search `s0`, `s1`, … and its reaction on each day, in the day's own folder."""
    rows = [
        (search(d, f"s{d}", moment(d, "10:00")), reaction(d, f"e{d}", f"s{d}", moment(d, "10:01"))) for d in range(days)
    ]
    return [row for pair in rows for row in pair]


def by_file(log: list[Delivered], name: str = "part-0.jsonl") -> dict[tuple[int, str, str], list[bytes]]:
    """(folder, source, file name) -> lines: one file a folder and source."""
    files: dict[tuple[int, str, str], list[bytes]] = defaultdict(list)
    for row in log:
        files[row.folder, row.source, name].append(row.text)
    return files


def written(root: Path, files: dict[tuple[int, str, str], list[bytes]]) -> dict[str, list[Path]]:
    """Write (folder, source, file name) -> lines; paths by source."""
    paths: dict[str, list[Path]] = {"searches": [], "events": []}
    for (folder, source, name), lines in files.items():
        place = root / source / f"date={FIRST + timedelta(days=folder)}"
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(b"".join(x + b"\n" for x in lines))
        paths[source].append(place / name)
    return paths


def sorted_sides(spark: SparkSession, root: Path, paths: dict[str, list[Path]], parts: int = 2) -> list[ClassifiedRows]:
    """Both sources sorted as ingest does, read in one batch, laid in `parts` partitions."""
    ensure_key(root / "key", root / "lake")
    parsed = rows(spark, paths["searches"], SEARCH_FIELDS, "searches", SHIPPED.ubi).repartition(parts)
    judged = judged_searches(parsed, key_frame(spark, root / "key"), normalised, None).persist()
    searches = ClassifiedRows(with_outcome(judged, "search", None, 2), "search", paths["searches"])
    known = searches.rows.where("outcome = 'accepted'")
    tracks = spark.createDataFrame([(t,) for t in TRACKS], "track_id string")
    reacted = rows(spark, paths["events"], EVENT_FIELDS, "events", SHIPPED.ubi).repartition(parts)
    events = judged_events(reacted, known, tracks, 2).persist()
    return [searches, ClassifiedRows(with_outcome(events, "event", None, 2), "event", paths["events"])]


def daily(sides: list[ClassifiedRows]) -> DataFrame:
    """daily_engagement of everything accepted, nobody a bot."""
    tagged = sessions(sides[0].accepted()).withColumn("is_bot", F.lit(False))
    return counted_days(tagged, sides[1].accepted()).daily_engagement


def as_set(frame: DataFrame) -> set[str]:
    """The rows of a frame as comparable texts."""
    return {json.dumps(r.asDict(), default=str, sort_keys=True) for r in frame.collect()}
