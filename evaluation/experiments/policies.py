"""The verdict of an off-policy judgement: what target lists would have earned, by six estimators, each with its reliability."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.errors import MetricInput
from evaluation.experiments.settings import ExperimentSettings
from evaluation.intervals import Interval, clustered_interval
from evaluation.off_policy.positions import NOTHING, ListPolicy, item_position, list_weights, pseudo_inverse
from evaluation.off_policy.value import PolicyValue, TooFewEffective, importance_weights
from evaluation.off_policy.whole_lists import cell_means, clipped_ips, doubly_robust, ips, snips

Floats = npt.NDArray[np.float64]
Context = tuple[str, ...]
POSITIONS = 10  # what is compared of a list
BETWEEN = "\t"  # between the track_ids of a list, which is one text here
UNSEEN = 0.05  # the greatest probability that a context's log lacks one of its lists by chance
CONTEXT = ("release_id", "locale", "query")
ROW = (*CONTEXT, "user_id", "variant", "propensity", "results", "first_satisfied")


@dataclass(frozen=True)
class TargetValue:
    """One target policy.

    Args:
        searches: searches for which the target has a list.
        by_position_searches: of them, those whose context is known with all lists that could be served there.
        values: estimator → its value, or why it was refused.
    """

    searches: int
    by_position_searches: int
    values: dict[str, PolicyValue | str]


@dataclass(frozen=True)
class OffPolicyVerdict:
    """What each target would have earned per search, and what the log itself earned.

    The reward of a search is 1 if a track satisfied (heard for 30 s or to the end, saved or liked), credited to the position of
    the first such track; only the first POSITIONS of a list are compared.
    """

    logged: Interval
    searches: int
    targets: dict[str, TargetValue]


def known_contexts(rows: pd.DataFrame) -> dict[Context, dict[str, float]]:
    """Context → the lists that the log could serve there, with their probabilities; contexts not known for sure are left out.

    A context is known if its distinct lists have one propensity each, these sum to 1, and by its number of people a list would be
    lacking with probability UNSEEN at most: a person's searches of one context have one list, since the reader draws by unit. Without
    the last condition, contexts in which a rare list happens to be logged would be chosen, and the list would weigh too much.
    """
    out: dict[Context, dict[str, float]] = {}
    people = {key: len(set(of)) for key, of in rows.groupby(list(CONTEXT))["user_id"]}
    seen = rows.groupby([*CONTEXT, "results"])["propensity"].agg(["min", "max"]).reset_index()
    for context, part in seen.groupby(list(CONTEXT), sort=False):
        p = part["min"].to_numpy(dtype=np.float64)
        is_same = bool((part["max"].to_numpy() - p < 1e-6).all())
        lacking = float(((1 - p) ** people[context]).sum()) if len(p) > 1 else 0.0
        if is_same and abs(float(p.sum()) - 1) < 1e-4 and lacking <= UNSEEN:
            out[tuple(map(str, context))] = dict(zip(part["results"], p / p.sum(), strict=True))
    return out


def off_policy_verdict(
    rows: pd.DataFrame, targets: Mapping[str, Mapping[Context, str]], settings: ExperimentSettings
) -> OffPolicyVerdict:
    """Estimate the value of each target.

    Args:
        rows: one row per search with the columns ROW; `results` are the first POSITIONS track_ids joined by BETWEEN,
            `first_satisfied` the position of the first of them that satisfied, 0 if none did; no value is null.
        targets: target → context → the list that it would serve; a context without release_id is that of every release.
        settings: level, floor of the effective sample size, and clip.

    Raises:
        MetricInput: no search has a target list.
    """
    success = (rows["first_satisfied"] > 0).to_numpy(dtype=np.float64)
    logged = clustered_interval(success, np.ones(len(rows)), rows["user_id"].to_numpy(), level=settings.level)
    contexts = list(rows[list(CONTEXT)].itertuples(index=False, name=None))
    known = known_contexts(rows)
    out = {}
    for name, given in targets.items():
        lists = {c: x for c in set(contexts) if (x := given.get(c, given.get(("", *c[1:]), ""))) != ""}
        has_target = np.array([context in lists for context in contexts])
        if not has_target.any():
            raise MetricInput(
                f"experiment: target {name!r} has no list for any of the {len(rows):,} searches; its rows must name release_id, locale and "
                "query (the normal form) as the log has them. Without experiments.policies, only contexts count whose lists are all in the "
                "log with propensities that sum to 1: give a file of lists, or a longer log"
            )
        here = [context for context, is_here in zip(contexts, has_target, strict=True) if is_here]
        out[name] = _target_value(rows[has_target].reset_index(drop=True), here, lists, known, settings)
    return OffPolicyVerdict(logged, len(rows), out)


def _target_value(
    rows: pd.DataFrame,
    contexts: list[Context],
    lists: Mapping[Context, str],
    known: Mapping[Context, Mapping[str, float]],
    settings: ExperimentSettings,
) -> TargetValue:
    people, served = rows["user_id"].to_numpy(), list(rows["results"])
    success = (rows["first_satisfied"] > 0).to_numpy(dtype=np.float64)
    wanted = [lists[context] for context in contexts]
    is_target = np.array([a == b for a, b in zip(served, wanted, strict=True)], np.float64)
    weights = importance_weights(is_target, rows["propensity"].to_numpy(dtype=np.float64))
    level, least = settings.level, settings.least_effective
    model = cell_means(success, [BETWEEN.join(context) for context in contexts], served, wanted)
    values: dict[str, PolicyValue | str] = {}

    def put(name: str, estimate: Callable[[], PolicyValue]) -> None:
        try:
            values[name] = estimate()
        except TooFewEffective as refusal:
            values[name] = str(refusal)

    put("IPS", lambda: ips(success, weights, people, level=level, least_effective=least))
    put("SNIPS", lambda: snips(success, weights, people, level=level, least_effective=least))
    put(
        "clipped IPS",
        lambda: clipped_ips(success, weights, people, settings.clip, level=level, least_effective=least),
    )
    put(
        "doubly robust",
        lambda: doubly_robust(success, weights, people, model, level=level, least_effective=least),
    )
    complete = np.array([context in known for context in contexts])
    if not complete.any():
        values |= dict.fromkeys(
            ("item-position", "pseudo-inverse"),
            "in no context does the log show every list that could be served (propensities that sum to 1, enough searches)",
        )
        return TargetValue(len(rows), 0, values)
    part = rows[complete].reset_index(drop=True)
    of_part = [context for context, is_here in zip(contexts, complete, strict=True) if is_here]
    numbers: dict[str, int] = {}

    def coded(tracks: str) -> list[int]:
        codes = [numbers.setdefault(track, len(numbers)) for track in tracks.split(BETWEEN)]
        return codes + [NOTHING] * (POSITIONS - len(codes))

    logging = {
        c: ListPolicy(np.array([coded(x) for x in known[c]]), np.array(list(known[c].values()))) for c in set(of_part)
    }
    target = {c: ListPolicy(np.array([coded(lists[c])]), np.ones(1)) for c in set(of_part)}
    of_lists = list_weights(of_part, [coded(x) for x in part["results"]], logging, target)
    first = part["first_satisfied"].to_numpy(dtype=np.int64)
    by_position = (first[:, None] == np.arange(1, POSITIONS + 1)).astype(np.float64)
    owners = part["user_id"].to_numpy()
    # searches whose context cannot carry an estimator are left out of it
    fits, spans = of_lists.is_covered, of_lists.is_spanned
    put(
        "item-position",
        lambda: item_position(
            by_position[fits],
            of_lists.by_position[fits],
            owners[fits],
            reached=of_lists.is_reached[fits].any(axis=0),
            level=level,
            least_effective=least,
        ),
    )
    if not spans.any():
        values["pseudo-inverse"] = (
            "the target's lists are no combination of what was logged, so no weights make them of it"
        )
        return TargetValue(len(rows), int(fits.sum()), values)
    put(
        "pseudo-inverse",
        lambda: pseudo_inverse(
            by_position[spans].sum(axis=1), of_lists.whole[spans], owners[spans], level=level, least_effective=least
        ),
    )
    return TargetValue(len(rows), int(fits.sum()), values)
