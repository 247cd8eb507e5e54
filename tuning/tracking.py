"""Finished sweeps for other tools: an Optuna storage, which optuna-dashboard opens, and an MLflow tracking server.

The ledger stays the record of a sweep; these are copies, made anew each time, and a copy that fails costs nothing but a note. MLflow
is spoken to over its REST API 2.0, so that no package is needed beside it.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tuning.ledger import LEDGER, Ledger
from tuning.settings import SearchSettings
from tuning.space import dimensions, distributions, point
from tuning.winner import Winner

EXPERIMENT = "playfirst"  # MLflow's experiment, and the mark of our studies
TIMEOUT_S = 20.0
_METRICS, _PARAMS = 900, 90  # MLflow takes at most 1,000 metrics and 100 parameters in a batch


@dataclass(frozen=True)
class Targets:
    """Where finished sweeps are copied to; "" is nowhere.

    Attributes:
        optuna: the URL of an Optuna storage, such as sqlite:///var/optuna.db.
        mlflow: the address of an MLflow tracking server, such as http://127.0.0.1:5000.
    """

    optuna: str = ""
    mlflow: str = ""


class CopyFailed(Exception):
    """A sweep could not be copied; the message says why in one line, without the address, which may hold a password."""


def copied(targets: Targets, folder: Path, settings: SearchSettings, winner: Winner) -> list[str]:
    """Copy a finished sweep to each target; one line for each, of what was copied or why not.

    Args:
        targets: where to.
        folder: the folder of the sweep, with its ledger.
        settings: the settings of the sweep.
        winner: its winner.
    """
    notes = []
    for name, url, copy in (("optuna", targets.optuna, to_optuna), ("mlflow", targets.mlflow, to_mlflow)):
        if not url:
            continue
        try:
            number = copy(url, settings, winner, Ledger(folder / LEDGER))
            notes.append(f"sweep {settings.name}: {number} trials copied to tuning.{name}")
        except CopyFailed as failure:
            notes.append(
                f"sweep {settings.name} was not copied to tuning.{name}: {failure}. Nothing is lost; "
                f"again: python -m jobs.sweeps sweep={settings.name} tuning.{name}=…"
            )
    return notes


def to_optuna(url: str, settings: SearchSettings, winner: Winner, ledger: Ledger) -> int:
    """Write the sweep as a study of its name; the number of trials.

    A trial has the searched parameters, the NDCG@10 of each report as intermediate values, and the rest as attributes. Trials outside
    of the search space (such as an earlier winner) have no parameters.

    Raises:
        CopyFailed: the storage cannot be opened or written, or has a study of that name that is not ours.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space, base = dimensions(settings.space), settings.base_params().to_dict()
    states = {"completed": optuna.trial.TrialState.COMPLETE}
    try:
        storage = optuna.storages.get_storage(url)
        if settings.name in {study.study_name for study in storage.get_all_studies()}:
            earlier = optuna.load_study(study_name=settings.name, storage=storage)
            if EXPERIMENT not in earlier.user_attrs:
                raise CopyFailed(f"there is a study {settings.name} that no sweep wrote; give the sweep another name")
            optuna.delete_study(study_name=settings.name, storage=storage)
        study = optuna.create_study(study_name=settings.name, storage=storage, direction="maximize")
        study.set_user_attr(EXPERIMENT, {"winner": winner.best.trial_id, "data": winner.data, "gain": winner.gain})
        for trial in ledger.trials:
            at = point(space, trial.params, base)
            about = {"trial_id": trial.trial_id, "trees": trial.trees, "se": trial.valid_se, "seconds": trial.seconds}
            study.add_trial(
                optuna.trial.create_trial(
                    state=states.get(trial.state, optuna.trial.TrialState.PRUNED),
                    value=trial.valid_ndcg10,
                    params=at or {},
                    distributions=distributions(space) if at else {},
                    intermediate_values=dict(ledger.curves.get(trial.trial_id, [])),
                    user_attrs=about if at else {**about, "params": trial.params},
                )
            )
    except CopyFailed:
        raise
    except Exception as error:  # SQLAlchemy and Optuna raise many classes, whose texts show the address
        raise CopyFailed(f"the storage could not be opened or written ({type(error).__name__})") from error
    return len(ledger.trials)


