"""Benchmark: the latency of a lookup in a release, against SQLite and a dictionary in memory with the same answers.

    python -m benchmarks.lookup [--entries 50000] [--tracks 50] [--requests 20000] [--json FILE]

Requests are drawn by Zipf's law over the entries, a quarter of each kind: the entry's own query, the query behind a carrier
phrase (answered by the stripped form), an alias, and a request that no entry answers. All arms take the same steps (normal form;
then the full form, the stripped form and aliases, each in the locale, its language and `*`) and return tracks with title and
artists, so the arms differ only in the cost of finding and decoding a list. `first` is the first pass over the requests by a
newly opened reader with a warm page cache. One thread, one core; a latency is one call.
Exit codes: 0; 1 if an arm gives another answer than ours; 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from queries.text.carrier import CarrierGrammar, grammar_bytes, load_grammar, stripped
from queries.text.normalise import normal_form
from serving.content import Entry, RankedTrack, TrackInfo
from serving.layout import RANKINGS, locale_chain
from serving.reader import ReleaseReader
from serving.writer import publish, write_release

Answered = list[tuple[str, float, str, tuple[str, ...]]]
Arm = Callable[[str, str], Answered]
SEED, LOCALE, PHRASE = 7, "en-US", "play the song "
MANIFEST: Mapping[str, object] = {
    "inputs": {},
    "config_fingerprint": "",
    "ranker_fingerprint": None,
    "gates": {},
    "coverage": {},
}


def content(entries: int, tracks: int) -> tuple[list[Entry], dict[str, TrackInfo]]:
    """So many entries of so many tracks each; the catalog has a tenth as many tracks as the lists have places."""
    draw = random.Random(SEED)
    many = max(tracks, entries * tracks // 10)
    known = {
        f"t{i:09d}": TrackInfo(f"t{i:09d}", f"Title Number {i} Of Many", (f"Artist {i % 997}",)) for i in range(many)
    }
    ids = list(known)
    drawn = []
    for i in range(entries):
        listed = tuple(RankedTrack(t, float(len(ids) - rank)) for rank, t in enumerate(draw.sample(ids, tracks)))
        drawn.append(Entry("en" if i % 2 else LOCALE, f"zork vel {i}", (f"zurk vel {i}",), listed, 0.98, ("title",)))
    return drawn, known


def requests(entries: int, many: int) -> list[str]:
    """`many` requests over so many entries, drawn as the module says."""
    draw = random.Random(SEED + 1)
    asked = draw.choices(range(entries), [1 / (rank + 1) for rank in range(entries)], k=many)
    forms = ("zork vel {}", PHRASE + "zork vel {}", "zurk vel {}", "nothing like number {}")
    return [forms[at % 4].format(i) for at, i in enumerate(asked)]


def steps(text: str, locale: str, grammar: CarrierGrammar) -> Iterator[tuple[bool, str, str]]:
    """The lookups for a request as (whether by alias, locale, query), in the order of docs/release-format.md; for the rivals."""
    chain = locale_chain(locale)
    full = normal_form(text, chain[0])
    yield from ((False, place, full) for place in chain)
    short = stripped(full, chain[0], grammar)
    if short != full:
        yield from ((False, place, short) for place in chain)
    for name in dict.fromkeys((full, short)):
        yield from ((True, place, name) for place in chain)


def in_memory(entries: Sequence[Entry], tracks: Mapping[str, TrackInfo], grammar: CarrierGrammar) -> Arm:
    """The arm of Python dictionaries: the lower bound of the latency; every place of every list takes memory."""
    lists = {
        (e.locale, e.query): [
            (t.track_id, t.score, tracks[t.track_id].title, tracks[t.track_id].artists) for t in e.tracks
        ]
        for e in entries
    }
    aliases = {(e.locale, a): e.query for e in entries for a in e.aliases}

    def answer(text: str, locale: str) -> Answered:
        for by_alias, place, query in steps(text, locale, grammar):
            named = aliases.get((place, query)) if by_alias else query
            if named is not None and (tracks_of := lists.get((place, named))) is not None:
                return tracks_of
        return []

    return answer


def in_sqlite(entries: Sequence[Entry], tracks: Mapping[str, TrackInfo], grammar: CarrierGrammar, file: Path) -> Arm:
    """The arm of one SQLite file, keyed by (locale, query), with each list as JSON; opened read-only and memory-mapped."""
    with sqlite3.connect(file) as db:
        db.execute(
            "CREATE TABLE lists (locale TEXT, query TEXT, value TEXT, PRIMARY KEY (locale, query)) WITHOUT ROWID"
        )
        db.execute(
            "CREATE TABLE aliases (locale TEXT, alias TEXT, query TEXT, PRIMARY KEY (locale, alias)) WITHOUT ROWID"
        )
        rows = (
            (
                e.locale,
                e.query,
                json.dumps(
                    [[t.track_id, t.score, tracks[t.track_id].title, tracks[t.track_id].artists] for t in e.tracks]
                ),
            )
            for e in entries
        )
        db.executemany("INSERT INTO lists VALUES (?, ?, ?)", rows)
        db.executemany(
            "INSERT INTO aliases VALUES (?, ?, ?)", [(e.locale, a, e.query) for e in entries for a in e.aliases]
        )
    db.close()
    reader = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    reader.execute(f"PRAGMA mmap_size={2**32}")

    def answer(text: str, locale: str) -> Answered:
        for by_alias, place, query in steps(text, locale, grammar):
            if by_alias:
                named = reader.execute(
                    "SELECT query FROM aliases WHERE locale = ? AND alias = ?", (place, query)
                ).fetchone()
                if named is None:
                    continue
                query = named[0]
            row = reader.execute("SELECT value FROM lists WHERE locale = ? AND query = ?", (place, query)).fetchone()
            if row is not None:
                return [(t, s, title, tuple(artists)) for t, s, title, artists in json.loads(row[0])]
        return []

    return answer


def latencies_us(arm: Arm, asked: Sequence[str]) -> tuple[list[float], list[Answered]]:
    """The latency of every call in microseconds, and the answers."""
    times, answers = [], []
    for text in asked:
        begun = time.perf_counter_ns()
        answer = arm(text, LOCALE)
        times.append((time.perf_counter_ns() - begun) / 1e3)
        answers.append(answer)
    return times, answers


def measured(entries: int, tracks: int, many: int, folder: Path) -> dict[str, Any]:
    """Measure every arm.

    Args:
        entries: the number of entries.
        tracks: the number of tracks per entry.
        many: the number of requests.
        folder: where the release and the SQLite file are written.

    Returns:
        Percentiles of every arm in microseconds, the sizes in bytes, the number of answers that differ, and SQLite's median over
        ours.
    """
    release_entries, known = content(entries, tracks)
    root, grammar = folder / "releases", load_grammar()
    release_id = write_release(
        root, "2026-11-22", release_entries, known, MANIFEST, {"at": "2026-11-22T02:00:00Z"}, grammar_bytes()
    )
    publish(root, release_id, 1)
    asked = requests(entries, many)
    reader = ReleaseReader(root)

    def ours(text: str, locale: str) -> Answered:
        return list(map(tuple, reader.lookup(text, locale).tracks))  # type: ignore[arg-type]

    arms: dict[str, Arm] = {
        "playfirst, first": ours,
        "playfirst": ours,
        "SQLite": in_sqlite(release_entries, known, grammar, folder / "lists.sqlite"),
        "dictionary": in_memory(release_entries, known, grammar),
    }
    latencies: dict[str, Any] = {}
    answers: dict[str, list[Answered]] = {}
    for name, arm in arms.items():
        times, answers[name] = latencies_us(arm, asked)
        by_kind = {
            kind: statistics.median(times[at::4]) for at, kind in enumerate(("full", "stripped", "alias", "miss"))
        }
        cuts = statistics.quantiles(times, n=1000)
        latencies[name] = {"p50_us": cuts[499], "p99_us": cuts[989], "p999_us": cuts[998], **by_kind}
    apart = {n: sum(a != b for a, b in zip(answers[n], answers["playfirst"], strict=True)) for n in arms}
    return {
        "entries": entries,
        "tracks_per_entry": tracks,
        "requests": many,
        "release_bytes": (root / release_id / RANKINGS).stat().st_size,
        "sqlite_bytes": (folder / "lists.sqlite").stat().st_size,
        "arms": latencies,
        "answers_apart": apart,
        "sqlite_over_playfirst": latencies["SQLite"]["p50_us"] / latencies["playfirst"]["p50_us"],
        "versions": {"python": sys.version.split()[0], "sqlite": sqlite3.sqlite_version},
    }


def print_report(report: dict[str, Any]) -> None:
    """Print one row per arm."""
    from rich.console import Console
    from rich.table import Table

    title = f"{report['entries']:,} entries of {report['tracks_per_entry']} tracks, {report['requests']:,} requests; microseconds a request"
    table = Table(title=title, title_justify="left")
    columns = ("p50_us", "p99_us", "p999_us", "full", "stripped", "alias", "miss")
    table.add_column("arm")
    for name in columns:
        table.add_column(name.removesuffix("_us"), justify="right")
    for arm, values in report["arms"].items():
        table.add_row(arm, *[f"{values[c]:,.1f}" for c in columns])
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    console.print(
        f"SQLite takes {report['sqlite_over_playfirst']:.1f} times as long; {report['release_bytes'] / 1e6:,.0f} MB against "
        f"{report['sqlite_bytes'] / 1e6:,.0f} MB. Kinds are medians.",
        highlight=False,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lookup", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--tracks", type=int, default=50, help="of an entry, 200 at most")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--json", type=Path, help="write the result into this file")
    given = parser.parse_args(arguments)
    if given.entries < 1 or not 1 <= given.tracks <= 200 or given.requests < 100:
        parser.error("--entries: 1 or more; --tracks: 1 to 200; --requests: 100 or more")
    with tempfile.TemporaryDirectory() as folder:
        report = measured(given.entries, given.tracks, given.requests, Path(folder))
    print_report(report)
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if any(report["answers_apart"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
