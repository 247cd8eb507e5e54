"""Does a column know its label? Two questions to every column of the training examples, each with a limit that the others set.

1. *Does it know the week better than the weeks after it?* A pair shown in its label week and again in the label weeks of the next
   snapshots is compared with itself: of its successes, the label week should have the part that its share of the exposure says. What
   the track is worth cancels, and so does all that a column from before the snapshot can know; what is left is the chance of that
   one week. A column that goes with it has seen it. The score is Σ φ·(s − (s + s')·e/(e + e')), with s and e the successes and the
   exposure of the label week, s' and e' of the weeks after, φ the column's rank in its query less the query's mean; it is added up by
   query, each query's part divided by its own standard deviation, and their sum by what it varies between queries.
   Sources: the self-controlled comparison of Farrington 1995, "Relative incidence estimation from case series for vaccine safety
   evaluation"; the later weeks are a negative-control outcome (Lipsitch, Tchetgen Tchetgen & Cohen 2010); the standard error is the
   sandwich of Liang & Zeger 1986, by query.
2. *Does it order the grades better than any other column could?* Areas under the curve at every cut, pooled and within a query, of all
   tracks and of those shown alone. Each cut's columns are walked from the middle up: where the next one leaves less than half of the
   error of the one before, it and all above it know the label.

Neither limit can be lifted by the columns it is for: the first is a normal quantile times the spread of the middle columns (genomic
control, Devlin & Roeder 1999, with the median as there, and bounded), the second is set from below.
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
WEEKS_AFTER = 2  # snapshots whose label weeks are set against a snapshot's own
FALSE_ALARMS = 0.01  # chance that a night whose columns all are honest is held by the first question
TOGETHER = (
    2.0  # columns move together, so their median wanders: only from twice a normal one's on it is taken for a drift
)
MOST_SPREAD = 1.5  # by which the first limit may grow: more than half of the columns may leak at once
LEAST_QUERIES = 20  # with something to compare: fewer say nothing
LEFT_OF_ERROR = 0.5  # what a column may leave of the error of the next worse one, at least
LEAST_ERRORS = 3.0  # standard errors that a step must have besides
MOST_ROWS, MOST_COMPARED = (
    60_000,
    40_000,
)  # whole alias clusters; with all pairs of a large night the drift of a week would count
FOLLOW = ("after_successes", "after_exposure")


@dataclass(frozen=True)
class Finding:
    """A column's largest statistic of one kind beside its limit."""

    column: str
    what: str
    value: float
    limit: float

    @property
    def said(self) -> str:
        """Column, cut, statistic and limit, for the error's line."""
        return f"{self.column} ({self.what} {self.value:.4g}, limit {self.limit:.4g})"


@dataclass(frozen=True)
class LabelAudit:
    """What was asked of the columns. `leaks`: one finding a column that knows the label. `nearest`: the finding nearest to its limit."""

    leaks: tuple[Finding, ...]
    all: tuple[Finding, ...] = field(repr=False)

    @property
    def nearest(self) -> Finding | None:
        """The finding with the largest part of its limit, leak or not."""
        return max(self.all, key=lambda f: f.value / f.limit, default=None)

    @property
    def said(self) -> str:
        """The note of an honest night."""
        near = self.nearest
        return f"no column knows the label; nearest: {near.said}" if near else "too few examples to ask for leaks"


