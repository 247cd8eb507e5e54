"""A finished sweep on a real MLflow tracking server, read back with its own client."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.anywhere.conftest import environment
from tests.tuning.test_tracking import SETTINGS, swept
from tuning.tracking import EXPERIMENT, Targets, copied

CLIENT = """
import json, sys
import mlflow
client = mlflow.MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name(sys.argv[2])
rows = [
    {"name": r.info.run_name, "status": r.info.status, "params": r.data.params, "metrics": r.data.metrics, "tags": r.data.tags,
     "curve": [(m.step, m.value) for m in client.get_metric_history(r.info.run_id, "ndcg10_by_trees")]}
    for r in client.search_runs([experiment.experiment_id])
]
print(json.dumps(rows))
"""


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The Python of an environment with MLflow, and the address of its server."""
    python, home = environment("mlflow", "mlflow>=3,<4"), tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = [
        "--backend-store-uri",
        f"sqlite:///{home}/mlflow.db",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [str(python), "-m", "mlflow", "server", *words], stdout=log, stderr=log, cwd=home, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, home / "server.log", server)
        yield python, url
    finally:
        server.terminate()
        server.wait(timeout=60)


def _wait_for(url: str, log: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180
    while True:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5)
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > deadline or server.poll() is not None:
                raise AssertionError(log.read_text(errors="replace")[-2000:]) from None
            time.sleep(0.5)


def test_the_runs_are_there_for_mlflows_own_client(mlflow: tuple[Path, str], tmp_path: Path) -> None:
    python, url = mlflow
    assert copied(Targets(mlflow=url), tmp_path, SETTINGS, swept(tmp_path)) == [
        "sweep mine: 4 trials copied to tuning.mlflow"
    ]
    asked = subprocess.run(
        [str(python), "-c", CLIENT, url, EXPERIMENT], capture_output=True, text=True, timeout=180, check=False
    )
    assert asked.returncode == 0, asked.stderr[-2000:]
    runs = {run["name"]: run for run in json.loads(asked.stdout)}
    assert set(runs) == {"mine", "mine default", "mine earlier", "mine 1", "mine 2"}
    assert {run["status"] for run in runs.values()} == {"FINISHED"}
    assert runs["mine"]["metrics"]["ndcg10"] == 0.74 and runs["mine 1"]["params"]["num_leaves"] == "17"
    assert runs["mine 1"]["curve"] == [[10, 0.6], [20, 0.66]]
    assert "mlflow.parentRunId" in runs["mine 2"]["tags"]
