"""The ranker: validated parameters, reproducible boosting, early stopping by our NDCG, a saved model with integrity checks."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lake.errors import BadConfiguration, PlayfirstError, StaleRanker
from lake.store import write_file
from ranking.comparisons import comparisons_by_tree
from ranking.dataset import Examples, FeatureList, Floats, in_memory

if TYPE_CHECKING:
    import lightgbm as lgb
    import pandas as pd

FORMAT_VERSION = 1
NDCG_K = 10
DECIMALS = 9  # scores are stored and compared rounded to 1e-9
OBJECTIVES = ("lambdarank", "rank_xendcg", "regression")
_GAINS = {"exp2": [0, 1, 3, 7, 15], "linear": [0, 1, 2, 3, 4]}
_BOUNDS: dict[str, tuple[float, float]] = {  # inclusive
    "learning_rate": (1e-4, 1.0),
    "num_leaves": (2, 4095),
    "min_data_in_leaf": (1, 1_000_000),
    "min_sum_hessian_in_leaf": (0.0, 1e6),
    "feature_fraction": (0.05, 1.0),
    "bagging_fraction": (0.05, 1.0),
    "lambda_l2": (0.0, 1e4),
    "path_smooth": (0.0, 1e4),
    "lambdarank_truncation_level": (1, 10_000),
    "max_bin": (7, 1023),
}
_CHOICES = {"objective": OBJECTIVES, "label_gain": tuple(_GAINS)}


class RankerCorrupt(PlayfirstError):
    """A saved ranker is missing or incomplete, or its bytes are not those that were written."""


@dataclass(frozen=True)
class RankerParams:
    """The LightGBM parameters that may be set, by LightGBM's own names; validated on construction.

    `label_gain` is `exp2` (2^grade − 1) or `linear`; it, the truncation level and the norm apply to `lambdarank` only. `monotone`
    enforces the monotone directions of the feature catalogue. `use_quantized_grad` is not offered, because it crashes with
    lambdarank in LightGBM 4.7.0. The defaults are a conservative lambdarank, close to LightGBM's own.

    `use_<family>` is ours: without it the columns of that feature family split nothing (LightGBM's `feature_contri` is 0 for them), so
    that a sweep can leave families out of data that are binned once. The model still expects these columns, and ignores them.
    """

    objective: str = "lambdarank"
    learning_rate: float = 0.1
    num_leaves: int = 31
    min_data_in_leaf: int = 50
    min_sum_hessian_in_leaf: float = 1e-3
    feature_fraction: float = 0.8
    bagging_fraction: float = 1.0
    bagging_by_query: bool = False
    lambda_l2: float = 1.0
    path_smooth: float = 0.0
    extra_trees: bool = False
    lambdarank_truncation_level: int = 20
    lambdarank_norm: bool = True
    label_gain: str = "exp2"
    max_bin: int = 255
    monotone: bool = True
    use_engagement: bool = True
    use_coec: bool = True
    use_trend: bool = True
    use_sequence: bool = True
    use_text: bool = True
    use_constraints: bool = True
    use_collaborative: bool = True
    use_need: bool = True
    use_track: bool = True

    def __post_init__(self) -> None:
        wrong = [message for name, value in asdict(self).items() if (message := _wrong(name, value))]
        if wrong:
            raise BadConfiguration(f"ranker parameters: {'; '.join(wrong)}; mend conf/ranker or the search space")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RankerParams:
        """Parameters from plain data, with defaults for the rest; raises BadConfiguration for an unknown key or a wrong value."""
        check_names(values)
        return cls(**{name: _as_declared(name, value) for name, value in values.items()})

    def to_dict(self) -> dict[str, Any]:
        """Every parameter as plain data, in declared order."""
        return asdict(self)

    def for_lightgbm(self, features: FeatureList, seed: int, threads: int) -> dict[str, Any]:
        """LightGBM's complete parameters for one fit; `deterministic` and `force_row_wise` make the fit reproducible.

        Raises BadConfiguration if a family is to be left out and the features have none.
        """
        own = ("label_gain", "monotone", *FAMILY_SWITCHES.values())
        out = {k: v for k, v in asdict(self).items() if k not in own}
        out |= {
            "seed": seed,
            "num_threads": threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
            "metric": "None",
            "feature_pre_filter": False,
            "min_data_in_bin": 3,
            "data_random_seed": 1,
            "bagging_freq": 1 if self.bagging_fraction < 1 else 0,
        }
        if self.objective == "lambdarank":
            out["label_gain"] = _GAINS[self.label_gain]
        else:
            del out["lambdarank_truncation_level"], out["lambdarank_norm"]
        if self.monotone and any(features.monotone):
            out["monotone_constraints"] = list(features.monotone)
        left_out = {family for family, switch in FAMILY_SWITCHES.items() if not getattr(self, switch)}
        if left_out and not features.families:
            raise BadConfiguration(
                f"ranker: {', '.join(sorted(left_out))} cannot be left out of features without families"
            )
        if left_out & set(features.families):
            out["feature_contri"] = [0.0 if family in left_out else 1.0 for family in features.families]
        return out


# feature family -> the parameter that says whether its columns are used
FAMILY_SWITCHES = {f.name.removeprefix("use_"): f.name for f in fields(RankerParams) if f.name.startswith("use_")}


def check_names(values: Mapping[str, Any]) -> None:
    """Raise BadConfiguration if a key is not a ranker parameter; the error suggests the nearest valid name."""
    known = [f.name for f in fields(RankerParams)]
    unknown = [
        f"{key} (nearest: {(difflib.get_close_matches(str(key), known, 1, 0.0) or known)[0]})"
        for key in values
        if key not in known
    ]
    if unknown:
        raise BadConfiguration(f"ranker parameters: unknown {', '.join(unknown)}; expected some of {', '.join(known)}")


class Boosting:
    """A fit in progress: it grows tree by tree, and gives the scores of the validation rows at any point."""

    def __init__(self, train: lgb.Dataset, params: Mapping[str, Any], valid: lgb.Dataset | None = None) -> None:
        import lightgbm as lgb

        self.booster = lgb.Booster(dict(params), train)
        self.exhausted = False  # LightGBM found no further split: more rounds add nothing
        if valid is not None:
            self.booster.add_valid(valid, "valid")

    def grow(self, trees: int) -> None:
        """Grow up to `trees` more trees; fewer if no split is left."""
        for _ in range(trees):
            if self.exhausted:
                return
            self.exhausted = bool(self.booster.update())

    def comparisons(self, first: int) -> float:
        """Comparisons that the trees from number `first` on make for a row, on average (`ranking.comparisons`)."""
        grown = self.booster.num_trees()
        if first >= grown:
            return 0.0
        return sum(
            comparisons_by_tree(self.booster.model_to_string(start_iteration=first, num_iteration=grown - first))
        )

    def valid_scores(self) -> Floats:
        """Scores of the validation rows by the trees so far, rounded as served scores are."""
        seen: list[Floats] = []

        def keep(scores: Floats, _: lgb.Dataset) -> tuple[str, float, bool]:
            seen.append(np.round(scores, DECIMALS))
            return "kept", 0.0, True

        self.booster.eval_valid(feval=keep)
        return seen[0]


def ndcg_of_queries(grades: npt.NDArray[np.int32], scores: Floats, group_sizes: npt.ArrayLike) -> Floats:
    """NDCG@10 of each need (exp2 gain, expected value over ties); NaN for a need without a positive."""
    from evaluation.metrics import ndcg_by_group

    return ndcg_by_group(grades, scores, group_sizes, NDCG_K, gain="exp2", ties="expected")


@dataclass(frozen=True)
class Ranker:
    """A fitted ranker.

    Args:
        booster: LightGBM's model.
        features: the feature columns that it reads, in order.
        params: the parameters of the fit.
        trees: the number of trees asked for; `booster` has fewer if no split was left.
        seed: the seed of the fit.
        metadata: what else is stored with the model: rows, needs, versions, validation score.
        threads: threads for scoring.
    """

    booster: lgb.Booster
    features: FeatureList
    params: RankerParams
    trees: int
    seed: int
    metadata: dict[str, Any] = field(default_factory=dict)
    threads: int = 1

    def scores(self, matrix: Floats | pd.DataFrame) -> Floats:
        """One score for each row, float64, rounded to 1e-9. The columns of a frame must be the features, by name and in order.

        Raises StaleRanker for other columns, another order or a dtype other than float64 (float32 features changed scores by up
        to .02, and with them the order).
        """
        checked = self._checked(matrix)
        scores: Floats = np.asarray(self.booster.predict(checked, num_threads=self.threads), np.float64)
        return scores.round(DECIMALS) + 0.0  # turns -0.0 into 0.0

    def contributions(self, matrix: Floats | pd.DataFrame) -> Floats:
        """TreeSHAP values, rows × (features + 1): the last column is the expected score, and each row sums to its raw score.

        Source: Lundberg et al. 2018 (arXiv 1802.03888), LightGBM's `pred_contrib`.
        """
        checked = self._checked(matrix)
        return np.asarray(self.booster.predict(checked, pred_contrib=True, num_threads=self.threads), np.float64)

    def model_text(self) -> str:
        """LightGBM's model text with the thread count set to 0, so that equal models have equal bytes on any machine."""
        text: str = self.booster.model_to_string()
        return "\n".join("[num_threads: 0]" if line.startswith("[num_threads:") else line for line in text.split("\n"))

    def grown_with(self) -> dict[str, str]:
        """The parameters that LightGBM wrote into the model, as text: those with which the trees were really grown."""
        lines = self.model_text().partition("\nparameters:")[2].partition("end of parameters")[0].splitlines()
        pairs = (line.strip("[]").partition(": ") for line in lines if line.startswith("["))
        return {name.rstrip(":"): value for name, _, value in pairs}

    def save(self, folder: Path) -> None:
        """Write `model.txt`, and `ranker.json` with the SHA-256 of it. The same ranker gives the same bytes."""
        text = self.model_text().encode()
        card = {
            "format_version": FORMAT_VERSION,
            "model_sha256": hashlib.sha256(text).hexdigest(),
            "features": list(self.features.names),
            "monotone": list(self.features.monotone),
            "families": list(self.features.families),
            "features_fingerprint": self.features.fingerprint,
            "params": self.params.to_dict(),
            "trees": self.trees,
            "seed": self.seed,
            "metadata": self.metadata,
        }
        described = json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False).encode()
        # after a crash between the two files, the hash does not match
        for name, content in (("model.txt", text), ("ranker.json", described)):
            write_file(folder / name, content)

    def _checked(self, matrix: Floats | pd.DataFrame) -> Floats:
        expected = list(self.features.names)
        columns = getattr(matrix, "columns", None)
        if columns is not None and (actual := [str(name) for name in columns]) != expected:
            raise StaleRanker(f"ranker: {self.features.difference(actual)}; select the ranker's feature names in order")
        values = np.asarray(matrix)
        if values.ndim != 2 or values.shape[1] != len(expected) or values.dtype != np.float64:
            raise StaleRanker(
                f"ranker: matrix is {values.dtype}{list(values.shape)}, expected float64[rows, "
                f"{len(expected)}]; build it from this ranker's feature list"
            )
        return values


