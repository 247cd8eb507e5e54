"""Reads `night.json` for the page: arms and measures as they are there, so that a new one appears without a change here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.page.texts import words
from evaluation.report import OWN_ORDER, TEN_FEATURES
from evaluation.segments import OURS

FIRST = "ndcg10"  # the measure by which arms are ordered
MOST_ARMS, MOST_MEASURES, MOST_CEILINGS, MOST_OTHERS = 60, 24, 12, 300
# what the arms that we know are, in words; others go by their name
ARMS = {
    OURS: "playfirst, as published",
    OWN_ORDER: "the ranker's own order, before the re-rank rules",
    TEN_FEATURES: "a ranker of its ten best columns",
    "plays_text": "satisfied plays, ties by text and popularity",
    "pooled_text": "satisfied plays, pooled where thin, on a text prior",
    "served": "the order that was served",
    "ctr": "clicks per impression",
    "ctr_smoothed": "clicks per impression, smoothed",
    "coec": "clicks over expected clicks, shrunk",
    "coec_raw": "clicks over expected clicks",
    "popularity": "popularity of the catalog",
    "bm25": "BM25 on titles and artists",
    "random": "random order",
    "skyline": "best order of the candidates",
}
CEILINGS = {
    "skyline": "best order of the candidates",
    "shown_skyline": "best order of what was ever shown",
    "shown": "best order of what was ever shown",
    "knowable": "best order of what anybody could know: the 28-day mix of needs",
}
# parts of the JSON that have a section of their own, or that are no figures
_SHOWN = (
    "ndcg10",
    "ndcg10_all",
    "diff",
    "by_kind",
    "segments",
    "calibration",
    "worst",
    "all",
    "coverage",
    "never_shown",
    "shown_skyline",
    "ceilings",
    "strongest",
    "made_from",
    "run_date",
)
_NO_MEASURES = ("diff", "by_kind", "segments", "calibration", "worst", "all")


@dataclass(frozen=True)
class Arm:
    """One row of the table of arms: `ahead`, `low` and `high` are None for arms that playfirst is not compared with."""

    name: str
    words: str
    value: float
    ahead: float | None
    low: float | None
    high: float | None
    wide_low: float | None
    wide_high: float | None


def arms(figures: Mapping[str, Any]) -> list[Arm]:
    """The arms by NDCG@10, the highest first; ceilings are not among them."""
    out = []
    for name, value in figures[FIRST].items():
        if name in CEILINGS or not _is_number(value):
            continue
        lead = figures.get("diff", {}).get(name, {})
        ends = (lead.get(key) for key in ("mean", "low", "high", "across_locales_low", "across_locales_high"))
        out.append(Arm(name, ARMS.get(name, words(name)), float(value), *ends))
    return sorted(out, key=lambda arm: -arm.value)[:MOST_ARMS]


def ceilings(figures: Mapping[str, Any]) -> list[tuple[str, float]]:
    """(what it is, NDCG@10) of the ceilings, the highest first."""
    known: dict[str, Any] = {**figures.get("ceilings", {})}
    known |= {name: figures[FIRST][name] for name in CEILINGS if name in figures[FIRST]}
    known |= {name: figures[name] for name in CEILINGS if name in figures}
    rows = [(CEILINGS.get(name, words(name)), float(value)) for name, value in known.items() if _is_number(value)]
    return sorted(rows, key=lambda row: -row[1])[:MOST_CEILINGS]


def measures(figures: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    """Measure → arm → value, of every part of the JSON that has a number for each of some arms, also inside another part.

    Both {measure: {arm: value}} and {arm: {measure: value}} are read. NDCG@10 is the first; at most 24.
    """
    out: dict[str, dict[str, float | None]] = {FIRST: dict(figures[FIRST])}
    rest = {name: part for name, part in figures.items() if name not in _NO_MEASURES and name != FIRST}
    for measure, arm, value in _values_of_arms(rest, set(figures[FIRST])):
        out.setdefault(measure, {})[arm] = value
    return dict(list(out.items())[:MOST_MEASURES])


def _values_of_arms(
    part: Mapping[str, Any], known: set[str], depth: int = 3
) -> Iterator[tuple[str, str, float | None]]:
    """(measure, arm, value) of the values of arms in a part."""
    for name, inner in part.items():
        if not isinstance(inner, Mapping) or not inner:
            continue
        if _is_by_arm(inner, known):
            yield from ((name, arm, value) for arm, value in inner.items())
        elif set(inner) <= known and all(isinstance(of_arm, Mapping) for of_arm in inner.values()):
            for arm, of_arm in inner.items():
                yield from ((m, arm, v) for m, v in of_arm.items() if v is None or _is_number(v))
        elif depth:
            yield from _values_of_arms(inner, known, depth - 1)


def definitions(figures: Mapping[str, Any]) -> dict[str, str]:
    """Measure → what it is, where a part of the JSON has {"measures": {measure: text}}."""
    parts = [part["measures"] for part in figures.values() if isinstance(part, Mapping) and "measures" in part]
    shown = measures(figures)
    texts = [item for part in parts if isinstance(part, Mapping) for item in part.items()]
    return {name: text for name, text in texts if name in shown and isinstance(text, str)}


def others(figures: Mapping[str, Any]) -> list[tuple[str, float]]:
    """(path, value) of the numbers that no section shows; at most 300."""
    shown = {*_SHOWN, *measures(figures)}
    rest = {name: part for name, part in figures.items() if name not in shown}
    of_arms = set(figures[FIRST])
    left = [(path, value) for path, value in numbers(rest) if not set(path) & of_arms]
    return [(" · ".join(words(step) for step in path), value) for path, value in left[:MOST_OTHERS]]


def numbers(part: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    """(path of names, number) of every finite number in nested mappings, in their order."""
    if isinstance(part, Mapping):
        for name, inner in part.items():
            yield from numbers(inner, (*above, str(name)))
    elif _is_number(part):
        yield above, float(part)


def _is_by_arm(part: Any, known: set[str]) -> bool:
    return (
        isinstance(part, Mapping)
        and len(part) > 1
        and set(part) <= known
        and all(value is None or _is_number(value) for value in part.values())
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
