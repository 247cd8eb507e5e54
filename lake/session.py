"""Spark session: the only module that builds one (beside `lake.jars`, before there are JARs), and that calls into the JVM."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lake.archive import check_archive
from lake.checkpoint import FOLDER
from lake.errors import BadConfiguration
from lake.jars import SHARE
from lake.joins import BOUNDED_ONLY, is_cluster
from lake.scratch import scratch
from lake.shipped import ShippedFile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

CONF = Path(__file__).resolve().parent.parent / "conf"
JAVA_VERSIONS = ("17", "21")
# wait for an answer of a Spark Connect server; PySpark itself retries for ten minutes without a message
SERVER_WAIT_S = 30.0
# Spark's master URLs for this machine
ON_THIS_MACHINE = re.compile(r"local(\[(\d+|\*)(\s*,\s*\d+)?\])?|local-cluster\[\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\]")
# and those of cluster managers; for any other address Spark waits without a limit and without an error
MANAGERS = re.compile(r"spark://[\w.-]+:\d+(,[\w.-]+:\d+)*|yarn|k8s://\S+")
UNPACKED = "environment"  # the folder, in the working folder of an executor, into which Spark unpacks the archive


@dataclass(frozen=True)
class SessionSettings:
    """Settings of the Spark session that an operator may change."""

    app_name: str = "playfirst"
    master: str = "local[2]"
    memory: str = "6g"
    shuffle_partitions: int = 4
    ui: bool = False
    remote: str = ""  # a Spark Connect address, such as local[2] or sc://host; if given, `master` is ignored
    work_dir: str = "var/spark"
    extra: dict[str, str] = field(default_factory=dict)  # further Spark options, which override ours
    java_options: str = ""  # further options for the driver's JVM
    driver_host: str = (
        ""  # of a cluster: the name or address under which executors reach the driver; empty: Spark's choice
    )
    archive: str = ""  # of a cluster: the environment archive of `make dist`
    executor_python: str = "python3"  # of a cluster: the executors' Python, of the driver's minor version
    executor_wait_s: float = 300.0  # of a cluster: how long to wait for the first executor
    checkpoints: str = ""  # of a cluster: the folder of checkpoints, which must outlive an executor
    schemes: tuple[str, ...] = ()  # of the stores that Spark reads and writes, such as s3; empty for disks alone

    @property
    def is_cluster(self) -> bool:
        """Whether executors run on other machines than the driver, and get our code from the archive."""
        return not self.remote and not ON_THIS_MACHINE.fullmatch(self.master)


def spark_session(settings: SessionSettings) -> SparkSession:
    """Get or create the session that every job runs on: Delta, UTC, ANSI and Arrow; quiet, and bound to the local host.

    Raises:
        BadConfiguration: Java or Delta's JARs are missing, or no Spark Connect server answers; the message says what to do.
    """
    from pyspark.sql import SparkSession

    # otherwise a UDF runs on the first python of the PATH
    os.environ["PYSPARK_PYTHON"] = settings.executor_python if settings.is_cluster else sys.executable
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    if settings.is_cluster:
        _check_cluster(settings)
    else:
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1" if settings.remote else ""
    if not settings.remote:
        del os.environ["SPARK_CONNECT_MODE_ENABLED"]
    os.environ["JAVA_HOME"] = java_home()
    if settings.remote.startswith("sc://"):
        _await_server(settings.remote)
    # mypy knows the classic builder only
    builder = SparkSession.builder.appName(settings.app_name)
    for key, value in _options(settings).items():
        builder = builder.config(key, value)
    builder = builder.remote(settings.remote) if settings.remote else builder.master(settings.master)
    session: SparkSession = builder.getOrCreate()
    if settings.is_cluster:
        _await_executor(session, settings)
    return session


def released(frame: DataFrame) -> None:
    """Give back what `lake.checkpoint.shared` keeps of a frame; it cannot be read afterwards. Files of a cluster go with the night."""
    java_frame = getattr(frame, "_jdf", None)
    if java_frame is None:
        frame.unpersist()
        return
    if frame.sparkSession.conf.get(FOLDER, ""):
        return
    plan = java_frame.queryExecution().analyzed()
    if plan.nodeName() == "LogicalRDD":
        plan.rdd().unpersist(False)


def shipped(session: SparkSession, path: Path) -> ShippedFile:
    """Give a file to the executors; a second one of the same name is refused by Spark, so its name must be new.

    On one machine executors read it where it is. Elsewhere Spark hands it to each executor before its first task.
    """
    if is_connect(session):
        session.addArtifacts(str(path), file=True)
        return ShippedFile(str(path), path.name)
    if is_cluster(session):
        session.sparkContext.addFile(str(path))
        return ShippedFile(str(path), path.name)
    return ShippedFile(str(path))


class LazySession:
    """A session that starts when a step first needs it, so that a night with nothing to do starts no JVM."""

    def __init__(self, settings: SessionSettings) -> None:
        self._settings = settings
        self._session: SparkSession | None = None

    @property
    def session(self) -> SparkSession:
        """The session; the first access starts it, and may raise BadConfiguration as `spark_session` does."""
        if self._session is None:
            self._session = spark_session(self._settings)
        return self._session

    @property
    def started(self) -> SparkSession | None:
        """The session if it has been started, else None."""
        return self._session

    def stop(self) -> None:
        """Stop the session if it has been started."""
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
    except (grpc.FutureTimeoutError, PySparkException, ValueError) as error:  # ValueError: the port is not a number
        is_late = isinstance(error, grpc.FutureTimeoutError)
        why = f"no Spark Connect server answered within {SERVER_WAIT_S:g} s" if is_late else str(error).splitlines()[0]
        raise BadConfiguration(
            f"cluster.remote is {remote!r}: {why.rstrip('.')}. Start the server, or leave cluster.remote empty."
        ) from None


def _check_cluster(settings: SessionSettings) -> None:
    """Raise BadConfiguration if the master cannot be reached, or the archive is missing or of other code than the driver's."""
    if settings.master.startswith("spark://"):
        addresses = [a.rsplit(":", 1) for a in settings.master.removeprefix("spark://").split(",")]
        problems = [why for host, port in addresses if (why := _why_unreachable(host, int(port)))]
        if len(problems) == len(addresses):
            raise BadConfiguration(
                f"cluster.master is {settings.master!r}: {problems[0]}. Start the master, or correct it."
            )
    if not settings.archive:
        raise BadConfiguration(
            "cluster.archive is empty: executors get our code from it. Run `make dist`, and give its file."
        )
    check_archive(Path(settings.archive))


