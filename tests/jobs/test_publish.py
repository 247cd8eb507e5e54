"""What a release answers: aliases, and how much of the traffic."""

from __future__ import annotations

import pandas as pd
from pyspark.sql import SparkSession

from night.released import aliases_of, traffic


def test_a_public_wording_without_a_list_leads_to_the_most_asked_entry_of_its_cluster() -> None:
    rows = [
        ("en", "hello", "h", 9),
        ("en", "play hello", "h", 20),
        ("en", "helo", "h", 3),
        ("en", "alone", "a", 5),
        ("es", "helo", "h", 3),
    ]
    public = pd.DataFrame(rows, columns=["locale", "query", "cluster_id", "searches_28d"])
    released = pd.DataFrame([("en", "hello"), ("en", "play hello"), ("en", "play hello")], columns=["locale", "query"])
    assert aliases_of(released, public) == {("en", "helo"): "play hello"}


def test_traffic_is_answered_where_it_was_asked(spark: SparkSession) -> None:
    """ "despacito" has a list in Spanish: whoever asks in English is not answered by it."""
    rows = [
        ("es-ES", "despacito", 50, True),
        ("es", "despacito", 50, True),
        ("en-US", "despacito", 2, False),
        ("en", "despacito", 2, False),
        ("*", "despacito", 52, True),
        ("en-US", "hello", 10, True),
        ("*", "hello", 10, True),
        ("en-US", "secret", 1, False),
    ]
    queries = spark.createDataFrame(rows, "locale string, query string, searches_28d bigint, is_public boolean")
    keys = [("es", "despacito"), ("es", "despacito"), ("en-US", "hello"), ("en", "hello")]
    released = spark.createDataFrame(keys, "locale string, query string")
    assert traffic(queries, released) == (60, 62)
    assert traffic(queries, released.where("query = 'none'")) == (0, 62)
