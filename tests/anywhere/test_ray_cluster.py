"""A sweep on a real Ray cluster of two nodes, each with its own object store and folder; one is killed while it works."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ranking.ranker import RankerParams
from tests.ranking.synthetic import FEATURES, frame, write
from tuning.child import run_search_in_child
from tuning.errors import SweepFailed
from tuning.progress import Progress
from tuning.settings import SearchSettings

SPACE = {
    "learning_rate": {"type": "loguniform", "low": 0.02, "high": 0.3},
    "num_leaves": {"type": "logint", "low": 4, "high": 32},
}
BASE = RankerParams(min_data_in_leaf=5, num_leaves=8).to_dict()
SETTINGS = SearchSettings(
    "s", SPACE, BASE, 6, 600, False, 2, 400, 300, report_every=5, patience=400, search="random", retries=3
)


@dataclass
class Cluster:
    """The address of a cluster, and the mark of its processes, which the name of their node follows."""

    address: str
    mark: str

    def kill(self, node: str) -> int:
        """Kill every process of a node, `first` or `second`; how many there were."""
        killed = 0
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if f"PLAYFIRST_NODE={self.mark}-{node}".encode() in (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
                    killed += 1
            except OSError:
                continue
        return killed


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    address, mark = f"127.0.0.1:{port}", f"{os.getpid()}-{port}"
    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    common = ["--num-cpus=1", "--object-store-memory=100000000", "--disable-usage-stats", "--node-ip-address=127.0.0.1"]
    temporary = Path(f"/tmp/pf-ray-{port}")
    starts = {
        "first": ["start", "--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={temporary}", *common],
        "second": ["start", f"--address={address}", *common],
    }
    for name, words in starts.items():
        folder = tmp_path / name
        folder.mkdir()
        environment = {**os.environ, "PLAYFIRST_NODE": f"{mark}-{name}", "RAY_USAGE_STATS_ENABLED": "0"}
        done = subprocess.run(
            [*ray, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    try:
        yield Cluster(address, mark)
    finally:
        for name in starts:
            Cluster(address, mark).kill(name)
        subprocess.run(["rm", "-rf", str(temporary)], check=False, timeout=60)


def test_the_same_trials_as_on_one_machine_also_when_a_node_dies(cluster: Cluster, tmp_path: Path) -> None:
    path = write(frame(queries=120, rows=20), tmp_path)  # trials of some seconds
    alone = run_search_in_child(SETTINGS, path, tmp_path / "alone", FEATURES)
    there = replace(SETTINGS, address=cluster.address)
    killed: list[int] = []

    def kill_once(state: Progress) -> None:
        # in the middle: the default is done, and trials of both nodes are running
        if not killed and len(state.finished) >= 2:
            killed.append(cluster.kill("second"))

    done = run_search_in_child(there, path, tmp_path / "there", FEATURES, on_progress=kill_once)
    assert killed and killed[0] >= 2, "the sweep was over before a node could be killed"
    assert not done.failures, done.failures
    values = [{t.trial_id: (t.valid_ndcg10, t.trees) for t in winner.rows} for winner in (alone, done)]
    assert values[0] == values[1] and len(values[0]) == 6
    assert done.params == alone.params


def test_no_cluster_there_ends_in_one_line(tmp_path: Path) -> None:
    path = write(frame(), tmp_path)
    with pytest.raises(SweepFailed, match=r"no Ray cluster at tuning.address=127.0.0.1:9 .*ray start"):
        run_search_in_child(replace(SETTINGS, address="127.0.0.1:9"), path, tmp_path / "none", FEATURES)


def test_a_node_that_does_not_see_the_data_is_named(cluster: Cluster, tmp_path: Path) -> None:
    import ray

    from tuning.nodes import check_nodes

    ray.init(address=cluster.address, log_to_driver=False)
    try:
        check_nodes("s", str(tmp_path))
        with pytest.raises(SweepFailed, match=r"node \S+ .* does not see /nowhere/bins"):
            check_nodes("s", "/nowhere/bins")
    finally:
        ray.shutdown()
