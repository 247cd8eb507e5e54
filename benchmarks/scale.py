"""Benchmark: what the driver of a night holds in memory, by size: the figures of docs/scale.md.

    python -m benchmarks.scale [--tracks 10000 100000 1000000] [--wordings 50000 500000 2000000] [--rows 100000 1000000] [--json FILE]

`driver`: one process reads made wordings with a made catalog, and writes the release of it, as `understand` and `publish` do. The
executors are processes of their own (`local-cluster`), so that the driver's memory is its own. Reported are the peak of its Python's own
pages (mapped files are not counted: the system takes them back at any time), and the most that its JVM has left after a collection
of garbage; beside them the peak of the largest Python worker. Tracks grow with the wordings at their least, and the other way round.
`training`: the peak of one process that reads made examples from Parquet, splits them and builds the two datasets of a fit, as `jobs.train`
and a sweep do: what grows on one process by a stated cap (`ranking.max_training_rows`).

Exit codes: 0; 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

TRACKS = (10_000, 100_000, 1_000_000)
WORDINGS = (50_000, 500_000, 2_000_000)
ROWS = (100_000, 1_000_000)
LISTS, PER_LIST, DIMENSIONS = 2_000, 50, 16
# Spark refuses less than 450 MB; in a larger heap a collection leaves more that is garbage, and says less
DRIVER_HEAP = "512m"
BEFORE = """play,can you play,please play,i want to hear,alexa play,put on,could you play,i want to listen to,play me,let me hear,
hey google play,play the song""".replace("\n", "").split(",")
AFTER = """,please,on spotify,now,in the kitchen,in the bedroom,in the living room,in the office,for me,right now,please now,in the bathroom,
in the garage,on shuffle,on repeat,again,please please,in the kitchen please,in the office please,
on spotify please""".replace("\n", "").split(",")
LIMIT_S = 3_600
LOOK_S = 0.1
_AFTER = re.compile(r"Pause .*?\d+M->(\d+)M\(")


def own_mb(pid: int | str = "self") -> float:
    """Pages of a process that belong to no file, MB; 0 if it has ended."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    except OSError:
        return 0.0
    return 0.0


def workers() -> list[int]:
    """The Python workers of Spark below this process."""
    parents, commands = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
            commands[int(stat.parent.name)] = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue

    def is_ours(pid: int) -> bool:
        while pid in parents and pid != os.getpid():
            pid = parents[pid]
        return pid == os.getpid()

    return [pid for pid, command in commands.items() if b"pyspark.worker" in command and is_ours(pid)]


@dataclass
class Peak:
    """The highest memory seen so far, MB: of this process, and of a Python worker. Use it as a context manager."""

    driver: float = 0.0
    worker: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Peak:
        """Begin to look."""
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _look(self) -> None:
        while not self._ended.wait(LOOK_S):
            self.driver = max(self.driver, own_mb())
            self.worker = max([self.worker, *map(own_mb, workers())])


def made_tracks(spark: SparkSession, tracks: int) -> DataFrame:
    """So many made tracks, a tenth as many artists and a fifth as many albums, as `named_tracks` has them."""
    from pyspark.sql import functions as F

    from queries.nightly.names import with_name_forms, with_normal_names

    number = F.col("id")
    base = spark.range(tracks).select(
        F.format_string("track%012d", number).alias("track_id"),
        _name(number, "title").alias("title"),
        F.array(_name((number / 10).cast("long"), "artist")).alias("artists"),
        _name((number / 5).cast("long"), "album").alias("album"),
        F.array(F.concat(F.lit("genre "), (number % 300).cast("string"))).alias("genres"),
        (number % 101).cast("double").alias("popularity"),
        (1960 + number % 65).cast("int").alias("release_year"),
        F.format_string("work%012d", number).alias("work_id"),
        ((number * 7919 % 100_003) / 5000.0).alias("strength"),
    )
    return with_name_forms(with_normal_names(base))


