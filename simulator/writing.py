"""Write the files of a simulation: day folders of logs, and the truth. The same tables give the same bytes."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from simulator.arrays import hex_ids
from simulator.behaviour import CLIENTS, LOCALES
from simulator.listeners import Plays
from simulator.logs import Delivery, delivered, events_table, search_ids
from simulator.searches import Searches
from simulator.settings import BadSimulation, Settings
from simulator.world import World, day_of

MARKER = "_SIMULATED"


def cleared(settings: Settings) -> Path:
    """Empty the output folder and mark it as simulated. Raises BadSimulation if it contains logs that no simulation wrote."""
    out = Path(settings.out)
    if (out / "logs").exists() and not (out / "logs" / MARKER).exists():
        raise BadSimulation(
            f"out={out}: {out / 'logs'} holds logs without the marker {MARKER}, perhaps real ones. Give another folder."
        )
    try:
        for part in ("logs", "truth"):
            if (out / part).exists():
                shutil.rmtree(out / part)
        (out / "logs").mkdir(parents=True)
        (out / "truth").mkdir()
        about = {
            "simulated": True,
            "world": settings.world,
            "seed": settings.seed,
            "first_date": settings.first_date.isoformat(),
            "days": settings.days,
        }
        (out / "logs" / MARKER).write_text(json.dumps(about) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadSimulation(f"out={out}: cannot write there ({error.strerror}). Give a folder you may write.") from None
    return out


class LogWriter:
    """Collects rows until their delivery day is complete, then writes the folders of the day."""

    def __init__(self, settings: Settings, out: Path) -> None:
        self._settings, self._out = settings, out
        self._waiting: dict[tuple[str, int], list[pa.Table]] = defaultdict(list)
        self.rows = {"searches": 0, "events": 0}

    def add(self, kind: str, delivery: Delivery) -> None:
        """Queue rows for their folders; rows that are due after the last folder are dropped."""
        for day in np.unique(delivery.folder[delivery.folder < self._settings.days]):
            self._waiting[kind, int(day)].append(delivery.table.filter(pa.array(delivery.folder == day)))

    def keep_waiting(self, folder: Path) -> None:
        """Store the rows that are due in later folders, for `wait_again` in another process."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for (kind, day), tables in self._waiting.items():
            pq.write_table(pa.concat_tables(tables), folder / f"{kind}-{day}.parquet")

    def wait_again(self, folder: Path) -> None:
        """Queue the rows that an earlier process has stored."""
        for path in sorted(folder.glob("*.parquet")):
            kind, _, day = path.stem.rpartition("-")
            self._waiting[kind, int(day)].append(pq.read_table(path))

    def write_day(self, world: World, batch: Searches, plays: Plays, searches: pa.Table, day: int) -> None:
        """Queue the searches and events of a day, then write its folders; `searches` is `searches_table` of the batch."""
        rng = np.random.default_rng([self._settings.seed, 10_000_000 + day])
        self.add("searches", delivered(searches, world.first_epoch_day, world.behaviour, False, rng))
        events = events_table(world, batch, plays, day, rng)
        self.add("events", delivered(events, world.first_epoch_day, world.behaviour, True, rng))
        self.write(day)

    def write(self, day: int) -> None:
        """Write folder number `day` of searches and of events, each with the marker file _SUCCESS."""
        for kind in ("searches", "events"):
            tables = self._waiting.pop((kind, day))
            table = pa.concat_tables(tables)
            table = (
                table.take(pa.array(np.argsort(table["_ms"].to_numpy(), kind="stable")))
                .drop_columns(["_ms"])
                .combine_chunks()
            )
            folder = self._out / "logs" / kind / f"date={day_of(self._settings, day).isoformat()}"
            folder.mkdir(parents=True)
            if day >= self._settings.days - self._settings.jsonl_days:
                _write_json_lines(table, folder / "part-00000.jsonl.gz")
            else:
                pq.write_table(table, folder / "part-00000.parquet")
            (folder / "_SUCCESS").touch()
            self.rows[kind] += len(table)


