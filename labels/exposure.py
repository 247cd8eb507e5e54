"""Exposure curves: the probability that a position was examined (screens) or reached (voice), from the days before a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.columns import CLIENTS, POSITIONS

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("known_item", "artist", "broad", "open")
CELLS = POSITIONS + 1  # ranks 1–10, and one cell for all later ranks (the tail)
RANK_SUMS = ("impressions", "clicks", "at_this", "at_next")


@dataclass(frozen=True)
class CurveSettings:
    """Settings of the exposure curves.

    Attributes:
        days: Days of engagement before the snapshot that are counted.
        strength: Shrinkage strength, in clicks: how much the parent's ratio weighs in the estimate of a cell.
    """

    days: int
    strength: float


def position_counts(daily: DataFrame, needs: DataFrame) -> DataFrame:
    """One row per (client, intent_group, position): impressions, clicks (long plays on voice), and swap sums.

    The swap sums compare a track with itself, for one need, at the neighbouring ranks r and r+1, where changes of the served
    order (new releases and randomised swaps) showed it at both. With n impressions and c clicks at a rank,
    `at_next` = Σ c(r+1)·n(r)/(n(r)+n(r+1)) and `at_this` = Σ c(r)·n(r+1)/(n(r)+n(r+1)). The ratio of the two is the
    Mantel–Haenszel rate ratio, so the relevance of each pair cancels.
    Source: adjacent-rank intervention harvesting, Agarwal et al. WSDM 2019; Mantel & Haenszel 1959.

    Args:
        daily: Rows of daily_engagement, of the days to be counted.
        needs: locale, need and intent_group of each need; a need that is missing counts as `open`.
    """
    voice = F.col("client") == "alexa"
    groups = needs.select("need", "intent_group")
    tagged = daily.join(F.broadcast(groups), "need", "left").fillna("open", ["intent_group"])
    hits = F.when(voice, F.col("long_plays_by_position")).otherwise(F.col("clicks_by_position"))
    tagged = tagged.withColumn("hits", hits)
    pair = tagged.groupBy("client", "intent_group", "locale", "need", "track_id").agg(
        *[F.sum(F.col("impressions_by_position")[i]).alias(f"n{i}") for i in range(CELLS)],
        *[F.sum(F.col("hits")[i]).alias(f"c{i}") for i in range(CELLS)],
    )
    wide = pair.groupBy("client", "intent_group").agg(*[c for i in range(CELLS) for c in _rank_sums(i)])
    ranks = F.array(
        *[
            F.struct(F.lit(i + 1).alias("position"), *[F.col(f"{name}{i}").alias(name) for name in RANK_SUMS])
            for i in range(CELLS)
        ]
    )
    return wide.select("client", "intent_group", F.explode(ranks).alias("r")).select("client", "intent_group", "r.*")


def _rank_sums(i: int) -> list[Column]:
    """Sums over (need, track) pairs at rank i + 1, named as RANK_SUMS: impressions, clicks and both swap sums."""
    n, c = F.col(f"n{i}"), F.col(f"c{i}")
    this, after = F.lit(0.0), F.lit(0.0)
    if i + 1 < CELLS:
        m, d = F.col(f"n{i + 1}"), F.col(f"c{i + 1}")
        this, after = F.try_divide(c * m, n + m), F.try_divide(d * n, n + m)
    # a sum of doubles depends on their order: rounding to 1e-6 of a click makes it the same on every run
    sums = (
        F.sum(n),
        F.sum(c),
        F.round(F.coalesce(F.sum(this), F.lit(0.0)), 6),
        F.round(F.coalesce(F.sum(after), F.lit(0.0)), 6),
    )
    return [s.alias(f"{name}{i}") for s, name in zip(sums, RANK_SUMS, strict=True)]


def curves(counts: pd.DataFrame, settings: CurveSettings) -> pd.DataFrame:
    """One row per (client, intent group or `all`, position): the exposure curves of one snapshot.

    Screens: propensity(1) = 1 and propensity(r+1)/propensity(r) is the swap ratio. The ratio of a cell (client, intent group) is
    shrunk to that of its client, that to the one of all screen clients, and that to r/(r+1), which is the 1/position curve.
    Voice: propensity is the survival, the share of lists in which rank r still sounded, Π(1 − stop).
    `expected_rate` on screens is propensity times one factor per cell, chosen so that the expected responses of the cell sum to
    the actual ones. On voice every impression was heard for certain, so it is the plain response rate of the cell.

    Args:
        counts: `position_counts` of the snapshot's days, a few hundred rows.
        settings: Shrinkage strength.
    """
    import pandas as pd

    out = []
    screens = [c for c in CLIENTS if c != "alexa"]
    everything = _steps(counts[counts.client.isin(screens)], None, settings.strength)
    for client in CLIENTS:
        of_client = counts[counts.client == client]
        client_steps = _steps(of_client, everything, settings.strength)
        for group in (*GROUPS, "all"):
            cell = of_client if group == "all" else of_client[of_client.intent_group == group]
            n = cell.groupby("position").impressions.sum().reindex(range(1, CELLS + 1), fill_value=0)
            c = cell.groupby("position").clicks.sum().reindex(range(1, CELLS + 1), fill_value=0)
            if client == "alexa":
                propensity = _survival(n.tolist(), of_client)
                rate = _thin_rate(cell, of_client, settings.strength)
                expected = [rate] * CELLS
            else:
                steps = client_steps if group == "all" else _steps(cell, client_steps, settings.strength)
                propensity = [1.0]
                for step in steps:
                    propensity.append(min(1.0, propensity[-1] * step))
                level = _level(n.tolist(), c.tolist(), propensity, settings.strength)
                expected = [min(1.0, level * p) for p in propensity]
            out.append(
                pd.DataFrame(
                    {
                        "client": client,
                        "intent_group": group,
                        "position": range(1, CELLS + 1),
                        "impressions": n.to_numpy(),
                        "clicks": c.to_numpy(),
                        "propensity": [round(p, 9) for p in propensity],
                        "expected_rate": [round(e, 9) for e in expected],
                    }
                )
            )
    return pd.concat(out, ignore_index=True).astype({"position": "int32", "impressions": "int64", "clicks": "int64"})


def _steps(cell: pd.DataFrame, parent: list[float] | None, strength: float) -> list[float]:
    """Ratios propensity(r+1)/propensity(r) for r = 1 … 10, each shrunk to the parent's with `strength` clicks.

    Without a parent they are shrunk to r/(r+1).
    """
    sums = cell.groupby("position")[["at_this", "at_next"]].sum()
    steps = []
    for r in range(1, CELLS):
        this, after = (float(sums.at_this.get(r, 0.0)), float(sums.at_next.get(r, 0.0)))
        prior = parent[r - 1] if parent else r / (r + 1)
        steps.append((after + strength * prior) / (this + strength))
    return steps


def _survival(n: list[int], of_client: pd.DataFrame) -> list[float]:
    """Share of lists in which each rank sounded, never increasing with the rank.

    Where the cell has no impression at rank 1, the counts of the whole client stand in, and 1/position where the client has
    none either.

    Args:
        n: Impressions of the cell by rank.
        of_client: `position_counts` of the client.
    """
    if not n[0]:
        pooled = of_client.groupby("position").impressions.sum().reindex(range(1, CELLS + 1), fill_value=0)
        n = pooled.tolist()
    if not n[0]:
        return [1.0 / (i + 1) for i in range(CELLS)]
    out = [1.0]
    for i in range(1, CELLS):
        out.append(min(out[-1], n[i] / n[0]))
    return out


def _thin_rate(cell: pd.DataFrame, of_client: pd.DataFrame, strength: float) -> float:
    """Long plays per track that sounded in the cell, shrunk to the client's rate, which is shrunk to one half."""
    hits, heard = float(of_client.clicks.sum()), float(of_client.impressions.sum())
    client = (hits + strength * 0.5) / (heard + strength)
    return min(1.0, (float(cell.clicks.sum()) + strength * client) / (float(cell.impressions.sum()) + strength))


def _level(n: list[int], c: list[int], propensity: list[float], strength: float) -> float:
    """Click rate of an examined position for which the expected clicks sum to the actual ones, shrunk to 0.1 in thin cells.

    Args:
        n: Impressions of the cell by rank.
        c: Clicks of the cell by rank.
        propensity: Propensity of each rank.
        strength: Shrinkage strength, in examined impressions.
    """
    examined = sum(a * p for a, p in zip(n, propensity, strict=True))
    return (sum(c) + strength * 0.1) / (examined + strength)