def _why_unreachable(host: str, port: int) -> str:
    """Why no connection to the port can be made; "" if one can."""
    try:
        with socket.create_connection((host, port), timeout=SERVER_WAIT_S):
            return ""
    except OSError as error:
        return f"{host}:{port} gives no answer ({error.strerror or error})"


def _await_executor(spark: SparkSession, settings: SessionSettings) -> None:
    """Wait for the first executor: without one, Spark waits for ever at its first task.

    Raises BadConfiguration if none comes in time; the session is stopped.
    """
    executors = spark.sparkContext._jsc.sc().statusTracker()
    deadline = time.monotonic() + settings.executor_wait_s
    while len(executors.getExecutorInfos()) < 2:  # the driver is one of them
        if time.monotonic() > deadline:
            spark.stop()
            raise BadConfiguration(
                f"no executor came within {settings.executor_wait_s:g} s from {settings.master}. Look at the cluster: has it workers with "
                "free memory and cores (cluster.extra), and can they reach the driver (cluster.driver_host)?"
            )
        time.sleep(0.2)


def _options(settings: SessionSettings) -> dict[str, str]:
    jars = sorted((SHARE / "jars").glob("*.jar"))
    if not jars:
        raise BadConfiguration(f"Delta's JARs are not in {SHARE / 'jars'}. Run `make setup`.")
    if "s3" in settings.schemes:
        jars += _jars_of_s3()
    work = Path(settings.work_dir).resolve()
    work.mkdir(parents=True, exist_ok=True)
    log4j = (CONF / "log4j2.properties").as_uri()
    options = {
        "spark.jars": ",".join(str(j) for j in jars),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.memory": settings.memory,
        # the JVM logs to one file; the terminal is for the steps' own lines
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={log4j} -Dplayfirst.log={work / 'spark.log'} "
        f"-Dderby.system.home={work} {settings.java_options}".strip(),
        "spark.local.dir": str(scratch(work)),
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.ui.enabled": str(settings.ui).lower(),
        "spark.ui.showConsoleProgress": "false",
        "spark.python.daemon.module": "lake.python_daemon",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        # otherwise each call of the DataFrame API makes five more JVM calls, to name its source line in errors
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        # off by default; then missing strings of a pandas frame become the text 'nan'
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.shuffle.partitions": str(settings.shuffle_partitions),
        "spark.sql.adaptive.enabled": "true",
        # each sort and hash map reserves memory in pages, of 64 MB by default; the dozens in the plan of all features would spill
        "spark.buffer.pageSize": "4m",
        "spark.sql.files.maxPartitionBytes": "32m",
        # most grouping keys of our counts are distinct, so the small first-level hash map would rarely be hit
        "spark.sql.codegen.aggregate.map.twolevel.enabled": "false",
        # rows partitioned by one of several join keys are not shuffled again (features.build.engine partitions by track)
        "spark.sql.requireAllClusterKeysForCoPartition": "false",
        # a task that writes few partitions keeps all their files open instead of sorting its rows by partition
        "spark.sql.maxConcurrentOutputFileWriters": "8",
        # the default of 50 makes each small commit slow
        "spark.databricks.delta.snapshotPartitions": "2",
        # VACUUM lists folders in this many tasks; the default of 10,000 takes minutes on two cores without any gain
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": str(2 * settings.shuffle_partitions),
        # replacing an empty day by an empty day must commit too, to record that the day is done
        "spark.databricks.delta.skipRecordingEmptyCommits": "false",
        # with deletion vectors, values and statistics of a forgotten user would stay in the files
        "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
        "spark.connect.grpc.binding.address": "127.0.0.1",
    }
    options |= _cluster_options(settings) if settings.is_cluster else LOCAL_OPTIONS
    if "s3" in settings.schemes:
        options |= _s3_options(os.environ)
    if not settings.ui:
        # without the UI nobody reads them, and the plan of all features is a megabyte of text
        options |= {
            "spark.sql.ui.retainedExecutions": "10",
            "spark.ui.retainedJobs": "50",
            "spark.ui.retainedStages": "50",
        }
    return options | settings.extra


