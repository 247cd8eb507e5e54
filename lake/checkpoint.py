"""Cut a frame's plan: its rows are computed once and kept, so that later plans begin from them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FOLDER = "spark.playfirst.checkpoints"  # option of the session: where checkpoints are written; unset on one machine


def checkpointed(frame: DataFrame) -> DataFrame:
    """The frame with its rows computed now.

    On one machine the executor keeps them (`localCheckpoint`). On a cluster they are written as Parquet below FOLDER: rows that
    only an executor keeps are gone with it, and nothing could compute them again.
    """
    folder = frame.sparkSession.conf.get(FOLDER, "")
    if not folder:
        return frame.localCheckpoint()
    path = f"{folder}/{uuid.uuid4().hex}"
    frame.write.parquet(path)
    return frame.sparkSession.read.schema(frame.schema).parquet(path)


def shared(frame: DataFrame) -> DataFrame:
    """The frame with its rows computed once, for plans that refer to it dozens of times; `lake.session.released` gives them back.

    It is checkpointed: a plan that is only cached would be analysed again in each reference. Over Spark Connect it is cached all the same:
    there the client gives a checkpoint back from `__del__`, by a request that Python's collector may begin in the middle of another
    one, and the process ends with "double free or corruption" (PySpark 4.1, grpcio 1.85; two of two builds of all features).
    """
    from pyspark.sql.utils import is_remote

    return frame.persist() if is_remote() else checkpointed(frame)
