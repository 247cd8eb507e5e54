"""Exposure curves: how likely a position was examined (screens) or reached (voice), from days before a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.columns import CLIENTS, POSITIONS

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("known_item", "artist", "broad", "open")
CELLS = POSITIONS + 1  # ranks 1–10 and the tail
RANK_SUMS = ("impressions", "clicks", "at_this", "at_next")


@dataclass(frozen=True)
class CurveSettings:
    """How much a thin cell leans on its parent: `strength` clicks of the parent's ratio at each step."""

    days: int
    strength: float


def position_counts(daily: DataFrame, queries: DataFrame) -> DataFrame:
    """One row per (client, intent_group, position): impressions, clicks (long plays on voice), and swap sums.

    The swap sums compare a track with itself at neighbouring ranks r and r+1 for one query, where logging policy
    changes and swaps showed it at both: `at_next` = Σ c(r+1)·n(r)/(n(r)+n(r+1)) and `at_this` = Σ c(r)·n(r+1)/(…),
    whose ratio is the Mantel–Haenszel rate ratio, so relevance cancels pair by pair.
    Source: adjacent-rank intervention harvesting, Agarwal et al. WSDM 2019; Mantel & Haenszel 1959.
    """
    voice = F.col("client") == "alexa"
    groups = queries.select("locale", "query", "intent_group")
    tagged = daily.join(F.broadcast(groups), ["locale", "query"], "left").fillna("open", ["intent_group"])
    hits = F.when(voice, F.col("long_plays_by_position")).otherwise(F.col("clicks_by_position"))
    tagged = tagged.withColumn("hits", hits)
    pair = tagged.groupBy("client", "intent_group", "locale", "query", "track_id").agg(
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
    """Sums of rank i + 1 over pairs: impressions, clicks, and both sides of the comparison with the next rank."""
    n, c = F.col(f"n{i}"), F.col(f"c{i}")
    this, after = F.lit(0.0), F.lit(0.0)
    if i + 1 < CELLS:
        m, d = F.col(f"n{i + 1}"), F.col(f"c{i + 1}")
        this, after = F.try_divide(c * m, n + m), F.try_divide(d * n, n + m)
    # doubles in any order: rounded to 1e-6 of a click
    sums = (
        F.sum(n),
        F.sum(c),
        F.round(F.coalesce(F.sum(this), F.lit(0.0)), 6),
        F.round(F.coalesce(F.sum(after), F.lit(0.0)), 6),
    )
    return [s.alias(f"{name}{i}") for s, name in zip(sums, RANK_SUMS, strict=True)]


def curves(counts: pd.DataFrame, settings: CurveSettings) -> pd.DataFrame:
    """One row per (client, intent group or `all`, position) from `position_counts` of one snapshot (a few hundred rows).

    Screens: propensity(1) = 1 and propensity(r+1)/propensity(r) is the swap ratio, shrunk from the cell to its client to
    all clients to r/(r+1) (the 1/position curve). Voice: survival, the share of lists in which rank r still sounded,
    Π(1 − stop). `expected_rate` is propensity times the one level for which the expected responses of the cell sum
    to its actual ones; on voice an impression was heard for certain, so it is the cell's plain rate.
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
    """Ratios propensity(r+1)/propensity(r), r = 1 … 10, each shrunk to the parent's with `strength` clicks."""
    sums = cell.groupby("position")[["at_this", "at_next"]].sum()
    steps = []
    for r in range(1, CELLS):
        this, after = (float(sums.at_this.get(r, 0.0)), float(sums.at_next.get(r, 0.0)))
        prior = parent[r - 1] if parent else r / (r + 1)
        steps.append((after + strength * prior) / (this + strength))
    return steps


def _survival(n: list[int], of_client: pd.DataFrame) -> list[float]:
    """Share of lists in which each rank sounded; the client's where the cell has none, falling to the tail."""
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
    """Long plays per track heard in the cell, shrunk to the client's rate, and that to one half."""
    hits, heard = float(of_client.clicks.sum()), float(of_client.impressions.sum())
    client = (hits + strength * 0.5) / (heard + strength)
    return min(1.0, (float(cell.clicks.sum()) + strength * client) / (float(cell.impressions.sum()) + strength))


def _level(n: list[int], c: list[int], propensity: list[float], strength: float) -> float:
    """The attraction for which the expected clicks sum to the actual ones, shrunk to .1 while the cell is thin."""
    examined = sum(a * p for a, p in zip(n, propensity, strict=True))
    return (sum(c) + strength * 0.1) / (examined + strength)
