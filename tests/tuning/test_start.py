"""Ray's start on a busy machine: it gives a node 30 s, and the sweep has longer."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import ray

from ranking.ranker import RankerParams
from tuning import search
from tuning.settings import SearchSettings

SETTINGS = SearchSettings(
    "start",
    {"learning_rate": {"type": "uniform", "low": 0.1, "high": 0.2}},
    RankerParams().to_dict(),
    trials=1,
    time_budget_s=1,
    prune=False,
    folds=1,
    max_trees=1,
    start_limit_s=600,
)


def failing(monkeypatch: pytest.MonkeyPatch, *errors: str) -> list[str]:
    """Let ray.init fail with these errors, in turn, and then succeed; returns what was called."""
    calls: list[str] = []
    left = list(errors)

    def init(**_: Any) -> None:
        calls.append("init")
        if left:
            raise Exception(left.pop(0))

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: calls.append("shutdown"))
    return calls


def test_a_late_node_is_started_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = failing(monkeypatch, "The current node timed out during startup. This could …")
    search._start_ray(SETTINGS, tmp_path)
    assert calls == ["init", "shutdown", "init"]


def test_any_other_error_and_the_limit_end_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    failing(monkeypatch, "no space left on device")
    with pytest.raises(Exception, match="no space left"):
        search._start_ray(SETTINGS, tmp_path)
    failing(monkeypatch, *["The current node timed out during startup."] * 9)
    clock = iter(range(0, 10_000, 400))
    monkeypatch.setattr(search.time, "monotonic", lambda: float(next(clock)))  # each start takes 400 of the 600 s
    with pytest.raises(Exception, match="timed out during startup"):
        search._start_ray(SETTINGS, tmp_path)


def test_ray_still_says_it_in_these_words() -> None:
    from ray._private import node

    assert search._LATE in Path(node.__file__).read_text(encoding="utf-8")


def test_ray_starts_beside_other_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[str] = []
    goes_on = threading.Event()

    def init(**_: Any) -> None:
        calls.append("waited" if goes_on.wait(timeout=60) else "not in time")

    monkeypatch.setattr(ray, "init", init)
    others = set(threading.enumerate())
    started = search._ray_starting(SETTINGS, tmp_path)
    calls.append("the default trial")
    goes_on.set()
    started()
    assert calls == ["the default trial", "waited"]
    # Linux ends Ray's processes when the thread that started them ends
    (starter,) = set(threading.enumerate()) - others
    starter.join(timeout=1)
    assert starter.is_alive()


def test_an_error_of_the_start_is_raised_where_ray_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = failing(monkeypatch, "no space left on device")
    started = search._ray_starting(SETTINGS, tmp_path)
    with pytest.raises(Exception, match="no space left"):
        started()
    assert calls == ["init", "shutdown"]
