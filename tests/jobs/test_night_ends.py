"""How a night ends: with the error that ended it, and without a change of the lake if its lock is another run's by then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import night.night
from lake.errors import NightLocked
from lake.session import LazySession
from night.command import settings_from_words
from night.night import CHECKPOINTS


class Lock:
    """A lock that a test can take away; used in place of `night_lock`."""

    is_lost = False

    def check(self) -> None:
        if self.is_lost:
            raise NightLocked("this run has lost its lease")

    @contextmanager
    def taken(self, *_: object) -> Iterator[Callable[[], None]]:
        yield self.check


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch) -> Lock:
    lock = Lock()
    monkeypatch.setattr(night.night, "night_lock", lock.taken)
    return lock


def ends_with(home: Path, within: Callable[[], None]) -> bool:
    """Run a block in a night that has checkpoints; whether they are still there."""
    root = home / "lake"
    places = [f"{key}={home / key}" for key in ("logs", "releases", "rankers", "reports")]
    settings = settings_from_words(
        ["run_date=2026-03-23", *places, f"lake.root={root}", f"cluster.work_dir={home}/spark"]
    )
    (root / CHECKPOINTS / "rdd-1").mkdir(parents=True)
    with night.night.night(settings):
        within()
    return (root / CHECKPOINTS).exists()


def test_checkpoints_go_with_the_night(tmp_path: Path, lock: Lock) -> None:
    assert not ends_with(tmp_path, lambda: None)


def stop_without_a_jvm(_: LazySession) -> None:
    raise ConnectionResetError("no JVM")


@pytest.mark.parametrize("stop", [LazySession.stop, stop_without_a_jvm])
@pytest.mark.parametrize("error", [ValueError("the JVM is gone"), NightLocked("lost")])
def test_a_run_without_its_lock_says_so_and_removes_nothing(
    tmp_path: Path, lock: Lock, monkeypatch: pytest.MonkeyPatch, error: Exception, stop: Callable[[LazySession], None]
) -> None:
    """Such a run was stopped, and its JVM may have ended meanwhile: what it meets first is then an error of Spark."""

    def wakes() -> None:
        lock.is_lost = True
        raise error

    monkeypatch.setattr(LazySession, "stop", stop)
    with pytest.raises(NightLocked) as raised:
        ends_with(tmp_path, wakes)
    assert raised.value.exit_code == 4
    assert (tmp_path / "lake" / CHECKPOINTS / "rdd-1").exists()


def test_what_fails_while_a_night_ends_does_not_hide_why_it_ended(
    tmp_path: Path, lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise ValueError("the step's own")

    monkeypatch.setattr(LazySession, "stop", stop_without_a_jvm)
    with pytest.raises(ValueError, match="the step's own") as raised:
        ends_with(tmp_path, fails)
    assert "no JVM" in "".join(raised.value.__notes__)
    with pytest.raises(ConnectionResetError):
        ends_with(tmp_path / "again", lambda: None)
