"""Airflow 3 DAG of the night: one task for each step of `night_graph.json`, which `make docs` writes from `jobs/graph.py`.

It imports nothing of playfirst: a task runs the command `playfirst` of the environment that PLAYFIRST_HOME names, as a list of
arguments. Settings beside the run date come from the variable PLAYFIRST_ARGS of the environment, separated by blanks.

Exit codes: 0 done; 1 is tried again; 2 and 3 fail at once, since only a person can mend them; 4 (another run holds the lake) waits and
is tried again. A task that was lost with its worker is run again: it finds what is done by the marks in the lake, and goes on.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.sensors.python import PythonSensor
from airflow.sdk import DAG
from airflow.timetables.trigger import CronTriggerTimetable

GRAPH = json.loads((Path(__file__).parent / "night_graph.json").read_text(encoding="utf-8"))
LIMIT = timedelta(hours=6)  # of one step


def command(*words: str) -> list[str]:
    """The command line of playfirst with the settings of the environment."""
    home = os.environ.get("PLAYFIRST_HOME", "")
    return [
        str(Path(home) / "bin" / "playfirst") if home else "playfirst",
        *words,
        *shlex.split(os.environ.get("PLAYFIRST_ARGS", "")),
    ]


def run_step(step: str, run_date: str) -> None:
    """Run one step of the night; its exit code decides whether Airflow tries again."""
    done = subprocess.run(
        command("nightly", f"nightly.only=[{step}]", f"run_date={run_date}"), timeout=LIMIT.total_seconds(), check=False
    )
    if done.returncode in (2, 3):
        raise AirflowFailException(f"{step}: exit {done.returncode}; the last line of the log says what to do")
    if done.returncode:
        raise AirflowException(f"{step}: exit {done.returncode}; it is tried again")


def is_delivered(run_date: str) -> bool:
    """Whether the day before the night is delivered whole. A wrong setting fails the sensor at once; what else fails is tried again."""
    done = subprocess.run(command("delivered", f"run_date={run_date}"), timeout=600, check=False)
    if done.returncode == 2:
        raise AirflowFailException(f"delivered: exit {done.returncode}; the last line of the log says what to do")
    if done.returncode not in (0, 3):
        raise AirflowException(f"delivered: exit {done.returncode}; it is tried again")
    return done.returncode == 0


with DAG(
    "playfirst_night",
    schedule=CronTriggerTimetable("0 2 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,  # a past night: airflow backfill create --dag-id playfirst_night --from-date … --to-date …
    max_active_runs=1,  # nights see each other's tables: one after the other
    max_active_tasks=1,  # the lake has one writer
    default_args={"retries": 6, "retry_delay": timedelta(minutes=10), "execution_timeout": LIMIT},
    doc_md=__doc__,
) as dag:
    wait = PythonSensor(
        task_id="log_day",
        python_callable=is_delivered,
        op_kwargs={"run_date": "{{ ds }}"},
        mode="reschedule",
        poke_interval=300,
        timeout=timedelta(hours=8).total_seconds(),
    )
    tasks = {
        step["name"]: PythonOperator(
            task_id=step["name"], python_callable=run_step, op_kwargs={"step": step["name"], "run_date": "{{ ds }}"}
        )
        for step in GRAPH["steps"]
    }
    for step in GRAPH["steps"]:
        for before in step["after"] or ["log_day"]:
            (wait if before == "log_day" else tasks[before]) >> tasks[step["name"]]
