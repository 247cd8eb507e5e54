"""What the engine tells of its stages."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.session import stage_metrics


def test_finished_stages_tell_their_tasks_and_shuffle(spark: SparkSession) -> None:
    before = max((m.stage_id for m in stage_metrics(spark)), default=-1)
    spark.range(10_000, numPartitions=3).groupBy(F.col("id") % 7).count().collect()
    ended = stage_metrics(spark, before)
    assert ended and all(m.stage_id > before for m in ended)
    assert max(m.tasks for m in ended) == 3 and sum(m.shuffled_bytes for m in ended) > 0
