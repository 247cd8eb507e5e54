"""Benchmark: what one process of the night holds in memory, by size: the slopes of docs/scale.md.

    python -m benchmarks.scale [--tracks 10000 100000 1000000] [--json FILE]

Three things grow on one process: the vocabulary of names (driver, and each Python worker of `understand`), the content of a release
(driver, `publish`) and the training matrix (driver, `train`; one more in the sweep). Each is built at every size in a process of its
own, over made names, and its resident memory is the growth of that process's peak. Slopes are by least squares through the sizes.
Exit codes: 0; 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

SIZES = (10_000, 100_000, 1_000_000)
LIMIT_S = 900
TRACKS_PER_LIST = 50


def peak_mb() -> float:
    """The highest resident memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def word(number: int) -> str:
    """A made word of six letters."""
    letters = "bdfgklmnprstvz"
    return "".join(letters[number // 14**at % 14] + "aeiou"[(number + at) % 5] for at in range(3))


def vocabulary_of(tracks: int) -> object:
    """The vocabulary of so many made tracks, a tenth as many artists and a fifth as many albums."""
    from queries.catalog.vocabulary import name_rows, vocabulary_from

    best: dict[tuple[str, str], float] = {}
    for i in range(tracks):
        title, artist, album = (
            f"{word(i)} {word(i + 7)} {i}",
            f"{word(i // 10)} band {i // 10}",
            f"{word(i // 5)} {i // 5}",
        )
        for kind, form, popularity in name_rows(title, [artist], album, ["rock"], 50.0):
            best[kind, form] = popularity
    rows = [(kind, form, popularity) for (kind, form), popularity in best.items()]
    del best
    return vocabulary_from(rows)


def rankings_of(lists: int) -> object:
    """The rows of so many lists of TRACKS_PER_LIST tracks as `publish` collects them."""
    import pandas as pd

    rows = lists * TRACKS_PER_LIST
    need = np.repeat(np.array([f"title={word(i)} {i}" for i in range(lists)], dtype=object), TRACKS_PER_LIST)
    tracks = np.array([f"track{i:016d}" for i in range(min(rows, 1_000_000))], dtype=object)
    return pd.DataFrame(
        {
            "locale": np.full(rows, "en", dtype=object),
            "need": need,
            "track_id": tracks[np.arange(rows) % len(tracks)],
            "score": np.random.default_rng(7).normal(size=rows),
            "rank": np.tile(np.arange(1, TRACKS_PER_LIST + 1), lists),
        }
    )


def matrix_of(rows: int) -> object:
    """A training matrix of so many rows and all columns of the catalogue, as `ranking.dataset.read_examples` builds it."""
    from features.catalogue import matrix_names

    return np.random.default_rng(7).normal(size=(rows, len(matrix_names())))


PARTS: dict[str, tuple[str, Callable[[int], object]]] = {
    "vocabulary": ("tracks", vocabulary_of),
    "release lists": ("lists", rankings_of),
    "training matrix": ("rows", matrix_of),
}
MOST = {"release lists": 100_000, "training matrix": 1_000_000}


def measured(part: str, size: int) -> float:
    """Growth of the peak, MB, in a new process that builds one part."""
    command = [sys.executable, "-m", "benchmarks.scale", "--part", part, "--size", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    return float(done.stdout)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every part at every size and print MB and bytes for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tracks", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.part:
        PARTS[given.part][1](1000)  # imports are no part of the slope
        before = peak_mb()
        kept = PARTS[given.part][1](given.size)
        print(peak_mb() - before if kept is not None else 0.0)
        return 0
    report: dict[str, dict[str, object]] = {}
    for part, (unit, _) in PARTS.items():
        sizes = [s for s in given.tracks if s <= MOST.get(part, s)]
        grown = [measured(part, size) for size in sizes]
        slope = float(np.polyfit(sizes, grown, 1)[0]) * 1024 * 1024 if len(sizes) > 1 else grown[0] / sizes[0] * 2**20
        report[part] = {"unit": unit, "sizes": sizes, "mb": grown, "bytes_each": slope}
        cells = ", ".join(f"{size:,}: {mb:,.0f} MB" for size, mb in zip(sizes, grown, strict=True))
        print(f"{part} by {unit}: {cells}; {slope:,.0f} bytes each", flush=True)
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