def _jars_of_s3() -> list[Path]:
    jars = sorted((SHARE / "jars-s3").glob("*.jar"))
    if not jars:
        raise BadConfiguration(f"Hadoop's JARs for S3 are not in {SHARE / 'jars-s3'}. Run `make setup-store`.")
    return jars


def _s3_options(env: Mapping[str, str]) -> dict[str, str]:
    """Options of Hadoop's S3A for places s3://…, from the same variables of the environment that AWS's own clients read.

    Spark itself takes the credentials from the environment, or from the machine's role.
    """
    options = {
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.AbstractFileSystem.s3.impl": "org.apache.hadoop.fs.s3a.S3A",
    }
    if region := env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION"):
        options["spark.hadoop.fs.s3a.endpoint.region"] = region
    if endpoint := env.get("AWS_ENDPOINT_URL"):
        options |= {
            "spark.hadoop.fs.s3a.endpoint": endpoint,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(endpoint.startswith("https")).lower(),
        }
    return options


LOCAL_OPTIONS = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}


def _cluster_options(settings: SessionSettings) -> dict[str, str]:
    """Options of a session whose executors are elsewhere: what they reach the driver by, and where they find our code."""
    options = {
        "spark.archives": f"{Path(settings.archive).resolve()}#{UNPACKED}",
        "spark.executorEnv.PYTHONPATH": f"./{UNPACKED}",
        "spark.executorEnv.PYTHONHASHSEED": "0",
        FOLDER: settings.checkpoints,
        BOUNDED_ONLY: "true",
        # an executor that is lost takes its shuffle files with it, and they are computed again
        "spark.task.maxFailures": "8",
        "spark.stage.maxConsecutiveAttempts": "8",
    }
    if settings.driver_host:
        options |= {"spark.driver.host": settings.driver_host, "spark.driver.bindAddress": "0.0.0.0"}
    return options


