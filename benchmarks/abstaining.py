"""Benchmark: when the reader of a release answers, and when it should not: risk against coverage, and names that the catalog lacks.

    PLAYFIRST_DATA=FOLDER python -m benchmarks.abstaining [--requests 4000] [--names 1000] [--part develop|blind] [--json FILE]

The reader's own reading (grammar, and names of the real catalog) is asked; lists are not needed, as a need is judged and not tracks.

- **Gold**: requests that people annotated, so many of each language, drawn by a hash; half of them are the part to develop on, the
  other half is blind. A reading is wrong if it names another artist, title or album than the annotation, or names something where
  nothing is named. Requests without a named thing count as right if the reading names nothing. Coverage is the share of music requests
  that are answered from a confidence on, risk the share of wrong ones among these. Of requests for other things, the share that is
  answered is printed.
- **Served**: gold music requests at the threshold of conf/night.yaml, by source, with Wilson intervals (Wilson 1927). Wrong: answered with
  another name. Missed: it names what the catalog has, adds nothing to a playlist, and is not answered with all of its names. Right: all
  others, those among them that name what the catalog lacks and are rightly not answered. Annotations are taken as they are; beside
  stands the figure without those that `benchmarks.gold_marks` marks as garbled or wrong.
- **Missing names**: so many titles and a fifth as many artists are taken out of the catalog, then asked for. A confident answer
  that names another artist, title or album is wrong.

Exit codes: 0; 2 bad arguments or no data.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from benchmarks.gold_marks import marks
from night.release.wordings import ReleaseReading
from queries.catalog.index import CatalogIndex, load_catalog
from queries.catalog.vocabulary import Vocabulary, name_forms, pair_id
from queries.grammar.bundle import grammar_bundle
from queries.grammar.need import Need, NeedReading
from queries.training.gold import DataMissing, Gold, data_file, gold_of, rows_of
from serving.content import Name, Names
from serving.in_memory import vocabulary_in_memory

THRESHOLDS = (0.01, 0.5, 0.6, 0.7, 0.8, 0.85, 0.88, 0.9, 0.95, 1.0)
SHIPPED = 0.88  # serving.least_confidence of conf/night.yaml
PARTS = ("develop", "blind")
NAMED = ("artist", "title", "album")
UNMARKED = "all but marked"
FRAMES = {"en": ("play {}", "i want to hear {}", "{}"), "es": ("pon {}", "quiero escuchar {}", "{}")}
LEAST_LETTERS = 4


@dataclass(frozen=True)
class Judged:
    """One request: how confident the reading is (0: no reading), whether it is wrong, and whether music was asked for.

    `is_whole`: the reading has all names of the annotation.
    """

    confidence: float
    is_wrong: bool
    is_music: bool
    is_whole: bool = False


def names_of(catalog: CatalogIndex, without: frozenset[str] = frozenset()) -> Names:
    """The names of a catalog as a release has them, but those in `without`; tracks are left out."""
    kinds = {"title": catalog.titles, "artist": catalog.artists, "album": catalog.albums}
    by_kind = {
        kind: {form: Name(catalog.popularity[rows[0]]) for form, rows in forms.items() if form not in without}
        for kind, forms in kinds.items()
    }
    pairs = {}
    for is_album, forms in ((False, catalog.titles), (True, catalog.albums)):
        for form, rows in forms.items():
            singers = {name for row in rows for artist in catalog.artist_names[row] for name in name_forms(artist)}
            pairs.update({pair_id(form, s, is_album=is_album): () for s in singers if not {form, s} & without})
    return Names(by_kind, pairs)


def share_of(text: str) -> float:
    """A number in [0, 1) that depends on a text alone."""
    return crc32(text.encode(errors="replace")) / 2**32


def drawn(gold: Sequence[Gold], part: str, many: int) -> list[Gold]:
    """At most so many requests of each language of a part; drawn by a hash of language and text."""
    out = []
    for lang in ("en", "es"):
        of_part = [
            one for one in gold if one.lang == lang and (share_of(f"part {one.query}") < 0.5) == (part == PARTS[0])
        ]
        out += sorted(of_part, key=lambda one: share_of(f"{lang} {one.query}"))[:many]
    return out


def judged(one: Gold, reading: NeedReading | None) -> Judged:
    """Judge a reading by the annotated names."""
    if reading is None or reading.how == "words":
        return Judged(0.0, is_wrong=False, is_music=one.is_music)
    wanted = wanted_names(one)
    wanted_values = {_plain(value) for _, value in wanted}
    likes = [Need.from_key(like) for like in reading.need.values("similar_to")]
    needs = [like for like in likes if like is not None] or [reading.need]
    named = [_plain(value) for need in needs for kind in NAMED for value in need.values(kind)]
    # "tupac shakur" is 2Pac in the catalog: the annotation has the words as they were said
    spoken = {_plain(words) for _, words in reading.spoken}
    is_said = bool(spoken) and spoken <= wanted_values
    is_wrong = (
        any(name not in wanted_values for name in named) and not is_said
        if reading.how == "catalog"
        else bool(named) and not wanted
    )
    if reading.how in ("near", "sound"):  # the annotation has the words as they were said
        is_wrong = is_wrong or any(not any(_alike(name, value) for value in wanted_values) for name in named)
    names = [*named, *spoken] if is_said and len(spoken) == len(named) else named
    is_whole = all(any(_alike(name, value) for name in names) for value in wanted_values)
    return Judged(reading.confidence, is_wrong or not one.is_music, one.is_music, is_whole)


def wanted_names(one: Gold) -> set[tuple[str, str]]:
    """(kind, value) of the names in an annotation; a work is a title or an album."""
    return {(slot.type, slot.value) for slot in one.slots if slot.type in (*NAMED, "work")}


def is_in_catalog(one: Gold, names: Vocabulary) -> bool:
    """Whether a request names something, and the catalog has all of it under the names as they were said.

    Of one artist and one title or album it has the recording by that artist.
    """
    by_kind = {"title": (names.titles,), "album": (names.albums,), "work": (names.titles, names.albums)}
    wanted = wanted_names(one)
    artists = [names.artist(value) for kind, value in wanted if kind == "artist"]
    works = [value for kind, value in wanted if kind != "artist"]
    if len(artists) == len(works) == 1:
        artist = artists[0]
        return artist is not None and any(
            names.has_recording(works[0], artist, is_album=is_album) for is_album in (False, True)
        )
    return bool(wanted) and all(
        names.artist(value) is not None if kind == "artist" else any(value in known for known in by_kind[kind])
        for kind, value in wanted
    )


def served(rows: Mapping[Gold, Judged], names: Vocabulary, least: float) -> list[dict[str, Any]]:
    """Right, wrong and missed music requests, by language and source, of each language together and of its UNMARKED ones.

    Args:
        rows: the requests and how they were read.
        names: the names of the catalog.
        least: confidence from which a reading is an answer.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for one, row in rows.items():
        sources = ["all", one.source] if marks(one, names) else ["all", UNMARKED, one.source]
        for source in sources if one.is_music else ():
            groups.setdefault((one.lang, source), []).append(_outcome(one, row, names, least))
    out = []
    for (lang, source), outcomes in sorted(groups.items()):
        n, right, wrong = len(outcomes), outcomes.count("right"), outcomes.count("wrong")
        out.append(
            {
                "lang": lang,
                "source": source,
                "requests": n,
                "right": right / n,
                "right_interval": wilson(right, n),
                "wrong": wrong / n,
                "wrong_interval": wilson(wrong, n),
            }
        )
    return out


