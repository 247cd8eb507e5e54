"""Log tables and daily counts carry a version that is raised by hand: an output that changes without it would stay mixed in every lake."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from events.catalog import CATALOG_VERSION
from events.contract import CONTRACT_VERSION
from events.engagement import COUNT_VERSION
from events.tiles import TILE_VERSION
from jobs import count_engagement, ingest
from lake.io import Lake
from lake.schema import Table
from lake.tables.daily import BOT_DAYS, DAILY_ENGAGEMENT, DAILY_SEARCHES, ENGAGEMENT_TILES, LISTENER_TILES
from lake.tables.logs import DELIVERED_FILES, ENGAGEMENT_EVENTS, QUARANTINE, SEARCH_LOG, TRACKS
from queries.text.normalise import NORMAL_FORM_VERSION
from tests.events.deliveries import Delivered, made_log, moment, reaction, search
from tests.jobs.steps import deliver, night

GOLDEN = Path(__file__).parent / "golden_logs.json"
WRITE = "PLAYFIRST_WRITE_GOLDEN"
READ = {"CONTRACT_VERSION": CONTRACT_VERSION, "NORMAL_FORM_VERSION": NORMAL_FORM_VERSION}
COUNTED = READ | {"COUNT_VERSION": COUNT_VERSION}
VERSIONS: dict[Table, dict[str, int]] = {
    SEARCH_LOG: READ,
    ENGAGEMENT_EVENTS: READ,
    QUARANTINE: READ,
    DELIVERED_FILES: READ,
    TRACKS: {"CATALOG_VERSION": CATALOG_VERSION, "NORMAL_FORM_VERSION": NORMAL_FORM_VERSION},
    DAILY_ENGAGEMENT: COUNTED,
    DAILY_SEARCHES: COUNTED,
    BOT_DAYS: COUNTED,
    LISTENER_TILES: COUNTED | {"TILE_VERSION": TILE_VERSION},
    ENGAGEMENT_TILES: COUNTED | {"TILE_VERSION": TILE_VERSION},
}


def log() -> list[Delivered]:
    """Six days with copies, broken rows, late rows, contacts, an account that searches like a clock, and every kind of reaction."""
    rows = made_log(1, 90, days=6)
    rows += [
        search(1, "late", moment(0, "23:50")),
        reaction(1, "r", "late", moment(0, "23:55")),
        reaction(0, "early", "late", moment(0, "23:52")),
    ]
    rows += [search(0, f"clock{i}", moment(0, f"{i:02d}:00"), user_id="clock") for i in range(14)]
    rows += [search(2, "mail", moment(2, "09:00"), raw_query="play a@b.example 4000 1234 5678 9010 +34 600 123 456")]
    rows += [
        search(2, "broken", moment(2, "09:01"), client="toaster"),
        Delivered(3, "searches", b"{not json"),
        Delivered(3, "events", b"\xff{}"),
    ]
    return [*rows, rows[0], rows[5]]


def row_hash(lake: Lake, table: Table) -> str:
    """SHA-256 of the table's rows as sorted JSON."""

    def plain(value: Any) -> str:
        return value.hex() if isinstance(value, bytes | bytearray) else str(value)

    rows = lake.read(table, allow_unvalidated=True).collect()
    lines = sorted(json.dumps(r.asDict(recursive=True), sort_keys=True, default=plain) for r in rows)
    assert lines, table.name
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_what_logs_and_days_become_changes_with_their_version_alone(spark: SparkSession, tmp_path: Path) -> None:
    tracks = [
        {
            "track_id": f"t{i}",
            "title": f"Canción {i} (Live)",
            "artists": [f"Artist {i % 3}"],
            "genres": ["Rock "],
            "release_date": f"199{i}-05",
            "popularity": 10 * i,
            "audio": {"energy": i / 8},
        }
        for i in range(8)
    ]
    (tmp_path / "catalog.jsonl").write_text("\n".join(json.dumps(track) for track in tracks) + "\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "key").write_text("0123456789abcdef" * 4 + "\n")
    deliver(tmp_path, log())
    this = night(spark, tmp_path, 6, "bots.min_gaps=12")
    ingest.run(this)
    count_engagement.run(this)
    now = {table.name: {"rows": row_hash(this.lake, table), "versions": v} for table, v in VERSIONS.items()}
    if os.environ.get(WRITE):
        GOLDEN.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    golden = json.loads(GOLDEN.read_text())
    for name, found in now.items():
        stored = golden[name]
        is_raised = found["versions"] != stored["versions"]
        assert is_raised or found["rows"] == stored["rows"], (
            f"{name}: the same logs give other rows, and none of {', '.join(stored['versions'])} was raised: lakes would hold both. "
            f"Raise the one whose meaning changed, then write the golden file anew with {WRITE}=1."
        )
    assert now == golden, (
        f"a version was raised: write the golden file anew with {WRITE}=1, read the difference, commit it"
    )
