"""The inputs of a feature build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class FeatureInputs:
    """What features are computed from. Frames may have more rows than needed; no day on or after `as_of` is used.

    Args:
        pairs: (as_of, locale, need, track_id), one row for each wanted row of the need-track features.
        daily: table `daily_engagement`.
        needs: what each need asks for, columns `queries.nightly.understand.NEED_COLUMNS`; one row per need.
        wordings: (as_of, language, query, need): which need the plays of a wording count for in a snapshot. A wording without a row
            counts for its tracks alone.
        tracks: the catalog.
        curves: table `exposure_curves` with run_date = as_of.
        as_of: the snapshots of `pairs`.
        popularity: the catalog's popularity by snapshot (`features.build.popularity`); if None, it is null in all rows.
        history: what `events.tiles.history` returns, for windows beyond 90 days. Optional, but a feature that asks for such a
            window without it raises ValueError.
        listeners: what `events.tiles.listener_history` returns, for counts of listeners. Optional in the same way.
        vectors: vectors of needs and tracks by snapshot (`features.build.vectors`); if None, they are null.
        strengths: snapshot -> level of the back-off -> strength (`features.build.backoff`); UNFITTED_STRENGTH where one is
            missing.
    """

    pairs: DataFrame
    daily: DataFrame
    needs: DataFrame
    wordings: DataFrame
    tracks: DataFrame
    curves: DataFrame
    as_of: tuple[date, ...]
    popularity: DataFrame | None = None
    history: DataFrame | None = None
    listeners: DataFrame | None = None
    vectors: DataFrame | None = None
    strengths: Mapping[date, Mapping[str, float]] = field(default_factory=dict)
