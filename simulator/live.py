"""Simulate more days of a world, and let a service answer: `python -m simulator.live out=DIR until=22 service=http://… …`.

The arguments are those of `simulator.generate` (`days` are the days of the whole simulation), and `until`, the number of days that
there are to be afterwards. Days that are there stay. Without `service` the logging policy answers. `history` is the number of first
days whose lists count as known (`new_good`). Beside logs and truth it writes `live/<date>.json`: what the listeners of the day got, by
the truth.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.arrays import Bools, Floats, Ints
from simulator.behaviour import LOCALES
from simulator.catalog_file import write_catalog
from simulator.day import simulated_day
from simulator.listeners import Plays
from simulator.logs import searches_table
from simulator.policy import SHOWN
from simulator.relevance import BROAD
from simulator.searches import Searches
from simulator.service import service_at
from simulator.settings import BadSimulation, Settings, settings_from
from simulator.world import World, built_world, day_of
from simulator.writing import LogWriter, TruthWriter, cleared

GOOD = 3  # grade
_WAITING, _SHOWN, _ASKED, _SETTINGS = "waiting", "shown.parquet", "asked.json", "live-settings.json"


def simulate_until(settings: Settings, until: int, service: str, history: int) -> list[dict[str, Any]]:
    """Simulate the days that are missing up to `until`; returns their figures (see `figures`).

    Args:
        settings: of the whole simulation.
        until: days that there are to be.
        service: the address that answers; "" for the logging policy.
        history: days whose lists count as known: what is new later is new against them, whoever answers.

    Raises:
        BadSimulation: `until` is out of bounds, or the folder has days of other settings.
    """
    if not 0 < until <= settings.days:
        raise BadSimulation(f"until={until}: expected 1 to days={settings.days}.")
    out = Path(settings.out)
    begun = len(list((out / "live").glob("*.json")))
    stored, wanted = out / _SETTINGS, {**asdict(settings), "out": "", "history": history}
    if begun and (other := _differing(json.loads(stored.read_text(encoding="utf-8")), wanted)):
        raise BadSimulation(
            f"{out}: its {begun} days were simulated with {other}. Give the same values, or another out=."
        )
    world = built_world(settings)
    if begun == 0:
        cleared(settings)
        for waiting in out.glob(f"{_WAITING}-*"):
            shutil.rmtree(waiting)
        (out / _ASKED).unlink(missing_ok=True)
        (out / "live").mkdir(exist_ok=True)
        stored.write_text(json.dumps(wanted, indent=1, default=str) + "\n", encoding="utf-8")
        write_catalog(world.rows, out / "catalog.jsonl.gz")
        truth = TruthWriter(world, out)
        truth.write_world()
        truth.close()
    world.rows.clear()
    asked = json.loads((out / _ASKED).read_text(encoding="utf-8")) if begun else []
    for text in asked:  # the policy's candidates are those of the first request with the same words
        world.retrieval.query(text)
    world.service = service_at(service) if service else None
    logs = LogWriter(settings, out)
    logs.wait_again(out / f"{_WAITING}-{begun}")
    shown = _Shown(world, out / _SHOWN)
    days: list[dict[str, Any]] = []
    for day in range(begun, until):
        batch, plays = simulated_day(world, day)
        _remove_cut_off(settings, day)
        logs.write_day(world, batch, plays, searches_table(world, batch, day), day)
        # beside what the day began with, which a run that is cut off here begins with again
        logs.keep_waiting(out / f"{_WAITING}-{day + 1}")
        of_day = {"day": day, "date": day_of(settings, day).isoformat(), "served": bool(service)}
        days.append(of_day | figures(world, batch, plays, shown.is_new(batch)))
        if day < history:
            shown.add(batch)
        known = dict.fromkeys([*asked, *world.texts.texts])
        _write(out / _ASKED, json.dumps(list(known), ensure_ascii=False) + "\n")
        _write(out / "live" / f"{of_day['date']}.json", json.dumps(days[-1], indent=1) + "\n")
        shutil.rmtree(out / f"{_WAITING}-{day}", ignore_errors=True)
    return days


def _write(file: Path, text: str) -> None:
    """Replace a file in one step."""
    partial = file.with_name(f"{file.name}.partial")  # which "*.json" does not count as a day
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)


def _differing(stored: dict[str, Any], wanted: dict[str, Any]) -> str:
    """The settings that are others now, each with its stored and its wanted value."""
    now = json.loads(json.dumps(wanted, default=str))
    keys = sorted(key for key in stored.keys() | now.keys() if stored.get(key) != now.get(key))
    return ", ".join(f"{key}={stored.get(key)} (now {now.get(key)})" for key in keys)


def _remove_cut_off(settings: Settings, day: int) -> None:
    """Remove the folders of a day whose simulation was cut off after they were begun."""
    for kind in ("searches", "events"):
        shutil.rmtree(
            Path(settings.out) / "logs" / kind / f"date={day_of(settings, day).isoformat()}", ignore_errors=True
        )


class _Shown:
    """The pairs of need and track that the logging policy has shown in the first days."""

    def __init__(self, world: World, path: Path) -> None:
        self._world, self._path = world, path
        self._keys: Ints = pq.read_table(path)["key"].to_numpy() if path.exists() else np.zeros(0, dtype=np.int64)

    def _of(self, batch: Searches) -> Ints:
        return np.where(
            (batch.results >= 0) & (batch.need[:, None] >= 0),
            batch.need[:, None] * len(self._world.tracks) + batch.results,
            -1,
        )

    def add(self, batch: Searches) -> None:
        """Add what a day has shown, and store it."""
        keys = self._of(batch)
        self._keys = np.union1d(self._keys, keys[keys >= 0])
        pq.write_table(pa.table({"key": self._keys}), self._path)

    def is_new(self, batch: Searches) -> Bools:
        """Which tracks of the day's lists were not shown for the need in the first days, [n, SHOWN]."""
        keys = self._of(batch)
        return (keys >= 0) & ~np.isin(keys, self._keys)


