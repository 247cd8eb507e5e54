"""Convert arrays to rows of the input contract: searches and events as Arrow tables, with duplicates and late deliveries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulator.arrays import DAY_MS, Ints, hex_ids, iso_times
from simulator.behaviour import CLIENTS, LOCALES, Behaviour
from simulator.listeners import Plays
from simulator.searches import Searches
from simulator.world import World

EVENT_KINDS = ("play", "skip", "complete", "stop", "click", "save", "add", "like", "dislike")
_PLAY, _CLICK, _DISLIKE = 0, 4, 8
_END_KIND = np.array([2, 1, 3])  # COMPLETE, SKIP, STOP of listeners
_A_DAY = 2**33  # ids per day, so that ids of different days differ


@dataclass(frozen=True)
class Delivery:
    """Rows in the form of the contract plus `_ms`, and the 0-based day of the folder that each is delivered in."""

    table: pa.Table
    folder: Ints


def _named(names: tuple[str, ...] | list[str], codes: Ints) -> pa.Array:
    return pa.array(list(names), pa.string()).take(pa.array(codes))


def searches_table(world: World, batch: Searches, day: int) -> pa.Table:
    """One row per search in the form of the contract, plus `_ms`."""
    seed, shown = world.settings.seed, batch.results >= 0
    offsets = np.concatenate([[0], np.cumsum(shown.sum(axis=1))]).astype(np.int32)
    ids = pa.array(world.tracks.ids, pa.string()).take(pa.array(batch.results[shown]))
    return pa.table(
        {
            "search_id": search_ids(seed, day, np.arange(len(batch.user))),
            "user_id": hex_ids("u", seed, batch.user),
            "ts": iso_times(batch.ms),
            "client": _named(CLIENTS, batch.client),
            "locale": _named(LOCALES, batch.locale),
            "raw_query": _named(world.texts.texts, batch.text),
            "results": pa.ListArray.from_arrays(pa.array(offsets), ids),
            "variant": _named(world.variants, batch.variant),
            "propensity": np.round(batch.propensity, 9),
            "_ms": batch.ms,
        }
    )


def search_ids(seed: int, day: int, rows: Ints) -> pa.Array:
    """The ids of the searches of a day with these row numbers."""
    return hex_ids("s", seed, day * _A_DAY + rows)


def events_table(world: World, batch: Searches, plays: Plays, day: int, rng: np.random.Generator) -> pa.Table:
    """One row per event. Each play has a chain of events: click (screens), play, perhaps a reaction, then complete, skip or stop.

    `dwell_ms` is cumulative along the chain; a click has none.
    """
    behaviour = world.behaviour
    n = len(plays.search)
    begin = batch.ms[plays.search] + plays.start_ms
    sound = begin + np.where(plays.clicked, rng.integers(150, 700, n), 0)
    clicks = np.flatnonzero(plays.clicked)
    u = rng.random(n)
    reacts = np.flatnonzero(
        np.where(plays.pleased, u < behaviour["reaction_rate"], u < behaviour["dislike_rate"] * (plays.dwell_ms > 1500))
    )
    part = (plays.dwell_ms[reacts] * rng.uniform(0.2, 0.9, len(reacts))).astype(np.int64)
    reaction = np.where(plays.pleased[reacts], rng.integers(5, 8, len(reacts)), _DISLIKE)
    all_rows = np.arange(n)
    row = np.concatenate([clicks, all_rows, reacts, all_rows])
    ms = np.concatenate([begin[clicks], sound, sound[reacts] + part, sound + plays.dwell_ms])
    kind = np.concatenate([np.full(len(clicks), _CLICK), np.full(n, _PLAY), reaction, _END_KIND[plays.end]])
    dwell = np.concatenate([np.full(len(clicks), -1), np.zeros(n, dtype=np.int64), part, plays.dwell_ms])
    order = np.argsort(ms, kind="stable")
    row, ms, kind, dwell = row[order], ms[order], kind[order], dwell[order]
    search, rank = plays.search[row], plays.rank[row]
    track = batch.results[search, rank]
    return pa.table(
        {
            "event_id": hex_ids("e", world.settings.seed, day * _A_DAY + np.arange(len(row))),
            "search_id": search_ids(world.settings.seed, day, search),
            "track_id": pa.array(world.tracks.ids, pa.string()).take(pa.array(track)),
            "position": pa.array(rank + 1, pa.int32()),
            "ts": iso_times(ms),
            "kind": _named(EVENT_KINDS, kind),
            "dwell_ms": pa.array(dwell, pa.int64(), mask=dwell < 0),
            "_ms": ms,
        }
    )


def delivered(
    table: pa.Table, first_epoch_day: int, behaviour: Behaviour, may_be_late: bool, rng: np.random.Generator
) -> Delivery:
    """The folder of each row: the day of its ts, late events 1–2 days later; some rows come twice (same id, same content)."""
    ms = table["_ms"].to_numpy()
    n = len(ms)
    folder = ms // DAY_MS - first_epoch_day
    late = rng.random(n) < behaviour["late_share"]
    if may_be_late:
        folder = folder + np.where(late, rng.integers(1, 3, n), 0)
    copies = np.flatnonzero(rng.random(n) < behaviour["duplicate_share"])
    copy_folder = folder[copies] + (rng.random(len(copies)) < 0.15)
    rows = np.concatenate([np.arange(n), copies])
    return Delivery(table.take(pa.array(rows)), np.concatenate([folder, copy_folder]).astype(np.int64))
