"""What the engine tells of its stages."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake import session
from lake.errors import BadConfiguration
from lake.session import stage_metrics


def test_a_connect_server_that_does_not_answer_is_named_and_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PySpark tries for ten minutes and prints nothing meanwhile."""
    monkeypatch.setattr(session, "SERVER_WAIT_S", 1.0)
    with socket.socket() as bound:  # bound and not listening: nobody else can begin to answer there
        bound.bind(("127.0.0.1", 0))
        remote, begun = f"sc://127.0.0.1:{bound.getsockname()[1]}", time.monotonic()
        with pytest.raises(BadConfiguration, match=f"cluster.remote is '{remote}': no Spark Connect server answered"):
            session._await_server(remote)
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("remote", ["sc://host:port", "sc://"])
def test_an_address_that_is_none_is_named(remote: str) -> None:
    with pytest.raises(BadConfiguration, match=f"cluster.remote is '{remote}'") as refused:
        session._await_server(remote)
    assert "\n" not in str(refused.value)


def test_a_server_that_answers_is_gone_on_with() -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        session._await_server(f"sc://localhost:{port}")
    finally:
        server.stop(None).wait()


def test_finished_stages_tell_their_tasks_and_shuffle(spark: SparkSession) -> None:
    before = max((m.stage_id for m in stage_metrics(spark)), default=-1)
    spark.range(10_000, numPartitions=3).groupBy(F.col("id") % 7).count().collect()
    ended = stage_metrics(spark, before)
    assert ended and all(m.stage_id > before for m in ended)
    assert max(m.tasks for m in ended) == 3 and sum(m.shuffled_bytes for m in ended) > 0