def fit(
    examples: Examples,
    params: RankerParams,
    *,
    trees: int | None = None,
    max_trees: int = 500,
    patience: int = 50,
    every: int = 5,
    seed: int = 1,
    threads: int = 1,
    metadata: Mapping[str, Any] | None = None,
) -> Ranker:
    """Fit a ranker, either with a fixed number of trees on every row, or with early stopping on the train span.

    Early stopping uses our mean NDCG@10 over the validation needs that have a positive, because LightGBM's own counts needs
    without one as 1 and breaks ties by row order. Examples, parameters and seed determine the model; the number of threads does
    not.

    Args:
        examples: the training examples.
        params: parameters of LightGBM.
        trees: exactly this many trees, grown on all rows; None for early stopping.
        max_trees: trees at most, with early stopping.
        patience: stop after this many trees without a better NDCG@10.
        every: trees grown between two looks at NDCG@10.
        seed: LightGBM's seed.
        threads: LightGBM's threads. The default is one, because idle threads spin: on a busy machine two took 5 times as long (50
            trees, 67,200 × 45).
        metadata: stored with the ranker.

    Raises:
        TrainingImpossible: the examples, or one of their two spans, have no grade above 0.
    """
    given = dict(metadata or {}) | {"needs": len(examples.qids), "rows": len(examples.grades)}
    settings = params.for_lightgbm(examples.features, seed, threads)
    if trees is not None:
        examples.require_positive("all spans")
        run = Boosting(in_memory(examples, params.objective, params.max_bin, threads), settings)
        run.grow(trees)
        return _ranker(run, examples, params, trees, seed, threads, given)
    train, valid = examples.halves()
    data = in_memory(train, params.objective, params.max_bin, threads)
    held_out = in_memory(valid, params.objective, params.max_bin, threads, reference=data)
    run = Boosting(data, settings, held_out)
    best, best_trees, grown = -1.0, every, 0
    while grown < max_trees and not run.exhausted and grown - best_trees < patience:
        run.grow(min(every, max_trees - grown))
        grown = run.booster.num_trees()
        reached = float(np.nanmean(ndcg_of_queries(valid.grades, run.valid_scores(), valid.group_sizes)))
        if reached > best:
            best, best_trees = reached, max(grown, 1)
    return _ranker(run, examples, params, best_trees, seed, threads, given | {"valid_ndcg10": best})


