"""A night on a real standalone cluster with its lake in S3, and one step at a time in fresh processes, give the local release."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from jobs.graph import GRAPH
from lake.lock import LOCK, is_held
from lake.store import files_below, place
from tests.anywhere.cluster import Cluster
from tests.anywhere.conftest import ROOT, S3, SMALL, simulate

RUN_DATE = "2026-03-23"
LIMIT_S = 1800
LOCAL_FOLDERS = Path("/srv/playfirst-anywhere")  # not under /tmp, which hosts do not see


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, s3: S3) -> Path:
    """A small world on disk, and its logs and catalog in the bucket under world/."""
    root = simulate(tmp_path_factory.mktemp("world"))
    for file in [root / "catalog.jsonl.gz", *(root / "logs").rglob("*")]:
        if file.is_file():
            url = f"{s3.url()}/{s3.bucket}/world/{file.relative_to(root).as_posix()}"
            kind = {"Content-Type": "application/octet-stream"}  # moto would parse urllib's default, a form
            urllib.request.urlopen(urllib.request.Request(url, file.read_bytes(), kind, method="PUT"), timeout=60)
    return root


def command(module: str, home: str, world: str, scratch: Path, *more: str) -> list[str]:
    places = ("releases", "rankers", "reports", "lake.root", "tuning.sweeps", "quality.docs_dir")
    return [
        sys.executable,
        "-m",
        module,
        f"run_date={RUN_DATE}",
        f"logs={world}/logs",
        f"catalog={world}/catalog.jsonl.gz",
        *[f"{key}={home}/{key.removesuffix('.root').split('.')[-1]}" for key in places],
        f"cluster.work_dir={scratch}",
        f"privacy.simulated_key_file={scratch}/key",
        *SMALL,
        "nightly.tune=always",
        "tuning.trials=2",
        "tuning.max_trees=60",
        *more,
    ]


def run(words: Sequence[str], cwd: Path = ROOT) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=cwd)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@pytest.fixture(scope="module")
def local_id(world: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of the release of a night on this machine and its disk."""
    home = tmp_path_factory.mktemp("local")
    run(command("jobs.nightly", str(home), str(world), home / "spark", "nightly.until=publish"))
    return (home / "releases" / "CURRENT").read_text()


@pytest.fixture(scope="module")
def archive() -> Path:
    subprocess.run([sys.executable, "-m", "tools.dist"], check=True, timeout=600, capture_output=True, cwd=ROOT)
    return ROOT / "dist" / "playfirst-environment.tar.gz"


def started(words: Sequence[str], log: Path, **variables: str) -> subprocess.Popen[bytes]:
    """A night in a process group of its own, so that a signal to the group also meets its JVM and its Python workers."""
    env = {**os.environ, **variables}
    with log.open("wb") as out:
        return subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env=env, start_new_session=True)


def until(happened: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something has happened while a night runs."""
    deadline = time.monotonic() + LIMIT_S
    while not happened():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.2)


def is_committed(lake: Path, table: str) -> bool:
    """Whether a table has a Delta commit."""
    return any(n.startswith("_delta_log/0") for n in files_below(lake / table))


@pytest.mark.parametrize("event", ["nothing", "a worker comes late, then an executor is killed"])
def test_a_night_on_a_cluster_gives_the_local_release(
    event: str, s3: S3, world: Path, local_id: str, archive: Path, tmp_path: Path
) -> None:
    home = f"s3://{s3.bucket}/{'undisturbed' if event == 'nothing' else 'disturbed'}"
    with Cluster(LOCAL_FOLDERS) as cluster:
        assert cluster.is_isolated or os.geteuid() != 0
        cluster.add_worker("w1")
        if event == "nothing":
            cluster.add_worker("w2")
        options = "{spark.executor.memory: 1200m, spark.executor.cores: '1'}"
        words = command(
            "jobs.nightly",
            home,
            f"s3://{s3.bucket}/world",
            tmp_path / "spark",
            "cluster=standalone",
            f"cluster.master={cluster.master}",
            f"cluster.driver_host={cluster.driver_host}",
            f"cluster.archive={archive}",
            "cluster.memory=2g",
            "cluster.shuffle_partitions=4",
            "nightly.until=publish",
            f"cluster.extra={options}",
        )
        log = tmp_path / "night.log"
        night = started(words, log, AWS_ENDPOINT_URL=s3.url(cluster.driver_host))
        if event != "nothing":
            until(lambda: " understand " in log.read_text(), night, log)
            cluster.add_worker("w2")
            until(lambda: is_committed(place(home) / "lake", "snapshot_wordings"), night, log)  # by build_features
            assert cluster.kill_executor("w1") > 0
        assert night.wait(timeout=LIMIT_S) == 0, log.read_text()[-3000:]
        print(f"{event}:", log.read_text())
        assert (place(home) / "releases" / "CURRENT").read_text() == local_id
        assert not [n for n in files_below(place(home) / "lake") if n.startswith("checkpoints/")]


def test_what_befalls_drivers_on_s3_and_pods_without_a_disk(
    s3: S3, world: Path, local_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two nights at once; a driver killed in mid-commit; one that is stopped past its lease; then a fresh process for each step."""
    home, key = f"s3://{s3.bucket}/faults", tmp_path / "secret"  # which a scheduler mounts into every pod
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def words(name: str, *more: str) -> list[str]:
        given = (f"privacy.simulated_key_file={key}", *more)
        return command("jobs.nightly", home, f"s3://{s3.bucket}/world", tmp_path / name / "spark", *given)

    lake = place(home) / "lake"
    before = dict(s3.requests())
    killed = started(words("killed", "nightly.until=count_engagement"), tmp_path / "killed.log")
    until(lambda: is_held(lake / LOCK), killed, tmp_path / "killed.log")
    second = subprocess.run(
        words("second", "nightly.lock_wait_s=0"), capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=ROOT
    )
    assert second.returncode == 4 and "Wait for that run to end" in second.stderr, second.stderr[-2000:]

    def writes_counts() -> bool:  # data files of a table that has no commit yet
        data = any(n.endswith(".parquet") for n in files_below(lake / "daily_engagement"))
        return data and not is_committed(lake, "daily_engagement")

    until(writes_counts, killed, tmp_path / "killed.log")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(timeout=60)
    assert not is_committed(lake, "daily_engagement")

    stopped = started(words("stopped", "nightly.until=publish"), tmp_path / "stopped.log")
    until(lambda: " fit_exposure " in (tmp_path / "stopped.log").read_text(), stopped, tmp_path / "stopped.log")
    os.killpg(stopped.pid, signal.SIGSTOP)

    for step in GRAPH[:-1]:
        pod = tmp_path / f"pod-{step.name}"
        pod.mkdir()
        monkeypatch.setenv("HOME", str(pod))
        run(words(pod.name, f"nightly.only=[{step.name}]"), cwd=pod)
    assert (place(home) / "releases" / "CURRENT").read_text() == local_id

    def state() -> dict[str, object]:
        return {n: f for n, f in files_below(place(home)).items() if "_delta_log/" in n or n.startswith("releases/")}

    after_pods = state()
    os.killpg(stopped.pid, signal.SIGCONT)
    assert stopped.wait(timeout=LIMIT_S) == 4, (tmp_path / "stopped.log").read_text()[-3000:]
    assert state() == after_pods
    print("requests to S3:", {k: n - before.get(k, 0) for k, n in sorted(s3.requests().items())})
