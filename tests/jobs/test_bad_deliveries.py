"""Deliveries that can't be taken, and rows that can't: refused in one line, or quarantined and told."""

from __future__ import annotations

import json
import os
import shutil
import time
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from events.catalog import catalog_files, catalog_fingerprint, check_catalog_at_rest, tracks
from events.contract import CONTRACT_VERSION
from events.delivery import Deliveries, check_complete, check_missed, check_sources, delivered
from jobs.delivered import check
from lake.errors import IncompleteDelivery, InputContractError
from lake.fingerprint import file_hash, fingerprint
from night.night import Night
from queries.nightly.names import with_normal_names
from tests.conftest import World


def folder(root: Path, day: str, size: int = 10, success: bool = True) -> None:
    for source in ("searches", "events"):
        place = root / source / f"date={day}"
        place.mkdir(parents=True)
        (place / "part.jsonl").write_text("x" * size)
        if success:
            (place / "_SUCCESS").touch()


def test_a_missing_day_is_refused_unless_accepted(tmp_path: Path) -> None:
    folder(tmp_path, "2026-03-01")
    folders = delivered(tmp_path, date(2026, 3, 4))
    with pytest.raises(InputContractError, match="date=2026-03-03 is missing"):
        check_complete(folders, date(2026, 3, 4), 0, "")
    check_complete(folders, date(2026, 3, 4), 0, "the 3rd was a power cut")


def test_a_half_delivered_day_is_held_with_both_numbers(tmp_path: Path) -> None:
    for day in ("2026-03-01", "2026-03-08", "2026-03-15"):
        folder(tmp_path, day, 1000)
    folder(tmp_path, "2026-03-22", 300)
    with pytest.raises(IncompleteDelivery, match=r"searches/date=2026-03-22 holds 300 bytes.*\(1,000\)") as caught:
        check_complete(delivered(tmp_path, date(2026, 3, 23)), date(2026, 3, 23), 0, "")
    assert caught.value.exit_code == 3
    # one source alone; beside it the other's bytes would hide it
    (tmp_path / "searches" / "date=2026-03-22" / "part.jsonl").write_text("x" * 5000)
    with pytest.raises(IncompleteDelivery, match="events/date=2026-03-22 holds 300 bytes"):
        check_complete(delivered(tmp_path, date(2026, 3, 23)), date(2026, 3, 23), 0, "")
    # another format has another size
    place = tmp_path / "events" / "date=2026-03-22"
    (place / "part.jsonl").rename(place / "part.jsonl.gz")
    check_complete(delivered(tmp_path, date(2026, 3, 23)), date(2026, 3, 23), 0, "")


def test_a_folder_without_success_must_rest(tmp_path: Path) -> None:
    folder(tmp_path, "2026-03-01", success=False)
    folders = delivered(tmp_path, date(2026, 3, 2))
    with pytest.raises(IncompleteDelivery, match="must rest for 600 s"):
        check_complete(folders, date(2026, 3, 2), 600, "")
    old = time.time() - 700
    for files in folders[0].files.values():
        for file in files:
            os.utime(file, (old, old))
    check_complete(folders, date(2026, 3, 2), 600, "")


def test_an_older_folder_that_is_read_only_now_must_rest_too(tmp_path: Path) -> None:
    folder(tmp_path, "2026-03-01", success=False)
    folder(tmp_path, "2026-03-02")
    folders = delivered(tmp_path, date(2026, 3, 3))
    check_complete(folders, date(2026, 3, 3), 600, "")
    with pytest.raises(IncompleteDelivery, match=r"searches/date=2026-03-01 changed .* must rest for 600 s"):
        check_sources(folders, 600, "")
    check_sources(folders, 600, "the first is known to be cut short")


def test_a_catalog_must_rest_too_unless_its_folder_says_that_it_is_complete(tmp_path: Path) -> None:
    file = tmp_path / "tracks.jsonl"
    file.touch()
    for catalog in (file, tmp_path):
        with pytest.raises(IncompleteDelivery, match=r"the catalog .* changed .* must rest for 600 s"):
            check_catalog_at_rest(catalog, [file], 600)
    (tmp_path / "_SUCCESS").touch()
    check_catalog_at_rest(tmp_path, [file], 600)
    os.utime(file, (time.time() - 700,) * 2)
    check_catalog_at_rest(file, [file], 600)


