"""The scheduler files do what they say: the DAG is parsed and RUN by Airflow over a small world, the CronJob fits its schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.graph import GRAPH
from lake.commits import units_written
from night.step import feeders
from tests.anywhere.conftest import ROOT, SMALL, environment, simulate

ORCHESTRATION = ROOT / "orchestration"
RUN_DATE = "2026-03-23"
DAGS = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
dag = bag.dags["playfirst_night"]
edges = {t.task_id: sorted(t.upstream_task_ids) for t in dag.tasks}
print("DAG " + json.dumps({"errors": {k: str(v) for k, v in bag.import_errors.items()}, "edges": edges}))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, world: Path) -> dict[str, str]:
    """Airflow's environment variables, with an empty database of its own and playfirst's places under the world."""
    python = environment("airflow", "apache-airflow>=3.3,<4")
    places = {
        "logs": "logs",
        "catalog": "catalog.jsonl.gz",
        "lake.root": "lake",
        "releases": "releases",
        "rankers": "rankers",
        "reports": "reports",
        "tuning.sweeps": "sweeps",
        "quality.docs_dir": "docs",
        "privacy.simulated_key_file": "key",
        "cluster.work_dir": "spark",
    }
    arguments = [f"{key}={world / name}" for key, name in places.items()]
    home = tmp_path_factory.mktemp("airflow")
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ORCHESTRATION / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PLAYFIRST_HOME": sys.prefix,
        "PLAYFIRST_ARGS": " ".join([*arguments, *SMALL, "nightly.tune=never"]),
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "PYTHON_OF_AIRFLOW": str(python),
    }
    subprocess.run(
        [str(python.parent / "airflow"), "db", "migrate"], env=env, check=True, timeout=300, capture_output=True
    )
    return env


def test_the_dag_has_the_edges_of_the_graph(airflow: dict[str, str]) -> None:
    command = [airflow["PYTHON_OF_AIRFLOW"], "-c", DAGS, str(ORCHESTRATION / "airflow")]
    out = subprocess.run(command, env=airflow, capture_output=True, text=True, timeout=300, check=True).stdout
    seen = json.loads(next(line for line in out.splitlines() if line.startswith("DAG "))[4:])
    assert seen["errors"] == {}
    assert seen["edges"] == {"log_day": []} | {s.name: sorted(feeders(s, GRAPH) or ["log_day"]) for s in GRAPH}


def test_airflow_runs_the_night_and_finds_it_done_again(airflow: dict[str, str], world: Path) -> None:
    for wanted in ("worked", "skipped"):
        command = [
            str(Path(airflow["PYTHON_OF_AIRFLOW"]).parent / "airflow"),
            "dags",
            "test",
            "playfirst_night",
            RUN_DATE,
        ]
        done = subprocess.run(command, env=airflow, capture_output=True, text=True, timeout=1500, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        records = sorted((world / "reports" / "runs").glob("*.json"), key=lambda f: f.stat().st_mtime)[
            -len(GRAPH) + 1 :
        ]
        steps = {s["step"]: s["skipped"] for f in records for s in json.loads(f.read_text())["steps"]}
        never = {"tune"}  # nightly.tune=never
        assert {n for n, skipped in steps.items() if skipped} - never == (
            set(steps) - never if wanted == "skipped" else set()
        )
    assert (world / "releases" / "CURRENT").read_text().startswith(RUN_DATE)
    assert units_written(world / "lake", "head_rankings").keys() == {RUN_DATE}


def test_a_night_that_nobody_delivered_fails_its_sensor_softly_and_a_wrong_setting_at_once(
    airflow: dict[str, str],
) -> None:
    words = airflow["PLAYFIRST_ARGS"].split()
    playfirst = str(Path(sys.prefix) / "bin" / "playfirst")
    for run_date, more, code in ((RUN_DATE, [], 0), ("2026-03-25", [], 3), (RUN_DATE, ["nightly.tune=sometimes"], 2)):
        done = subprocess.run(
            [playfirst, "delivered", f"run_date={run_date}", *words, *more],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stderr


def test_the_cron_job_fits_the_schema_of_kubernetes() -> None:
    python = environment("kubernetes", "kubernetes-validate>=1.30")
    command = [
        str(python.parent / "kubernetes-validate"),
        "--strict",
        str(ORCHESTRATION / "kubernetes" / "cronjob.yaml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_timer_is_one_that_systemd_reads() -> None:
    unit = (ORCHESTRATION / "systemd" / "playfirst-night.timer").read_text()
    [when] = [line.partition("=")[2] for line in unit.splitlines() if line.startswith("OnCalendar=")]
    assert when == "*-*-* 02:00:00 UTC"
    service = (ORCHESTRATION / "systemd" / "playfirst-night.service").read_text()
    assert "RestartPreventExitStatus=2 3 4" in service