def made_wordings(spark: SparkSession, wordings: int, tracks: int) -> DataFrame:
    """So many wordings, each a title in one of 240 phrases that people say around it; half of them are public."""
    from pyspark.sql import functions as F

    number = F.col("id")
    turn = (number / tracks).cast("int")
    before = F.get(F.lit(list(BEFORE)), (turn % len(BEFORE)))
    after = F.get(F.lit(list(AFTER)), ((turn / len(BEFORE)).cast("int") % len(AFTER)))
    title = _name(number % tracks, "title")
    return spark.range(wordings).select(
        F.lit("en").alias("locale"),
        F.trim(F.concat_ws(" ", before, title, after)).alias("query"),
        F.concat(F.lit("title="), title).alias("need"),
        F.lit(True).alias("is_music"),
        F.lit(10).alias("searches_28d"),
        (number % 2 == 0).alias("is_public"),
        F.lit(True).alias("is_sure"),
    )


def _name(number: Column, what: str) -> Column:
    """Two made words of two syllables, which depend on a number."""
    from pyspark.sql import functions as F

    syllables = F.array(*[F.lit(c + v + e) for c in "bdfgklmnprstvz" for v in "aeiou" for e in ("", "n", "r")])
    parts = [
        F.get(syllables, F.pmod(F.xxhash64(F.lit(f"{what}{at}"), number), F.lit(210)).cast("int")) for at in range(4)
    ]
    return F.concat(parts[0], parts[1], F.lit(" "), parts[2], parts[3])


def driver(tracks: int, wordings: int, work: Path) -> dict[str, float]:
    """Peaks of a driver that reads the wordings and writes the release, MB, with its seconds."""
    from pyspark.sql import functions as F

    from lake.joins import BOUNDED_ONLY
    from lake.session import SessionSettings, spark_session
    from night.release.content import ReleaseInputs, content_of
    from night.release.names import catalog_file
    from queries.grammar.bundle import grammar_bundle
    from queries.nightly.understand import readings
    from serving.content import ReleaseRows
    from serving.writer import write_release

    log = work / "gc.log"
    spark = spark_session(
        SessionSettings(
            master="local-cluster[1, 2, 4096]",
            memory=DRIVER_HEAP,
            shuffle_partitions=8,
            work_dir=str(work / "spark"),
            java_options=f"-Xlog:gc:file={log}",
            extra={BOUNDED_ONLY: "true", "spark.executor.memory": "4g", "spark.executorEnv.PYTHONPATH": os.getcwd()},
        )
    )
    spark.range(1).mapInPandas(lambda batches: batches, "id long").collect()
    begun = time.monotonic()
    with Peak() as peak:
        named = made_tracks(spark, tracks)
        asked = made_wordings(spark, wordings, tracks)
        names = catalog_file(named, work / "spark")
        distinct = asked.select(F.col("locale").alias("language"), "query").distinct()
        readings(distinct, names).write.format("noop").mode("overwrite").save()
        number, rank = F.col("id"), F.col("rank")
        of_list = spark.range(LISTS).select("id", F.explode(F.sequence(F.lit(1), F.lit(PER_LIST))).alias("rank"))
        lists = of_list.select(
            F.lit("en").alias("locale"),
            F.concat(F.lit("title="), _name(number, "title")).alias("need"),
            "rank",
            F.format_string("track%012d", (number * 31 + rank * 7) % tracks).alias("track_id"),
            (1.0 / rank).alias("score"),
            F.lit("made").alias("reason"),
        )
        variants = lists.limit(0).select(
            "locale", "need", F.lit(0).alias("variant"), "score", F.array("reason").alias("tracks")
        )
        vectors = spark.range(tracks).select(
            F.lit("track").alias("kind"),
            F.format_string("track%012d", number).alias("key"),
            F.array(
                *[F.pmod(F.xxhash64(F.lit(d), number), F.lit(1000)) / 500.0 - 1.0 for d in range(DIMENSIONS)]
            ).alias("vector"),
        )
        grammar = grammar_bundle((), 0.8)
        given = ReleaseInputs(named, vectors, lists, variants.withColumnRenamed("score", "probability"), asked)
        content = content_of(given, grammar, work / "spark")
        manifest = dict.fromkeys(("inputs", "config_fingerprint", "ranker_fingerprint", "gates", "coverage"))
        built = {"at": "2026-11-30T02:00:00Z"}
        write_release(
            work / "releases", ReleaseRows("2026-11-30", content.rows, content.rows.room, manifest, built, grammar)
        )
    seconds = time.monotonic() - begun
    [release] = (work / "releases").glob("2026*")
    size = (release / "rankings.lmdb").stat().st_size / 2**20
    spark.stop()
    heap = [int(mb) for mb in _AFTER.findall(log.read_text())]
    return {
        "driver_python_mb": peak.driver,
        "driver_heap_mb": float(max(heap, default=0)),
        "worker_mb": peak.worker,
        "release_mb": size,
        "seconds": seconds,
    }