def test_a_newest_day_without_events_is_held_where_days_before_have_some(tmp_path: Path) -> None:
    folder(tmp_path, "2026-03-01")
    folder(tmp_path, "2026-03-02")
    for file in (tmp_path / "events" / "date=2026-03-02").iterdir():
        file.unlink()
    with pytest.raises(IncompleteDelivery, match="events/date=2026-03-02 is missing or has no file"):
        check_complete(delivered(tmp_path, date(2026, 3, 3)), date(2026, 3, 3), 0, "")
    (tmp_path / "events" / "date=2026-03-02" / "part.jsonl").touch()  # nobody reacted, and that is said
    check_complete(delivered(tmp_path, date(2026, 3, 3)), date(2026, 3, 3), 0, "")
    shutil.rmtree(tmp_path / "events")  # logs that have no events at all
    check_complete(delivered(tmp_path, date(2026, 3, 3)), date(2026, 3, 3), 0, "")


def test_a_day_of_events_alone_is_seen_and_no_newest_day(tmp_path: Path) -> None:
    for day in ("2026-03-01", "2026-03-02", "2026-03-03"):
        folder(tmp_path, day)
    for day in ("2026-03-01", "2026-03-03"):
        shutil.rmtree(tmp_path / "searches" / f"date={day}")
    folders = delivered(tmp_path, date(2026, 3, 4))
    assert [len(f.files["search"]) for f in folders] == [0, 1, 0]
    with pytest.raises(InputContractError, match=r"date=2026-03-03 is missing \(newest there: 2026-03-02\)"):
        check_complete(folders, date(2026, 3, 4), 0, "")
    with pytest.raises(IncompleteDelivery, match=r"searches/date=2026-03-01 is missing .*\(2 such days"):
        check_sources(folders, 0, "")
    check_sources(folders, 0, "the searches are lost")
    shutil.rmtree(tmp_path / "searches")
    with pytest.raises(InputContractError, match="holds no searches"):
        delivered(tmp_path, date(2026, 3, 4))


def test_a_half_delivery_does_not_pass_the_night_after(tmp_path: Path) -> None:
    """The 22nd came short and its night was held; the 23rd is whole."""
    days = [f"2026-03-{d:02}" for d in range(1, 24)]
    for day in days:
        folder(tmp_path, day, 300 if day == "2026-03-22" else 1000)
    folders = delivered(tmp_path, date(2026, 3, 24))
    check_complete(folders, date(2026, 3, 24), 0, "")
    held = [date(2026, 3, d) for d in range(1, 22)]
    with pytest.raises(IncompleteDelivery, match="searches/date=2026-03-22 holds 300 bytes"):
        check_missed(folders, held, "")
    check_missed(folders, held, "a power cut")
    check_missed(folders, [*held, date(2026, 3, 22)], "")  # it was accepted as it is
    check_missed(folders, [], "")  # a first night reads what there is
    shutil.rmtree(tmp_path / "searches" / "date=2026-03-22")
    shutil.rmtree(tmp_path / "events" / "date=2026-03-22")
    with pytest.raises(IncompleteDelivery, match="date=2026-03-22 never came: the lake holds days to 2026-03-21"):
        check_missed(delivered(tmp_path, date(2026, 3, 24)), held, "")


def test_a_folder_whose_raw_files_are_gone_makes_nobody_read_the_next_ones_again(tmp_path: Path) -> None:
    for day in ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"):
        folder(tmp_path, day)

    def deliveries() -> Deliveries:
        return Deliveries(delivered(tmp_path, date(2026, 3, 9)), 2)

    held = dict(deliveries().marks)
    assert deliveries().pending(held) == ({}, {})
    # marks of before they told earlier folders apart: nothing is read again for that
    content = {f.day: f.fingerprint() for f in delivered(tmp_path, date(2026, 3, 9))}
    older = {
        d: fingerprint([CONTRACT_VERSION, [content.get(date.fromisoformat(d) - timedelta(days=i)) for i in range(3)]])
        + m[m.find("-") :] * ("-" in m)
        for d, m in held.items()
    }
    assert deliveries().pending(older) == ({}, held)
    shutil.rmtree(tmp_path / "searches" / "date=2026-03-01")
    shutil.rmtree(tmp_path / "events" / "date=2026-03-01")
    fresh, late = deliveries().pending(held)
    assert fresh == {} and set(late) == {"2026-03-02", "2026-03-03"}
    held |= late
    assert deliveries().pending(held) == ({}, {})
    # one that comes back, or is another now, is read, and those after it
    folder(tmp_path, "2026-03-01")
    assert set(deliveries().pending(held)[0]) == {"2026-03-02", "2026-03-03"}
    (tmp_path / "events" / "date=2026-03-02" / "more.jsonl").write_text("late")
    assert set(deliveries().pending(held)[0]) == {f"2026-03-0{d}" for d in (1, 2, 3, 4)}


def test_a_folder_of_no_day_is_passed_over(tmp_path: Path) -> None:
    for day in ("2026-02-28", "2026-02-30"):
        folder(tmp_path, day)
    assert [f.day for f in delivered(tmp_path, date(2026, 3, 9))] == [date(2026, 2, 28)]


