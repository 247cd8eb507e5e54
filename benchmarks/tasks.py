"""Where the time of a Spark run went: the actions that Python called, and the tasks of its stages from the event log."""

from __future__ import annotations

import functools
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parent.parent
ACTIONS = ("collect", "count", "isEmpty", "toPandas", "toArrow", "localCheckpoint")
EVENT_LOG = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
}
# operators that nearly every stage has, and that do not identify it
_DULL = ("WholeStageCodegen", "mapPartitions", "AQEShuffleRead", "InputAdapter", "parallelize", "map", "ColumnarToRow")


@dataclass(frozen=True)
class Action:
    """One action: the calling function with the action's name, and its start and end (seconds since the epoch)."""

    name: str
    begun: float
    ended: float

    @property
    def seconds(self) -> float:
        """Wall time in seconds."""
        return self.ended - self.begun


@dataclass
class Stage:
    """One completed stage: operators, start, seconds of its tasks, bytes spilled to disk, and the action it belongs to."""

    name: str
    begun: float
    seconds: list[float] = field(default_factory=list)
    spilled: int = 0
    action: str = ""


@contextmanager
def recorded(spark: SparkSession) -> Iterator[list[Action]]:
    """Record the outermost actions that run inside the block, each with the function of this project that called it."""
    seen: list[Action] = []
    depth = 0

    def watching(what: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def watched(*args: object, **kwargs: object) -> object:
            nonlocal depth
            depth += 1
            begun = time.time()
            try:
                return method(*args, **kwargs)
            finally:
                depth -= 1
                if not depth:
                    seen.append(Action(f"{_asker(sys._getframe(1))}: {what}", begun, time.time()))

        return watched

    frame = spark.range(0)
    patched = [(type(frame), name) for name in ACTIONS] + [(type(frame.write), "save")]
    originals = [(kind, name, name in vars(kind), getattr(kind, name)) for kind, name in patched]
    for kind, name, _, method in originals:
        setattr(kind, name, watching(name, method))
    try:
        yield seen
    finally:
        for kind, name, was_own, method in originals:
            if was_own:
                setattr(kind, name, method)
            else:
                delattr(kind, name)


def _asker(frame: FrameType | None) -> str:
    """The nearest function of this project up the stack; writes of the lake also get the name of their table."""
    while frame is not None:
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(ROOT) and ".venv" not in file.parts and file.parent.name != "benchmarks":
            table = getattr(frame.f_locals.get("table"), "name", "")
            return f"{file.relative_to(ROOT).with_suffix('')}.{frame.f_code.co_name} {table}".strip().replace("/", ".")
        frame = frame.f_back
    return "benchmark"


def stages(log: Path, actions: Sequence[Action]) -> list[Stage]:
    """The stages of an event log (not compressed, not rolled), those with the most task time first.

    Args:
        log: the event log.
        actions: the recorded actions; a stage belongs to the first one during which it was submitted.
    """
    completed: dict[int, Stage] = {}
    tasks: dict[int, list[float]] = defaultdict(list)
    spilled: dict[int, int] = defaultdict(int)
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith('{"Event":"SparkListenerTaskEnd"'):
                event = json.loads(line)
                info, number = event["Task Info"], event["Stage ID"]
                tasks[number].append((info["Finish Time"] - info["Launch Time"]) / 1000)
                spilled[number] += (event.get("Task Metrics") or {}).get("Disk Bytes Spilled", 0)
            elif line.startswith('{"Event":"SparkListenerStageCompleted"'):
                info = json.loads(line)["Stage Info"]
                begun = info.get("Submission Time", 0) / 1000
                who = next((a.name for a in actions if a.begun <= begun + 0.05 and begun <= a.ended), "")
                completed[info["Stage ID"]] = Stage(_operators(info), begun, action=who)
    for number, stage in completed.items():
        stage.seconds, stage.spilled = tasks[number], spilled[number]
    return sorted((s for s in completed.values() if s.seconds), key=lambda s: -sum(s.seconds))


def heaviest(of: Sequence[Stage], most: int = 6, share: float = 0.03) -> list[Stage]:
    """The first `most` stages, without those that have less than `share` of all task time."""
    total = sum(sum(s.seconds) for s in of)
    return [s for s in of[:most] if sum(s.seconds) >= share * total]


def worst_ratio(of: Sequence[dict[str, Any]]) -> float:
    """The largest ratio of the longest to the median task, over the stages with several tasks (`Stage`s as dictionaries)."""
    several = [s["seconds"] for s in of if len(s["seconds"]) > 1]
    return max((max(s) / max(statistics.median(s), 1e-3) for s in several), default=1.0)


def by_action(actions: Sequence[Action]) -> list[tuple[str, float]]:
    """(name, seconds) of the actions, summed by name, longest first."""
    sums: dict[str, float] = defaultdict(float)
    for action in actions:
        sums[action.name] += action.seconds
    return sorted(sums.items(), key=lambda item: -item[1])


def _operators(info: dict[str, Any]) -> str:
    names: list[str] = []
    for rdd in sorted(info.get("RDD Info", []), key=lambda r: int(r["RDD ID"])):
        scope = json.loads(rdd.get("Scope") or "{}").get("name", "")
        if scope and not scope.startswith(_DULL) and scope not in names:
            names.append(scope)
    return ", ".join(names) or str(info["Stage Name"])
