"""Array types and vectorised functions for all parts of the simulator: hashing, shares, ids, times as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

DAY_MS = 86_400_000
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def mixed(x: Words) -> Words:
    """Scramble 64-bit integers bijectively. Source: splitmix64's finaliser (Steele, Lea & Flood 2014)."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def hashed_uniform(*keys: npt.NDArray[Any] | int) -> Floats:
    """Uniform (0, 1) numbers that are a pure function of integer keys (broadcast): equal keys give equal numbers."""
    h: Words = np.zeros(1, dtype=np.uint64)
    for key in keys:
        h = mixed(h ^ np.asarray(key).astype(np.uint64))
    return ((h >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53


def hashed_noise(*keys: npt.NDArray[Any] | int) -> Floats:
    """Logistic noise of mean 0 and standard deviation 1, a pure function of integer keys (broadcast)."""
    u = hashed_uniform(*keys)
    out: Floats = np.log(u / (1.0 - u)) * (np.sqrt(3.0) / np.pi)
    return out


def zipf_shares(n: int, power: float) -> Floats:
    """Shares of ranks 1..n that fall as 1/rank^power and sum to 1. Source: Zipf 1949."""
    weight = np.arange(1, n + 1, dtype=np.float64) ** -power
    out: Floats = weight / weight.sum()
    return out


def drawn_rows(rng: np.random.Generator, weight: Floats, n: int) -> Ints:
    """n indices drawn with probability proportional to `weight`, with replacement."""
    cumulative = np.cumsum(weight)
    at = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
    return np.asarray(np.minimum(at, len(weight) - 1), dtype=np.int64)


def text_of_bytes(rows: npt.NDArray[np.uint8]) -> pa.Array:
    """A string array from an [n, width] matrix of ASCII bytes."""
    n, width = rows.shape
    offsets = np.arange(n + 1, dtype=np.int32) * np.int32(width)
    data = np.ascontiguousarray(rows)
    return pa.Array.from_buffers(pa.string(), n, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def hex_ids(prefix: str, seed: int, counter: Ints) -> pa.Array:
    """Ids of one letter and 16 hex digits; distinct counters give distinct ids, because the scramble is bijective."""
    start = mixed(np.array([seed * 256 + ord(prefix)], dtype=np.uint64))
    words = mixed(counter.astype(np.uint64) ^ start)
    shifts = np.arange(60, -4, -4, dtype=np.uint64)
    digits = _HEX[((words[:, None] >> shifts) & np.uint64(15)).astype(np.int64)]
    lead = np.full((len(counter), 1), ord(prefix), dtype=np.uint8)
    return text_of_bytes(np.hstack([lead, digits]))


def iso_times(ms: Ints) -> pa.Array:
    """Milliseconds since 1970 as `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
    rows = np.empty((len(ms), 24), dtype=np.uint8)
    days, inverse = np.unique(ms // DAY_MS, return_inverse=True)
    names = "".join(str(np.datetime64(int(d), "D")) for d in days)
    rows[:, :10] = np.frombuffer(names.encode("ascii"), dtype=np.uint8).reshape(-1, 10)[inverse]
    rest = ms % DAY_MS
    rows[:, 10], rows[:, 13], rows[:, 16], rows[:, 19], rows[:, 23] = (ord(c) for c in "T::.Z")
    parts = ((11, rest // 3_600_000, 2), (14, rest // 60_000 % 60, 2), (17, rest // 1000 % 60, 2), (20, rest % 1000, 3))
    for column, number, width in parts:
        for k in range(width):
            rows[:, column + k] = number // 10 ** (width - 1 - k) % 10 + ord("0")
    return text_of_bytes(rows)