def java_home() -> str:
    """Home of the first Java 17 or 21 among JAVA_HOME, the PATH and the one that `make setup` installed.

    Raises:
        BadConfiguration: None of them is Java 17 or 21.
    """
    configured, on_path = os.environ.get("JAVA_HOME"), shutil.which("java")
    installed = SHARE / "java"
    homes = [Path(configured)] if configured else []
    homes += [Path(on_path).resolve().parent.parent] if on_path else []
    for home in [*homes, installed]:
        if _java_major(home) in JAVA_VERSIONS:
            return str(home)
    raise BadConfiguration("no Java 17 or 21: none in JAVA_HOME, on the PATH or from set-up. Run `make clean setup`.")


def _java_major(home: Path) -> str | None:
    java = home / "bin" / "java"
    if not java.exists():
        return None
    result = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=60, check=False)
    match = re.search(r'version "(\d+)', result.stderr + result.stdout)
    return match.group(1) if match else None


@dataclass(frozen=True)
class StageProgress:
    """Finished tasks and all tasks of the stages that are running now."""

    done: int
    total: int


@dataclass(frozen=True)
class StageMetrics:
    """Cost of a finished stage: its tasks, their total run time (seconds), and the bytes written for a shuffle."""

    stage_id: int
    tasks: int
    run_s: float
    shuffled_bytes: int


def stage_metrics(spark: SparkSession, after: int = -1) -> list[StageMetrics]:
    """Metrics of the finished stages with an id above `after`, oldest first; empty for a Connect session, which exposes none."""
    if is_connect(spark):
        return []
    context = spark.sparkContext
    store, gateway = context._jsc.sc().statusStore(), context._gateway
    assert gateway is not None
    no_quantiles = gateway.new_array(gateway.jvm.double, 0)
    listed = store.stageList(None, False, False, no_quantiles, None)
    metrics = []
    for i in range(listed.size()):
        stage = listed.apply(i)
        if stage.stageId() <= after:  # the list is newest first
            break
        if str(stage.status()) == "COMPLETE":
            run_s, shuffled_bytes = stage.executorRunTime() / 1000, stage.shuffleWriteBytes()
            metrics.append(StageMetrics(stage.stageId(), stage.numCompleteTasks(), run_s, shuffled_bytes))
    return sorted(metrics, key=lambda m: m.stage_id)


@contextmanager
def watched(
    started: Callable[[], SparkSession | None], report: Callable[[StageProgress], None], every_s: float = 0.5
) -> Iterator[None]:
    """Report the progress of the running stages from a separate thread while the block runs.

    A classic session is polled through its status tracker; a Connect session calls a progress handler.

    Args:
        started: Returns the session, or None before it has been started: the block may be what starts it.
        report: Called with the progress of the running stages.
        every_s: Seconds between two polls.
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
    """Whether this is a Spark Connect session, which has no access to the JVM."""
    return type(spark).__module__.startswith("pyspark.sql.connect")
