"""How much each level of the COEC back-off weighs against the one above it, fitted by maximum likelihood.

A level's rate of responses to expected ones is taken as Gamma with mean m, the shrunk rate of the level above, and shape s·m; its
responses, given what was expected, as Poisson. Summed over the rate that is a negative binomial in s alone, the strength: the
expected responses at which a level's own data weigh as much as its parent. Source: the gamma-Poisson shrinker of DuMouchel 1999,
"Bayesian data mining in large frequency tables", with one component and the mean given by the parent.
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
    "cluster_pair": ["as_of", "language", "cluster_id_key", "track_id_key"],
    "language_pair": ["as_of", "language", "query_key", "track_id_key"],
    "pair": ["as_of", "locale", "query_key", "track_id_key"],
}
LEAST_UNITS = 200  # with something expected of them: fewer say too little
LOWEST, HIGHEST = 0.05, 1_000.0
MOST_ROWS = 200_000


@dataclass(frozen=True)
class Strength:
    """The strength of a level in a snapshot, and how many of its units it was fitted on (0: it was not)."""

    level: str
    strength: float
    units: int


def log_likelihood(strength: float, hits: Floats, expected: Floats, parent: Floats) -> float:
    """Σ ln P(hits | expected, parent, strength), but for what does not depend on the strength."""
    import numpy as np
    from scipy.special import gammaln

    shape = strength * parent
    each = (
        gammaln(shape + hits) - gammaln(shape) + shape * np.log(strength) - (shape + hits) * np.log(strength + expected)
    )
    return float(each.sum())


def fitted_strength(level: str, hits: Floats, expected: Floats, parent: Floats) -> Strength:
    """The strength that makes the units' responses likeliest, in [0.05, 1000] and to three digits.

    Units of which nothing was expected are left out; with under 200 others the strength stays unfitted.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    kept = (expected > 0) & (parent > 0)
    hits, expected, parent = hits[kept], expected[kept], parent[kept]
    if len(hits) < LEAST_UNITS:
        return Strength(level, UNFITTED_STRENGTH, 0)
    bounds = (float(np.log(LOWEST)), float(np.log(HIGHEST)))
    found = minimize_scalar(
        lambda x: -log_likelihood(float(np.exp(x)), hits, expected, parent), bounds=bounds, method="bounded"
    )
    return Strength(level, float(f"{np.exp(found.x):.3g}"), len(hits))


def fitted_chain(rows: pd.DataFrame) -> list[Strength]:
    """A strength for each level of CHAIN, from the track down, of one snapshot.

    `rows`: one row per pair with `<level>__responses` and `<level>__expected`. A unit is judged against the levels above
    without its own data, or a level of one member would prove its parent right by itself; such levels teach nothing.
    """
    import numpy as np

    out: list[Strength] = []
    for i, level in enumerate(CHAIN):
        units = rows.drop_duplicates(KEYS[level]).sort_values(KEYS[level])
        if level == "pair":  # a roll-up's pairs are the level above
            units = units[units["locale"].str.len() > 2]
        hits, expected = (units[f"{level}__{n}"].to_numpy(np.float64) for n in ("responses", "expected"))
        parent = np.ones(len(units))
        for above, known in zip(CHAIN[:i], out, strict=True):
            more = np.maximum(units[f"{above}__expected"].to_numpy(np.float64) - expected, 0.0)
            met = np.maximum(units[f"{above}__responses"].to_numpy(np.float64) - hits, 0.0)
            parent = (known.strength * parent + met) / (known.strength + more)
        alone = more <= 1e-9 if i else np.zeros(len(units), bool)
        out.append(fitted_strength(level, hits[~alone], expected[~alone], parent[~alone]))
    return out


def fitted(sums: Prepared, most_rows: int = MOST_ROWS) -> dict[date, list[Strength]]:
    """The strengths of each snapshot, on the pairs of which something was expected before it: about `most_rows` at most, whole works.

    Empty where no column asks for COEC over 28 days.
    """
    of_levels = {
        f"{level}__{name}": Sum(level, measure, DAYS, None)
        for level in CHAIN
        for name, measure in (("responses", "responses"), ("expected", "expected_micro"))
    }
    if not set(of_levels.values()) <= set(sums.of_grain["query_track"][0]):
        return {}
    pairs = sums.sums_of_some(list(of_levels.values()), Sum("pair", "expected_micro", DAYS, None), most_rows)
    names = {f"{s.level}__{s.column}": name for name, s in of_levels.items()}
    rows = pairs.select(*sorted({k for keys in KEYS.values() for k in keys}), *names).toPandas().rename(columns=names)
    rows[list(of_levels)] = rows[list(of_levels)].fillna(0).astype("float64")
    for level in CHAIN:
        rows[f"{level}__expected"] /= MICRO
    return {d: fitted_chain(rows[rows["as_of"] == d]) for d in sums.inputs.as_of}
