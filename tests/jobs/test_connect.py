"""The same jobs over Spark Connect: ingest to features on `remote("local[2]")`, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from tests.conftest import RUN_DATE, SHORT_JAVA_OPTIONS, SHORT_LISTS, World

# one column or more of each shape that the engine computes; the others differ in what they count
COLUMNS = (
    "coec,sequence,text,constraints,collaborative,dwell_p50_s,voice_long_play_rate,need_listeners_log1p,artist_trend"
)
LIMIT_S = 1500  # of a machine half as fast as usual; eight minutes there with all columns
STEPS = ("ingest", "count_engagement", "understand", "fit_exposure", "candidates", "build_features")
PROGRAM = """
import importlib, sys
from hydra import compose, initialize_config_module
from night.command import settings_of
from night.night import night
from night.summary import Summary
from rich.console import Console
from lake.session import is_connect
with initialize_config_module("conf", version_base="1.3"):
    settings = settings_of(compose("night", overrides=sys.argv[2:]))
with night(settings) as this:
    assert is_connect(this.spark)
    summary = Summary(Console(width=160))
    for name in sys.argv[1].split(","):
        with summary.step(this, name, "") as handed:
            handed.append(importlib.import_module("jobs." + name).run(this))
"""


def test_ingest_to_features_over_connect(world: World, tmp_path: Path, spark: SparkSession) -> None:
    places = [
        f"run_date={RUN_DATE}",
        f"logs={world.root}/logs",
        f"catalog={world.root}/catalog.jsonl.gz",
        f"lake.root={tmp_path}/lake",
        f"privacy.key_file={tmp_path}/key",
        f"privacy.simulated_key_file={tmp_path}/key",
        f"cluster.work_dir={tmp_path}/spark",
        "cluster.remote='local[2]'",
        "cluster.memory=3g",
        f"cluster.java_options='{SHORT_JAVA_OPTIONS}'",
        "cluster.shuffle_partitions=2",
        f"features.only=[{COLUMNS}]",
        *SHORT_LISTS,
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, ",".join(STEPS), *places],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert all(f"✓  {name}" in done.stdout for name in STEPS), done.stdout
    features = spark.read.format("delta").load(f"{tmp_path}/lake/need_track_features")
    assert features.count() > 1_000