def load(folder: Path, expected: FeatureList | None = None, threads: int = 1) -> Ranker:
    """The ranker saved in `folder`. Its SHA-256 is checked before LightGBM reads it, because a corrupt text kills the process.

    Args:
        folder: where `Ranker.save` wrote it.
        expected: the features that it must have been trained on; None for any.
        threads: threads for scoring.

    Raises:
        RankerCorrupt: files are missing, unreadable, of another format or altered.
        StaleRanker: its features are not `expected`; the error names the first differences.
    """
    return read_ranker(*content_of(folder), str(folder), expected, threads)


def content_of(folder: Path) -> tuple[bytes, bytes]:
    """The content of a ranker's `model.txt` and `ranker.json`. Raises RankerCorrupt if one cannot be read."""
    try:
        return (folder / "model.txt").read_bytes(), (folder / "ranker.json").read_bytes()
    except OSError as error:
        raise RankerCorrupt(f"ranker {folder}: unreadable ({error!r}); run jobs.train again") from error


def read_ranker(
    text: bytes, card_text: bytes, folder: str, expected: FeatureList | None = None, threads: int = 1
) -> Ranker:
    """The ranker of the content of `model.txt` and `ranker.json`; errors as for `load`.

    Args:
        text: the content of `model.txt`.
        card_text: the content of `ranker.json`.
        folder: where they were read, for error messages.
        expected: the features that it must have been trained on; None for any.
        threads: threads for scoring.
    """
    import lightgbm as lgb

    try:
        card = json.loads(card_text)
        wanted, version = card["model_sha256"], card["format_version"]
        families = tuple(card.get("families", ()))
        features = FeatureList(tuple(card["features"]), tuple(card["monotone"]), card["features_fingerprint"], families)
        fit_facts = (int(card["trees"]), int(card["seed"]), dict(card["metadata"]))
    except (ValueError, KeyError, TypeError) as error:
        raise RankerCorrupt(f"ranker {folder}: unreadable ({error!r}); run jobs.train again") from error
    if version != FORMAT_VERSION:
        raise RankerCorrupt(f"ranker {folder}: format {version}, expected {FORMAT_VERSION}; run jobs.train again")
    if (digest := hashlib.sha256(text).hexdigest()) != wanted:
        raise RankerCorrupt(f"{folder}/model.txt: SHA-256 {digest[:12]}, expected {wanted[:12]}; run jobs.train again")
    if expected is not None and (expected.fingerprint, expected.names) != (features.fingerprint, features.names):
        raise StaleRanker(
            f"ranker {folder}: fingerprint {features.fingerprint}, expected {expected.fingerprint}; "
            f"{expected.difference(features.names)}; run jobs.train again"
        )
    params = RankerParams.from_dict(card["params"])
    return Ranker(lgb.Booster(model_str=text.decode()), features, params, *fit_facts, threads)