def test_a_restated_folder_has_another_fingerprint(tmp_path: Path) -> None:
    folder(tmp_path, "2026-03-01")
    before = delivered(tmp_path, date(2026, 3, 2))[0].fingerprint()
    assert delivered(tmp_path, date(2026, 3, 2))[0].fingerprint() == before
    (tmp_path / "events" / "date=2026-03-01" / "more.jsonl").write_text("late")
    assert delivered(tmp_path, date(2026, 3, 2))[0].fingerprint() != before


def catalog(path: Path, *rows: object) -> Path:
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return path


def track(i: int, **change: object) -> dict[str, object]:
    return {
        "track_id": f"t{i}",
        "title": f"Song {i}",
        "artists": ["A"],
        "genres": ["Hip-Hop"],
        "release_date": "1994-05",
    } | change


def test_a_catalog_that_is_not_json_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    file = catalog(tmp_path / "catalog.jsonl", "title,artist", "Hello,Adele")
    with pytest.raises(InputContractError, match="2 of 2 catalog rows are not JSON tracks") as caught:
        tracks(spark, catalog_files(file), date(2026, 3, 2), with_normal_names, None)
    assert caught.value.exit_code == 2
    with pytest.raises(InputContractError, match="no catalog there"):
        catalog_files(tmp_path / "nothing")


def test_tracks_are_typed_and_null_where_the_catalog_makes_no_sense(spark: SparkSession, tmp_path: Path) -> None:
    rows = [track(i) for i in range(200)]
    rows[0] |= {
        "popularity": 400,
        "audio": {"energy": 3.0, "valence": 0.5},
        "title": "Hello - Live at Home",
        "work_id": None,
    }
    rows[1] |= {"release_date": "2001", "title": "Hello"}
    file = catalog(tmp_path / "catalog.jsonl", *rows, "{cut", track(7, title="Another"))
    frame, left_out = tracks(spark, catalog_files(file), date(2026, 3, 2), with_normal_names, None)
    found = {r["track_id"]: r for r in frame.collect()}
    assert left_out == 1 and len(found) == 200  # the cut line is left out (under 1 %), the second t7 too
    live = found["t0"]
    assert live["popularity"] is None and live["energy"] is None and live["valence"] == 0.5
    assert (
        live["genres"] == ["hip hop"]
        and live["released_at"] == date(1994, 5, 1)
        and live["title_normal"] == "hello live at home"
    )
    assert found["t1"]["release_year"] == 2001 and found["t1"]["work_id"] == live["work_id"]


def test_a_track_without_an_artist_is_left_out_and_told(spark: SparkSession, tmp_path: Path) -> None:
    file = catalog(
        tmp_path / "catalog.jsonl",
        *[track(i) for i in range(200)],
        track(200, artists=[None]),
        track(201, artists=[None, "B"]),
    )
    frame, left_out = tracks(spark, catalog_files(file), date(2026, 3, 2), with_normal_names, None)
    found = {r["track_id"]: r for r in frame.collect()}
    assert left_out == 1 and "t200" not in found and found["t201"]["artists_normal"] == ["b"]


def test_parquet_files_of_two_schemas_are_one_catalog(spark: SparkSession, tmp_path: Path) -> None:
    """pandas makes doubles of whole numbers where one is missing."""
    pd.DataFrame([track(1, duration_ms=215_000), track(2)]).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame([track(3, duration_ms=90_000, moods=["calm"])]).to_parquet(tmp_path / "b.parquet")
    frame, left_out = tracks(spark, catalog_files(tmp_path), date(2026, 3, 2), with_normal_names, None)
    found = {r["track_id"]: (r["duration_ms"], r["moods"]) for r in frame.collect()}
    assert left_out == 0 and found == {"t1": (215_000, []), "t2": (None, []), "t3": (90_000, ["calm"])}


def test_a_catalog_is_stored_anew_where_its_names_are_read_otherwise(tmp_path: Path) -> None:
    files = catalog_files(catalog(tmp_path / "catalog.jsonl", track(1)))
    one, again, other = (catalog_fingerprint(files, file_hash, version) for version in (1, 1, 2))
    assert one == again != other


def test_events_that_come_before_their_searches_are_waited_for(tmp_path: Path) -> None:
    """The command for schedulers: exit code 3, not yet; 2 would end the night for good."""
    folder(tmp_path / "logs", "2026-03-01")
    for at in ("2026-03-01", "2026-03-02"):
        (tmp_path / "logs" / "events" / f"date={at}").mkdir(exist_ok=True)
        (tmp_path / "logs" / "events" / f"date={at}" / "part.jsonl").write_text("x" * 10)
    settings = World(tmp_path).settings(tmp_path / "home", "run_date=2026-03-03")
    with pytest.raises(IncompleteDelivery, match="no searches of 2026-03-02 yet"):
        check(Night(settings, None))  # type: ignore[arg-type]
