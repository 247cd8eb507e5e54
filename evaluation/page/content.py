"""What the page of a night shows, as plain values: `night.page` gathers them, `evaluation.page.page` writes them down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Track:
    """A track as it is named on the page."""

    title: str
    artists: str


@dataclass(frozen=True)
class Listed:
    """One released list.

    Args:
        place: a locale, a language or `*`.
        need: the need's key.
        intent: what kind of thing is asked for.
        searches: searches of the need in the place, in the 28 days before D.
        wordings: the most frequent public wordings that lead to it, at most three.
        tracks: ids of its first ten tracks.
        reasons: why each of them is there.
        is_shown: whether a search of the need was shown each of them in the 28 days before D; empty if that is unknown.
    """

    place: str
    need: str
    intent: str
    searches: int
    wordings: tuple[str, ...]
    tracks: tuple[str, ...]
    reasons: tuple[str, ...]
    is_shown: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Worst:
    """A list that serves its listeners badly.

    Args:
        listed: the list.
        language: of those who ask, `en` or `es`.
        lost: how much is lost, in searches, by which the lists are ordered.
        facts: further figures as (name, text).
        gains: the gain of each of its first ten tracks; empty where the truth is unknown.
        ideal: the best first ten as {track_id, gain, rank, state} (`evaluation.worst.worst_entries`); empty where it is unknown.
    """

    listed: Listed
    language: str
    lost: float
    facts: tuple[tuple[str, str], ...]
    gains: tuple[float, ...] = ()
    ideal: tuple[Figures, ...] = ()


@dataclass(frozen=True)
class ColumnUse:
    """How the ranker uses one column.

    Args:
        name: the column.
        family: the feature family.
        gain: its share of the split gain, 0 to 1.
        splits: in how many splits it is used.
        effect: mean absolute SHAP value over the sample, in units of the score.
        points: (SHAP value, place of the column's value among the sample, 0 low to 1 high), at most a few hundred.
    """

    name: str
    family: str
    gain: float
    splits: int
    effect: float = 0.0
    points: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class CurvePoint:
    """One position of an exposure curve; `low` and `high` are its interval, None where the table has none."""

    client: str
    group: str
    position: int
    propensity: float
    impressions: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class GradeRate:
    """Success per examined impression, in the week after its label week, of the pairs of one grade, with a 95 % interval."""

    grade: int
    pairs: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Drift:
    """How far a column of tonight's tables has moved from earlier nights (`quality.drift.Shift`)."""

    table: str
    column: str
    psi: float
    jensen_shannon: float
    nights: int


@dataclass(frozen=True)
class Turnover:
    """How tonight's lists differ from last night's, over the lists that both have and that are among the most asked.

    Args:
        lists: the number of lists compared.
        kept: mean share of last night's first ten tracks that are among tonight's, weighted by searches.
        same_first: share of the lists, by searches, with the same first track.
        new: lists of tonight that last night did not have.
        gone: lists of last night that tonight does not have.
        most_changed: (place, need, searches, share kept) of the lists that changed most.
    """

    lists: int
    kept: float
    same_first: float
    new: int
    gone: int
    most_changed: Sequence[tuple[str, str, int, float]] = ()


@dataclass(frozen=True)
class PageContent:
    """The content of one page.

    Args:
        run_date: the night.
        release_id: its release; "" without one.
        is_simulated: whether the logs are simulated.
        summary: what is kept of this night for the page of the next one (`evaluation.page.change`).
        before: the same of the night before; None without one.
        figures: the content of `night.json`; None without the simulator's truth.
        missing: what the page lacks, and why, in sentences.
        coverage: name → share or count, known without the truth.
        unseen: (intent, searches, share of the first ten that no search of the need was shown in 28 days).
        uses: the columns of the ranker, the greatest effect first; empty without a ranker.
        sampled: rows of the sample that `effect` and `points` of `uses` are of.
        curves: the exposure curves of D.
        grades: the calibration of the grades in the week after.
        drift: the columns that moved most.
        turnover: the change of the lists since last night; None without a night before.
        worst: the worst lists.
        worst_by: what they are ordered by, in words.
        lists: lists for the search box, the most asked first.
        lists_released: how many lists the night has.
        tracks: id → track, of all lists above.
    """

    run_date: str
    release_id: str
    is_simulated: bool
    summary: Figures
    before: Figures | None = None
    figures: Figures | None = None
    missing: tuple[str, ...] = ()
    coverage: Mapping[str, float] = field(default_factory=dict)
    unseen: Sequence[tuple[str, int, float]] = ()
    uses: Sequence[ColumnUse] = ()
    sampled: int = 0
    curves: Sequence[CurvePoint] = ()
    grades: Sequence[GradeRate] = ()
    drift: Sequence[Drift] = ()
    turnover: Turnover | None = None
    worst: Sequence[Worst] = ()
    worst_by: str = ""
    lists: Sequence[Listed] = ()
    lists_released: int = 0
    tracks: Mapping[str, Track] = field(default_factory=dict)
