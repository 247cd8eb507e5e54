"""Nights that are run again after later ones: the catalog is not of their time, and what they count leaves later nights nothing to do."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from events.engagement import COUNT_VERSION
from events.tiles import history
from features.build.stored import catalogs_of
from jobs import backfill, count_engagement, ingest
from jobs.graph import GRAPH
from lake.columns import BACKDATED
from lake.errors import BadConfiguration
from lake.io import Lake
from lake.rerun import RerunLake, remove_reruns
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import SEARCH_LOG, TRACKS
from night.night import COUNTED, Night
from night.plan import planned
from tests.events.deliveries import FIRST, as_set, moment, plain_days, reaction, search
from tests.events.deliveries import TRACKS as TRACK_IDS
from tests.jobs.steps import counted, deliver, in_a_batch, ingested, night


def write_catalog(root: Path, **released: str | None) -> None:
    """A catalog of the test tracks with everything a catalog may say; `released`: dates of release, else 2020."""
    rows = [
        {
            "track_id": t,
            "title": f"Song {t}",
            "artists": [f"A {t}"],
            "album": "B",
            "release_date": released.get(t, "2020"),
            "genres": ["rock"],
            "moods": ["happy"],
            "duration_ms": 1000,
            "explicit": True,
            "popularity": 40,
            "audio": {"energy": 0.5},
        }
        for t in TRACK_IDS
    ]
    (root / "catalog.jsonl").write_text("\n".join(json.dumps(r) for r in rows) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_catalog(tmp_path)
    return tmp_path


def late_log() -> list:  # type: ignore[type-arg]
    """Five days, of which days 1 and 3 get a late search and its reaction a folder later."""
    log = plain_days(5)
    for day in (1, 3):
        late = search(day + 1, f"late{day}", moment(day, "23:50"))
        log += [late, reaction(day + 1, f"r{day}", f"late{day}", moment(day, "23:51"))]
    return log


def pending(this: Night) -> list[str]:
    """The steps that the night has something to do in."""
    return [step.__name__ for step in (ingest, count_engagement) if not step.run(this).skipped]


def test_the_same_deliveries_in_any_order_of_nights_leave_nothing_pending(spark: SparkSession, root: Path) -> None:
    """A night run again before the newest: nothing is read again, it sees what it knew, and the newest has nothing to do."""
    deliver(root, late_log())
    at_once = counted(ingested(spark, root, 5))
    for day in (2, 4, 5):
        rerun = night(spark, root, day)
        assert ingest.run(rerun).note == "no new folder"
        count_engagement.run(rerun)
        assert pending(night(spark, root, day)) == []
        assert isinstance(rerun.lake, RerunLake) == (day < 5)
    assert pending(night(spark, root, 5)) == []
    assert counted(night(spark, root, 5).lake) == at_once


def test_what_a_past_night_counts_is_what_it_knew(spark: SparkSession, root: Path, tmp_path: Path) -> None:
    deliver(root, late_log())

    def long(lake: Lake, day: int) -> set[str]:
        """Sums of the long history before the night, which are read from tiles where there are some."""
        rows = history(lake, [FIRST + timedelta(days=day)]).groupBy("span_days", "level", "place", "key")
        return as_set(rows.agg(F.sum("impressions").alias("n"), F.sum("long_plays").alias("long")))

    first, first_long = {}, {}
    for day in (2, 4):
        lake = ingested(spark, root, day)
        first[day], first_long[day] = counted(lake), long(lake, day)
    ingested(spark, root, 5)
    for day in (4, 2):
        rerun = night(spark, root, day)
        count_engagement.run(rerun)
        units = [u for u in rerun.lake.commits(DAILY_ENGAGEMENT) if u < rerun.settings.run_date]
        frame = rerun.lake.read(DAILY_ENGAGEMENT, units, allow_unvalidated=True)
        assert as_set(frame) == first[day]
        assert long(rerun.lake, day) == first_long[day]  # a later night has written tiles over its last days
    assert remove_reruns(root / "home" / "lake", str(FIRST + timedelta(days=3))) == 1
    assert remove_reruns(root / "home" / "lake") == 1


def test_a_catalog_stands_from_the_night_that_stored_it(spark: SparkSession, root: Path) -> None:
    """For a night before any catalog, the oldest one stands in: no track released later, nothing that was not known."""
    write_catalog(root, t0="2026-03-20", t1=None)
    deliver(root, plain_days(5))
    ingested(spark, root, 5)
    stored = {u: c.fingerprint for u, c in Lake(spark, root / "home" / "lake").commits(TRACKS).items()}
    write_catalog(root, t2="2027-01-01")  # delivered long after: no night before reads it
    past = night(spark, root, 3)
    ingest.run(past)
    assert "the one of 2026-03-07 stands in" in past.notes[0]
    unit = str(FIRST + timedelta(days=3))
    rows = {r["track_id"]: r for r in past.tracks(allow_unvalidated=True).collect()}
    assert past.tracks_unit == unit and set(rows) == set(TRACK_IDS) - {"t0"}
    one = rows["t2"]
    assert (one["title"], one["album"], one["duration_ms"], one["release_year"]) == ("Song t2", "B", 1000, 2020)
    assert (one["genres"], one["moods"], one["explicit"], one["popularity"], one["energy"]) == (
        [],
        [],
        None,
        None,
        None,
    )
    assert one["known_since"] == FIRST + timedelta(days=5) and rows["t1"]["release_year"] is None
    lake = night(spark, root, 5).lake
    assert {u: f for u, f in stored.items() if lake.fingerprint(TRACKS, u) != f} == {}
    assert str(lake.fingerprint(TRACKS, unit)).startswith(BACKDATED)
    # popularity is read from catalogs that were stored, never from one that stands in
    assert catalogs_of(lake, [FIRST + timedelta(days=4)], backdate=False) is None
    assert ingest.run(night(spark, root, 3)).skipped


def test_a_stored_catalog_is_not_replaced_by_one_that_came_later(spark: SparkSession, root: Path) -> None:
    deliver(root, plain_days(5))
    for day in (3, 5):
        ingested(spark, root, day)
        write_catalog(root, t0=f"199{day}")
    assert ingest.run(night(spark, root, 3)).skipped and ingest.run(night(spark, root, 4)).skipped
    assert night(spark, root, 4).tracks_unit == str(FIRST + timedelta(days=3))


def test_tracks_released_after_a_night_are_left_out_where_later_deliveries_are_there(
    spark: SparkSession, root: Path
) -> None:
    """A first night in the past over all deliveries, with the catalog of today."""
    write_catalog(root, t7="2026-03-20")
    deliver(root, plain_days(5))
    past = night(spark, root, 3)
    ingest.run(past)
    assert "1 tracks of the catalog were released after 2026-03-05 and were left out" in " ".join(past.notes)
    assert past.tracks(allow_unvalidated=True).count() == len(TRACK_IDS) - 1
    assert ingest.run(night(spark, root, 3)).skipped and ingest.to_do(night(spark, root, 3)) == ""
    newest = night(spark, root, 5)
    ingest.run(newest)
    assert newest.tracks(allow_unvalidated=True).count() == len(
        TRACK_IDS
    )  # announced, and no delivery says that it is the past


def test_an_upgrade_makes_what_tonight_reads_and_says_how_much_is_left(
    spark: SparkSession, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("night.night.LONGEST_DAYS", 1)
    deliver(root, plain_days(6))
    lake = ingested(spark, root, 6)
    before = {d: c.fingerprint for d, c in lake.commits(DAILY_ENGAGEMENT).items()}
    monkeypatch.setattr("night.counting.COUNT_VERSION", COUNT_VERSION + 1)
    first = night(spark, root, 6)
    assert not count_engagement.run(first).skipped
    made = {d for d, c in first.lake.commits(DAILY_ENGAGEMENT).items() if c.fingerprint != before[d]}
    assert made == {d for d in before if date.fromisoformat(d) >= first.reads_from} and 0 < len(made) < len(before)
    left = sorted(set(before) - made)
    line = f"{len(left)} days, {left[0]} to {left[-1]}, are counted by an older version"
    assert any(note.startswith(line) and f"from={left[0]} to={left[-1]}" in note for note in first.notes), first.notes
    again = night(spark, root, 6)
    assert count_engagement.run(again).skipped and again.notes[0].startswith(line)
    filled = night(spark, root, 6)
    backfill.run(filled, (date.fromisoformat(left[0]), date.fromisoformat(left[-1])))
    last = night(spark, root, 6)
    assert count_engagement.run(last).skipped and last.notes == []
    assert {d for d, c in last.lake.commits(DAILY_ENGAGEMENT).items() if c.fingerprint == before[d]} == set()


def test_an_upgrade_of_the_reading_reads_again_what_tonight_reads(
    spark: SparkSession, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(root, plain_days(6))
    lake = ingested(spark, root, 6)
    before = {d: c.fingerprint for d, c in lake.commits(SEARCH_LOG).items()}
    monkeypatch.setattr("night.deliveries.NORMAL_FORM_VERSION", 2)
    monkeypatch.setattr(
        Night, "reads_from", FIRST + timedelta(days=6 + 7 + 3 - 2)
    )  # all but the last two folders can wait
    first = night(spark, root, 6)
    ingest.run(first)
    made = {d for d, c in first.lake.commits(SEARCH_LOG).items() if c.fingerprint != before[d]}
    assert made == set(sorted(before)[4:])
    assert any("4 days, 2026-03-02 to 2026-03-05, are read by an older version" in note for note in first.notes)
    # a folder that is gone by now can never be read again, and nobody asks for it
    for source in ("searches", "events"):
        for file in (root / "logs" / source / "date=2026-03-02").iterdir():
            file.unlink()
    filled = night(spark, root, 6)
    backfill.run(filled, (FIRST, FIRST + timedelta(days=5)))
    assert filled.lake.fingerprint(SEARCH_LOG, "2026-03-02") == before["2026-03-02"]
    assert all(filled.lake.fingerprint(SEARCH_LOG, d) != before[d] for d in before if d > "2026-03-02")
    last = night(spark, root, 6)
    assert ingest.run(last).skipped and last.notes == []


@pytest.mark.parametrize(("first", "last"), [("2026-03-02", "yesterday"), ("2026-03-05", "2026-03-02")])
def test_a_backfill_of_no_days_is_refused(first: str, last: str) -> None:
    with pytest.raises(BadConfiguration, match="from=2026"):
        backfill.days_asked(first, last)


def test_every_table_that_a_day_is_counted_into_is_the_past_nights_own() -> None:
    assert {t.name for t in COUNTED} == {"daily_engagement", "daily_searches", "bot_days", "listener_tiles"}


def test_a_backfill_fills_a_hole_and_names_every_day_of_its_span(spark: SparkSession, root: Path) -> None:
    log, late = plain_days(8), "ingest.accept_incomplete=late"
    deliver(root, [row for row in log if row.folder != 3])
    ingested(spark, root, 8, late)
    assert [p.why for p in planned(night(spark, root, 8, late), GRAPH[:1], GRAPH)] == [""]
    deliver(root, [row for row in log if row.folder == 3])
    [plan] = planned(night(spark, root, 8, late), GRAPH[:1], GRAPH)
    assert plan.why.split("; ")[0].endswith("delivered days new or changed")
    filled = night(spark, root, 8, late)
    backfill.run(filled, (FIRST + timedelta(days=2), FIRST + timedelta(days=8)))
    by_kind = dict(note.split(": ", 1) for note in filled.notes if note.startswith(("read", "counted", "skipped")))
    named = sorted(day for days in by_kind.values() for day in days.split(", "))
    assert named == [str(FIRST + timedelta(days=i)) for i in range(2, 9)]  # each day once
    assert str(FIRST + timedelta(days=3)) in by_kind["read and counted"]
    assert by_kind["skipped, not delivered"] == str(FIRST + timedelta(days=8))
    assert [p.why for p in planned(night(spark, root, 8, late), GRAPH[:1], GRAPH)] == [""]
    whole = in_a_batch(spark, root / "whole", log, 8)
    assert counted(filled.lake) == whole
    # a restated day
    deliver(root, [*[row for row in log if row.folder == 6], search(6, "new", moment(6, "11:00"))])
    [plan] = planned(night(spark, root, 8, late), GRAPH[:1], GRAPH)
    assert plan.why.split("; ")[0].endswith("delivered days new or changed")
    again = night(spark, root, 8, late)
    backfill.run(again, (FIRST + timedelta(days=6), FIRST + timedelta(days=6)))
    assert any(note == f"read and counted: {FIRST + timedelta(days=6)}" for note in again.notes), again.notes


def test_a_backfill_for_a_past_night_is_refused(spark: SparkSession, root: Path) -> None:
    """It would count into the past night's own tables, and leave the lake's as they are."""
    deliver(root, plain_days(5))
    ingested(spark, root, 5)
    with pytest.raises(BadConfiguration, match="the lake has later nights"):
        backfill.run(night(spark, root, 3), (FIRST, FIRST + timedelta(days=1)))
