"""The reactions of listeners to a list: on screens they examine by position and click; on voice they hear one track at a time.

Sources: position-based model, Craswell et al. 2008; trust bias, Agarwal et al. 2019 (false clicks that fall with the
rank); reading on after a satisfying click, Guo et al. 2009 (DCM). Voice is a survival process: rank r + 1 sounds only if the
listener did not leave at rank r.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.arrays import Bools, Floats, Ints
from simulator.behaviour import Behaviour
from simulator.policy import SHOWN

COMPLETE, SKIP, STOP = 0, 1, 2


@dataclass(frozen=True)
class Plays:
    """One row per track that sounded.

    Args:
        search: row of the search in its batch.
        rank: 0-based rank in the list.
        start_ms: start, in milliseconds after the search.
        dwell_ms: milliseconds heard.
        end: how it ended: COMPLETE, SKIP or STOP.
        pleased: whether the track satisfied the listener.
        clicked: whether a click started it.
    """

    search: Ints
    rank: Ints
    start_ms: Ints
    dwell_ms: Ints
    end: Ints
    pleased: Bools
    clicked: Bools


@dataclass(frozen=True)
class Outcome:
    """The plays, and per search its end (`over_ms`, milliseconds after its ts) and whether no track satisfied (`failed`)."""

    plays: Plays
    over_ms: Ints
    failed: Bools


def heard(pleased: Bools, duration_ms: Ints, behaviour: Behaviour, rng: np.random.Generator) -> tuple[Ints, Bools]:
    """Milliseconds heard, and whether to the end: satisfying tracks mostly to the end, others a few seconds."""
    n = len(pleased)
    whole = pleased & (rng.random(n) < behaviour["heard_to_end"])
    part = (duration_ms * rng.uniform(0.3, 0.95, n)).clip(min=np.minimum(31_000, duration_ms * 0.9))
    early = np.minimum(1000 + rng.exponential(behaviour["early_end_s"] * 1000, n), duration_ms * 0.4)
    dwell = np.where(whole, duration_ms, np.where(pleased, part, early)).astype(np.int64)
    return dwell, whole


def on_screens(
    grade: npt.NDArray[np.int8],
    shown: Bools,
    duration_ms: Ints,
    client: Ints,
    liking: Floats,
    behaviour: Behaviour,
    rng: np.random.Generator,
) -> Outcome:
    """Screens: clicks by examination × attraction, plus false clicks; each click plays.

    Arrays are [n, SHOWN], `client` is [n]; `liking` multiplies attraction and satisfaction.
    """
    n = len(client)
    rank = np.arange(1, SHOWN + 1, dtype=np.float64)
    examined = rng.random((n, SHOWN)) < rank[None, :] ** -behaviour.examination_power[client][:, None]
    wanted = examined & (rng.random((n, SHOWN)) < behaviour.attraction[grade] * liking)
    false = rng.random((n, SHOWN)) < behaviour["false_click"] / rank[None, :]
    pleased = rng.random((n, SHOWN)) < behaviour.satisfied[grade] * liking
    leaves = rng.random((n, SHOWN)) >= behaviour["go_on_after_good"]
    clicked = (wanted | false) & shown
    gone = np.cumsum(clicked & pleased & leaves, axis=1)
    clicked &= (gone - (clicked & pleased & leaves)) == 0
    search, at = np.nonzero(clicked)
    good = pleased[search, at]
    dwell, whole = heard(good, duration_ms[search, at], behaviour, rng)
    pause = 1500 + rng.exponential(2500, len(search)) + 300 * at
    start = _running(search, pause + np.concatenate([[0], dwell[:-1]]), first=pause)
    end = np.where(whole, COMPLETE, np.where(~good & (rng.random(len(search)) < 0.6), SKIP, STOP))
    over = rng.uniform(3000, 25_000, n).astype(np.int64)
    np.maximum.at(over, search, start + dwell)
    failed = np.ones(n, dtype=bool)
    failed[search[good]] = False
    return Outcome(Plays(search, at, start, dwell, end, good, np.ones(len(at), dtype=bool)), over, failed)


def _running(group: Ints, step: Floats, first: Floats) -> Ints:
    """Cumulative sums of `step` inside each run of equal `group`; the first element of a run takes `first` instead of `step`."""
    if not len(group):
        return np.zeros(0, dtype=np.int64)
    begins = np.concatenate([[True], group[1:] != group[:-1]])
    value = np.where(begins, first, step).astype(np.int64)
    total = np.cumsum(value)
    base = np.maximum.accumulate(np.where(begins, np.arange(len(group)), 0))
    return np.asarray(total - total[base] + value[base], dtype=np.int64)


def on_voice(
    grade: npt.NDArray[np.int8],
    shown: Bools,
    duration_ms: Ints,
    liking: Floats,
    behaviour: Behaviour,
    rng: np.random.Generator,
) -> Outcome:
    """Voice: satisfied listeners hear the track (perhaps the next too), others skip it or stop.

    Arrays are [n, SHOWN]; `liking` multiplies satisfaction.
    """
    n = len(grade)
    now = 800 + rng.exponential(600, n).astype(np.int64)
    over, failed = now + 2000, np.ones(n, dtype=bool)
    active = np.flatnonzero(shown[:, 0]) if n else np.zeros(0, dtype=np.int64)
    parts: list[tuple[Ints, ...]] = []
    for r in range(SHOWN):
        active = active[shown[active, r]]
        if not len(active):
            break
        good = rng.random(len(active)) < behaviour.satisfied[grade[active, r]] * liking[active, r]
        dwell, whole = heard(good, duration_ms[active, r], behaviour, rng)
        skips = ~good & (rng.random(len(active)) < behaviour["skip_not_stop"])
        end = np.where(whole, COMPLETE, np.where(skips, SKIP, STOP))
        parts.append((active, np.full(len(active), r), now[active], dwell, end, good))
        failed[active[good]] = False
        over[active] = now[active] + dwell
        now[active] = over[active] + rng.integers(200, 900, len(active))
        active = active[skips | (whole & (rng.random(len(active)) < behaviour["next_after_complete"]))]
    empty = np.zeros(0, dtype=np.int64)
    columns = [np.concatenate([p[k] for p in parts]) if parts else empty for k in range(6)]
    silent = np.zeros(len(columns[0]), dtype=bool)
    return Outcome(
        Plays(columns[0], columns[1], columns[2], columns[3], columns[4], columns[5].astype(bool), silent), over, failed
    )