def _write_json_lines(table: pa.Table, path: Path) -> None:
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=5, mtime=0) as out:
        for row in table.to_pylist():
            # An optional field without a value is left out, as clients do.
            out.write(
                (json.dumps({k: v for k, v in row.items() if v is not None}, ensure_ascii=False) + "\n").encode("utf-8")
            )


class TruthWriter:
    """Writes truth/: needs, searches with their needs, relevance, behaviour, and the searches of the day after the last log."""

    _FORM = pa.schema([("search_id", pa.string()), ("need_id", pa.string()), ("is_bot", pa.bool_())])

    def __init__(self, world: World, out: Path) -> None:
        self._world, self._out = world, out / "truth"
        self._names = pa.array([f"n{i:06d}" for i in range(len(world.listed) * len(LOCALES))], pa.string())
        self._searches = pq.ParquetWriter(self._out / "searches.parquet", self._FORM)

    def write_world(self) -> None:
        """Write needs, relevance and behaviour, which do not depend on the day."""
        world, many = self._world, len(LOCALES)
        slots = [json.dumps(c.slots, ensure_ascii=False, sort_keys=True) for c in world.listed]
        needs = {
            "need_id": self._names,
            "locale": list(LOCALES) * len(slots),
            "kind": [c.kind for c in world.listed for _ in range(many)],
            "slots": [s for s in slots for _ in range(many)],
        }
        pq.write_table(pa.table(needs), self._out / "needs.parquet")
        tracks, grades = pa.array(world.tracks.ids, pa.string()), world.grades
        relevance = {
            "need_id": self._names.take(pa.array(grades.need)),
            "track_id": tracks.take(pa.array(grades.track)),
            "grade": pa.array(grades.grade, pa.int8()),
        }
        pq.write_table(pa.table(relevance), self._out / "relevance.parquet")
        (self._out / "behaviour.json").write_text(
            json.dumps(self._behaviour(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )

    def add(self, batch: Searches, day: int) -> None:
        """Write the needs of one day's searches."""
        self._searches.write_table(pa.table(self._columns(batch, day), schema=self._FORM))

    def write_unseen(self, batch: Searches, day: int, table: pa.Table) -> None:
        """Write the searches of the day after the last folder, with their needs."""
        columns = {k: table[k] for k in ("search_id", "ts", "client", "locale", "raw_query")} | self._columns(
            batch, day
        )
        pq.write_table(pa.table(columns), self._out / "unseen_searches.parquet")

    def close(self) -> None:
        """Close the files and write `_SUCCESS`, which says that logs and truth are complete."""
        self._searches.close()
        (self._out / "_SUCCESS").touch()

    def _columns(self, batch: Searches, day: int) -> dict[str, pa.Array]:
        is_bot = batch.need < 0
        need = pc.take(self._names, pa.array(batch.need, mask=is_bot))
        return {
            "search_id": search_ids(self._world.settings.seed, day, np.arange(len(is_bot))),
            "need_id": need,
            "is_bot": pa.array(is_bot),
        }

    def _behaviour(self) -> dict[str, object]:
        world, settings, who = self._world, self._world.settings, self._world.people

        def users(rows: object) -> list[str]:
            return list(hex_ids("u", settings.seed, np.atleast_1d(np.asarray(rows))).to_pylist())

        policies = [{"from": day_of(settings, p.first_day).isoformat()} for p in world.behaviour.policies]
        plain = world.behaviour.as_json()
        plain["policies"] = [p | d for p, d in zip(plain["policies"], policies, strict=True)]
        farm = int(np.flatnonzero(world.tracks.artist == world.farm_artist)[0])
        return {
            "settings": {
                "days": settings.days,
                "searches_per_day": settings.searches_per_day,
                "seed": settings.seed,
                "world": settings.world,
                "first_date": settings.first_date.isoformat(),
                "unseen_date": (settings.first_date + timedelta(days=settings.days)).isoformat(),
            },
            **plain,
            "clients": list(CLIENTS),
            "bots": {k: users(v) for k, v in who.bots.items()},
            "household": users(who.household),
            "farm_artist": world.tracks.artist_names[farm],
        }
