"""The outcome of a sweep, the rule by which it replaces the default, and the check that it is what was shipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lake.errors import StaleRanker
from ranking.ranker import Ranker, RankerParams
from tuning.errors import SweepFailed, SweepMismatch
from tuning.ledger import Trial

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_TRIAL, EARLIER_TRIAL = "default", "earlier"


@dataclass(frozen=True)
class Result:
    """Parameters and tree count with the validation NDCG@10 they reached (mean over queries with a positive ± SE)."""

    params: dict[str, Any]
    trees: int
    valid_ndcg10: float
    features_fingerprint: str
    identity: str = ""  # of what it was judged on (SearchSettings.identity); only equal ones compare
    valid_se: float = 0.0

    @classmethod
    def of(cls, ranker: Ranker) -> Result:
        """What a ranker that was fitted with early stopping reached: the default where no sweep was run."""
        reached = float(ranker.metadata["valid_ndcg10"])
        return cls(ranker.params.to_dict(), ranker.trees, reached, ranker.features.fingerprint)


@dataclass(frozen=True)
class Winner(Result):
    """The best trial of a sweep, and the sweep: all trials, the failures in one line each, the default's own result."""

    sweep: str = ""
    rows: tuple[Trial, ...] = ()
    failures: tuple[str, ...] = ()
    default: Result | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def trials(self) -> pd.DataFrame:
        """One row per finished trial: columns of the table `trials` but run_date, and valid_se; best first."""
        import json

        import pandas as pd

        records = [
            {**asdict(row), "sweep": self.sweep, "params": json.dumps(row.params, sort_keys=True)}
            for row in sorted(self.rows, key=_rank)
        ]
        return pd.DataFrame(
            records, columns=["sweep", "trial_id", "params", "trees", "valid_ndcg10", "valid_se", "seconds", "state"]
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Winner:
        """The inverse of `to_dict`."""
        default = Result(**data["default"]) if data["default"] else None
        rows = tuple(Trial(**row) for row in data["rows"])
        listed = {key: tuple(data[key]) for key in ("failures", "notes")}
        return cls(**{**data, **listed, "rows": rows, "default": default})


def best_of(trials: Sequence[Trial], sweep: str, identity: str, features_fingerprint: str, **about: Any) -> Winner:
    """The trial with the highest validation NDCG@10 (ties: fewer trees, then the parameters' text) as the winner."""
    if not trials:
        failed = about.get("failures") or ("none was reported",)
        raise SweepFailed(
            f"sweep {sweep}: no trial finished; the last failure: {failed[-1]}; raise "
            "tuning.time_budget_s or look into sweep.log beside its ledger"
        )

    def result_of(trial: Trial) -> dict[str, Any]:
        return {
            "params": trial.params,
            "trees": trial.trees,
            "valid_ndcg10": trial.valid_ndcg10,
            "features_fingerprint": features_fingerprint,
            "identity": identity,
            "valid_se": trial.valid_se,
        }

    first = [Result(**result_of(trial)) for trial in trials if trial.trial_id == DEFAULT_TRIAL]
    return Winner(
        **result_of(min(trials, key=_rank)),
        sweep=sweep,
        rows=tuple(trials),
        default=first[0] if first else None,
        **about,
    )


def choose(default: Result, winner: Winner) -> Result:
    """The winner if its parameters are others than the default's and not worse on validation, else the default.

    Both figures are of the data that chose the winner, among as many trials as there were, so the winner's is flattered by that:
    what it is worth is told by later data (`jobs.report`, or the next night's validation span).

    Raises SweepMismatch if they were not judged on the same examples, features and folds.
    """
    if (default.identity, default.features_fingerprint) != (winner.identity, winner.features_fingerprint):
        raise SweepMismatch(
            f"sweep {winner.sweep}: judged on {winner.identity[:12]}, the default on "
            f"{default.identity[:12]}; run jobs.tune again"
        )
    is_other = winner.params != default.params
    return winner if is_other and winner.valid_ndcg10 >= default.valid_ndcg10 else default


def assert_shipped(chosen: Result, ranker: Ranker) -> None:
    """Raise StaleRanker, naming each difference, unless `ranker` was made of the chosen parameters, trees and features.

    Compares what the ranker says of itself and what LightGBM wrote into the model: a renamed or dropped parameter
    shows there (MjoLniR's tuned models never shipped, STYLE).
    """
    wanted, said = RankerParams.from_dict(chosen.params), ranker.params.to_dict()
    pairs = ((name, said[name], value) for name, value in wanted.to_dict().items())
    wrong = [f"{name} is {found!r}, tuned {value!r}" for name, found, value in pairs if found != value]
    grown_with = ranker.grown_with()
    for name, value in wanted.for_lightgbm(ranker.features, ranker.seed, 0).items():
        found = grown_with.get(name)
        if name not in ("num_threads", "metric", "verbosity") and not _same(found, value):
            wrong.append(f"{name} is {found!r} inside the model, tuned {value!r}")
    if ranker.trees != chosen.trees:
        wrong.append(f"trees is {ranker.trees}, tuned {chosen.trees}")
    grown = ranker.booster.num_trees()
    if grown > chosen.trees or (grown < chosen.trees and not ranker.metadata.get("exhausted")):
        wrong.append(f"the model holds {grown} trees, tuned {chosen.trees}")
    if ranker.features.fingerprint != chosen.features_fingerprint:
        wrong.append(f"features {ranker.features.fingerprint}, tuned {chosen.features_fingerprint}")
    if wrong:
        raise StaleRanker(f"ranker: not what was tuned: {'; '.join(wrong)}; run jobs.train again with the winner")


def _same(found: str | None, value: Any) -> bool:
    """Whether LightGBM's text (`1`, `0.0651328`: six digits, `0,1,3`) says `value`."""
    if found is None:
        return False
    if isinstance(value, list):
        return found.split(",") == [str(part) for part in value]
    if isinstance(value, str):
        return found == value
    return abs(float(found) - float(value)) <= 1e-5 * abs(float(value))


def _rank(trial: Trial) -> tuple[float, int, str]:
    return -trial.valid_ndcg10, trial.trees, str(sorted(trial.params.items()))
