"""Every sink is written before one answers, so that a store that fails leaves all others as they were."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from serving.content import ReleaseRows
from serving.errors import ReleaseInput
from serving.sinks import SINKS, published, sinks
from serving.sinks.sink import SinkPlace

RELEASE = ReleaseRows("2026-03-01", (), 0, {}, {}, b"")


@dataclass
class Noted:
    """A sink that notes what it is asked; `fails`: it cannot write."""

    name: str
    calls: list[str]
    fails: bool = False
    of: list[ReleaseRows] = field(default_factory=list)

    def write(self, release: ReleaseRows) -> str:
        if self.fails:
            raise OSError(f"{self.name} is full")
        self.calls.append(f"write {self.name}")
        self.of.append(release)
        return f"2026-03-01-{self.name}"

    def publish(self, release_id: str) -> str:
        self.calls.append(f"publish {self.name} {release_id}")
        return f"{self.name} answers"


def test_all_are_written_before_one_answers() -> None:
    calls: list[str] = []
    stores = [Noted("a", calls), Noted("b", calls)]
    assert published(stores, RELEASE) == ("2026-03-01-a", "a answers; b answers")
    assert calls == ["write a", "write b", "publish a 2026-03-01-a", "publish b 2026-03-01-a"]
    assert all(s.of == [RELEASE] for s in stores)


def test_one_that_fails_keeps_all_from_answering() -> None:
    calls: list[str] = []
    with pytest.raises(OSError, match="b is full"):
        published([Noted("a", calls), Noted("b", calls, fails=True)], RELEASE)
    assert calls == ["write a"]


def test_a_sink_is_named_by_its_name(tmp_path: Path) -> None:
    assert [type(s).__name__ for s in sinks(["lmdb"], SinkPlace(tmp_path, 3))] == ["LmdbRelease"]
    for names in (["lmbd"], []):
        with pytest.raises(ReleaseInput, match=f"expected some of {', '.join(SINKS)}"):
            sinks(names, SinkPlace(tmp_path, 3))
