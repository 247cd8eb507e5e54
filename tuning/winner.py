"""The winner of a sweep, the rule by which it replaces the default, and the check that the trained ranker has its parameters."""

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
    """Parameters and tree count with the validation NDCG@10 that they reached (mean ± SE over the queries with a positive)."""

    params: dict[str, Any]
    trees: int
    valid_ndcg10: float
    features_fingerprint: str
    identity: str = ""  # SearchSettings.identity: only equal ones can be compared
    valid_se: float = 0.0

    @classmethod
    def of(cls, ranker: Ranker) -> Result:
        """The result of a ranker that was fitted with early stopping; it serves as the default where no sweep was run."""
        reached = float(ranker.metadata["valid_ndcg10"])
        return cls(ranker.params.to_dict(), ranker.trees, reached, ranker.features.fingerprint)


@dataclass(frozen=True)
class Winner(Result):
    """The best trial of a sweep with all trials, the failures in one line each, and the result of the default parameters."""

    sweep: str = ""
    rows: tuple[Trial, ...] = ()
    failures: tuple[str, ...] = ()
    default: Result | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())
    data: dict[str, Any] = field(default_factory=dict)  # tuning.data.SweepData.facts
    advice: str = ""  # the sweep whose winner the trial `earlier` is, if its data were the nearest
    seeds: dict[str, list[float]] = field(default_factory=dict)  # trial -> NDCG@10 with each seed
    gain: tuple[float, float, float] | None = None  # over the default: mean, and the ends of its paired 95 % interval
    optimism: float | None = (
        None  # by how much `valid_ndcg10` is expected to be too high; None where it cannot be estimated
    )
    is_whole: bool = True  # whether the sweep came to its own end, which trials or time budget set

    @property
    def best(self) -> Trial:
        """The trial that won."""
        own = [row for row in self.rows if (row.params, row.trees) == (self.params, self.trees)]
        return min(own, key=_rank)

    @property
    def front(self) -> list[Trial]:
        """The trials of which no other reaches as much at a lower cost of scoring, or more at the same: the cheapest first."""
        out: list[Trial] = []
        for row in sorted(
            (row for row in self.rows if row.comparisons), key=lambda one: (one.comparisons, *_rank(one))
        ):
            if not out or row.valid_ndcg10 > out[-1].valid_ndcg10:
                out.append(row)
        return out

    @property
    def trials(self) -> pd.DataFrame:
        """One row per finished trial, best first: the columns of the table `trials` without run_date, and valid_se."""
        import json

        import pandas as pd

        records = [
            {**asdict(row), "sweep": self.sweep, "params": json.dumps(row.params, sort_keys=True)}
            for row in ranked(self)
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
        gain = tuple(data["gain"]) if data.get("gain") else None
        return cls(**{**data, **listed, "rows": rows, "default": default, "gain": gain})


def best_of(
    trials: Sequence[Trial],
    sweep: str,
    identity: str,
    features_fingerprint: str,
    cheapest_within: float = 0.0,
    **about: Any,
) -> Winner:
    """The trial with the highest validation NDCG@10 (ties: fewer trees, then the parameters' text) as the winner.

    With `cheapest_within`, the one that costs least to score with among those that reach that value but for so much.

    Args:
        trials: the finished trials.
        sweep: the name of the sweep.
        identity: what the trials were evaluated on (`SearchSettings.identity`).
        features_fingerprint: fingerprint of the features that they were trained on.
        cheapest_within: NDCG@10 that a cheaper trial may have less than the best.
        **about: further fields of `Winner`, such as `failures`, `seconds` and `notes`.

    Raises:
        SweepFailed: there is no finished trial.
    """
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

    best = min(trials, key=_rank)
    near = [t for t in trials if t.comparisons and t.valid_ndcg10 >= best.valid_ndcg10 - cheapest_within]
    if cheapest_within and near:
        best = min(near, key=lambda trial: (trial.comparisons, *_rank(trial)))
    first = [Result(**result_of(trial)) for trial in trials if trial.trial_id == DEFAULT_TRIAL]
    return Winner(
        **result_of(best),
        sweep=sweep,
        rows=tuple(trials),
        default=first[0] if first else None,
        **about,
    )


def choose(default: Result, winner: Winner) -> Result:
    """The winner if its parameters differ from the default's and are not worse on validation, else the default.

    Both values are measured on the data that selected the winner among all trials, so the winner's is biased upwards. Only
    later data show what it is worth (`jobs.report`, or the next night's validation span).

    Raises:
        SweepMismatch: the two were not evaluated on the same examples, features and folds.
    """
    if (default.identity, default.features_fingerprint) != (winner.identity, winner.features_fingerprint):
        raise SweepMismatch(
            f"sweep {winner.sweep}: judged on {winner.identity[:12]}, the default on "
            f"{default.identity[:12]}; run jobs.tune again"
        )
    is_other = winner.params != default.params
    return winner if is_other and winner.valid_ndcg10 >= default.valid_ndcg10 else default


def assert_shipped(chosen: Result, ranker: Ranker) -> None:
    """Raise StaleRanker, naming each difference, unless `ranker` was trained with the chosen parameters, trees and features.

    It compares both the ranker's metadata and what LightGBM wrote into the model, where a renamed or dropped parameter shows. The
    check guards against the failure of MjoLniR, whose tuned models were never shipped.
    """
    tuned, recorded = RankerParams.from_dict(chosen.params), ranker.params.to_dict()
    pairs = ((name, recorded[name], value) for name, value in tuned.to_dict().items())
    wrong = [f"{name} is {actual!r}, tuned {value!r}" for name, actual, value in pairs if actual != value]
    grown_with = ranker.grown_with()
    for name, value in tuned.for_lightgbm(ranker.features, ranker.seed, 0).items():
        text = grown_with.get(name)
        if name not in ("num_threads", "metric", "verbosity") and not _same(text, value):
            wrong.append(f"{name} is {text!r} inside the model, tuned {value!r}")
    if ranker.trees != chosen.trees:
        wrong.append(f"trees is {ranker.trees}, tuned {chosen.trees}")
    grown = ranker.booster.num_trees()
    if grown > chosen.trees or (grown < chosen.trees and not ranker.metadata.get("exhausted")):
        wrong.append(f"the model holds {grown} trees, tuned {chosen.trees}")
    if ranker.features.fingerprint != chosen.features_fingerprint:
        wrong.append(f"features {ranker.features.fingerprint}, tuned {chosen.features_fingerprint}")
    if wrong:
        raise StaleRanker(f"ranker: not what was tuned: {'; '.join(wrong)}; run jobs.train again with the winner")


def _same(text: str | None, value: Any) -> bool:
    """Whether LightGBM's text of a parameter (`1`, `0.0651328` with six digits, `0,1,3`) is `value`."""
    if text is None:
        return False
    if isinstance(value, list):
        return [float(part) for part in text.split(",")] == [float(part) for part in value]
    if isinstance(value, str):
        return text == value
    return abs(float(text) - float(value)) <= 1e-5 * abs(float(value))


def ranked(winner: Winner) -> list[Trial]:
    """The finished trials, best first: by NDCG@10, then fewer trees, then the parameters' text."""
    return sorted(winner.rows, key=_rank)


def _rank(trial: Trial) -> tuple[float, int, str]:
    return -trial.valid_ndcg10, trial.trees, str(sorted(trial.params.items()))