def training_mb(rows: int, work: Path) -> float:
    """What a process has in memory at most, above the libraries, while it makes a fit's datasets of so many made examples, MB."""
    from ranking.dataset import in_memory, read_examples
    from ranking.ranker import RankerParams
    from ranking.scoring import feature_list

    features = feature_list()
    _write_examples(work / "examples.parquet", rows, features.names)
    params = RankerParams()
    before = own_mb()
    with Peak() as peak:
        examples = read_examples(work, features)
        train, valid = examples.halves()
        data = in_memory(train, params.objective, params.max_bin, 2)
        in_memory(valid, params.objective, params.max_bin, 2, reference=data)
    return peak.driver - before


def _write_examples(file: Path, rows: int, names: Sequence[str]) -> None:
    """Made training examples, 50 of a need, written a part at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, writer, part = np.random.default_rng(7), None, 50_000
    for first in range(0, rows, part):
        number = np.arange(first, min(first + part, rows))
        need = number // PER_LIST
        columns = {
            "fold_key": [f"need {n}" for n in need],
            "grade": rng.integers(0, 5, len(number)),
            "qid": need,
            "relevance": rng.random(len(number)),
            "split": np.where(need % 3 == 2, "valid", "train"),
            "track_id": [f"track{n:012}" for n in number],
            "weight": rng.random(len(number)),
            **{name: rng.normal(size=len(number)) for name in names},
        }
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def measured(what: str, *sizes: int) -> dict[str, float]:
    """What a new process measures."""
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "benchmarks.scale", "--child", what, *map(str, sizes), work]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{what} of {sizes} failed: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the driver at every size, and training, and print MB."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tracks", type=int, nargs="+", default=list(TRACKS))
    parser.add_argument("--wordings", type=int, nargs="+", default=list(WORDINGS))
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.child:
        what, *sizes, work = given.child
        if what == "driver":
            print(json.dumps(driver(int(sizes[0]), int(sizes[1]), Path(work))))
        else:
            print(json.dumps({"mb": training_mb(int(sizes[0]), Path(work))}))
        return 0
    least = given.wordings[0]
    pairs = [(t, least) for t in given.tracks] + [(given.tracks[0], w) for w in given.wordings if w != least]
    report: dict[str, object] = {"driver": [], "training": []}
    print(
        "| tracks | wordings | driver, Python | driver, JVM after a collection | a Python worker | release | seconds |"
    )
    print("|---|---|---|---|---|---|---|")
    for tracks, wordings in pairs:
        one = measured("driver", tracks, wordings)
        report["driver"] = [*report["driver"], {"tracks": tracks, "wordings": wordings, **one}]  # type: ignore[misc]
        cells = [f"{one[k]:,.0f} MB" for k in ("driver_python_mb", "driver_heap_mb", "worker_mb", "release_mb")]
        print(f"| {tracks:,} | {wordings:,} | {' | '.join(cells)} | {one['seconds']:,.0f} |", flush=True)
    for rows in given.rows:
        mb = measured("training", rows)["mb"]
        report["training"] = [*report["training"], {"rows": rows, "mb": mb}]  # type: ignore[misc]
        print(f"training on {rows:,} rows: {mb:,.0f} MB, {mb * 2**20 / rows:,.0f} bytes each", flush=True)
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
