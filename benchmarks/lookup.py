"""Benchmark: the latency of a lookup in a release, against SQLite and a dictionary in memory with the same answers.

    python -m benchmarks.lookup [--needs 50000] [--tracks 50] [--requests 20000] [--catalog FILE] [--json FILE]

Requests are drawn by Zipf's law over the needs, a quarter of each kind: a wording that the release has, the same behind a
carrier phrase (answered by the stripped form), a wording that is read by grammar and names, and a name with a spelling error.
The rivals know the first two kinds alone, from tables of wordings: reading has no rival, so its latencies stand beside, without
a ratio. Three arms answer these two kinds once more without readings between (`wordings alone`). Arms return tracks with title
and artists. `first` is the first pass over the requests by a newly opened reader with a warm page cache; `open_ms` is what
opening took. One thread, one core; a latency is one call. `rollback_s` is what `python -m serving.release rollback` takes as a process,
beside `start_s`, the same process asked for its help: the two releases that it moves between are this one and a next night's.
Exit codes: 0; 1 if an arm gives another answer than ours to a wording, or a reading another need than is meant; 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from queries.catalog.index import load_catalog
from queries.catalog.vocabulary import name_forms, pair_id
from queries.grammar.bundle import grammar_bundle
from queries.text.carrier import CarrierGrammar, load_grammar, stripped
from queries.text.normalise import normal_form
from serving.content import Entry, Name, Names, RankedTrack, ReleaseContent, TrackInfo
from serving.in_memory import rows_in_memory
from serving.layout import RANKINGS, locale_chain
from serving.mapped import mapped
from serving.reader import ReleaseReader
from serving.writer import publish, write_release

Answered = list[tuple[str, float, str, tuple[str, ...]]]
Arm = Callable[[str, str], Answered]
SEED, LOCALE, PHRASE = 7, "en-US", "play the song "
KINDS = ("wording", "stripped", "reading", "near")
LEAST_LETTERS, CHECKED, MOST_MISREAD = 8, 500, 0.1
MANIFEST: Mapping[str, object] = {
    "inputs": {},
    "config_fingerprint": "",
    "ranker_fingerprint": None,
    "gates": {},
    "coverage": {},
}


def tracks_of(catalog: Path | None, many: int) -> dict[str, TrackInfo]:
    """The tracks of a catalog of the contract, else so many made-up ones."""
    if catalog is None:
        return {
            f"t{i:09d}": TrackInfo(f"t{i:09d}", f"{_word(i)} {_word(i + 7)} Number {i}", (f"{_word(i % 997)} Band",))
            for i in range(many)
        }
    index = load_catalog(catalog)
    rows = zip(index.track_ids, index.title_names, index.artist_names, strict=True)
    return {track: TrackInfo(track, title, artists) for track, title, artists in rows}


def _word(number: int) -> str:
    letters = "bdfgklmnprstvz"
    return "".join(letters[number // 14**at % 14] + "aeiou"[(number + at) % 5] for at in range(3)).title()


def names_of(known: Mapping[str, TrackInfo]) -> Names:
    """The names of tracks, all of one popularity."""
    by_kind: dict[str, dict[str, list[str]]] = {"title": {}, "artist": {}}
    pairs: dict[int, list[str]] = {}
    for track in known.values():
        artists = [form for artist in track.artists for form in name_forms(artist)]
        for title in name_forms(track.title):
            by_kind["title"].setdefault(title, []).append(track.track_id)
            for artist in artists:
                pairs.setdefault(pair_id(title, artist), []).append(track.track_id)
        for artist in artists:
            by_kind["artist"].setdefault(artist, []).append(track.track_id)
    return Names(
        {k: {name: Name(50.0, tuple(ids[:10])) for name, ids in names.items()} for k, names in by_kind.items()},
        {pair: tuple(ids[:10]) for pair, ids in pairs.items()},
    )


def content(needs: int, tracks: int, known: Mapping[str, TrackInfo]) -> tuple[list[Entry], dict[tuple[str, str], str]]:
    """So many lists of so many tracks each, and a wording for each that no grammar reads."""
    draw = random.Random(SEED)
    ids = list(known)
    size = min(tracks, len(ids))
    drawn, wordings = [], {}
    for i in range(needs):
        first = draw.randrange(len(ids) - size + 1)
        listed = tuple(RankedTrack(t, float(size - rank)) for rank, t in enumerate(ids[first : first + size]))
        place = "en" if i % 2 else LOCALE
        drawn.append(Entry(place, f"words=list {i}", listed, reasons=("title",)))
        wordings[place, f"zork vel {i}"] = f"words=list {i}"
    return drawn, wordings


def requests(needs: int, many: int, names: Sequence[str]) -> list[tuple[str, str | None]]:
    """`many` requests with the title that a reading is to find (None for a wording), drawn as the module says."""
    draw = random.Random(SEED + 1)
    asked = draw.choices(range(needs), [1 / (rank + 1) for rank in range(needs)], k=many)
    out: list[tuple[str, str | None]] = []
    for at, i in enumerate(asked):
        name = names[draw.randrange(len(names))]
        if at % 4 < 2:
            out.append((("zork vel {}", PHRASE + "zork vel {}")[at % 4].format(i), None))
        elif at % 4 == 2:
            out.append((f"play {name}", name))
        else:
            slip = draw.randrange(1, len(name) - 1)
            out.append((f"play {name[:slip]}{name[slip + 1 :]}", name))
    return out


def steps(text: str, locale: str, grammar: CarrierGrammar) -> Iterator[tuple[str, str]]:
    """The (place, wording) to look up for a request, in the order of docs/release-format.md; for the rivals."""
    chain = locale_chain(locale)
    full = normal_form(text, chain[0])
    for form in dict.fromkeys((full, stripped(full, chain[0], grammar))):
        yield from ((place, form) for place in chain)


def in_memory(
    entries: Sequence[Entry],
    wordings: Mapping[tuple[str, str], str],
    tracks: Mapping[str, TrackInfo],
    grammar: CarrierGrammar,
) -> Arm:
    """The arm of Python dictionaries: the lower bound of the latency; every place of every list takes memory."""
    lists = {
        (e.locale, e.need): [
            (t.track_id, t.score, tracks[t.track_id].title, tracks[t.track_id].artists) for t in e.tracks
        ]
        for e in entries
    }

    def answer(text: str, locale: str) -> Answered:
        for place, form in steps(text, locale, grammar):
            if (need := wordings.get((place, form))) is not None:
                return next((lists[p, need] for p in locale_chain(locale) if (p, need) in lists), [])
        return []

    return answer


def in_sqlite(
    entries: Sequence[Entry],
    wordings: Mapping[tuple[str, str], str],
    tracks: Mapping[str, TrackInfo],
    grammar: CarrierGrammar,
    file: Path,
) -> Arm:
    """The arm of one SQLite file with each list as JSON; opened read-only and memory-mapped."""
    with sqlite3.connect(file) as db:
        db.execute("CREATE TABLE lists (place TEXT, need TEXT, value TEXT, PRIMARY KEY (place, need)) WITHOUT ROWID")
        db.execute("CREATE TABLE wordings (place TEXT, form TEXT, need TEXT, PRIMARY KEY (place, form)) WITHOUT ROWID")
        rows = (
            (
                e.locale,
                e.need,
                json.dumps(
                    [[t.track_id, t.score, tracks[t.track_id].title, tracks[t.track_id].artists] for t in e.tracks]
                ),
            )
            for e in entries
        )
        db.executemany("INSERT INTO lists VALUES (?, ?, ?)", rows)
        db.executemany("INSERT INTO wordings VALUES (?, ?, ?)", [(*key, need) for key, need in wordings.items()])
    db.close()
    reader = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    reader.execute(f"PRAGMA mmap_size={2**32}")

    def answer(text: str, locale: str) -> Answered:
        for at in steps(text, locale, grammar):
            row = reader.execute("SELECT need FROM wordings WHERE place = ? AND form = ?", at).fetchone()
            if row is None:
                continue
            for place in locale_chain(locale):
                listed = reader.execute(
                    "SELECT value FROM lists WHERE place = ? AND need = ?", (place, row[0])
                ).fetchone()
                if listed is not None:
                    return [(t, s, title, tuple(artists)) for t, s, title, artists in json.loads(listed[0])]
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


def measured(needs: int, tracks: int, many: int, catalog: Path | None, folder: Path) -> dict[str, Any]:
    """Measure every arm.

    Args:
        needs: the number of lists.
        tracks: the number of tracks of a list.
        many: the number of requests.
        catalog: the tracks whose names are in the release; None makes up a fifth as many as there are lists.
        folder: where the release and the SQLite file are written.

    Returns:
        Percentiles of every arm and kind of request in microseconds, the sizes in bytes, the number of wordings that a rival answers
        otherwise, the readings with another need than is meant, and SQLite's median over ours.
    """
    known = tracks_of(catalog, max(tracks, needs // 5))
    names = names_of(known)
    entries, wordings = content(needs, tracks, known)
    root, grammar = folder / "releases", load_grammar()
    built = {"at": "2026-11-22T02:00:00Z"}
    bundle = grammar_bundle((), 0.8)
    release = ReleaseContent("2026-11-22", entries, wordings, names, known, MANIFEST, built, bundle)
    release_id = write_release(root, rows_in_memory(release))
    publish(root, release_id, 1)
    long = sorted(name for name in names.by_kind["title"] if len(name) >= LEAST_LETTERS and name.isascii())
    asked = requests(needs, many, long)
    begun = time.perf_counter()
    reader = ReleaseReader(root)
    opened_ms = 1e3 * (time.perf_counter() - begun)

    def ours(text: str, locale: str) -> Answered:
        return list(map(tuple, reader.lookup(text, locale).tracks))  # type: ignore[arg-type]

    texts = [text for text, _ in asked]
    arms: dict[str, Arm] = {
        "playfirst, first": ours,
        "playfirst": ours,
        "SQLite": in_sqlite(entries, wordings, known, grammar, folder / "lists.sqlite"),
        "dictionary": in_memory(entries, wordings, known, grammar),
    }
    latencies: dict[str, dict[str, dict[str, float]]] = {}
    answers: dict[str, list[Answered]] = {}
    for name, arm in arms.items():
        times, answers[name] = latencies_us(arm, texts)
        kinds = KINDS if arm is ours else KINDS[:2]
        latencies[name] = {kind: _percentiles(times[at::4]) for at, kind in enumerate(kinds)}
    # without readings between, which push a wording's pages and code out of the caches of the processor
    alone = [text for at, text in enumerate(texts) if at % 4 < 2]
    for name in ("playfirst", "SQLite", "dictionary"):
        times, _ = latencies_us(arms[name], alone)
        latencies[f"{name}, wordings alone"] = {kind: _percentiles(times[at::2]) for at, kind in enumerate(KINDS[:2])}
    apart = {
        name: sum(a != b for at, (a, b) in enumerate(zip(given, answers["playfirst"], strict=True)) if at % 4 < 2)
        for name, given in answers.items()
    }
    misread = sum(
        name is not None and name not in (reader.lookup(text, LOCALE).need or "") for text, name in asked[: 4 * CHECKED]
    )
    sqlite, own = latencies["SQLite"]["wording"]["p50_us"], latencies["playfirst"]["wording"]["p50_us"]
    return {
        "needs": needs,
        "tracks_per_list": tracks,
        "names": sum(map(len, names.by_kind.values())),
        "requests": many,
        "open_ms": opened_ms,
        "release_bytes": (root / release_id / RANKINGS).stat().st_size,
        "bytes_by_part": bytes_by_part(root / release_id / RANKINGS),
        "sqlite_bytes": (folder / "lists.sqlite").stat().st_size,
        "arms": latencies,
        "answers_apart": apart,
        "misread_share": misread / (2 * min(CHECKED, many // 4) or 1),
        "sqlite_over_playfirst": sqlite / own,
        **_rollback(root, replace(release, run_date="2026-11-23")),
        "versions": {"python": sys.version.split()[0], "sqlite": sqlite3.sqlite_version},
    }


def _rollback(root: Path, following: ReleaseContent) -> dict[str, float]:
    """Publish a second release, and time the command that goes back to the first. Seconds."""
    publish(root, write_release(root, rows_in_memory(following)), 14)
    command = [sys.executable, "-m", "serving.release"]

    def seconds(*words: str) -> float:
        begun = time.perf_counter()
        subprocess.run([*command, *words], check=True, capture_output=True, timeout=60)
        return time.perf_counter() - begun

    return {"start_s": seconds("--help"), "rollback_s": seconds("rollback", "--releases", str(root))}


def bytes_by_part(file: Path) -> dict[str, int]:
    """The bytes of the pages of each sub-database."""
    stored = mapped(file)
    out = {}
    with stored.env.begin() as txn:
        for name, table in stored.tables.items():
            pages = txn.stat(table)
            out[name] = pages["psize"] * (pages["branch_pages"] + pages["leaf_pages"] + pages["overflow_pages"])
    return out


def _percentiles(times: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=1000)
    return {"p50_us": cuts[499], "p99_us": cuts[989], "p999_us": cuts[998]}


def print_report(report: dict[str, Any]) -> None:
    """Print one row per arm and kind of request."""
    from rich.console import Console
    from rich.table import Table

    title = f"{report['needs']:,} lists of {report['tracks_per_list']} tracks, {report['names']:,} names; microseconds a request"
    table = Table(title=title, title_justify="left")
    table.add_column("arm")
    table.add_column("request")
    for name in ("p50", "p99", "p999"):
        table.add_column(name, justify="right")
    for arm, kinds in report["arms"].items():
        for kind, values in kinds.items():
            table.add_row(arm, kind, *[f"{values[f'{name}_us']:,.1f}" for name in ("p50", "p99", "p999")])
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    parts = ", ".join(f"{name} {size / 1e6:,.1f}" for name, size in report["bytes_by_part"].items())
    console.print(
        f"SQLite takes {report['sqlite_over_playfirst']:.1f} times as long for a wording; {report['release_bytes'] / 1e6:,.0f} MB "
        f"against {report['sqlite_bytes'] / 1e6:,.0f} MB; opened in {report['open_ms']:.0f} ms, rolled back in "
        f"{report['rollback_s']:.2f} s (of which {report['start_s']:.2f} start Python). MB by part: {parts}. "
        f"Readings with another need than is meant: {report['misread_share']:.1%} (names with a letter less may be another name's).",
        highlight=False,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lookup", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--needs", type=int, default=50_000)
    parser.add_argument("--tracks", type=int, default=50, help="of a list, 200 at most")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--catalog", type=Path, help="tracks of the contract, whose names the release has")
    parser.add_argument("--json", type=Path, help="write the result into this file")
    given = parser.parse_args(arguments)
    if given.needs < 1 or not 1 <= given.tracks <= 200 or given.requests < 100:
        parser.error("--needs: 1 or more; --tracks: 1 to 200; --requests: 100 or more")
    with tempfile.TemporaryDirectory() as folder:
        report = measured(given.needs, given.tracks, given.requests, given.catalog, Path(folder))
    print_report(report)
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 1 if any(report["answers_apart"].values()) or report["misread_share"] > MOST_MISREAD else 0


if __name__ == "__main__":
    sys.exit(main())
