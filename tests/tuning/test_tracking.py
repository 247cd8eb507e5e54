"""Finished sweeps in an Optuna storage and on an MLflow server (here one that only keeps what it is sent; a real one in tests/anywhere)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import optuna
import pytest

from ranking.ranker import RankerParams
from tuning.ledger import LEDGER, Ledger, Trial
from tuning.settings import SearchSettings
from tuning.tracking import EXPERIMENT, Targets, copied
from tuning.winner import DEFAULT_TRIAL, EARLIER_TRIAL, Winner, best_of

SPACE = {
    "num_leaves": {"type": "logint", "low": 7, "high": 63},
    "extra_trees": {"type": "choice", "values": [True, False]},
}
SETTINGS = SearchSettings("mine", SPACE, {}, 4, 60, True, 2, 100, 60)
BASE = RankerParams().to_dict()


def swept(folder: Path) -> Winner:
    ledger = Ledger(folder / LEDGER)
    ledger.begin("id", resume=False)
    ledger.add(Trial(DEFAULT_TRIAL, BASE, 40, 0.70, 0.01, 2.0, "completed"), [(20, 0.69), (40, 0.70)])
    ledger.add(Trial(EARLIER_TRIAL, BASE | {"num_leaves": 99}, 30, 0.71, 0.01, 2.0, "completed"), [(30, 0.71)])
    ledger.add(Trial("1", BASE | {"num_leaves": 17}, 20, 0.66, 0.01, 1.0, "stopped"), [(10, 0.6), (20, 0.66)])
    ledger.add(Trial("2", BASE | {"extra_trees": True}, 60, 0.74, 0.01, 3.0, "completed"), [(60, 0.74)])
    return best_of(ledger.trials, "mine", "id", "fp", optimism=0.01)


def test_an_optuna_study_has_every_trial_and_is_written_anew(tmp_path: Path) -> None:
    winner, url = swept(tmp_path), f"sqlite:///{tmp_path}/studies.db"
    for _ in range(2):
        notes = copied(Targets(optuna=url), tmp_path, SETTINGS, winner)
        assert notes == ["sweep mine: 4 trials copied to tuning.optuna"]
    study = optuna.load_study(study_name="mine", storage=url)
    assert [t.user_attrs["trial_id"] for t in study.trials] == ["default", "earlier", "1", "2"]
    assert study.best_trial.user_attrs["trial_id"] == "2" == study.user_attrs[EXPERIMENT]["winner"]
    assert study.best_params == {"num_leaves": 31, "extra_trees": True}
    assert study.trials[0].intermediate_values == {20: 0.69, 40: 0.70}
    assert study.trials[1].params == {} and study.trials[1].user_attrs["params"]["num_leaves"] == 99
    assert [t.state.name for t in study.trials] == ["COMPLETE", "COMPLETE", "PRUNED", "COMPLETE"]


def test_a_study_of_another_hand_stays(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    optuna.create_study(study_name="mine", storage=url).add_trial(optuna.trial.create_trial(value=1.0))
    [note] = copied(Targets(optuna=url), tmp_path, SETTINGS, swept(tmp_path))
    assert "there is a study mine that no sweep wrote" in note and "Nothing is lost" in note
    assert len(optuna.load_study(study_name="mine", storage=url).trials) == 1


def test_a_storage_that_does_not_open_is_a_note_without_its_address(tmp_path: Path) -> None:
    url = "postgresql://someone:secret@127.0.0.1:1/x"
    [note] = copied(Targets(optuna=url), tmp_path, SETTINGS, swept(tmp_path))
    assert "was not copied to tuning.optuna" in note and "secret" not in note
    assert "python -m jobs.sweeps sweep=mine tuning.optuna=" in note


class Kept:
    """What a server was sent: runs by id, and by run its tags, parameters and metrics."""

    def __init__(self) -> None:
        self.experiments: dict[str, str] = {}
        self.runs: dict[str, dict[str, Any]] = {}

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if path.startswith("experiments/get-by-name?experiment_name="):
            name = path.partition("=")[2]
            return {"experiment": {"experiment_id": self.experiments[name]}} if name in self.experiments else None
        if path == "experiments/create":
            return {"experiment_id": self.experiments.setdefault(body["name"], str(len(self.experiments) + 7))}
        if path == "runs/create":
            number = f"run{len(self.runs)}"
            tags = {tag["key"]: tag["value"] for tag in body["tags"]}
            self.runs[number] = {**body, "tags": tags, "params": {}, "metrics": [], "status": "RUNNING"}
            return {"run": {"info": {"run_id": number}}}
        run = self.runs[body["run_id"]]
        if path == "runs/log-batch":
            assert len(body.get("params", [])) <= 100 and len(body.get("metrics", [])) <= 1000
            run["params"] |= {p["key"]: p["value"] for p in body.get("params", [])}
            run["metrics"] += [(m["key"], m["step"], m["value"]) for m in body.get("metrics", [])]
        elif path == "runs/update":
            run["status"] = body["status"]
        return {}


@pytest.fixture
def server() -> Iterator[tuple[str, Kept]]:
    kept = Kept()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply({})

        def do_POST(self) -> None:
            self.reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def reply(self, body: dict[str, Any]) -> None:
            answer = kept.answer(self.path.removeprefix("/api/2.0/mlflow/"), body)
            content = json.dumps(answer or {"error_code": "RESOURCE_DOES_NOT_EXIST"}).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None: ...

    http = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}", kept
    http.shutdown()
    http.server_close()
    thread.join(timeout=10)


def test_mlflow_has_a_run_for_the_sweep_and_one_below_it_for_each_trial(
    server: tuple[str, Kept], tmp_path: Path
) -> None:
    url, kept = server
    for _ in range(2):
        assert copied(Targets(mlflow=url), tmp_path, SETTINGS, swept(tmp_path)) == [
            "sweep mine: 4 trials copied to tuning.mlflow"
        ]
    assert len(kept.experiments) == 1 and len(kept.runs) == 10
    parent, *trials = list(kept.runs.values())[:5]
    assert parent["run_name"] == "mine" and ("ndcg10", 0, 0.74) in parent["metrics"]
    assert parent["params"]["best"] == "2" and parent["params"]["objective"] == "lambdarank"
    assert {t["tags"]["mlflow.parentRunId"] for t in trials} == {"run0"}
    assert trials[2]["metrics"][:2] == [("ndcg10_by_trees", 10, 0.6), ("ndcg10_by_trees", 20, 0.66)]
    assert trials[2]["params"]["num_leaves"] == "17" and trials[2]["tags"]["state"] == "stopped"
    assert {run["status"] for run in kept.runs.values()} == {"FINISHED"}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9", "no MLflow server could be reached"),
        ("var/mlruns", "expected the address of a tracking server"),
    ],
)
def test_an_mlflow_server_that_is_not_there_is_a_note(url: str, why: str, tmp_path: Path) -> None:
    [note] = copied(Targets(mlflow=url), tmp_path, SETTINGS, swept(tmp_path))
    assert why in note and "again: python -m jobs.sweeps sweep=mine tuning.mlflow=" in note


def test_nothing_is_copied_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert copied(Targets(), tmp_path, SETTINGS, swept(tmp_path)) == []
