"""Fetch the JARs that PySpark does not bring: Delta's, and for places s3://… Hadoop's client for S3.

    python -m lake.jars delta | s3

Spark's own Ivy resolves them once, into `share/playfirst/` of this Python environment; nights then need no network.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

DELTA = ("io.delta:delta-spark_4.1_2.13:4.4.0", "io.delta:delta-storage:4.4.0")
SHARE = Path(sys.prefix) / "share" / "playfirst"
# group -> (folder, beginnings of the names of the JARs that are kept: PySpark has the others)
KEPT = {
    "delta": ("jars", ("io.delta_", "io.unitycatalog_")),
    "s3": ("jars-s3", ("org.apache.hadoop_hadoop-aws", "software.amazon")),
}


def hadoop_version() -> str:
    """The version of Hadoop that this PySpark carries: another version of hadoop-aws would not link."""
    import pyspark

    jars = Path(pyspark.__file__).parent / "jars"
    [jar] = jars.glob("hadoop-client-api-*.jar")
    match = re.search(r"-(\d[\d.]*)\.jar$", jar.name)
    assert match is not None  # Hadoop's own naming
    return match[1]


def coordinates(group: str) -> tuple[str, ...]:
    """Maven coordinates of a group."""
    return DELTA if group == "delta" else (f"org.apache.hadoop:hadoop-aws:{hadoop_version()}",)


def fetch(group: str) -> list[Path]:
    """Resolve the JARs of a group and return those that were kept.

    Raises RuntimeError if the JAR that was asked for is not among them.
    """
    from pyspark.sql import SparkSession

    SHARE.mkdir(parents=True, exist_ok=True)
    folder, kept = SHARE / KEPT[group][0], KEPT[group][1]
    cache = Path(tempfile.mkdtemp(prefix="ivy-", dir=SHARE))
    try:
        builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
        options = {
            "spark.jars.packages": ",".join(coordinates(group)),
            "spark.jars.ivy": str(cache),
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
        }
        for key, value in options.items():
            builder = builder.config(key, value)
        builder.getOrCreate().stop()
        folder.mkdir(exist_ok=True)
        for jar in sorted((cache / "jars").glob("*.jar")):
            if jar.name.startswith(kept):
                shutil.copy2(jar, folder / jar.name)
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    jars = sorted(folder.glob(f"{kept[0]}*.jar"))
    if not jars:
        raise RuntimeError(f"Spark's Ivy ended without {coordinates(group)[0]}")
    return jars


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print("\n".join(jar.name for jar in fetch(name)))
