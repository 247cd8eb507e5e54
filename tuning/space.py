"""The search space: plain data (conf/search_space/*.yaml) is checked and turned into Optuna's distributions."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from lake.errors import BadConfiguration
from ranking.ranker import RankerParams, check_names

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Value = float | int | bool | str
_RANGES = {"uniform": float, "loguniform": float, "int": int, "logint": int}
_KINDS = (*_RANGES, "choice")
ONLY_LAMBDARANK = ("lambdarank_truncation_level", "lambdarank_norm", "label_gain")


@dataclass(frozen=True)
class Dimension:
    """One searched parameter: `uniform`, `loguniform`, `int`, `logint` in `low` … `high` inclusive, or a `choice`."""

    name: str
    kind: str
    low: float = 0.0
    high: float = 0.0
    values: tuple[Value, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether `value` lies in this dimension."""
        if self.kind == "choice":
            return any(value == known and type(value) is type(known) for known in self.values)
        return isinstance(value, int | float) and self.low <= value <= self.high


def dimensions(space: Mapping[str, Any]) -> tuple[Dimension, ...]:
    """The dimensions of a space `{parameter: {type, low, high | values}}`, in its order.

    Each end of a range and each choice must be a value that the ranker accepts.

    Raises:
        BadConfiguration: names every fault.
    """
    if not space:
        raise BadConfiguration("search_space: empty, expected at least one parameter; see conf/search_space/smoke.yaml")
    check_names(space)
    out, wrong = [], []
    for name, given in space.items():
        try:
            out.append(_dimension(name, given))
        except BadConfiguration as error:
            wrong.append(str(error))
    if wrong:
        raise BadConfiguration(f"search_space: {'; '.join(wrong)}; see conf/search_space/smoke.yaml")
    return tuple(out)


def refuse_idle(space: tuple[Dimension, ...], base: RankerParams) -> None:
    """Raise BadConfiguration if a parameter is searched that cannot change any trial, or set in `base` to no effect.

    The ranking parameters act with `lambdarank` alone, and `bagging_by_query` only where rows are sampled at all
    (LightGBM's parameter documentation).

    Args:
        space: the searched parameters.
        base: the values of the parameters that are not searched.
    """
    searched = {dimension.name: dimension for dimension in space}
    objectives = searched["objective"].values if "objective" in searched else (base.objective,)
    samples_rows = "bagging_fraction" in searched or base.bagging_fraction < 1
    idle = {} if "lambdarank" in objectives else dict.fromkeys(ONLY_LAMBDARANK, "acts with objective=lambdarank only")
    if not samples_rows:
        idle["bagging_by_query"] = "acts with a bagging_fraction below 1 only"
    usual = RankerParams()
    active = [f.name for f in fields(RankerParams) if f.name not in idle]
    wrong = [
        f"{name} {why} (nearest that acts: {difflib.get_close_matches(name, active, 1, 0.0)[0]})"
        for name, why in idle.items()
        if name in searched or getattr(base, name) != getattr(usual, name)
    ]
    if wrong:
        objective = f"objective is {' or '.join(map(str, objectives))}"
        raise BadConfiguration(f"search_space, ranker: no effect: {'; '.join(wrong)}; {objective}; leave it out")


def distributions(space: tuple[Dimension, ...]) -> dict[str, BaseDistribution]:
    """The same space as Optuna's distributions."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    by_name: dict[str, BaseDistribution] = {}
    for dimension in space:
        if dimension.kind == "choice":
            by_name[dimension.name] = CategoricalDistribution(dimension.values)
        elif _RANGES[dimension.kind] is int:
            low, high = int(dimension.low), int(dimension.high)
            by_name[dimension.name] = IntDistribution(low, high, log=dimension.kind == "logint")
        else:
            log = dimension.kind == "loguniform"
            by_name[dimension.name] = FloatDistribution(dimension.low, dimension.high, log=log)
    return by_name


def design(space: tuple[Dimension, ...], points: int, seed: int) -> list[dict[str, Value]]:
    """A fixed design of `points` points: one random point, then a scrambled Sobol sequence; equal arguments give equal points.

    The points are spread more evenly than random ones (Bergstra & Bengio 2012, §4) and known before any trial has ended.
    """
    import warnings

    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls this sampler experimental
        sampler = optuna.samplers.QMCSampler(
            qmc_type="sobol", scramble=True, seed=seed, warn_independent_sampling=False
        )
    study = optuna.create_study(sampler=sampler)
    sampled: list[dict[str, Value]] = []
    for _ in range(points):
        trial = study.ask(distributions(space))
        sampled.append(dict(trial.params))
        study.tell(trial, 0.0)
    return sampled


def point(space: tuple[Dimension, ...], params: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Value] | None:
    """The searched parameters of a trial, or None where it is not a point of this space.

    That is so if a searched value lies outside of its dimension, or a parameter that is not searched differs from `base`.
    """
    searched = {dimension.name for dimension in space}
    fixed_differ = any(params[name] != base[name] for name in params if name not in searched)
    if fixed_differ or not all(dimension.holds(params[dimension.name]) for dimension in space):
        return None
    return {dimension.name: params[dimension.name] for dimension in space}


def _dimension(name: str, given: Any) -> Dimension:
    if not isinstance(given, Mapping) or "type" not in given:
        raise BadConfiguration(f"{name} is {given!r}, expected {{type, low, high}} or {{type: choice, values}}")
    kind = given["type"]
    if kind not in _KINDS:
        nearest = (difflib.get_close_matches(str(kind), _KINDS, 1, 0.0) or _KINDS)[0]
        raise BadConfiguration(f"{name}.type is {kind!r}, expected one of {', '.join(_KINDS)} (nearest: {nearest})")
    wanted = {"type", "values"} if kind == "choice" else {"type", "low", "high"}
    if set(given) != wanted:
        raise BadConfiguration(f"{name} has keys {sorted(given)}, expected {sorted(wanted)} for {kind}")
    if kind == "choice":
        # as the ranker has them: a trial's lambda_l2 is 10.0, also if the space says 10
        values = tuple(getattr(RankerParams.from_dict({name: value}), name) for value in given["values"])
        if not values or len(set(values)) != len(values):
            raise BadConfiguration(f"{name}.values is {list(values)}, expected one or more distinct values")
        return Dimension(name, kind, values=values)
    ends = [_RANGES[kind](end) if _is_end(end, kind) else end for end in (given["low"], given["high"])]
    if not all(_is_end(end, kind) for end in ends) or ends[0] >= ends[1] or (kind.startswith("log") and ends[0] <= 0):
        expected = f"{_RANGES[kind].__name__}s{' above 0' if kind.startswith('log') else ''}, low < high"
        raise BadConfiguration(f"{name}: low {ends[0]!r}, high {ends[1]!r}, expected {expected}")
    _accepted(name, (ends[0], ends[1]))
    return Dimension(name, kind, ends[0], ends[1])


def _is_end(end: Any, kind: str) -> bool:
    whole = isinstance(end, int) and not isinstance(end, bool)
    return whole or (_RANGES[kind] is float and isinstance(end, float))


def _accepted(name: str, values: tuple[Any, ...]) -> None:
    for value in values:
        RankerParams.from_dict({name: value})
