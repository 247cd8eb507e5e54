"""Detect feature columns that know the label: two tests of every column of the training examples, with limits from the others.

1. *Does the column know the label week better than the weeks after it?* A pair that was shown in its label week and again in the
   label weeks of the next snapshots is compared with itself. If the label week is like the others, its share of the pair's
   successes is its share of the pair's exposure. How good the track is cancels out, and with it everything that a column from
   before the snapshot can know; only the random deviation of that one week is left. A column correlated with this deviation has
   seen the label week. The score is Σ φ·(s − (s + s')·e/(e + e')), where s and e are the successes and the exposure of the label
   week, s' and e' those of the weeks after, and φ the column's rank within its need minus the need's mean. The terms are summed
   by need, each need's sum is divided by its own standard deviation, and the total by its standard error between needs.
   Sources: the self-controlled comparison of Farrington 1995, "Relative incidence estimation from case series for vaccine safety
   evaluation"; the later weeks are a negative-control outcome (Lipsitch, Tchetgen Tchetgen & Cohen 2010); the standard error is
   the sandwich estimator of Liang & Zeger 1986, clustered by need.
2. *Does the column order the grades better than an honest column could?* The test uses areas under the ROC curve at every grade
   cut, pooled and within a need, over all tracks and over the shown ones. The columns of a cut are sorted by area and walked
   upwards from the median: if a column leaves less than half of the error (1 − area) of the one before it, it and all above it
   know the label.

A leaking column cannot raise the limit that it is judged by. The first limit is a normal quantile times the spread of the middle
columns (genomic control, Devlin & Roeder 1999, with the median as there, and bounded); the second is set from the columns below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import columns
from ranking.examples import SPACING_DAYS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.intp]
    Bools = npt.NDArray[np.bool_]

CUTS = (1, 2, 3, 4)
WEEKS_AFTER = 2  # number of later snapshots whose label weeks are compared with a snapshot's own
FALSE_ALARMS = 0.01  # probability that the first test fails a night without a leak
# columns are correlated, so the median of their scores varies: it counts as a drift only from twice its expected value on
TOGETHER = 2.0
MOST_SPREAD = 1.5  # largest factor on the first limit, because more than half of the columns may leak at once
LEAST_NEEDS = 20  # needs with a pair to compare that the first test needs
LEFT_OF_ERROR = 0.5  # share of the error of the next worse column that an honest column leaves at least
LEAST_ERRORS = 3.0  # standard errors that a step to a leaking column must have as well
# rows of whole needs; with all pairs of a large night an ordinary drift between weeks would become significant
MOST_ROWS = 60_000
FOLLOW = ("after_successes", "after_exposure")


@dataclass(frozen=True)
class Finding:
    """One statistic of a column, described by `what`, with its limit; a value above the limit is a leak."""

    column: str
    what: str
    value: float
    limit: float

    @property
    def description(self) -> str:
        """Column, statistic, value and limit in words, for an error message."""
        return f"{self.column} ({self.what} {self.value:.4g}, limit {self.limit:.4g})"


@dataclass(frozen=True)
class LabelAudit:
    """The result of both tests: `all` findings, and `leaks`, the worst finding of each column that knows the label."""

    leaks: tuple[Finding, ...]
    all: tuple[Finding, ...] = field(repr=False)

    @property
    def nearest(self) -> Finding | None:
        """The finding with the largest ratio of value to limit, leak or not; None if there is no finding."""
        return max(self.all, key=lambda f: f.value / f.limit, default=None)

    @property
    def note(self) -> str:
        """One line for the summary of a night without a leak."""
        near = self.nearest
        return (
            f"no column knows the label; nearest: {near.description}" if near else "too few examples to ask for leaks"
        )


def audited_rows(examples: DataFrame, judgements: DataFrame, label_days: int) -> DataFrame:
    """Add the outcome of each pair: `successes` and `exposure` in its label week, and FOLLOW, the same in the weeks after it.

    The weeks after it are the label weeks of the next WEEKS_AFTER snapshots that begin when its own is over. A pair that was not
    shown in a week has 0 successes and 0 exposure there. The grain is that of `examples`.

    Args:
        examples: the training examples.
        judgements: the judgements of the night, of all snapshots.
        label_days: length of a label week in days.
    """
    keys = ["as_of", "locale", "need", "track_id"]
    known = judgements.where("is_shown").select(*keys, "successes", "exposure")
    first = -(-label_days // SPACING_DAYS)
    back = [F.date_sub("as_of", SPACING_DAYS * i) for i in range(first, first + WEEKS_AFTER)]
    after = known.withColumn("as_of", F.explode(F.array(*back))).groupBy(*keys)
    later = after.agg(F.sum("successes").alias(FOLLOW[0]), F.sum("exposure").alias(FOLLOW[1]))
    rows = examples.join(known, keys, "left").join(later, keys, "left")
    return rows.fillna(0.0, ["successes", "exposure", *FOLLOW])


def label_leaks(rows: DataFrame, limit: float) -> LabelAudit:
    """Run both tests on every feature column.

    Args:
        rows: what `audited_rows` returns.
        limit: an area under the ROC curve above which a column leaks, whatever the areas of the others.
    """
    names = [c.name for c in columns()]
    n = rows.count()
    part = F.pmod(F.xxhash64("fold_key"), F.lit(10_000))
    kept = rows.where(part < int(10_000 * min(1.0, MOST_ROWS / max(n, 1))) + 1)
    labels = ["qid", "need", "grade", "is_shown", "successes", "exposure", *FOLLOW]
    return audited(kept.select(*labels, *names).toPandas(), names, limit)


def audited(rows: pd.DataFrame, names: Sequence[str], limit: float) -> LabelAudit:
    """Run both tests on the columns `names` of a frame in memory; see `label_leaks`."""
    findings = [*contrasts(rows, names), *areas(rows, names, limit)]
    leaks: dict[str, Finding] = {}
    for one in sorted(findings, key=lambda f: -f.value / f.limit):
        if one.value > one.limit:
            leaks.setdefault(one.column, one)
    return LabelAudit(tuple(leaks.values()), tuple(findings))


# -- test 1: does a column know the label week better than the weeks after it ---------------------------------------


def contrasts(rows: pd.DataFrame, names: Sequence[str]) -> list[Finding]:
    """The first test: one finding for each column, its score in standard errors; [] if too few needs have a pair shown again.

    Columns are ranked within a need, so this test cannot find a leak in a column that is constant within a need (such as how
    often the need is asked); such a column changes no order.

    Args:
        rows: what `audited_rows` returns, in memory.
        names: the feature columns to test.
    """
    import numpy as np
    import pandas as pd
    from scipy.stats import norm

    again = rows[rows["is_shown"] & (rows[FOLLOW[1]] > 0) & (rows["exposure"] > 0)]
    successes, exposure = again["successes"].to_numpy(float), again["exposure"].to_numpy(float)
    both = successes + again[FOLLOW[0]].to_numpy(float)
    share = exposure / (exposure + again[FOLLOW[1]].to_numpy(float))
    more, variance = successes - both * share, both * share * (1 - share)
    group, need = pd.factorize(again["qid"])[0], pd.factorize(again["need"])[0]
    if len(np.unique(need[variance > 0])) < LEAST_NEEDS:
        return []
    scores = np.array([_score(_values(again[n]), group, need, more, variance) for n in names])
    sizes = np.abs(scores[scores != 0])
    spread = (
        min(max(1.0, float(np.median(sizes)) / (TOGETHER * float(norm.ppf(0.75)))), MOST_SPREAD) if len(sizes) else 1.0
    )
    limit = float(norm.isf(FALSE_ALARMS / 2 / max(len(names), 1))) * spread  # two-sided
    what = "knows its label week better than the weeks after it, standard errors"
    return [Finding(n, what, abs(float(s)), limit) for n, s in zip(names, scores, strict=True)]


def _score(values: Floats, within: Ints, need: Ints, more: Floats, variance: Floats) -> float:
    import numpy as np

    ranks = mid_ranks(values, within)
    ranks = ranks - (np.bincount(within, variance * ranks) / np.maximum(np.bincount(within, variance), 1e-12))[within]
    part, own = np.bincount(need, ranks * more), np.bincount(need, ranks * ranks * variance)
    parts = part[own > 1e-9] / np.sqrt(own[own > 1e-9])
    error = float(np.sqrt((parts * parts).sum()))
    return float(parts.sum()) / error if len(parts) >= LEAST_NEEDS and error > 0 else 0.0


# -- test 2: does a column order the grades better than an honest column could ---------------------------------------


def areas(rows: pd.DataFrame, names: Sequence[str], limit: float) -> list[Finding]:
    """The second test: for each column, the areas under the ROC curve at every grade cut, each as one finding.

    Areas are taken pooled and within a need, over all tracks and over the shown ones, in the better of both directions. Null
    counts as the lowest value. The limit of a cut is `step_limit` of its areas, and `limit` at most.

    Args:
        rows: what `audited_rows` returns, in memory.
        names: the feature columns to test.
        limit: the largest area allowed in any case.
    """
    import pandas as pd

    out: list[Finding] = []
    for among, part in (("all tracks", rows), ("tracks shown", rows[rows["is_shown"]])):
        grades, group = part["grade"].to_numpy(), pd.factorize(part["qid"])[0]
        need = part["need"].to_numpy()
        by_column = {n: list(_areas(_values(part[n]), grades, group)) for n in names}
        for i, (cut, where) in enumerate((c, w) for c in CUTS for w in ("pooled", "within a need")):
            here = {n: area for n, of_cuts in by_column.items() if (area := of_cuts[i]) is not None}
            if not here:
                continue
            is_one = grades >= cut
            needs = min(len(set(need[is_one])), len(set(need[~is_one])))
            top = min(limit, step_limit(list(here.values()), needs))
            out += [Finding(n, f"AUC of grade ≥ {cut} {where} among {among}", a, top) for n, a in here.items()]
    return out


def _areas(values: Floats, grades: Ints, group: Ints) -> Iterator[float | None]:
    """For each cut, the area over all pairs of rows and the area over pairs within a need; None if a side has no row."""
    import numpy as np
    from scipy.stats import rankdata

    pooled, size = rankdata(values), np.bincount(group)
    inside = mid_ranks(values, group) * size[group] + (size[group] + 1) / 2
    for cut in CUTS:
        is_one = grades >= cut
        ones, zeros = int(is_one.sum()), int((~is_one).sum())
        of_group = np.bincount(group, is_one)
        pairs = float((of_group * (size - of_group)).sum())
        for won, of in (
            (pooled[is_one].sum() - ones * (ones + 1) / 2, float(ones * zeros)),
            ((np.bincount(group, inside * is_one) - of_group * (of_group + 1) / 2).sum(), pairs),
        ):
            yield max(float(won) / of, 1 - float(won) / of) if of else None


def step_limit(cut_areas: Sequence[float], needs: int) -> float:
    """The largest area that an honest column of a cut may have.

    The areas are walked upwards from the median, up to the first column that leaves less than LEFT_OF_ERROR of the error (1 −
    area) of the one before it and is more than LEAST_ERRORS standard errors above it. The limit is the largest area that this
    column could have had without such a step. The standard error is at most √(a(1 − a)/m) (Cortes & Mohri 2004, "Confidence
    intervals for the area under the ROC curve").

    Args:
        cut_areas: the areas of all columns at the cut.
        needs: m, the number of needs that have a row on the rarer side of the cut.
    """
    import numpy as np

    order = np.sort(np.asarray(cut_areas, float))
    top = 1.0
    for last, after in zip(order[len(order) // 2 :], [*order[len(order) // 2 + 1 :], 1.0], strict=True):
        error = float(np.sqrt(last * (1 - last) / max(needs, 1)))
        top = max(1 - LEFT_OF_ERROR * (1 - last), last + LEAST_ERRORS * error)
        if after > top:
            break
    return float(top)


# -- ranks -----------------------------------------------------------------------------------------------------------


def _values(column: pd.Series) -> Floats:
    """The column as numbers, with null as −∞."""
    import numpy as np

    return column.fillna(-np.inf).to_numpy(dtype=float)


def mid_ranks(values: Floats, group: Ints) -> Floats:
    """Ranks within each group, with ties averaged, centred on 0 and divided by the group's size: values from −½ to ½."""
    import numpy as np

    if not len(values):
        return np.zeros(0)
    order = np.lexsort((values, group))
    sorted_group, sorted_values = group[order], values[order]
    is_new = np.r_[True, sorted_group[1:] != sorted_group[:-1]]
    start = np.flatnonzero(is_new)
    of = np.cumsum(is_new) - 1
    size = np.diff(np.r_[start, len(values)])
    is_tie = is_new | np.r_[True, sorted_values[1:] != sorted_values[:-1]]
    ties = np.flatnonzero(is_tie)
    middle = (ties + np.r_[ties[1:], len(values)] - 1) / 2
    ranks = np.empty(len(values))
    ranks[order] = (middle[np.cumsum(is_tie) - 1] - start[of] - (size[of] - 1) / 2) / size[of]
    return ranks