def to_mlflow(url: str, settings: SearchSettings, winner: Winner, ledger: Ledger) -> int:
    """Log the sweep as a run with one nested run a trial, in the experiment `playfirst`; the number of trials.

    Raises:
        CopyFailed: the server cannot be reached, or refuses.
    """
    server = _Server(url)
    experiment = server.experiment(EXPERIMENT)
    best = winner.best
    sweep = {"ndcg10": best.valid_ndcg10, "trees": float(best.trees), "trials": float(len(ledger.trials))}
    sweep |= {} if winner.default is None else {"default_ndcg10": winner.default.valid_ndcg10}
    sweep |= {} if winner.optimism is None else {"optimism": winner.optimism}
    about = {"space": ", ".join(settings.space), "best": best.trial_id}
    parent = server.run(experiment, settings.name, {})
    server.log(
        parent, {**settings.base_params().to_dict(), **about}, [(name, value, 0) for name, value in sweep.items()]
    )
    for trial in ledger.trials:
        tags = {"mlflow.parentRunId": parent, "state": trial.state}
        run = server.run(experiment, f"{settings.name} {trial.trial_id}", tags)
        reports = [("ndcg10_by_trees", value, trees) for trees, value in ledger.curves.get(trial.trial_id, [])]
        result = {"ndcg10": trial.valid_ndcg10, "trees": float(trial.trees), "seconds": trial.seconds}
        server.log(run, trial.params, [*reports, *((name, value, 0) for name, value in result.items())])
        server.end(run)
    server.end(parent)
    return len(ledger.trials)


class _Server:
    """MLflow's REST API 2.0, as far as it is used here (mlflow.org, REST API)."""

    def __init__(self, url: str) -> None:
        try:
            is_web = urlsplit(url).scheme in ("http", "https")
        except ValueError:  # such as http://[::1
            is_web = False
        if not is_web:
            raise CopyFailed("expected the address of a tracking server, such as http://127.0.0.1:5000")
        self.url = url.rstrip("/")

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call an endpoint: POST with a body, GET without."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/api/2.0/mlflow/{path}", data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                content: dict[str, Any] = json.loads(answer.read() or b"{}")
                return content
        except urllib.error.HTTPError as refusal:
            if refusal.code == 404:
                return {}
            raise CopyFailed(f"the server answered {refusal.code} to {path.partition('?')[0]}") from refusal
        except (OSError, ValueError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise CopyFailed(f"no MLflow server could be reached ({reason})") from error

    def experiment(self, name: str) -> str:
        """The id of the experiment, which is created if there is none."""
        there = self.call(f"experiments/get-by-name?experiment_name={quote(name)}").get("experiment")
        created = there or self.call("experiments/create", {"name": name})
        return str(self._of(created, "experiment_id"))

    def run(self, experiment: str, name: str, tags: Mapping[str, str]) -> str:
        """Begin a run; its id."""
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        asked = {"experiment_id": experiment, "run_name": name, "start_time": _now_ms(), "tags": listed}
        return str(self._of(self._of(self._of(self.call("runs/create", asked), "run"), "info"), "run_id"))

    def log(self, run: str, params: Mapping[str, Any], metrics: Sequence[tuple[str, float, int]]) -> None:
        """Log parameters, and metrics as (name, value, step)."""
        now = _now_ms()
        for part in _parts(list(params.items()), _PARAMS):
            listed = [{"key": key, "value": str(value)} for key, value in part]
            self.call("runs/log-batch", {"run_id": run, "params": listed})
        for values in _parts(list(metrics), _METRICS):
            rows = [{"key": key, "value": value, "timestamp": now, "step": step} for key, value, step in values]
            self.call("runs/log-batch", {"run_id": run, "metrics": rows})

    def end(self, run: str) -> None:
        """End a run."""
        self.call("runs/update", {"run_id": run, "status": "FINISHED", "end_time": _now_ms()})

    @staticmethod
    def _of(content: Any, key: str) -> Any:
        if not isinstance(content, dict) or key not in content:
            raise CopyFailed(f"the server's answer has no {key}: is it an MLflow tracking server?")
        return content[key]


def _now_ms() -> int:
    return int(time.time() * 1000)


def _parts(rows: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
