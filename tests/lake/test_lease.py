"""A lease on a store that stands in for S3: replies that are lost, and a holder that is another."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from lake import lease
from lake.errors import NightLocked
from lake.lease import Lease


class Store:
    """Conditional puts on a file of a disk, by a counter as tag; `lost` puts are written, and their reply is not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tag, self.puts, self.lost = 0, 0, 0
        for name in ("create_file", "swap_file", "tag_of"):
            monkeypatch.setattr(lease, name, getattr(self, name))

    def _write(self, path: Path, data: bytes) -> str:
        path.write_bytes(data)
        self.tag, self.puts = self.tag + 1, self.puts + 1
        if self.lost:
            self.lost -= 1
            raise TimeoutError("no reply")
        return str(self.tag)

    def create_file(self, path: Path, data: bytes) -> str | None:
        return None if path.exists() else self._write(path, data)

    def swap_file(self, path: Path, data: bytes, tag: str) -> str | None:
        return self._write(path, data) if tag == str(self.tag) else None

    def tag_of(self, path: Path) -> str | None:
        return str(self.tag) if path.exists() else None


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(monkeypatch)


def held(path: Path, run_id: str = "mine") -> Lease:
    one = Lease(path, {"run_id": run_id}, lease_s=20.0, renew_s=0.02)
    one.acquire(0.0, lambda: "another", None)
    return one


def wait_for_puts(store: Store, more: int) -> None:
    until, wanted = time.monotonic() + 10, store.puts + more
    while store.puts < wanted:
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_renewal_whose_reply_was_lost_is_this_runs_own(store: Store, tmp_path: Path) -> None:
    mine = held(tmp_path / "lock")
    store.lost = 1
    wait_for_puts(store, 4)
    mine.check()
    mine.release()
    assert json.loads((tmp_path / "lock").read_bytes()) == {}


def test_a_lock_that_was_created_without_a_reply_is_this_runs_own(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_bytes(json.dumps({"run_id": "mine", "until": time.time() + 20}).encode())
    mine = held(path)
    mine.check()
    mine.release()


def test_a_lock_of_another_run_is_lost_at_the_next_renewal(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    mine = held(path)
    store.swap_file(path, json.dumps({"run_id": "other", "until": time.time() + 20}).encode(), str(store.tag))
    until = time.monotonic() + 10
    with pytest.raises(NightLocked, match="another run has taken it"):
        while time.monotonic() < until:
            mine.check()
            time.sleep(0.005)
    mine.release()
    assert json.loads(path.read_bytes())["run_id"] == "other"
    with pytest.raises(NightLocked, match="is held by another"):
        held(path, "third")
