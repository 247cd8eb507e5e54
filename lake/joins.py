"""Joins whose smaller side grows with the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BOUNDED_ONLY = "spark.playfirst.broadcastsBoundedOnly"  # option of the session, set on a cluster


def if_small(side: DataFrame) -> DataFrame:
    """One side of a join, broadcast on one machine, and on a cluster only if Spark finds it small.

    For sides without a stated bound, such as one row per track: forced into a broadcast, a catalog of millions would have to fit
    into the driver and each executor. Sides that a setting bounds (`ranking.max_needs`, position curves, days) are broadcast with
    `F.broadcast` directly, since Spark often estimates them too large.
    """
    return side if is_cluster(side.sparkSession) else F.broadcast(side)


def is_cluster(session: SparkSession) -> bool:
    """Whether the executors are on other machines than the driver, as the session was set up for."""
    return session.conf.get(BOUNDED_ONLY, "false") == "true"
