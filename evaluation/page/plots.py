"""The plots of the page: position curves, calibration, and risk against coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from evaluation.page.charts import Axis, Line, between, lines, up_to
from evaluation.page.content import CurvePoint, GradeRate
from evaluation.page.texts import words

MOST_CLIENTS = 12
GROUPS = ("all", "known_item", "artist", "broad", "open")


def curve_plots(curves: Sequence[CurvePoint]) -> list[tuple[str, list[str], Markup]]:
    """(client, names of its lines, plot) of each client's exposure curves."""
    out = []
    for client in list(dict.fromkeys(p.client for p in curves))[:MOST_CLIENTS]:
        own = [p for p in curves if p.client == client]
        names = [g for g in GROUPS if any(p.group == g for p in own)]
        drawn = [_curve(g, sorted((p for p in own if p.group == g), key=lambda p: p.position)) for g in names]
        last = max(p.position for p in own)
        across = Axis("position", 1, last, [(i, "11+" if i == 11 else str(i)) for i in range(1, last + 1)])
        up = replace(between(0.0, 1.0), name="probability of being examined")
        out.append((client, names, lines(drawn, across, up, f"exposure by position on {client}, by intent group")))
    return out


def _curve(group: str, points: Sequence[CurvePoint]) -> Line:
    band = [(p.position, p.low, p.high) for p in points if p.low is not None and p.high is not None]
    return Line(words(group), [(p.position, p.propensity) for p in points], band if len(band) == len(points) else ())


def calibration_plot(bins: Sequence[Mapping[str, Any]]) -> Markup:
    """The mean gain of the candidates by bin of score, lowest scores left; empty without bins."""
    known = [(i, one["gain"]) for i, one in enumerate(bins, 1) if one["gain"]["mean"] is not None]
    return _means(known, "tenth of the candidates by score", "mean gain, 0 to 15", "mean gain by score", str)


def grade_plot(grades: Sequence[Mapping[str, Any]] | Sequence[GradeRate]) -> Markup:
    """By grade: the mean gain (mappings with `gain`), or the success in the week after (`GradeRate`); empty without grades."""
    if grades and isinstance(grades[0], GradeRate):
        known = [(g.grade, {"mean": g.rate, "low": g.low, "high": g.high}) for g in grades if isinstance(g, GradeRate)]
        return _means(known, "grade", "success per examined impression", "success in the week after, by grade", str)
    known = [
        (one["grade"], one["gain"]) for one in grades if isinstance(one, Mapping) and one["gain"]["mean"] is not None
    ]
    return _means(known, "grade", "mean gain, 0 to 15", "mean gain by grade", str)


def _means(known: Sequence[tuple[int, Mapping[str, Any]]], name: str, measure: str, title: str, text: Any) -> Markup:
    if len(known) < 2:
        return Markup("")
    tops = [v for _, one in known for v in (one["mean"], one["high"]) if v is not None and v == v]
    top = max(tops)
    band = [(x, one["low"], one["high"]) for x, one in known if one["low"] is not None and one["low"] == one["low"]]
    line = Line(title, [(x, one["mean"]) for x, one in known], band if len(band) > 1 else ())
    across = Axis(name, known[0][0], known[-1][0], [(x, text(x)) for x, _ in known])
    return lines([line], across, replace(up_to(top), name=measure), title, dots=True)


def risk_plot(curve: Sequence[Mapping[str, float]]) -> Markup:
    """The share of wrong answers against the share of answered searches, one point per least confidence; empty without points."""
    points = sorted((p["coverage"], p["risk"], p["least_confidence"]) for p in curve)
    if len(points) < 2:
        return Markup("")
    low, high = points[0][0], points[-1][0]
    top = max(r for _, r, _ in points)
    line = Line("risk", [(c, r) for c, r, _ in points])
    across = replace(between(low, high, steps=3, percent=True), name="searches answered")
    up = replace(up_to(top, percent=True), name="of them without a relevant track")
    return lines([line], across, up, "wrong answers against coverage, by the least confidence of a reading", dots=True)
