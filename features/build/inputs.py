"""What a build of features reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class FeatureInputs:
    """What a night computes features from. Frames may hold more than is needed; nothing on or after `as_of` is used.

    `pairs`: (as_of, locale, query, track_id), one row per wanted row. `daily`: daily_engagement. `queries`: the reading
    of every (locale or roll-up, query). `tracks`: the snapshot. `curves`: exposure_curves with run_date = as_of.
    `popularity`: the catalog's by snapshot (`features.build.popularity`); null in all rows if None. `history`: what
    `events.tiles.history` makes, for windows beyond 90 days, `listeners` what `listener_history` there makes; ValueError if one is
    asked for without it. `vectors`: of queries and tracks by snapshot (`features.build.vectors`); no feature has them if None.
    `strengths`: of the back-off's levels by snapshot (`features.build.backoff`), UNFITTED_STRENGTH where there is none. `aliases_of`: the
    night whose logs taught the aliases of `queries.cluster_id`; for other snapshots, older ones, clusters are those of the texts
    alone. None: they hold for all.
    """

    pairs: DataFrame
    daily: DataFrame
    queries: DataFrame
    tracks: DataFrame
    curves: DataFrame
    as_of: tuple[date, ...]
    popularity: DataFrame | None = None
    history: DataFrame | None = None
    listeners: DataFrame | None = None
    vectors: DataFrame | None = None
    strengths: Mapping[date, Mapping[str, float]] = field(default_factory=dict)
    aliases_of: date | None = None
