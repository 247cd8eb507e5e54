"""Benchmark of query understanding on gold data: music, slots, parallel requests, linking, spelling, speed; rivals and bars.

    PLAYFIRST_DATA=DIR python -m benchmarks.understanding --json var/understanding.json
    PLAYFIRST_DATA=DIR python -m benchmarks.understanding --only slots --arms grammar --by-type

`queries.training.gold` and `queries.training.folds` define which requests are scored, and which the models are trained on. `--spark N` also
reads N distinct queries in Spark. Exit codes: 0 every bar that was measured is met, 1 one is not, 2 bad arguments or no data.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks import (
    understanding_alexa,
    understanding_link,
    understanding_music,
    understanding_parallel,
    understanding_slots,
    understanding_speed,
    understanding_spelling,
)
from benchmarks.arms import MUSIC_ARMS, READING_ARMS, SLOT_ARMS, Resources
from benchmarks.figures import Figure, as_json
from benchmarks.understanding_table import misses, print_table
from queries.catalog.index import CatalogUnreadable, load_catalog
from queries.training.folds import sampled, stable_hash
from queries.training.gold import DataMissing, Gold, data_file, gold_of, parallel_pairs, rows_of

_BAD_INPUT = 2


class Benchmark:
    """The data, each file read at its first use, and one method per section of the benchmark."""

    def __init__(self, catalog: Path | None, arms: frozenset[str], sample: int | None, spark: int) -> None:
        self._catalog = catalog or data_file("catalog/tracks.jsonl.gz")
        self._arms, self._sample, self._spark = arms, sample, spark

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of the gold file."""
        return rows_of(data_file("queries/gold_slots.jsonl.gz"))

    @cached_property
    def gold(self) -> list[Gold]:
        """The gold requests, or a sample of them with `--sample`."""
        every = gold_of(self.rows)
        return sampled(every, self._sample) if self._sample else every

    @cached_property
    def resources(self) -> Resources:
        """The catalog and the lexicon."""
        return Resources.of(load_catalog(self._catalog))

    @cached_property
    def searches(self) -> list[understanding_link.Search]:
        """The typed searches, or a sample of them with `--sample`."""
        every = understanding_link.searches(data_file("search/cpcd_searches.jsonl.gz"))
        return sorted(every, key=lambda one: stable_hash(one.query))[: self._sample] if self._sample else every

    def slots(self) -> Iterable[Figure]:
        """Slots, by every requested arm."""
        arms = {name: make(self.resources) for name, make in SLOT_ARMS.items() if name in self._arms}
        return understanding_slots.measured(arms, self.gold)

    def music(self) -> Iterable[Figure]:
        """Music or not, by every requested arm."""
        arms = {name: make(self.resources) for name, make in MUSIC_ARMS.items() if name in self._arms}
        return understanding_music.measured(arms, self.gold)

    def parallel(self) -> Iterable[Figure]:
        """The same requests in English and Spanish."""
        arms = {name: make(self.resources) for name, make in READING_ARMS.items() if name in self._arms}
        return understanding_parallel.measured(arms, self.gold, parallel_pairs(self.rows))

    def link(self) -> Iterable[Figure]:
        """Linking of typed searches to tracks."""
        tracks = understanding_link.tracks(data_file("search/cpcd_tracks.jsonl.gz"))
        return understanding_link.measured(self.searches, tracks)

    def alexa(self) -> Iterable[Figure]:
        """Moods and decades in the sentences of Alexa's interaction models."""
        locales = ("en-US", "es-ES", "es-MX", "es-US")
        return understanding_alexa.measured(
            self.resources, [(data_file(f"queries/model_{x}.json"), x) for x in locales]
        )

    def spelling(self) -> Iterator[Figure]:
        """Misspelt names: English ones in the catalog of the typed searches, Spanish ones in the large catalog."""
        small = understanding_link.tracks(data_file("search/cpcd_tracks.jsonl.gz"))
        known = understanding_spelling.misspellings(
            data_file("spelling/missp.dat"), data_file("spelling/wikipedia.dat")
        )
        yield from understanding_spelling.measured("en", understanding_spelling.english(small, known), small)
        large = rows_of(self._catalog)
        pairs = understanding_spelling.replacements(data_file("spelling/es.aff"))
        # without rivals, which would compare each request with each of 144,409 tracks
        yield from understanding_spelling.measured("es", understanding_spelling.spanish(large, pairs), large, ())

    def rate(self) -> Iterator[Figure]:
        """Readings per second on one core, and in Spark with `--spark`."""
        requests = [(one.text, one.locale) for one in self.gold] + [(one.query, "en-US") for one in self.searches]
        yield from understanding_speed.reading_rate(self.resources, requests)
        if self._spark:
            from lake.session import SessionSettings, spark_session

            spark = spark_session(SessionSettings("benchmark of query understanding", "local[2]", "4g"))
            try:
                yield from understanding_speed.spark_rate(spark, self._catalog, requests, self._spark)
            finally:
                spark.stop()

    def hostile(self) -> Iterable[Figure]:
        """The time that hostile text takes."""
        return understanding_speed.hostile_cost(self.resources)


