"""The settings of a sweep: plain values that are passed as JSON to the sweep's own process."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from lake.errors import BadConfiguration
from ranking.dataset import FeatureList
from ranking.ranker import RankerParams
from tuning.proposals import OBJECTIVES, SEARCHES
from tuning.space import dimensions, refuse_idle

SPEC = "spec.json"  # of a sweep's folder: {settings, …}
_AT_LEAST = {
    "trials": 1,
    "time_budget_s": 1,
    "folds": 1,
    "report_every": 1,
    "max_trees": 1,
    "patience": 1,
    "grace_trees": 1,
    "concurrent": 1,
    "threads": 1,
    "object_store_mb": 80,
    "start_limit_s": 1,
    "seeds": 1,
    "retries": 0,
}


@dataclass(frozen=True)
class SearchSettings:
    """The settings of one sweep.

    Args:
        name: the sweep's name, which is also the name of its folder.
        space: the searched parameters with their ranges or choices (`tuning.space.dimensions`).
        base: the default ranker parameters. They are the first trial, and every trial takes from them what `space` does not
            search.
        trials: number of trials.
        time_budget_s: seconds that the trials may take.
        prune: True: ASHA stops trials that fall behind, and at `time_budget_s` the best trial so far wins, so the result depends
            on the order in which trials end. False: each trial ends by its number of trees alone, and a sweep that is not done at
            `time_budget_s` is aborted; with `search` design or random, the same settings and examples then give the same winner
            on any machine.
        folds: 1: fit on the train span and evaluate on the later validation span. 2 or more: evaluate each fold of alias
            clusters of the validation span with a fit on the other folds of the train span, and pool the queries.
        max_trees: trees at which a trial ends.
        start_limit_s: seconds that reading, binning and Ray's start may take in addition to `time_budget_s`.
        seed: seed of the search and of the fits.
        report_every: trees between two reports of the mean NDCG@10.
        patience: trees without a better NDCG@10 after which a trial ends.
        grace_trees: ASHA stops no trial before this progress, in trees of the default learning rate (`tuning.halving.progress`).
        concurrent: trials that run at the same time.
        threads: threads of one trial.
        object_store_mb: size of Ray's object store in MiB.
        resume: True keeps the finished trials of an earlier run of the same name.
        earlier: the parameters of an earlier sweep's winner. They are evaluated next to the default, so that a short sweep does
            not lose what a long one reached.
        search: how points are proposed: one of `tuning.proposals.SEARCHES`.
        seeds: fits of the best and of the default parameters, each with another seed, that show how much a seed changes.
        retries: how often a trial that ends with an error is tried again before the error stands.
        hold_back: True: the sweep does not read the newest snapshot, on which its winner can later be compared.
        recommend: True: without `earlier`, the second trial has the parameters that won the earlier sweep on the nearest data.
        permute_labels: True: the labels of each need are in a random order, so that the sweep shows what chance reaches.
        objectives: `ndcg10`, or `ndcg10` and `comparisons`: what TPE looks for (`tuning.proposals.OBJECTIVES`).
        cheapest_within: loss of NDCG@10 for which a trial whose model costs less to score with wins; 0: the best NDCG@10 wins.
        address: HOST:PORT of an existing Ray cluster, or `auto`, whose nodes run the trials (`tuning.nodes`); "" starts a private one.
    """

    name: str
    space: dict[str, Any]
    base: dict[str, Any]
    trials: int
    time_budget_s: float
    prune: bool
    folds: int
    max_trees: int
    start_limit_s: float
    seed: int = 1
    report_every: int = 10
    patience: int = 50
    grace_trees: int = 40
    concurrent: int = 2
    threads: int = 1
    object_store_mb: int = 200
    resume: bool = False
    earlier: dict[str, Any] | None = None
    search: str = "tpe"
    seeds: int = 1
    retries: int = 1
    hold_back: bool = False
    recommend: bool = False
    permute_labels: bool = False
    address: str = ""
    objectives: tuple[str, ...] = OBJECTIVES[:1]
    cheapest_within: float = 0.0

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}", self.name):
            raise BadConfiguration(f"tuning.name is {self.name!r}, expected letters, digits, dot, dash or underscore")
        if not re.fullmatch(r"|auto|[A-Za-z0-9.-]+:\d{1,5}", self.address):
            raise BadConfiguration(
                f"tuning.address is {self.address!r}, expected HOST:PORT of a running Ray cluster, or auto; this command must run on "
                "one of its nodes"
            )
        low = [
            f"{key} is {getattr(self, key)!r}, expected {least} or more"
            for key, least in _AT_LEAST.items()
            if not isinstance(getattr(self, key), int | float) or getattr(self, key) < least
        ]
        if low:
            raise BadConfiguration(f"tuning: {'; '.join(low)}; mend conf/search_space or the command line")
        if self.search not in SEARCHES:
            nearest = difflib.get_close_matches(self.search, SEARCHES, 1, 0.0)[0]
            raise BadConfiguration(
                f"tuning.search is {self.search!r}, expected one of {', '.join(SEARCHES)} (nearest: {nearest})"
            )
        object.__setattr__(self, "objectives", tuple(self.objectives))  # a list where it was read from JSON
        if self.objectives not in (OBJECTIVES[:1], OBJECTIVES):
            raise BadConfiguration(
                f"tuning.objectives is {list(self.objectives)}, expected [ndcg10] or [ndcg10,comparisons]"
            )
        if len(self.objectives) > 1 and self.search != "tpe":
            raise BadConfiguration(f"tuning.objectives needs tuning.search=tpe: {self.search} looks for nothing")
        if not 0 <= self.cheapest_within < 1:
            raise BadConfiguration(f"tuning.cheapest_within is {self.cheapest_within}, expected 0 to 1, such as 0.001")
        refuse_idle(dimensions(self.space), RankerParams.from_dict(self.base))
        RankerParams.from_dict(self.earlier or {})

    def base_params(self) -> RankerParams:
        """The default parameters, with every parameter set and checked."""
        return RankerParams.from_dict(self.base)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    def identity(self, features: FeatureList, examples_fingerprint: str) -> str:
        """SHA-256 of all that a trial's NDCG depends on besides its parameters; only results of equal identity compare."""
        # hold_back and permute_labels change the examples, and so their fingerprint
        judged = {key: getattr(self, key) for key in ("folds", "seed", "report_every", "max_trees", "patience")}
        parts = [judged, list(features.names), list(features.monotone), features.fingerprint, examples_fingerprint]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
