"""The `@feature` declaration: everything about a feature, in one place.

    @feature(unit="clicks/impression", bounds=(0, 1), windows=(7, 28), monotone=+1)
    def click_rate(window: Window) -> Column:
        '''Share of the track's impressions for this need that were clicked.'''

The names of the columns follow from the function's name (`click_rate_7d`, `click_rate_28d`), family and grain from its module.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from features.window import ALL_TIME

if TYPE_CHECKING:
    from pyspark.sql import Column

    from features.window import Window

Grain = Literal["need_track", "need", "track"]
Oracle = Literal["exact", "real", "sketch"]
Compute = Callable[["Window"], "Column"]


class BadFeature(ValueError):
    """A declaration that contradicts itself; raised when its module is imported."""


@dataclass(frozen=True)
class Feature:
    """One declared feature.

    Args:
        name: name of the function; the columns' names begin with it.
        family: the module in `features`.
        grain: need_track, need or track.
        unit: unit of the value.
        low: least possible value; None for no bound.
        high: largest possible value; None for no bound.
        windows: lengths in days before the snapshot, one column each; ALL_TIME is the whole history.
        half_lives: half-lives of forward decay in days, one column each.
        monotone: +1 if the score may only rise with the value, -1 if it may only fall, 0 if it is free.
        null_means: what a null value means; None declares that the feature is never null.
        oracle: how closely an independent recomputation must agree: `exact` (counts, fixed-point sums), `real` (1e-9 relative) or
            `sketch` (15 % of the count).
        description: the function's docstring.
        compute: the function.
    """

    name: str
    family: str
    grain: Grain
    unit: str
    low: float | None
    high: float | None
    windows: tuple[int, ...]
    half_lives: tuple[int, ...]
    monotone: int
    null_means: str | None
    oracle: Oracle
    description: str
    compute: Compute

    @property
    def summary(self) -> str:
        """The first paragraph of the description, in one line."""
        return " ".join(self.description.split("\n\n")[0].split())

    def columns(self) -> tuple[FeatureColumn, ...]:
        """The feature's columns: one for each window and half-life, or a single one if it has neither."""
        spans: list[tuple[str, int | None, int | None]] = [
            (f"{self.name}_{'all' if d == ALL_TIME else f'{d}d'}", d, None) for d in self.windows
        ]
        spans += [(f"{self.name}_decayed_{h}d", None, h) for h in self.half_lives]
        return tuple(FeatureColumn(n, self, d, h) for n, d, h in spans or [(self.name, None, None)])


@dataclass(frozen=True)
class FeatureColumn:
    """One column of the feature matrix: a feature over one span (a window of `days`, a `half_life` in days, or neither)."""

    name: str
    feature: Feature
    days: int | None
    half_life: int | None


def feature(
    *,
    unit: str,
    bounds: tuple[float | None, float | None] = (None, None),
    windows: tuple[int, ...] = (),
    half_lives: tuple[int, ...] = (),
    monotone: int = 0,
    null: str | None = None,
    oracle: Oracle = "real",
) -> Callable[[Compute], Feature]:
    """Declare a feature; the decorated function computes it from a `Window`. Arguments: see `Feature`.

    Raises:
        BadFeature: the declaration contradicts itself, or lacks a docstring or a unit.
    """

    def declare(compute: Compute) -> Feature:
        module = inspect.getmodule(compute)
        family = compute.__module__.rsplit(".", 1)[-1]
        description = inspect.getdoc(compute) or ""
        low, high = bounds
        wrong = [
            problem
            for problem, is_wrong in (
                ("no docstring", not description),
                ("no unit", not unit),
                ("monotone not in -1, 0, +1", monotone not in (-1, 0, 1)),
                ("bounds upside down", low is not None and high is not None and low > high),
                ("a window of no day", any(d < 1 for d in windows + half_lives)),
            )
            if is_wrong
        ]
        if wrong:
            raise BadFeature(f"feature {compute.__name__} in features/{family}.py: {'; '.join(wrong)}")
        return Feature(
            compute.__name__,
            family,
            getattr(module, "GRAIN", "need_track"),
            unit,
            low,
            high,
            windows,
            half_lives,
            monotone,
            null,
            oracle,
            description,
            compute,
        )

    return declare
