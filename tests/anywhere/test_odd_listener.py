"""Two people, fewer than k, ask what nobody else does: no list of the night, not even that need's, shows that they did."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path

from pyspark.sql import Row, SparkSession
from rich.console import Console

from jobs import nightly
from lake.tables.logs import SEARCH_LOG
from lake.tables.nightly import HEAD_RANKINGS, NEEDS
from night.night import Night
from tests.conftest import World

TRACKS_HEARD = 5
LEAST_TRACKS = 20  # closure.min_tracks of the nights below


def catalog_of(world: World) -> list[dict[str, object]]:
    with gzip.open(world.root / "catalog.jsonl.gz", "rt") as file:
        return [json.loads(line) for line in file]


def two_rare_genres(world: World) -> tuple[str, str]:
    """The two genres with the fewest tracks of the seventies that the closure still suggests (`closure.min_tracks`)."""
    counted: Counter[str] = Counter()
    for track in catalog_of(world):
        if str(track["release_date"])[:3] == "197":
            counted.update(track["genres"])
    rarest = sorted((tracks, genre) for genre, tracks in counted.items() if tracks >= LEAST_TRACKS)
    return rarest[0][1], rarest[1][1]


def with_odd_listeners(world: World, home: Path, genre: str) -> World:
    """The world, and two people who ask three days in a row for a genre of the seventies, and hear its least popular tracks to the end."""
    shutil.copytree(world.root / "logs", home / "logs")
    shutil.copy(world.root / "catalog.jsonl.gz", home)
    tracks = sorted(catalog_of(world), key=lambda t: (t["popularity"] or 0, str(t["track_id"])))
    heard = [str(t["track_id"]) for t in tracks[:TRACKS_HEARD]]
    for days_back in range(1, 4):
        day = f"2026-03-{23 - days_back:02}"
        searches, events = [], []
        for person in ("one", "two"):
            search = f"odd-{person}-{day}"
            moment = f"{day}T18:2{days_back}:00.000Z"
            raw = f"play {genre} from the seventies"
            asked = {
                "search_id": search,
                "user_id": f"odd-{person}",
                "ts": moment,
                "client": "alexa",
                "locale": "en-US",
            }
            searches.append(asked | {"raw_query": raw, "results": heard})
            for position, track in enumerate(heard, 1):
                played = {"search_id": search, "track_id": track, "position": position, "ts": moment}
                events.append(played | {"event_id": f"{search}-{position}", "kind": "complete", "dwell_ms": 180_000})
        for kind, rows in (("searches", searches), ("events", events)):
            folder = home / "logs" / kind / f"date={day}"
            (folder / "part-odd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return World(home)


def lists(spark: SparkSession, world: World, home: Path) -> tuple[list[Row], Night]:
    night = world.night(
        spark, home, "nightly.tune=never", "nightly.until=rank_head", f"closure.min_tracks={LEAST_TRACKS}"
    )
    nightly.run(night, nightly.steps_of(night), Console(quiet=True))
    rows = night.lake.read(HEAD_RANKINGS, [night.run_date], allow_unvalidated=True)
    return sorted(rows.collect(), key=repr), night


def test_lists_are_equal_whichever_of_two_needs_the_odd_listeners_ask(
    spark: SparkSession, world: World, tmp_path: Path
) -> None:
    """The same people hear the same tracks: only what they asked for differs, and both needs have a list from the catalog."""
    genres = two_rare_genres(world)
    all_lists = []
    for genre in genres:
        made, night = lists(
            spark, with_odd_listeners(world, tmp_path / genre.replace(" ", "-"), genre), tmp_path / f"{genre}-night"
        )
        log = night.lake.read(SEARCH_LOG, allow_unvalidated=True).where("user_id is not null")
        assert log.where(f"query like '%{genre}%' and query like '%seventies%'").count() == 6
        asked = night.lake.read(NEEDS, [night.run_date], allow_unvalidated=True).where(
            f"need = 'decade=1970|genre={genre}'"
        )
        assert [r["people_28d"] for r in asked.where("locale = 'en'").collect()] == [2]
        all_lists.append(made)
    assert all_lists[0] == all_lists[1]
    wanted = {f"decade=1970|genre={genre}" for genre in genres}
    assert wanted <= {row["need"] for row in all_lists[0]}