SECTIONS: dict[str, Callable[[Benchmark], Iterable[Figure]]] = {
    "slots": Benchmark.slots,
    "music": Benchmark.music,
    "parallel": Benchmark.parallel,
    "link": Benchmark.link,
    "alexa": Benchmark.alexa,
    "spelling": Benchmark.spelling,
    "rate": Benchmark.rate,
    "hostile": Benchmark.hostile,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the requested sections, print one table, and write JSON if `--json` is given; returns the exit code."""
    known_arms = tuple(dict.fromkeys((*SLOT_ARMS, *MUSIC_ARMS)))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.understanding", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"sections, by comma: {', '.join(SECTIONS)}")
    parser.add_argument(
        "--arms", default=",".join(known_arms), help=f"arms of slots and music, by comma: {', '.join(known_arms)}"
    )
    parser.add_argument(
        "--catalog", type=Path, help="tracks of the contract; catalog/tracks.jsonl.gz of PLAYFIRST_DATA"
    )
    parser.add_argument("--by-type", action="store_true", help="also a row for each type of slot")
    parser.add_argument("--sample", type=int, help="at most this many requests of each kind: quick, for development")
    parser.add_argument("--spark", type=int, default=0, metavar="N", help="also read N distinct queries in Spark")
    parser.add_argument("--json", type=Path, help="write every figure into this file")
    given = parser.parse_args(arguments)
    wanted, arms = _names(parser, "--only", given.only, SECTIONS), _names(parser, "--arms", given.arms, known_arms)
    if given.spark < 0 or (given.sample is not None and given.sample < 1):
        parser.error("--spark must be 0 or more, --sample 1 or more")
    figures: list[Figure] = []
    try:
        benchmark = Benchmark(given.catalog, frozenset(arms), given.sample, given.spark)
        for name in wanted:
            begun = time.perf_counter()
            figures += SECTIONS[name](benchmark)
            print(f"{name}: {time.perf_counter() - begun:,.0f} s", file=sys.stderr, flush=True)
    except (DataMissing, CatalogUnreadable) as error:
        print(error, file=sys.stderr)
        return _BAD_INPUT
    print_table(figures, given.by_type)
    missed = misses(figures)
    print(f"bars missed: {'; '.join(missed)}" if missed else "every bar measured is met")
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(as_json(figures), indent=2) + "\n", encoding="utf-8")
    return 1 if missed else 0


def _names(parser: argparse.ArgumentParser, option: str, text: str, known: Iterable[str]) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or set(names) - set(known):
        parser.error(f"{option}: {text!r}; known: {', '.join(known)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