def figures(world: World, batch: Searches, plays: Plays, is_new: Bools) -> dict[str, Any]:
    """What people got on a day; bots are left out.

    `success`: share of searches with a track that satisfied. `ndcg10`: by the grades (gain 2^grade − 1, discount log2(rank + 1)), a
    request without tracks as 0. `new_good`: tracks of grade 3 or 4 in a list of a broad need that were not shown for it in the first
    days. `gini`: of all tracks of the catalog, by how often they were in a list (0: all alike). `answered`: share of requests that the service
    answered, `explored` with a variant other than 0.
    """
    people = batch.need >= 0
    pleased = np.zeros(len(batch.need), dtype=bool)
    pleased[plays.search[plays.pleased]] = True
    grade = world.grades.of(batch.need[:, None], batch.results.astype(np.int64))
    ndcg = _ndcg(world, batch, grade)
    kinds = np.array([c.kind for c in world.listed])[np.maximum(batch.need, 0) // len(LOCALES)]
    broad = people & np.isin(kinds, BROAD)
    names = np.array(world.variants)[batch.variant]
    of_policy = np.isin(names, [policy.variant for policy in world.behaviour.policies])
    counts = np.bincount(batch.results[people][batch.results[people] >= 0], minlength=len(world.tracks))
    return {
        "searches": int(people.sum()),
        "success": float(pleased[people].mean()),
        "ndcg10": float(ndcg[people].mean()),
        "broad": {
            "searches": int(broad.sum()),
            "success": float(pleased[broad].mean()),
            "ndcg10": float(ndcg[broad].mean()),
            "new_good": float((is_new & (grade >= GOOD))[broad].sum(axis=1).mean()),
        },
        "by_kind": {
            str(kind): {"success": float(pleased[people & (kinds == kind)].mean())} for kind in np.unique(kinds[people])
        },
        "answered": float((~of_policy)[people].mean()),
        "explored": float((~of_policy & (names != "0"))[people].mean()),
        "gini": _gini(counts),
    }


def _ndcg(world: World, batch: Searches, grade: Any) -> Floats:
    """NDCG@10 of each search's list against the best order of all tracks."""
    discount = 1 / np.log2(np.arange(2, SHOWN + 2))
    gained = ((2.0**grade - 1) * discount).sum(axis=1)
    best = {}
    edges = np.searchsorted(world.grades.need, np.arange(len(world.listed) * len(LOCALES) + 1))
    for need in np.unique(batch.need[batch.need >= 0]).tolist():
        top = np.sort(world.grades.grade[edges[need] : edges[need + 1]])[::-1][:SHOWN].astype(float)
        best[need] = float(((2.0**top - 1) * discount[: len(top)]).sum())
    ideal = np.array([best.get(need, 0.0) for need in batch.need.tolist()])
    return np.asarray(np.divide(gained, ideal, out=np.zeros(len(gained)), where=ideal > 0))


def _gini(counts: Ints) -> float:
    ordered = np.sort(counts).astype(float)
    rank = np.arange(1, len(ordered) + 1)
    return float((2 * rank - len(ordered) - 1).dot(ordered) / (len(ordered) * ordered.sum()))


def main(words: Sequence[str]) -> int:
    """Run the command; returns exit code 0, or 2 with one line on stderr that says what to do."""
    own = {"until": "", "service": "", "history": "0"}
    rest = []
    for word in words:
        key, _, value = word.partition("=")
        if key in own:
            own[key] = value
        else:
            rest.append(word)
    try:
        if not own["until"].isdigit():
            raise BadSimulation(f"until={own['until']}: expected the number of days that there are to be.")
        if not own["history"].isdigit():
            raise BadSimulation(
                f"history={own['history']}: expected the number of first days whose lists count as known."
            )
        for of_day in simulate_until(settings_from(rest), int(own["until"]), own["service"], int(own["history"])):
            print(json.dumps(of_day), flush=True)
    except BadSimulation as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
