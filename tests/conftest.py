"""One Spark session for all tests, and one small simulated world with a night run over it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from lake.io import Lake
from lake.rows import frame_of
from lake.session import SessionSettings, spark_session
from night.command import settings_from_words, words_under
from night.night import Night
from night.settings import Settings
from tools.chaos import UNCOMPILED

# a suite fills the 48 MB that a JVM reserves for code without its optimising compiler: then nothing is compiled any more, and calls fail oddly
JAVA_OPTIONS = "-XX:ReservedCodeCacheSize=512m -XX:+UseParallelGC"
# of a JVM that lives for some minutes: there that compiler takes more time than its code saves. Not of the whole suite: interpreted plans
# run so much slower without it that nothing is gained
SHORT_JAVA_OPTIONS = f"-XX:TieredStopAtLevel=1 {JAVA_OPTIONS}"
# UNCOMPILED: a test's plan meets a handful of rows and runs once or twice. The fixture `as_shipped` puts back what a night runs with;
# test_connect runs ingest to features with that
# the trees of all features' plans are gigabytes while they are planned: the pages of sorts and hash maps must leave room for them
# (by default they may take .6 of the heap, and a suite ended now and then with an OutOfMemoryError)
ROOM_FOR_PLANS = {"spark.memory.fraction": "0.3"}
# who is a bot is another room's question, where raw rows are counted a second way
NO_BOTS = ("bots.burst_searches=1000000", "bots.min_gaps=1000000", "bots.min_replays=1000000", "bots.min_crowd=1000000")
# lists shorter than a night's, and cut as a night cuts them: how many pairs there are changes nothing of what is computed for one
SHORT_LISTS = ("candidates.cap=40", "candidates.cold_cap=25", "ranking.tracks_per_entry=20")
FIRST, DAYS, RUN_DATE = "2026-03-01", 22, "2026-03-23"


# rooms whose files share something dear to make; of the others each file is a part of its own
WHOLE_ROOMS = ("laws", "queries", "serving", "simulator")


def part_of(nodeid: str) -> str:
    """The part of the suite that a test belongs to: parts go whole to one process."""
    file = nodeid.split("::")[0]
    room = file.split("/")[1]
    return room if room in WHOLE_ROOMS else file


# parts that take minutes: begun first, so that no process is left alone with one of them at the end
LONG_PARTS = (
    "tests/jobs/test_night.py",
    "laws",
    "tests/jobs/test_changed_deliveries.py",
    "tests/jobs/test_connect.py",
    "tests/jobs/test_deliveries.py",
    "tests/tools/test_chaos.py",
    "tests/events/test_any_delivery.py",
    "tests/tuning/test_child.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--fast`: leave out what runs a night or a sweep, or starts Spark."""
    parser.addoption("--fast", action="store_true", help="only what needs no night, no sweep and no Spark")


# fixtures that start Spark, run steps or search parameters; and files that run whole commands
SLOW_FIXTURES = {"spark", "world", "laws", "lake", "done"}
SLOW_FILES = (
    "tests/tools/test_chaos.py",
    "tests/tuning/test_child.py",
    "tests/jobs/test_connect.py",
    "tests/lake/test_session.py",
)


def is_slow(item: pytest.Item) -> bool:
    """Whether `make test-fast` leaves the test out."""
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(fixtures & SLOW_FIXTURES) or item.nodeid.split("::")[0] in SLOW_FILES


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long parts first, in the order of LONG_PARTS; the rest as collected."""
    if config.getoption("--fast"):
        slow = [item for item in items if is_slow(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not is_slow(item)]
    place = {part: i for i, part in enumerate(LONG_PARTS)}
    items.sort(key=lambda item: place.get(part_of(item.nodeid), len(place)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out parts, not tests, where there are several processes. (pytest-xdist 3.8 marks groups in a way pytest 9 ignores.)"""
    from xdist.scheduler import LoadScopeScheduling

    class ByPart(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return part_of(nodeid)

    return ByPart(config, log)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The session: two threads, two shuffle partitions (tiny frames), plans interpreted, no UI; stopped at the end."""
    work = tmp_path_factory.mktemp("spark")
    settings = SessionSettings(
        "tests",
        "local[2]",
        "6g",
        shuffle_partitions=2,
        work_dir=str(work),
        extra=UNCOMPILED | ROOM_FOR_PLANS,
        java_options=JAVA_OPTIONS,
    )
    session = spark_session(settings)
    of_list = session.createDataFrame

    def of_rows(rows: Any, schema: Any = None) -> DataFrame:
        """Hand-made rows as an Arrow table (see `frame_of`): ten times faster where a test asks for them again and again."""
        if isinstance(rows, list) and rows and isinstance(schema, str | StructType) and not isinstance(rows[0], dict):
            return frame_of(session, rows, schema)
        return of_list(rows, schema)

    session.createDataFrame = of_rows
    yield session
    session.stop()


@pytest.fixture
def as_shipped(spark: SparkSession) -> Iterator[SparkSession]:
    """The session with compiled and adaptive plans, as a night has them, for one test."""
    for key in UNCOMPILED:
        spark.conf.unset(key)  # Spark's own defaults, which are ours
    yield spark
    for key, value in UNCOMPILED.items():
        spark.conf.set(key, value)


@dataclass(frozen=True)
class World:
    """A simulated world on disk: logs/, truth/, catalog.jsonl.gz."""

    root: Path

    def settings(self, home: Path, *overrides: str) -> Settings:
        """Settings of a night over this world with everything it writes under `home`."""
        places = words_under(home, self.root / "logs", self.root / "catalog.jsonl.gz", RUN_DATE)
        return settings_from_words([*places, *SHORT_LISTS, *overrides])

    def night(self, spark: SparkSession, home: Path, *overrides: str) -> Night:
        """A night over this world on the shared session."""
        return Night(self.settings(home, *overrides), Lake(spark, home / "lake"))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """22 days × 250 searches over 5,000 made tracks; the last two days as JSON Lines."""
    root = tmp_path_factory.mktemp("world")
    command = [
        sys.executable,
        "-m",
        "simulator.generate",
        f"out={root}",
        f"days={DAYS}",
        "searches_per_day=250",
        "seed=5",
        f"first_date={FIRST}",
        "jsonl_days=2",
        "catalog_tracks=5000",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return World(root)


def cached_ids(spark: SparkSession) -> set[int]:
    """Ids, not a count: the JVM's collector may drop what earlier tests left behind at any moment."""
    return set(spark.sparkContext._jsc.getPersistentRDDs().keySet())