def _ranker(
    run: Boosting, examples: Examples, params: RankerParams, trees: int, seed: int, threads: int, given: dict[str, Any]
) -> Ranker:
    """The first `trees` trees as a ranker, read back from their text, so that it scores exactly like a loaded one."""
    import lightgbm as lgb

    booster = lgb.Booster(model_str=run.booster.model_to_string(num_iteration=trees))
    given |= {"lightgbm": lgb.__version__, "exhausted": run.exhausted}
    return Ranker(booster, examples.features, params, trees, seed, given, threads)


def _as_declared(name: str, value: Any) -> Any:
    """The value; an int is converted if the parameter is a float (YAML writes 1 for 1.0), and nothing else is."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole and isinstance(getattr(RankerParams, name), float) else value


def _wrong(name: str, value: Any) -> str | None:
    kind = type(getattr(RankerParams, name))
    if type(value) is not kind:
        return f"{name} is {value!r}, expected {kind.__name__}"
    if name in _CHOICES and value not in _CHOICES[name]:
        return f"{name} is {value!r}, expected one of {', '.join(_CHOICES[name])}"
    if name in _BOUNDS and not _BOUNDS[name][0] <= value <= _BOUNDS[name][1]:
        return f"{name} is {value}, expected {_BOUNDS[name][0]:g} to {_BOUNDS[name][1]:g}"
    return None