def _plain(name: str) -> str:
    return name.removeprefix("the ").replace(" ", "")


def _alike(name: str, value: str) -> bool:
    from rapidfuzz import fuzz

    return float(fuzz.ratio(name, value)) >= 75.0


def curve(rows: Sequence[Judged]) -> list[dict[str, float]]:
    """Coverage and risk of the music requests, and the share of the others that is answered, by least confidence."""
    music, other = [one for one in rows if one.is_music], [one for one in rows if not one.is_music]
    out = []
    for least in THRESHOLDS:
        answered = [one for one in music if one.confidence >= least]
        wrong = sum(one.is_wrong for one in answered)
        out.append(
            {
                "least_confidence": least,
                "coverage": len(answered) / max(len(music), 1),
                "risk": wrong / max(len(answered), 1),
                "wrong_of_all": wrong / max(len(music), 1),
                "other_answered": sum(one.confidence >= least for one in other) / max(len(other), 1),
            }
        )
    return out


def missing_names(catalog: CatalogIndex, many: int) -> dict[str, dict[str, float]]:
    """The shares of names taken out of the catalog that are answered, by kind and least confidence."""
    titles = _drawn_names(catalog.titles, many)
    artists = _drawn_names(catalog.artists, max(1, many // 5))
    reading = _reader(catalog, frozenset([*titles, *artists]))
    out = {}
    for kind, names in (("titles", titles), ("artists", artists)):
        confidence = []
        for at, name in enumerate(names):
            language = ("en", "es")[at % 2]
            read = reading.reading(FRAMES[language][at % 3].format(name), language)
            confidence.append(read.confidence if read is not None and _names_another(read, name) else 0.0)
        out[kind] = {
            "asked": float(len(names)),
            **{f"{t:g}": sum(c >= t for c in confidence) / len(names) for t in THRESHOLDS},
        }
    return out


def _names_another(read: NeedReading, missing: str) -> bool:
    """Whether a reading names something else than the missing name, or the name without its version ("… - 2011 remaster")."""
    named = [value for kind in NAMED for value in read.need.values(kind)]
    return read.how != "words" and any(not missing.startswith(value) for value in named)


def _drawn_names(names: dict[str, list[int]], many: int) -> list[str]:
    long = [name for name in names if len(name) >= LEAST_LETTERS]
    return sorted(long, key=lambda name: (share_of(f"missing {name}"), name))[:many]


def _reader(catalog: CatalogIndex, without: frozenset[str] = frozenset()) -> ReleaseReading:
    return ReleaseReading(vocabulary_in_memory(names_of(catalog, without)), grammar_bundle(catalog.genres, 0.0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.abstaining", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--requests", type=int, default=4_000, help="gold requests of each language")
    parser.add_argument("--names", type=int, default=1_000, help="titles that are taken out; a fifth as many artists")
    parser.add_argument("--part", choices=PARTS, default=PARTS[0], help="of the gold; the blind one is only scored")
    parser.add_argument("--least", type=float, default=SHIPPED, help="confidence from which a reading is an answer")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    try:
        catalog = load_catalog(data_file("catalog"))
        gold = gold_of(rows_of(data_file("queries/gold_slots.jsonl.gz")))
    except DataMissing as error:
        print(error, file=sys.stderr)
        return 2
    reading = _reader(catalog)
    chosen = drawn(gold, given.part, given.requests)
    rows = {one: judged(one, reading.reading(one.query, one.lang)) for one in chosen}
    report = {
        "part": given.part,
        "threshold": given.least,
        "requests": {lang: sum(one.lang == lang for one in chosen) for lang in ("en", "es")},
        "curve": {lang: curve([row for one, row in rows.items() if one.lang == lang]) for lang in ("en", "es")},
        "served": served(rows, catalog.vocabulary, given.least),
        "missing": missing_names(catalog, given.names),
    }
    _print(report)
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def _outcome(one: Gold, row: Judged, names: Vocabulary, least: float) -> str:
    is_answered = row.confidence >= least
    if is_answered and row.is_wrong:
        return "wrong"
    has_answer = is_in_catalog(one, names) and all(slot.type != "playlist" for slot in one.slots)
    return "missed" if has_answer and not (is_answered and row.is_whole) else "right"


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, by scipy)."""
    from scipy.stats import binomtest

    interval = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _interval(of: tuple[float, float]) -> str:
    return f"{of[0]:.1%} – {of[1]:.1%}"


def _print(report: dict[str, object]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 120)
    curves: dict[str, list[dict[str, float]]] = report["curve"]  # type: ignore[assignment]
    for lang, points in curves.items():
        table = Table(title=f"{lang}, {report['part']} part: gold requests", title_justify="left")
        for name in ("least confidence", "coverage", "risk", "wrong of all", "other things answered"):
            table.add_column(name, justify="right")
        for one in points:
            table.add_row(
                f"{one['least_confidence']:g}", *[f"{v:.1%}" for k, v in one.items() if k != "least_confidence"]
            )
        console.print(table)
    table = Table(title=f"music requests, served at {report['threshold']:g}", title_justify="left")
    for name in ("language", "source", "requests", "right", "95 %", "wrong", "95 %"):
        table.add_column(name, justify="left" if name in ("language", "source") else "right")
    by_source: list[dict[str, Any]] = report["served"]  # type: ignore[assignment]
    for row in by_source:
        shares = [
            text for name in ("right", "wrong") for text in (f"{row[name]:.1%}", _interval(row[f"{name}_interval"]))
        ]
        table.add_row(row["lang"], row["source"], str(row["requests"]), *shares)
    console.print(table)
    missing: dict[str, dict[str, float]] = report["missing"]  # type: ignore[assignment]
    table = Table(title="names that the catalog lacks: answered with something else", title_justify="left")
    for name in ("least confidence", *missing):
        table.add_column(name, justify="right")
    for least in THRESHOLDS:
        table.add_row(f"{least:g}", *[f"{shares[f'{least:g}']:.1%}" for shares in missing.values()])
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
