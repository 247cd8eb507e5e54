"""Position curves from comparisons of a track with itself: a Bradley–Terry fit over all pairs of positions, with shrinkage.

`hits[r, s]` is what a position got when it was compared with another (`labels.exposure.position_counts`). Whatever the relevance of
the tracks, E hits[r, s] / E hits[s, r] = w(r) / w(s) with w the propensity of a position, so that hits[r, s] out of hits[r, s] +
hits[s, r] have the expected share w(r) / (w(r) + w(s)). This is the model of paired comparisons of Bradley & Terry 1952. It has the
estimating equations of the Poisson regression on all positions with one effect for each pair of need and track, with each pair's counts
reduced to sums that one shuffle gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

STEPS = 60  # of Newton's method, at most
TOLERANCE = 1e-10
POWER_SPREAD = 0.5  # of the power to which a cell's curve is that of its parent
WEAKEST, STRONGEST = 1.0, 10_000.0  # bounds of a fitted strength, in clicks


def propensities(hits: Floats, parent: Floats, strength: float) -> Floats:
    """Curves, [n, positions]: propensity of each position over that of the first, never rising.

    The likelihood is that of Bradley & Terry; each step from a position to the next has `strength` more hits, divided as the parent's
    curve says, which joins positions that no track connects. The steps of the fitted curve that rise are levelled by isotonic
    regression (pool adjacent violators, Ayer et al. 1955), weighted by hits.

    Args:
        hits: [n, positions, positions], see the module; the diagonal is not read.
        parent: [n, positions], the curves to shrink to.
        strength: shrinkage strength, in clicks, above 0.
    """
    import numpy as np

    n, size = parent.shape
    wins = hits * (1 - np.eye(size))
    step = np.arange(size - 1)
    first = parent[:, :-1] / (parent[:, :-1] + parent[:, 1:])
    wins[:, step, step + 1] += strength * first
    wins[:, step + 1, step] += strength * (1 - first)
    won, both = wins.sum(axis=2), wins + wins.transpose(0, 2, 1)
    log_w = np.log(parent / parent[:, :1])
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(log_w[:, None, :] - log_w[:, :, None]))  # w(r) / (w(r) + w(s))
        gradient = won - (both * share).sum(axis=2)
        curvature = both * share * (1 - share)
        hessian = np.einsum("nr,rs->nrs", curvature.sum(axis=2), np.eye(size)) - curvature
        move = np.zeros((n, size))
        move[:, 1:] = np.linalg.solve(hessian[:, 1:, 1:], gradient[:, 1:, None])[:, :, 0]
        log_w += np.clip(move, -1.0, 1.0)
        if np.abs(move).max() < TOLERANCE:
            break
    return np.stack([_never_rising(one, weight) for one, weight in zip(np.exp(log_w), both.sum(axis=2), strict=True)])


def _never_rising(curve: Floats, weight: Floats) -> Floats:
    """The curve that never rises and is nearest to the given one; its first position is 1."""
    import numpy as np
    from scipy.optimize import isotonic_regression

    level = isotonic_regression(curve, weights=np.maximum(weight, 1e-9), increasing=False).x
    return np.asarray(np.minimum(1.0, level / level[0]), dtype=np.float64)


def steepened(hits: Floats, parent: Floats) -> Floats:
    """The parent's curves to the power that fits best: w = parent^g, [n, positions].

    Clients differ in how far their listeners look, and then in all positions at once: one number is known from far fewer clicks than
    ten steps. g is fitted to all comparisons by the likelihood of Bradley & Terry, with a normal prior of mean 1 and deviation POWER_SPREAD.

    Args:
        hits: [n, positions, positions], see the module.
        parent: [n, positions], the curves of the parent.
    """
    import numpy as np

    first, other = np.triu_indices(parent.shape[1], 1)
    won, lost = hits[:, first, other], hits[:, other, first]
    log_w = np.log(parent)
    apart = log_w[:, first] - log_w[:, other]
    power = np.ones(len(parent))
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(-power[:, None] * apart))
        gradient = ((won - (won + lost) * share) * apart).sum(axis=1) - (power - 1) / POWER_SPREAD**2
        curvature = ((won + lost) * share * (1 - share) * apart**2).sum(axis=1) + 1 / POWER_SPREAD**2
        move = np.clip(gradient / curvature, -0.5, 0.5)
        power += move
        if np.abs(move).max() < TOLERANCE:
            break
    return np.asarray(np.exp(np.maximum(power, 0.0)[:, None] * log_w), dtype=np.float64)


def fitted_strength(hits: Sequence[Floats], squares: Sequence[Floats], parents: Sequence[Floats]) -> float:
    """The strength, in clicks, with which the steps of several cells are shrunk to those of their parents.

    The log of a cell's step from a position to the next differs from the parent's by chance, with variance v = squares/hits² +
    squares'/hits'², and by the cells' own variance t². `strength` hits, divided as the parent says with share p, have the variance
    1/(strength·p·(1 − p)), which is set equal to t². (The fit of a curve takes hits for Poisson counts, which are less certain than v
    says, and takes a click once for each position that it is compared with: in simulated cells the two errors cancel.)
    Sources: the moment estimator of t² of DerSimonian & Laird 1986; the variance of a Mantel–Haenszel sum over sparse strata, Greenland
    & Robins 1985.

    Args:
        hits: [positions, positions] of each cell.
        squares: the variance of each of the hits, where clicks are Poisson (`labels.exposure.position_counts`).
        parents: the curve of each cell's parent.
    """
    import numpy as np

    gaps, variances, shares = [], [], []
    for own, square, parent in zip(hits, squares, parents, strict=True):
        step = np.arange(len(parent) - 1)
        here, after = own[step, step + 1], own[step + 1, step]
        known = (here >= 1) & (after >= 1)
        expected = parent[1:] / parent[:-1]
        gaps += list(np.log(after[known] / here[known]) - np.log(expected[known]))
        of_here, of_after = square[step, step + 1], square[step + 1, step]
        variances += list(of_here[known] / here[known] ** 2 + of_after[known] / after[known] ** 2)
        shares += list((expected / (1 + expected) ** 2)[known])
    if len(gaps) < 2:
        return STRONGEST
    weight = 1 / np.array(variances)
    mean = float((weight * gaps).sum() / weight.sum())
    excess = float((weight * (np.array(gaps) - mean) ** 2).sum()) - (len(gaps) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(excess / scale, 0.0)
    strength = 1 / (between * float(np.mean(shares))) if between > 0 else STRONGEST
    return float(f"{min(max(strength, WEAKEST), STRONGEST):.3g}")


def t_95(freedom: int) -> float:
    """The 97.5 % point of Student's t."""
    from scipy.stats import t

    return float(t.ppf(0.975, freedom))