def audited_rows(examples: DataFrame, judgements: DataFrame, label_days: int) -> DataFrame:
    """The examples with what came of each pair: `successes` and `exposure` in its label week, and in those of the snapshots after it.

    Grain: as `examples`. `judgements`: of the night, all snapshots. Label weeks that begin inside a snapshot's own are passed over;
    a pair that was not shown in them has 0 and 0.
    """
    keys = ["as_of", "locale", "query", "track_id"]
    known = judgements.where("is_shown").select(*keys, "successes", "exposure")
    first = -(-label_days // SPACING_DAYS)
    back = [F.date_sub("as_of", SPACING_DAYS * i) for i in range(first, first + WEEKS_AFTER)]
    after = known.withColumn("as_of", F.explode(F.array(*back))).groupBy(*keys)
    later = after.agg(F.sum("successes").alias(FOLLOW[0]), F.sum("exposure").alias(FOLLOW[1]))
    rows = examples.join(known, keys, "left").join(later, keys, "left")
    return rows.fillna(0.0, ["successes", "exposure", *FOLLOW])


def label_leaks(rows: DataFrame, limit: float) -> LabelAudit:
    """Ask both questions of every column of `audited_rows`. `limit`: an area above which a column leaks whatever the others have."""
    names = [c.name for c in columns()]
    n = rows.count()
    part = F.pmod(F.xxhash64("cluster_id"), F.lit(10_000))
    kept = rows.where(part < int(10_000 * min(1.0, MOST_ROWS / max(n, 1))) + 1)
    told = ["qid", "query", "grade", "is_shown", "successes", "exposure", *FOLLOW]
    return audited(kept.select(*told, *names).toPandas(), names, limit)


def audited(rows: pd.DataFrame, names: Sequence[str], limit: float) -> LabelAudit:
    """The same of a frame in memory, of the columns `names`."""
    found = [*contrasts(rows, names), *areas(rows, names, limit)]
    leaks: dict[str, Finding] = {}
    for one in sorted(found, key=lambda f: -f.value / f.limit):
        if one.value > one.limit:
            leaks.setdefault(one.column, one)
    return LabelAudit(tuple(leaks.values()), tuple(found))


# -- does it know the week better than the weeks after it ------------------------------------------------------------


def contrasts(rows: pd.DataFrame, names: Sequence[str]) -> list[Finding]:
    """Of each column its score in standard errors; [] with too few queries whose pairs were shown again.

    Ranks are of a query: what only the whole query knows (how often it is asked) changes no order, and is not looked for here.
    """
    import numpy as np
    import pandas as pd
    from scipy.stats import norm

    again = rows[rows["is_shown"] & (rows[FOLLOW[1]] > 0) & (rows["exposure"] > 0)]
    successes, exposure = again["successes"].to_numpy(float), again["exposure"].to_numpy(float)
    both = successes + again[FOLLOW[0]].to_numpy(float)
    share = exposure / (exposure + again[FOLLOW[1]].to_numpy(float))
    more, variance = successes - both * share, both * share * (1 - share)
    group, query = pd.factorize(again["qid"])[0], pd.factorize(again["query"])[0]
    if len(np.unique(query[variance > 0])) < LEAST_QUERIES:
        return []
    scores = np.array([_score(_values(again[n]), group, query, more, variance) for n in names])
    told = np.abs(scores[scores != 0])
    spread = (
        min(max(1.0, float(np.median(told)) / (TOGETHER * float(norm.ppf(0.75)))), MOST_SPREAD) if len(told) else 1.0
    )
    limit = float(norm.isf(FALSE_ALARMS / 2 / max(len(names), 1))) * spread  # of either sign
    what = "knows its label week better than the weeks after it, standard errors"
    return [Finding(n, what, abs(float(s)), limit) for n, s in zip(names, scores, strict=True)]


def _score(values: Floats, within: Ints, query: Ints, more: Floats, variance: Floats) -> float:
    import numpy as np

    ranks = mid_ranks(values, within)
    ranks = ranks - (np.bincount(within, variance * ranks) / np.maximum(np.bincount(within, variance), 1e-12))[within]
    part, own = np.bincount(query, ranks * more), np.bincount(query, ranks * ranks * variance)
    parts = part[own > 1e-9] / np.sqrt(own[own > 1e-9])
    error = float(np.sqrt((parts * parts).sum()))
    return float(parts.sum()) / error if len(parts) >= LEAST_QUERIES and error > 0 else 0.0


# -- does it order the grades better than any other column could -----------------------------------------------------


def areas(rows: pd.DataFrame, names: Sequence[str], limit: float) -> list[Finding]:
    """Of each column the areas at every cut, pooled and within a query, of all tracks and of those shown; the larger of both directions.

    Null counts as lowest. An area's limit is what `step_limit` says of the columns of its cut, and `limit` at most.
    """
    import pandas as pd

    out: list[Finding] = []
    for among, part in (("all tracks", rows), ("tracks shown", rows[rows["is_shown"]])):
        grades, group = part["grade"].to_numpy(), pd.factorize(part["qid"])[0]
        query = part["query"].to_numpy()
        by_column = {n: list(_areas(_values(part[n]), grades, group)) for n in names}
        for i, (cut, where) in enumerate((c, w) for c in CUTS for w in ("pooled", "within a query")):
            here = {n: area for n, found in by_column.items() if (area := found[i]) is not None}
            if not here:
                continue
            is_one = grades >= cut
            queries = min(len(set(query[is_one])), len(set(query[~is_one])))
            top = min(limit, step_limit(list(here.values()), queries))
            out += [Finding(n, f"AUC of grade ≥ {cut} {where} among {among}", a, top) for n, a in here.items()]
    return out


def _areas(values: Floats, grades: Ints, group: Ints) -> Iterator[float | None]:
    """Per cut the area of all pairs of rows, and of those in one query; None without a row on each side."""
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


def step_limit(found: Sequence[float], queries: int) -> float:
    """The area that no column of a cut may pass: set where, from the middle column up, one leaves too little of the last one's error.

    A step must also be LEAST_ERRORS standard errors wide: √(a(1 − a)/m) is the largest there is (Cortes & Mohri 2004, "Confidence
    intervals for the area under the ROC curve"), m the queries that have a row on the rarer side.
    """
    import numpy as np

    order = np.sort(np.asarray(found, float))
    top = 1.0
    for last, after in zip(order[len(order) // 2 :], [*order[len(order) // 2 + 1 :], 1.0], strict=True):
        error = float(np.sqrt(last * (1 - last) / max(queries, 1)))
        top = max(1 - LEFT_OF_ERROR * (1 - last), last + LEAST_ERRORS * error)
        if after > top:
            break
    return float(top)


# -- ranks -----------------------------------------------------------------------------------------------------------


def _values(column: pd.Series) -> Floats:
    """As numbers, null lowest."""
    import numpy as np

    return column.fillna(-np.inf).to_numpy(dtype=float)


def mid_ranks(values: Floats, group: Ints) -> Floats:
    """Ranks within each group, ties averaged, centred on 0 and divided by the group's size: from −½ to ½."""
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
