"""Small charts as SVG inside the page. Colours come from classes of its style sheet, so they follow light and dark.

Each has a title that says in words what it shows, for readers who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

Points = Sequence[tuple[float, float]]
_LINES = 6  # styles of lines in the style sheet: `line0` … `line5`


def tag(name: str, *content: str, **attributes: object) -> Markup:
    """An element with escaped content and attributes; `class_` and `stroke_width` stand for `class` and `stroke-width`."""
    listed = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _short(value)) for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), listed, Markup("").join(escape(c) for c in content))


def _short(value: object) -> object:
    """Coordinates with one decimal keep a page of thousands of marks small."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value


def _drawing(title: str, width: float, height: float, parts: Iterable[Markup], kind: str) -> Markup:
    box = f"0 0 {width:g} {height:g}"
    return tag("svg", tag("title", title), *parts, viewBox=box, role="img", class_=f"chart {kind}")


def bar(value: float, most: float, title: str) -> Markup:
    """A horizontal bar: `value` of `most`, both 0 or more."""
    long = 120.0 * min(max(value / most, 0.0), 1.0) if most > 0 else 0.0
    return _drawing(title, 120, 12, [tag("rect", x=0, y=2, width=max(long, 0.5), height=8, class_="bar")], "row")


def whisker(
    mean: float | None,
    low: float | None,
    high: float | None,
    span: tuple[float, float],
    title: str,
    *,
    is_difference: bool = True,
) -> Markup:
    """A dot with its interval between the ends of `span`; what lies outside is cut.

    A difference has a line at 0, and the colour says whether the interval is above or below it.
    """
    if mean is None or not math.isfinite(mean):
        return Markup("")

    def at(value: float) -> float:
        reach = (span[1] - span[0]) or 1.0
        return 4.0 + 112.0 * min(max((value - span[0]) / reach, 0.0), 1.0)

    parts = []
    if is_difference:
        parts.append(tag("line", x1=at(0.0), x2=at(0.0), y1=0, y2=14, class_="zero"))
    side = "even"
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        side = "even" if not is_difference else "up" if low > 0 else "down" if high < 0 else "even"
        parts.append(tag("line", x1=at(low), x2=at(high), y1=7, y2=7, class_=f"reach {side}"))
    parts.append(tag("circle", cx=at(mean), cy=7, r=3, class_=f"dot {side}"))
    return _drawing(title, 120, 14, parts, "row")


def swarm(points: Sequence[tuple[float, float]], reach: float, title: str) -> Markup:
    """A strip of dots: across, each value between −reach and +reach; the tint is its second number, 0 (low) to 1 (high).

    Dots that would lie on each other are moved up and down (a beeswarm, as in Lundberg & Lee 2017).
    """
    width, height, most = 240.0, 26.0, reach or 1.0
    lanes: dict[int, int] = {}
    parts = [tag("line", x1=width / 2, x2=width / 2, y1=0, y2=26, class_="zero")]
    for value, tint in points:
        x = width / 2 + (width / 2 - 4) * min(max(value / most, -1.0), 1.0)
        lane = lanes[round(x / 3)] = lanes.get(round(x / 3), -1) + 1
        y = height / 2 + min((lane + 1) // 2 * 1.8, 11.0) * (1 if lane % 2 else -1)
        parts.append(tag("circle", cx=x, cy=y, r=1.5, class_=f"tint{min(int(max(tint, 0.0) * 5), 4)}"))
    return _drawing(title, width, height, parts, "strip")


@dataclass(frozen=True)
class Line:
    """One line of a chart: its name, its points (x, y) and, where known, the interval of each as (x, low, high)."""

    name: str
    points: Points
    band: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True)
class Axis:
    """An axis: what it measures, its ends, and the marks with their texts."""

    name: str
    low: float
    high: float
    marks: Sequence[tuple[float, str]]


def lines(drawn: Sequence[Line], across: Axis, up: Axis, title: str, *, dots: bool = False) -> Markup:
    """Lines over two axes, in the order of the style sheet's colours; bands are drawn below the lines.

    Args:
        drawn: at most six lines.
        across: the horizontal axis.
        up: the vertical axis.
        title: what the chart shows, in words.
        dots: mark each point.
    """
    left, right, top, bottom = 48.0, 330.0, 24.0, 180.0

    def x(value: float) -> float:
        return left + (right - left) * (value - across.low) / ((across.high - across.low) or 1.0)

    def y(value: float) -> float:
        inside = min(max(value, up.low), up.high)
        return bottom - (bottom - top) * (inside - up.low) / ((up.high - up.low) or 1.0)

    parts = []
    for value, text in up.marks:
        parts.append(tag("line", x1=left, x2=right, y1=y(value), y2=y(value), class_="grid"))
        parts.append(tag("text", text, x=left - 6, y=y(value) + 4, class_="tick end"))
    for value, text in across.marks:
        parts.append(tag("text", text, x=x(value), y=bottom + 15, class_="tick middle"))
    parts.append(tag("text", across.name, x=(left + right) / 2, y=bottom + 31, class_="tick middle"))
    parts.append(tag("text", up.name, x=2, y=10, class_="tick"))
    for i, line in enumerate(drawn[:_LINES]):
        if line.band:
            around = [(x(a), y(high)) for a, _, high in line.band] + [(x(a), y(low)) for a, low, _ in line.band[::-1]]
            parts.append(tag("polygon", points=_path(around), class_=f"band{i}"))
    for i, line in enumerate(drawn[:_LINES]):
        path = [(x(a), y(b)) for a, b in line.points]
        parts.append(tag("polyline", points=_path(path), class_=f"line{i}"))
        if dots:
            parts += [tag("circle", cx=a, cy=b, r=3, class_=f"mark{i}") for a, b in path]
    return _drawing(title, 340, 216, parts, "plot")


def _path(points: Points) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def up_to(value: float, *, percent: bool = False) -> Axis:
    """An unnamed axis from 0 to a round number not below `value`, with marks at round steps."""
    step = 10.0 ** math.floor(math.log10(value / 5)) if value > 0 else 0.2
    step *= next(m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * step * 5 >= value * (1 - 1e-9))
    steps = max(math.ceil(value / step * (1 - 1e-9)), 1)
    return between(0.0, steps * step, steps=steps, percent=percent)


def between(low: float, high: float, *, steps: int = 4, percent: bool = False) -> Axis:
    """An unnamed axis from `low` to `high` with evenly spaced marks."""
    values = [low + (high - low) * i / steps for i in range(steps + 1)]
    return Axis("", low, high, [(v, f"{100 * v:.3g} %" if percent else f"{v:.3g}") for v in values])
