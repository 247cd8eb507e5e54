"""Exposure curves: the probability that a position was examined (screens) or reached (voice), from the days before a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from labels.rank_comparisons import fitted_strength, propensities, steepened, t_95
from lake.columns import CLIENTS, POSITIONS

if TYPE_CHECKING:
    import pandas as pd

    from labels.rank_comparisons import Floats

GROUPS = ("known_item", "artist", "broad", "open")
CELLS = POSITIONS + 1  # ranks 1–10, and one cell for all later ranks (the tail)
BLOCKS = 20  # parts of the needs, by hash; leaving out one after the other gives the intervals
VOICE = "alexa"
SCREENS = tuple(c for c in CLIENTS if c != VOICE)
MICRO = 1_000_000


@dataclass(frozen=True)
class CurveSettings:
    """Settings of the exposure curves.

    Attributes:
        days: Days of engagement before the snapshot that are counted.
        strength: Shrinkage strength, in clicks: how much 1/position weighs in each step of the curve of all screens.
    """

    days: int
    strength: float


def position_counts(daily: DataFrame, needs: DataFrame) -> DataFrame:
    """One row per (client, intent_group, block, position, other): what the curves are estimated from.

    Where `other` is the position itself: its impressions and clicks (long plays on voice). For two different positions r and s:
    `hits` = Σ c(r)·n(s)/(n(r)+n(s)) over the tracks, for one need and locale, that were shown at both, with n impressions and c
    clicks; `squares` = Σ c(r)·(n(s)/(n(r)+n(s)))², the variance of the hits if clicks are Poisson. Requests that lead to no need are
    left out: their tracks have no relevance in common.

    The ratio of the hits of (r, s) and (s, r) is the rate ratio of Mantel & Haenszel 1959: a track is compared with itself, so
    that the relevance of each pair cancels. Changes of the served order (new releases, logged variants) are what shows a track
    at several positions; harvesting them is from Agarwal et al. WSDM 2019, here for all pairs of positions.

    Args:
        daily: Rows of daily_engagement, of the days to be counted.
        needs: need and intent_group, one row per need (`queries.nightly.by_need.distinct_needs`); one that is missing counts as `open`.
    """
    groups = needs.select("need", "intent_group")
    of_needs = daily.where(F.col("need").isNotNull())
    tagged = of_needs.join(F.broadcast(groups), "need", "left").fillna("open", ["intent_group"])
    responses = F.when(F.col("client") == VOICE, F.col("long_plays_by_position")).otherwise(F.col("clicks_by_position"))
    tagged = tagged.withColumn("responses", responses)
    pair = tagged.groupBy("client", "intent_group", "locale", "need", "track_id").agg(
        F.array(*[F.sum(F.col("impressions_by_position")[i]) for i in range(CELLS)]).alias("n"),
        F.array(*[F.sum(F.col("responses")[i]) for i in range(CELLS)]).alias("c"),
    )
    shown = pair.withColumn("block", F.pmod(F.xxhash64("need"), F.lit(BLOCKS)).cast("int")).withColumn(
        "at", F.filter(F.sequence(F.lit(0), F.lit(CELLS - 1)), lambda i: F.get("n", i) > 0)
    )
    cells = F.flatten(F.transform("at", lambda r: F.transform("at", lambda s: _comparison(r, s))))
    return (
        shown.select("client", "intent_group", "block", F.explode(cells).alias("cell"))
        .select("client", "intent_group", "block", "cell.*")
        .groupBy("client", "intent_group", "block", "position", "other")
        .agg(*[F.sum(name).alias(name) for name in ("impressions", "clicks", "hits_micro", "squares_micro")])
        .where((F.col("hits_micro") > 0) | (F.col("position") == F.col("other")))
        .withColumns({name: F.col(f"{name}_micro") / MICRO for name in ("hits", "squares")})
        .drop("hits_micro", "squares_micro")
    )


def _comparison(r: Column, s: Column) -> Column:
    """What one track, shown at the 0-based positions r and s, adds to the cell (r + 1, s + 1)."""
    n, c, m = F.get("n", r), F.get("c", r), F.get("n", s)
    none = F.lit(0).cast("bigint")
    # whole millionths, since a sum of doubles depends on their order
    hits = F.round(c * m / (n + m) * MICRO).cast("bigint")
    squares = F.round(c * (m / (n + m)) * (m / (n + m)) * MICRO).cast("bigint")
    return F.struct(
        (r + 1).alias("position"),
        (s + 1).alias("other"),
        F.when(r == s, n).otherwise(none).alias("impressions"),
        F.when(r == s, c).otherwise(none).alias("clicks"),
        F.when(r == s, none).otherwise(hits).alias("hits_micro"),
        F.when(r == s, none).otherwise(squares).alias("squares_micro"),
    )


def curves(counts: pd.DataFrame, settings: CurveSettings) -> pd.DataFrame:
    """One row per (client, intent group or `all`, position): the exposure curves of one snapshot.

    Screens: propensity(1) = 1, and the curve is the one that fits the comparisons of all positions best
    (`labels.rank_comparisons.propensities`), never rising. That of a cell (client, intent group) is shrunk to its client's, that to
    the one of all screens, and that to 1/position; the first two by strengths that are fitted, and to the power of the wider curve
    that fits the cell best (`labels.rank_comparisons.steepened`).
    Voice: propensity is the survival, the share of lists in which rank r still sounded, Π(1 − stop).
    `expected_rate` on screens is propensity times one factor per cell, chosen so that the expected responses of the cell sum to
    the actual ones. On voice every impression was heard for certain, so it is the plain response rate of the cell.
    `propensity_low` and `propensity_high` bound the 95 % interval, by leaving out one block of needs after the other.

    Args:
        counts: `position_counts` of the snapshot's days, a few thousand rows.
        settings: Shrinkage strength.
    """
    import numpy as np
    import pandas as pd

    of_screens = _screen_curves(counts, settings.strength)
    out = []
    for client in CLIENTS:
        of_client = counts[counts.client == client]
        for group in (*GROUPS, "all"):
            cell = of_client if group == "all" else of_client[of_client.intent_group == group]
            n, c = _by_position(cell, "impressions"), _by_position(cell, "clicks")
            if client == VOICE:
                left_out = np.stack([_survivals(cell, of_client, block) for block in (None, *range(BLOCKS))])
                rate = _thin_rate(cell, of_client, settings.strength)
                propensity, expected = left_out[0], [rate] * CELLS
            else:
                left_out = of_screens[client, group]
                propensity = left_out[0]
                level = _level(n.tolist(), c.tolist(), propensity.tolist(), settings.strength)
                expected = [min(1.0, level * p) for p in propensity]
            low, high = _bounds(propensity, left_out[1:])
            out.append(
                pd.DataFrame(
                    {
                        "client": client,
                        "intent_group": group,
                        "position": range(1, CELLS + 1),
                        "impressions": n,
                        "clicks": c,
                        "propensity": propensity.round(9),
                        "propensity_low": low.round(9),
                        "propensity_high": high.round(9),
                        "expected_rate": [round(e, 9) for e in expected],
                    }
                )
            )
    return pd.concat(out, ignore_index=True).astype({"position": "int32", "impressions": "int64", "clicks": "int64"})


def _screen_curves(counts: pd.DataFrame, strength: float) -> dict[tuple[str, str], Floats]:
    """(client, intent group or `all`) -> curves, [1 + BLOCKS, CELLS]: of all blocks, and without each block in turn."""
    import numpy as np

    cells = [(client, group) for client in SCREENS for group in GROUPS]
    hits, squares = ({cell: _by_block(counts, *cell, column) for cell in cells} for column in ("hits", "squares"))
    none = np.zeros((BLOCKS, CELLS, CELLS))
    of_client = {client: sum((hits[client, g] for g in GROUPS), none) for client in SCREENS}
    squares_of_client = {client: sum((squares[client, g] for g in GROUPS), none) for client in SCREENS}
    start = np.tile(1.0 / np.arange(1, CELLS + 1), (1 + BLOCKS, 1))
    everything = _without_each(sum(of_client.values(), none))
    whole = propensities(everything, start, strength)
    out = _shrunk({(client, "all"): (of_client[client], squares_of_client[client], whole) for client in SCREENS})
    return out | _shrunk({cell: (hits[cell], squares[cell], out[cell[0], "all"]) for cell in cells})


def _shrunk(cells: Mapping[tuple[str, str], tuple[Floats, Floats, Floats]]) -> dict[tuple[str, str], Floats]:
    """The curves of cells that are shrunk to the curves of wider ones by one fitted strength.

    Args:
        cells: cell -> (hits by block, squares by block, the parent's curves).
    """
    counted = {cell: _without_each(blocks) for cell, (blocks, _, _) in cells.items()}
    parents = {cell: steepened(counted[cell], parent) for cell, (_, _, parent) in cells.items()}
    strength = fitted_strength(
        [of_cell[0] for of_cell in counted.values()],
        [squares.sum(axis=0) for _, squares, _ in cells.values()],
        [parent[0] for parent in parents.values()],
    )
    return {cell: propensities(counted[cell], parents[cell], strength) for cell in cells}


def _by_block(counts: pd.DataFrame, client: str, group: str, column: str) -> Floats:
    """Hits or squares of a cell, [BLOCKS, CELLS, CELLS]: of each block, at the first position when compared with the second."""
    import numpy as np

    own = counts[(counts.client == client) & (counts.intent_group == group) & (counts.position != counts.other)]
    out = np.zeros((BLOCKS, CELLS, CELLS))
    np.add.at(out, (own.block.to_numpy(int), own.position.to_numpy(int) - 1, own.other.to_numpy(int) - 1), own[column])
    return out


def _without_each(blocks: Floats) -> Floats:
    """[1 + BLOCKS, …]: the sum over all blocks, and the sums without each block in turn."""
    import numpy as np

    whole = blocks.sum(axis=0)
    return np.concatenate([whole[None], np.maximum(whole[None] - blocks, 0.0)])


def _bounds(propensity: Floats, left_out: Floats) -> tuple[Floats, Floats]:
    """Ends of the 95 % interval of each position, from the curves without one block each; on a log scale, at most 1.

    Source: the delete-one-group jackknife, Efron & Stein 1981, with Student's t of BLOCKS − 1 degrees of freedom.
    """
    import numpy as np

    logs = np.log(np.maximum(left_out, 1e-12))
    spread = np.sqrt((BLOCKS - 1) / BLOCKS * ((logs - logs.mean(axis=0)) ** 2).sum(axis=0))
    reach = np.exp(t_95(BLOCKS - 1) * spread)
    return propensity / reach, np.minimum(1.0, propensity * reach)


def _by_position(cell: pd.DataFrame, column: str) -> pd.Series[float]:
    """The sum of a column by position, 1 … CELLS, over the rows that compare a position with itself."""
    own = cell[cell.position == cell.other]
    return own.groupby("position")[column].sum().reindex(range(1, CELLS + 1), fill_value=0)


def _survivals(cell: pd.DataFrame, of_client: pd.DataFrame, left_out: int | None) -> Floats:
    """Share of lists in which each rank sounded, never increasing with the rank; the last, of all ranks after 10 together, is no more
    than an upper bound, since a list that goes on counts there once a rank.

    Where the cell has no impression at rank 1, the counts of the whole client stand in, and 1/position where the client has
    none either.

    Args:
        cell: `position_counts` of the cell.
        of_client: `position_counts` of the client.
        left_out: the block to leave out, if any.
    """
    import numpy as np

    for rows in (cell, of_client):
        n = _by_position(rows if left_out is None else rows[rows.block != left_out], "impressions").to_numpy(float)
        if n[0]:
            return np.minimum.accumulate(np.minimum(1.0, n / n[0]))
    return 1.0 / np.arange(1, CELLS + 1)


def _thin_rate(cell: pd.DataFrame, of_client: pd.DataFrame, strength: float) -> float:
    """Long plays per track that sounded in the cell, shrunk to the client's rate, which is shrunk to one half."""
    hits, heard = float(of_client.clicks.sum()), float(of_client.impressions.sum())
    client = (hits + strength * 0.5) / (heard + strength)
    return min(1.0, (float(cell.clicks.sum()) + strength * client) / (float(cell.impressions.sum()) + strength))


def _level(n: list[float], c: list[float], propensity: list[float], strength: float) -> float:
    """Click rate of an examined position for which the expected clicks sum to the actual ones, shrunk to 0.1 in thin cells.

    Args:
        n: Impressions of the cell by rank.
        c: Clicks of the cell by rank.
        propensity: Propensity of each rank.
        strength: Shrinkage strength, in examined impressions.
    """
    examined = sum(a * p for a, p in zip(n, propensity, strict=True))
    return (sum(c) + strength * 0.1) / (examined + strength)
