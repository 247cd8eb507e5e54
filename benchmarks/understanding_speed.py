"""How fast requests are read, on one core and in Spark, and how the time for hostile text grows with its length."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.arms import Resources
from benchmarks.figures import Figure
from queries.text.normalise import normal_form

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SIZES = (10_000, 20_000)
_REPEATS = 5
HOSTILE = {
    "one word": "a",
    "joining words": "de ",
    "by and by": "x by ",
    "playlist nouns": "add playlist to my ",
    "carrier phrases": "alexa please play me the ",
    "genres": "rock and ",
    "decades": "los noventa ",
    "number words": "two thousand and ",
    "negations": "no rap sin ",
    "single digits": "1 ",
    "thousands": "1,000.",
    "dotted letters": "a.b.",
    "signs": "!$&'",
    "blanks": " \t",
    "accents": "e\u0301\u0302\u0303",
    "long compositions": "\ufdfa",  # one character that NFKC expands to 18
    "surrogates": "\ud800",
    "emoji": "\U0001f3b5 ",
    "quotes": "\"play' ",
}


def reading_rate(given: Resources, requests: Sequence[tuple[str, str]]) -> Iterator[Figure]:
    """Distinct (text, locale) pairs read per second of processor time on one core, complete readings (see `queries.explain`)."""
    distinct = sorted(set(requests))
    begun = time.process_time()
    for text, locale in distinct:
        given.read(text, locale)
    rate = len(distinct) / (time.process_time() - begun)
    yield Figure(
        "rate", "all", "queries_per_s", "ours", rate, count=f"{len(distinct):,} queries, one core", unit="queries/s"
    )


def hostile_cost(given: Resources) -> Iterator[Figure]:
    """For each pattern the seconds for 20 kB and their ratio to those for 10 kB, and the worst of both over all patterns."""
    worst: dict[str, tuple[float, str]] = {"ratio": (0.0, ""), "seconds": (0.0, "")}
    for name, pattern in HOSTILE.items():
        small, large = (_seconds(given, repeated(pattern, size)) for size in _SIZES)
        worst["ratio"] = max(worst["ratio"], (large / small, name))
        worst["seconds"] = max(worst["seconds"], (large, name))
        yield Figure("hostile", "all", f"ratio_{name.replace(' ', '_')}", "ours", large / small, unit="ratio")
        yield Figure("hostile", "all", f"seconds_20kb_{name.replace(' ', '_')}", "ours", large, unit="s")
    yield Figure(
        "hostile", "all", "ratio", "ours", worst["ratio"][0], count=f"worst: {worst['ratio'][1]}", unit="ratio"
    )
    yield Figure(
        "hostile", "all", "seconds_20kb", "ours", worst["seconds"][0], count=f"worst: {worst['seconds'][1]}", unit="s"
    )


def repeated(pattern: str, size: int) -> str:
    """The pattern repeated up to `size` bytes of UTF-8."""
    return pattern * (size // len(pattern.encode("utf-8", "surrogatepass")))


def _seconds(given: Resources, text: str) -> float:
    taken = []
    for _ in range(_REPEATS):
        begun = time.process_time()
        normal_form(text, "es-ES")
        given.read(text, "es-ES")
        taken.append(time.process_time() - begun)
    return median(taken)


def spark_rate(
    spark: SparkSession, catalog: Path, requests: Iterable[tuple[str, str]], wanted: int
) -> Iterator[Figure]:
    """Seconds that Spark needs to understand `wanted` distinct requests: normal forms, readings, the linker.

    Spark does the same as in `jobs.understand`. The requests are cached in memory; the rows are counted but not written.

    Args:
        spark: the session.
        catalog: the file of the tracks.
        requests: (text, locale) of real requests, which come first.
        wanted: the number of requests; more are made from the catalog's names.
    """
    from pyspark.sql import functions as F

    from lake.session import SessionSettings
    from night.release.names import catalog_file
    from queries.nightly.understand import normalised, readings

    known = {
        "track_id": "string",
        "title": "string",
        "artists": "array<string>",
        "album": "string",
        "genres": "array<string>",
        "popularity": "double",
    }
    tracks = spark.read.schema(", ".join(f"{name} {kind}" for name, kind in known.items())).json(str(catalog))
    tracks = tracks.na.fill({"album": ""}).persist()
    rows = list(islice(invented(requests, tracks.select("title", "artists").toLocalIterator()), wanted))
    asked = spark.createDataFrame(rows, "raw_query string, locale string").repartition(32).persist()
    distinct = asked.count()
    begun = time.perf_counter()
    wordings = normalised(asked).where("not is_too_long")
    read_rows = readings(
        wordings.select(F.substring("locale", 1, 2).alias("language"), "query").distinct(),
        catalog_file(tracks, Path(SessionSettings().work_dir)),
    ).count()
    seconds = time.perf_counter() - begun
    count = f"{distinct:,} requests, {read_rows:,} queries"
    yield Figure("spark", "all", "seconds", "ours", seconds, count=count, unit="s")
    yield Figure("spark", "all", "queries_per_s", "ours", read_rows / seconds, count=count, unit="queries/s")


def invented(requests: Iterable[tuple[str, str]], tracks: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Distinct (text, language): the given requests, then sentences around the catalog's titles and artists."""
    seen: set[tuple[str, str]] = set()
    ways = {
        "en": (
            "play {0} by {1}",
            "{0} {1}",
            "i want to hear {0}",
            "play some {1} from the nineties",
            "alexa play the song {0}",
        ),
        "es": (
            "pon {0} de {1}",
            "{1} {0}",
            "quiero escuchar {0}",
            "ponme algo de {1} de los noventa",
            "pon la canción {0}",
        ),
    }
    real = ((text, locale[:2]) for text, locale in requests)
    generated = (
        (way.format(track[0], track[1][0]), language)
        for track in tracks
        if track[1]
        for language, forms in ways.items()
        for way in forms
    )
    for source in (real, generated):
        for one in source:
            if one not in seen:
                seen.add(one)
                yield one
