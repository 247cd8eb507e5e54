"""Every kind of broken row of the catalogue has its stated outcome; the account of the file is exact."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from events.contract import EVENT_FIELDS, SEARCH_FIELDS
from events.ingest import ClassifiedRows, delivered_files, judged_events, judged_searches, quarantine, with_outcome
from events.privacy import ensure_key, key_frame
from events.reading import rows
from queries.nightly.understand import normalised
from tests.events.bad_rows import DAY, EVENT, EVENTS, SEARCH, SEARCHES, Kind, line

RETIRED: Kind = ("retired", {"results": ["t9", "t1"]}, "accepted")


@dataclass(frozen=True)
class Found:
    """Outcome by line number, quarantined rows by line number, and the ledger row, of each source."""

    outcomes: dict[str, dict[int, object]]
    texts: dict[str, dict[int, str]]
    accounts: dict[str, dict[str, int]]


def delivered(root: Path, source: str, kinds: list[Kind], good: dict[str, object], id_field: str) -> Path:
    folder = root / source / f"date={DAY}"
    folder.mkdir(parents=True)
    (folder / "part.jsonl").write_bytes(b"".join(line(good, n, c, id_field) + b"\n" for n, c, _ in kinds))
    return folder / "part.jsonl"


@pytest.fixture(scope="module")
def found(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Found:
    root = tmp_path_factory.mktemp("bad")
    ensure_key(root / "key", root / "lake")
    searches_file = delivered(root, "searches", [*SEARCHES, RETIRED], SEARCH, "search_id")
    events_file = delivered(root, "events", EVENTS, EVENT, "event_id")
    parsed = rows(spark, [searches_file], SEARCH_FIELDS, "searches")
    judged = judged_searches(parsed, key_frame(spark, root / "key"), normalised, None).persist()
    searches = ClassifiedRows(with_outcome(judged, "search", None, 2), "search", [searches_file])
    tracks = spark.createDataFrame([("t1",), ("t2",)], "track_id string")
    known = searches.rows.where("outcome = 'accepted'")
    events = judged_events(rows(spark, [events_file], EVENT_FIELDS, "events"), known, tracks, 2).persist()
    sides = [searches, ClassifiedRows(with_outcome(events, "event", None, 2), "event", [events_file])]
    held = quarantine(spark, sides).collect()
    accounts = {r["source"]: r.asDict() for r in delivered_files(sides).collect()}
    outcomes: dict[str, dict[int, object]] = {"search": {}, "event": {}}
    for side in sides:
        seen = sorted((r["seen"], r["outcome"]) for r in side.rows.select("seen", "outcome").collect())
        lines = [
            i
            for i, (_, c, _) in enumerate([*SEARCHES, RETIRED] if side.source == "search" else EVENTS, 1)
            if not (isinstance(c, str) and not c.strip())
        ]
        outcomes[side.source] = dict(zip(lines, (o for _, o in seen), strict=True))
    for row in held:
        assert outcomes[row["source"]][row["line"]] == "quarantined"
        outcomes[row["source"]][row["line"]] = row["reasons"]
    texts: dict[str, dict[int, str]] = {
        s: {r["line"]: r["raw_text"] for r in held if r["source"] == s} for s in outcomes
    }
    return Found(outcomes, texts, accounts)


CASES = [("search", i, n, o) for i, (n, _, o) in enumerate(SEARCHES, 1)]
CASES += [("event", i, n, o) for i, (n, _, o) in enumerate(EVENTS, 1)]


def test_the_catalogue_is_large_enough() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize(("source", "number", "name", "expected"), CASES, ids=[f"{s}: {n}" for s, _, n, _ in CASES])
def test_each_kind_has_its_outcome(found: Found, source: str, number: int, name: str, expected: object) -> None:
    outcome = found.outcomes[source].get(number, "no row")
    if expected is None:  # bytes that are no JSON text: at least unreadable, whatever else they lack
        assert isinstance(outcome, list) and "unreadable" in outcome, outcome
    else:
        assert outcome == expected


def test_the_account_is_exact_and_nothing_is_lost(found: Found) -> None:
    for source, kinds in (("search", [*SEARCHES, RETIRED]), ("event", EVENTS)):
        account = found.accounts[source]
        assert account["received"] == sum(1 for _, c, _ in kinds if not (isinstance(c, str) and not c.strip()))
        assert account["received"] == account["accepted"] + account["duplicate"] + account["quarantined"]
        assert account["quarantined"] == len(found.texts[source])
        assert account["accepted"] == sum(o == "accepted" for _, _, o in kinds)


def test_quarantine_holds_valid_text_and_no_user(found: Found) -> None:
    for texts in found.texts.values():
        for text in texts.values():
            text.encode("utf-8")
            assert '"u1"' not in text and '"user_id": "u1"' not in text
