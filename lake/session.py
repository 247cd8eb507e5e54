"""The only builder of a Spark session, and the only place that reaches into the JVM."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lake.errors import BadConfiguration
from lake.scratch import scratch

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SHARE = Path(sys.prefix) / "share" / "playfirst"  # where set-up put Delta's JARs and, if needed, Java
CONF = Path(__file__).resolve().parent.parent / "conf"
JAVA_VERSIONS = ("17", "21")
SERVER_WAIT_S = 30.0  # for the answer of a Spark Connect server; PySpark itself tries for ten minutes, in silence


@dataclass(frozen=True)
class SessionSettings:
    """What an operator may change about the engine."""

    app_name: str = "playfirst"
    master: str = "local[2]"
    memory: str = "6g"
    shuffle_partitions: int = 4
    ui: bool = False
    remote: str = ""  # a Spark Connect address, such as local[2] or sc://host; master is ignored then
    work_dir: str = "var/spark"
    extra: dict[str, str] = field(default_factory=dict)
    java_options: str = ""  # for the driver's JVM


def spark_session(settings: SessionSettings) -> SparkSession:
    """The session every job runs on: Delta, UTC, ANSI, Arrow; quiet, and closed to the network.

    Raises BadConfiguration where Java or Delta's JARs are missing, or no Spark Connect server answers, with what to do.
    """
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable  # else a UDF runs on the PATH's python
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1" if settings.remote else ""
    if not settings.remote:
        del os.environ["SPARK_CONNECT_MODE_ENABLED"]
    os.environ["JAVA_HOME"] = java_home()
    if settings.remote.startswith("sc://"):
        _await_server(settings.remote)
    # mypy sees the classic builder only
    builder = SparkSession.builder.appName(settings.app_name)
    for key, value in _options(settings).items():
        builder = builder.config(key, value)
    builder = builder.remote(settings.remote) if settings.remote else builder.master(settings.master)
    return builder.getOrCreate()


class LazySession:
    """A session that starts when a step first needs one: a night with nothing to do ends without a JVM."""

    def __init__(self, settings: SessionSettings) -> None:
        self._settings = settings
        self._session: SparkSession | None = None

    @property
    def session(self) -> SparkSession:
        """The session, started at the first call. Raises BadConfiguration as `spark_session` does."""
        if self._session is None:
            self._session = spark_session(self._settings)
        return self._session

    @property
    def started(self) -> SparkSession | None:
        """The session if something needed it already."""
        return self._session

    def stop(self) -> None:
        """End the session if it was started."""
        if self._session is not None:
            self._session.stop()
            self._session = None


def _await_server(remote: str) -> None:
    import grpc
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client import DefaultChannelBuilder

    try:
        with DefaultChannelBuilder(remote).toChannel() as channel:
            grpc.channel_ready_future(channel).result(timeout=SERVER_WAIT_S)
    except (grpc.FutureTimeoutError, PySparkException, ValueError) as error:  # ValueError: a port that is no number
        is_late = isinstance(error, grpc.FutureTimeoutError)
        why = f"no Spark Connect server answered within {SERVER_WAIT_S:g} s" if is_late else str(error).splitlines()[0]
        raise BadConfiguration(
            f"cluster.remote is {remote!r}: {why.rstrip('.')}. Start the server, or leave cluster.remote empty."
        ) from None


def _options(settings: SessionSettings) -> dict[str, str]:
    jars = sorted((SHARE / "jars").glob("*.jar"))
    if not jars:
        raise BadConfiguration(f"Delta's JARs are not in {SHARE / 'jars'}. Run `make setup`.")
    work = Path(settings.work_dir).resolve()
    work.mkdir(parents=True, exist_ok=True)
    log4j = (CONF / "log4j2.properties").as_uri()
    options = {
        "spark.jars": ",".join(str(j) for j in jars),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.memory": settings.memory,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        # one run log for the JVM; a terminal line belongs to the steps
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={log4j} -Dplayfirst.log={work / 'spark.log'} "
        f"-Dderby.system.home={work} {settings.java_options}".strip(),
        "spark.local.dir": str(scratch(work)),
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.ui.enabled": str(settings.ui).lower(),
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        # else each call of the DataFrame API asks the JVM five more things, to tell in errors the line it came from
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        # off by default, and then missing strings of a pandas frame become the text 'nan'
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.sql.adaptive.enabled": "true",
        # each sort and hash map takes memory by the page, 64 MB by default; the plan of all features has dozens, which then spill
        "spark.buffer.pageSize": "4m",
        "spark.sql.files.maxPartitionBytes": "32m",
        # counts group by keys of which nearly all differ: a small map in front of the large one is looked up in vain
        "spark.sql.codegen.aggregate.map.twolevel.enabled": "false",
        # rows that already lie by one of the join keys are not exchanged again (features.build.engine lies by track)
        "spark.sql.requireAllClusterKeysForCoPartition": "false",
        # a task that writes few partitions keeps their files open instead of sorting its rows by them
        "spark.sql.maxConcurrentOutputFileWriters": "8",
        # the default 50 makes each tiny commit slow
        "spark.databricks.delta.snapshotPartitions": "2",
        # VACUUM lists folders in so many tasks; the default of 10,000 takes minutes for nothing on two cores
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(2 * settings.shuffle_partitions),
        # an empty day replaced by an empty day is a commit too: it says that the day is done
        "spark.databricks.delta.skipRecordingEmptyCommits": "false",
        # statistics of a user column would outlive a forget
        "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
        "spark.connect.grpc.binding.address": "127.0.0.1",
    }
    if not settings.ui:
        # nobody looks them up, and a plan of all features is a megabyte of text
        options |= {
            "spark.sql.ui.retainedExecutions": "10",
            "spark.ui.retainedJobs": "50",
            "spark.ui.retainedStages": "50",
        }
    return options | settings.extra


def java_home() -> str:
    """The Java 17 or 21 to use: JAVA_HOME, the PATH's, else the one set-up made. BadConfiguration if none."""
    told, found = os.environ.get("JAVA_HOME"), shutil.which("java")
    shim = SHARE / "java"
    homes = [Path(told)] if told else []
    homes += [Path(found).resolve().parent.parent] if found else []
    for home in [*homes, shim]:
        if _java_major(home) in JAVA_VERSIONS:
            return str(home)
    raise BadConfiguration("no Java 17 or 21: none in JAVA_HOME, on the PATH or from set-up. Run `make clean setup`.")


