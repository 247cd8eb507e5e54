"""The training examples of a feature trial: the stored examples joined with the columns on trial."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from features.catalogue import KEYS, matrix_names
from lake.places import language_of
from lake.schema import check_schema
from night.examples import EXAMPLES
from night.night import Night

if TYPE_CHECKING:
    from features.spec import Grain


PAIR_KEYS = ("as_of", "locale", "need", "track_id")


def stored_examples(night: Night, others: list[str]) -> DataFrame:
    """The examples of D without the columns on trial.

    Args:
        night: the night.
        others: the feature columns to keep.
    """
    kept = tuple(c for c in EXAMPLES.columns if c.name in others or c.name not in matrix_names())
    return night.lake.read(replace(EXAMPLES, columns=kept), [night.run_date], allow_unvalidated=True)


def with_trial_columns(stored: DataFrame, frames: dict[Grain, DataFrame]) -> DataFrame:
    """The stored examples joined with the columns on trial, in the declared order.

    Args:
        stored: the examples, as `stored_examples` reads them.
        frames: grain -> the frame that holds the columns on trial of that grain.
    """
    joined = stored.withColumn("language", language_of())
    for grain, frame in frames.items():
        joined = joined.join(frame, ["as_of", *[k.name for k in KEYS[grain]]])
    columns = tuple(c for c in EXAMPLES.columns if c.name in joined.columns)
    joined = joined.select(*[c.name for c in columns])
    check_schema(replace(EXAMPLES, columns=columns), joined, "the examples with the tried features")
    return joined
