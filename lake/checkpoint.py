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