def _java_major(home: Path) -> str | None:
    java = home / "bin" / "java"
    if not java.exists():
        return None
    said = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r'version "(\d+)', said.stderr + said.stdout)
    return found.group(1) if found else None


@dataclass(frozen=True)
class StageProgress:
    """Tasks of the stages that run right now."""

    done: int
    total: int


@dataclass(frozen=True)
class StageMetrics:
    """What a finished stage cost: its tasks, their run time in all (seconds), and the bytes it wrote for a shuffle."""

    stage_id: int
    tasks: int
    run_s: float
    shuffled_bytes: int


def stage_metrics(spark: SparkSession, after: int = -1) -> list[StageMetrics]:
    """Stages that ended, with an id above `after`, oldest first. A Connect session tells none: the list is empty."""
    if is_connect(spark):
        return []
    context = spark.sparkContext
    store, gateway = context._jsc.sc().statusStore(), context._gateway
    assert gateway is not None
    nothing = gateway.new_array(gateway.jvm.double, 0)
    listed = store.stageList(None, False, False, nothing, None)
    found = []
    for i in range(listed.size()):
        stage = listed.apply(i)
        if stage.stageId() <= after:  # newest first
            break
        if str(stage.status()) == "COMPLETE":
            ran, wrote = stage.executorRunTime() / 1000, stage.shuffleWriteBytes()
            found.append(StageMetrics(stage.stageId(), stage.numCompleteTasks(), ran, wrote))
    return sorted(found, key=lambda m: m.stage_id)


@contextmanager
def watched(
    started: Callable[[], SparkSession | None], report: Callable[[StageProgress], None], every_s: float = 0.5
) -> Iterator[None]:
    """Call `report` with the running stages' progress while the block runs, on a thread of its own.

    `started` gives the session once there is one: the block may be what starts it. Classic sessions are asked through the status
    tracker; a Connect session calls a progress handler.
    """
    ended = threading.Event()

    def report_rows(stages: object = None, **rest: object) -> None:
        rows = list(stages or [])  # type: ignore[call-overload]
        report(StageProgress(sum(s.num_completed_tasks for s in rows), sum(s.num_tasks for s in rows)))

    handled: list[SparkSession] = []

    def poll() -> None:
        while not ended.wait(every_s):
            spark = started()
            if spark is None:
                continue
            if is_connect(spark):
                if not handled:
                    handled.append(spark)
                    spark.registerProgressHandler(report_rows)  # type: ignore[attr-defined, unused-ignore]
                continue
            tracker = spark.sparkContext.statusTracker()
            stages = [s for i in tracker.getActiveStageIds() if (s := tracker.getStageInfo(i)) is not None]
            report(StageProgress(sum(s.numCompletedTasks for s in stages), sum(s.numTasks for s in stages)))

    thread = threading.Thread(target=poll, daemon=True, name="stage-progress")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=5)
        for spark in handled:
            spark.removeProgressHandler(report_rows)  # type: ignore[attr-defined, unused-ignore]


def is_connect(spark: SparkSession) -> bool:
    """Whether the session speaks Spark Connect (no JVM within reach)."""
    return type(spark).__module__.startswith("pyspark.sql.connect")
