"""Fit the shrinkage strength of each level of the COEC back-off by maximum likelihood.

The model: the true rate of a unit (responses over expected responses) is Gamma distributed with mean m, the shrunk rate of the
level above, and shape s·m. Its responses, given the expected number, are Poisson distributed. With the rate integrated out, they
follow a negative binomial whose only free parameter is s, the strength: the number of expected responses at which a unit's own
data weigh as much as its parent. Source: the gamma-Poisson shrinker of DuMouchel 1999, "Bayesian data mining in large frequency
tables", with one component and the mean given by the parent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from features.build.engine import Prepared
from features.measures import CHAIN, MICRO, UNFITTED_STRENGTH, Sum

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]

DAYS = 28
KEYS = {
    "track": ["as_of", "language", "track_id_key"],
    "broader_pair": ["as_of", "language", "broader_key", "track_id_key"],
    "language_pair": ["as_of", "language", "need_key", "track_id_key"],
    "pair": ["as_of", "locale", "need_key", "track_id_key"],
}
LEAST_UNITS = 200  # units with expected responses that a fit needs
LOWEST, HIGHEST = 0.05, 1_000.0
MOST_ROWS = 200_000


@dataclass(frozen=True)
class Strength:
    """The strength of a level in a snapshot, and the number of units it was fitted on (0: it was not fitted)."""

    level: str
    strength: float
    units: int


def log_likelihood(strength: float, hits: Floats, expected: Floats, parent: Floats) -> float:
    """Σ ln P(hits | expected, parent, strength) over the units, without the terms that do not depend on the strength.

    Args:
        strength: shrinkage strength, in expected responses.
        hits: responses of each unit.
        expected: expected responses of each unit.
        parent: shrunk rate of the level above, for each unit.
    """
    import numpy as np
    from scipy.special import gammaln

    shape = strength * parent
    each = (
        gammaln(shape + hits) - gammaln(shape) + shape * np.log(strength) - (shape + hits) * np.log(strength + expected)
    )
    return float(each.sum())


def fitted_strength(level: str, hits: Floats, expected: Floats, parent: Floats) -> Strength:
    """The strength with the largest likelihood for the units' responses, within [0.05, 1000] and rounded to three digits.

    Units without expected responses are left out. With fewer than LEAST_UNITS others, the result is UNFITTED_STRENGTH with 0
    units. Arguments: see `log_likelihood`.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    kept = (expected > 0) & (parent > 0)
    hits, expected, parent = hits[kept], expected[kept], parent[kept]
    if len(hits) < LEAST_UNITS:
        return Strength(level, UNFITTED_STRENGTH, 0)
    bounds = (float(np.log(LOWEST)), float(np.log(HIGHEST)))
    optimum = minimize_scalar(
        lambda x: -log_likelihood(float(np.exp(x)), hits, expected, parent), bounds=bounds, method="bounded"
    )
    return Strength(level, float(f"{np.exp(optimum.x):.3g}"), len(hits))


def fitted_chain(rows: pd.DataFrame) -> list[Strength]:
    """The strength of each level of CHAIN for one snapshot, fitted from the track down to the pair.

    Each unit is compared with the levels above it without its own data: a parent that consists of this unit alone would otherwise
    confirm itself. Units whose parent has no other data are left out.

    Args:
        rows: one row per pair, with the keys of KEYS and, for each level, `<level>__responses` and `<level>__expected`.
    """
    import numpy as np

    out: list[Strength] = []
    for i, level in enumerate(CHAIN):
        units = rows.drop_duplicates(KEYS[level]).sort_values(KEYS[level])
        if level == "pair":  # the pairs of a language are the level above
            units = units[units["locale"].str.len() > 2]
        hits, expected = (units[f"{level}__{n}"].to_numpy(np.float64) for n in ("responses", "expected"))
        parent = np.ones(len(units))
        for above, known in zip(CHAIN[:i], out, strict=True):
            other_expected = np.maximum(units[f"{above}__expected"].to_numpy(np.float64) - expected, 0.0)
            other_hits = np.maximum(units[f"{above}__responses"].to_numpy(np.float64) - hits, 0.0)
            parent = (known.strength * parent + other_hits) / (known.strength + other_expected)
        alone = other_expected <= 1e-9 if i else np.zeros(len(units), bool)
        out.append(fitted_strength(level, hits[~alone], expected[~alone], parent[~alone]))
    return out


def fitted(sums: Prepared, most_rows: int = MOST_ROWS) -> dict[date, list[Strength]]:
    """Fit the strengths of each snapshot, on a sample of pairs that had expected responses in the 28 days before it.

    Args:
        sums: the prepared sums of a feature build.
        most_rows: about how many pairs are sampled at most; all pairs of a work are sampled together.

    Returns:
        Snapshot -> one Strength for each level of CHAIN; {} if no column of the build asks for COEC over 28 days.
    """
    of_levels = {
        f"{level}__{name}": Sum(level, measure, DAYS, None)
        for level in CHAIN
        for name, measure in (("responses", "responses"), ("expected", "expected_micro"))
    }
    if not set(of_levels.values()) <= set(sums.of_grain["need_track"][0]):
        return {}
    pairs = sums.sums_of_sample(list(of_levels.values()), Sum("pair", "expected_micro", DAYS, None), most_rows)
    names = {f"{s.level}__{s.column}": name for name, s in of_levels.items()}
    rows = pairs.select(*sorted({k for keys in KEYS.values() for k in keys}), *names).toPandas().rename(columns=names)
    rows[list(of_levels)] = rows[list(of_levels)].fillna(0).astype("float64")
    for level in CHAIN:
        rows[f"{level}__expected"] /= MICRO
    return {d: fitted_chain(rows[rows["as_of"] == d]) for d in sums.inputs.as_of}
