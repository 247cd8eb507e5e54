"""The charts of a sweep's report, as SVG text: no script and no file from elsewhere, and small with thousands of trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from tuning.space import Dimension

SHADES = 6  # trials are drawn in groups by rank: one path a group keeps the file small


@dataclass(frozen=True)
class Line:
    """One trial as the charts draw it: its place in the leaderboard (1 is the best), its label and its points."""

    place: int
    label: str
    points: Sequence[tuple[float, float]]


def bars(shares: Mapping[str, float], width: int = 640) -> str:
    """Horizontal bars, one for each name, longest first."""
    row, left = 26, 210
    most = max(shares.values(), default=1.0) or 1.0
    parts = []
    for place, (name, share) in enumerate(sorted(shares.items(), key=lambda item: -item[1])):
        y = place * row
        length = (width - left - 60) * share / most
        parts.append(
            f'<text class="name" x="{left - 8}" y="{y + 17}" text-anchor="end">{escape(name)}</text>'
            f'<rect class="bar" x="{left}" y="{y + 5}" width="{max(length, 1):.1f}" height="16" rx="2"/>'
            f'<text class="tick" x="{left + max(length, 1) + 6:.1f}" y="{y + 17}">{share:.0%}</text>'
        )
    return _svg(width, row * len(shares) + 6, parts, "parameter importance", "small")


def xy(lines: Sequence[Line], x_title: str, y_title: str, is_scatter: bool, width: int = 860, height: int = 380) -> str:
    """A chart of lines or, if `is_scatter`, of dots; better trials are drawn later and darker, the best one in its own colour.

    Args:
        lines: the trials; a scatter uses each one's single point.
        x_title: what the horizontal axis shows, with its unit; it is logarithmic if the values span a factor of 30 and more.
        y_title: what the vertical axis shows.
        is_scatter: dots instead of lines.
        width: width of the drawing.
        height: height of the drawing.
    """
    points = [point for line in lines for point in line.points]
    if not points:
        return ""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    # bad trials may lie far below: the axis follows the better half, and what lies below is drawn on its lower edge
    middle = sorted(ys)[len(ys) // 2]
    floor = max(min(ys), middle - 3 * (max(ys) - middle)) if max(ys) > middle else min(ys)
    pad = max((max(ys) - floor) * 0.08, 1e-4)
    low, high = floor - pad, max(ys) + pad
    log = min(xs) > 0 and max(xs) / min(xs) >= 30
    across = _Scale(min(xs), max(xs), 64, width - 16, log)
    up = _Scale(low, high, height - 44, 12, False)
    parts = _axes(across, up, x_title, y_title, width, height)
    for shade, group in _by_shade(lines):
        if is_scatter:
            path = "".join(f"M{across(x):.0f} {up(y):.1f}h0" for line in group for x, y in line.points)
        else:
            path = "".join(
                "M" + "L".join(f"{across(x):.0f} {up(y):.1f}" for x, y in line.points) for line in group if line.points
            )
        parts.append(f'<path class="{"dots" if is_scatter else "line"} s{shade}" d="{path}"/>')
    for line in sorted(lines, key=lambda one: one.place)[:60]:  # what the pointer rests on names itself
        for x, y in line.points[-1:]:
            kind = "best" if line.place == 1 else "hover"
            parts.append(
                f'<circle class="{kind}" cx="{across(x):.1f}" cy="{up(y):.1f}" r="5"><title>{escape(line.label)}</title></circle>'
            )
    return _svg(width, height, parts, f"{y_title} by {x_title}")


def parallel(space: Sequence[Dimension], rows: Sequence[tuple[int, str, Mapping[str, object], float]]) -> str:
    """Parallel coordinates (Inselberg 1985): one axis for each searched parameter and one for NDCG@10, one line for each trial.

    Args:
        space: the searched parameters.
        rows: (place, label, searched parameters, NDCG@10) of each trial.
    """
    step, height, top = 118, 360, 34
    width = step * len(space) + 90
    reached = [ndcg for *_, ndcg in rows]
    if not reached:
        return ""
    last = _Scale(min(reached), max(reached), height - 34, top, False)
    axes = [_Axis(dimension, height - 34, top) for dimension in space]
    lines = [
        Line(
            place,
            label,
            [*((40 + step * i, axis(of[axis.name])) for i, axis in enumerate(axes)), (width - 50, last(y))],
        )
        for place, label, of, y in rows
    ]
    parts = []
    for shade, group in _by_shade(lines):
        path = "".join("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in line.points) for line in group)
        parts.append(f'<path class="line s{shade}" d="{path}"/>')
    for line in sorted(lines, key=lambda one: one.place)[:40]:
        path = "L".join(f"{x:.0f} {y:.0f}" for x, y in line.points)
        kind = "best-line" if line.place == 1 else "hover-line"
        parts.append(f'<path class="{kind}" d="M{path}"><title>{escape(line.label)}</title></path>')
    for i, axis in enumerate(axes):
        parts += _upright(40 + step * i, top, height - 34, axis.name, axis.ticks())
    parts += _upright(width - 50, top, height - 34, "NDCG@10", [(last(v), f"{v:.4f}") for v in (last.low, last.high)])
    return _svg(width, height, parts, "parallel coordinates", width_px=width)


class _Scale:
    """From values to pixels, linear or logarithmic."""

    def __init__(self, low: float, high: float, start: float, end: float, log: bool) -> None:
        self.low, self.high, self.start, self.end, self.log = low, high, start, end, log

    def __call__(self, value: float) -> float:
        low, high, at = (math.log(v) if self.log else v for v in (self.low, self.high, max(value, self.low)))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + (self.end - self.start) * min(share, 1.0)

    def ticks(self, count: int = 5) -> list[float]:
        """Round values between the ends."""
        if self.low >= self.high:
            return [self.low]
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            fine = (1, 2, 5) if last - first < 4 else (1,)
            values = [m * 10.0**e for e in range(first, last + 1) for m in fine]
            return [value for value in values if self.low <= value <= self.high]
        rough = (self.high - self.low) / count
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough)
        first_step = math.ceil(self.low / step)
        return [step * i for i in range(first_step, int(self.high / step) + 1)]


class _Axis:
    """The axis of one searched parameter."""

    def __init__(self, dimension: Dimension, bottom: float, top: float) -> None:
        self.name, self.values = dimension.name, dimension.values
        last = max(len(dimension.values) - 1, 0)
        ends = (0.0, float(last)) if dimension.values else (dimension.low, dimension.high)
        self.scale = _Scale(*ends, bottom, top, dimension.kind.startswith("log"))

    def __call__(self, value: object) -> float:
        return self.scale(float(self.values.index(value)) if self.values else float(value))  # type: ignore[arg-type]

    def ticks(self) -> list[tuple[float, str]]:
        """(pixel, text) of each choice, or of both ends and the middle."""
        if self.values:
            return [(self(value), str(value)) for value in self.values]
        low, high = self.scale.low, self.scale.high
        middle = math.sqrt(low * high) if self.scale.log else (low + high) / 2
        return [(self.scale(value), f"{value:.3g}") for value in (low, middle, high)]


def _by_shade(lines: Sequence[Line]) -> list[tuple[int, list[Line]]]:
    """(shade, trials), the worst first: shade 0 is the palest."""
    if not lines:
        return []
    groups: dict[int, list[Line]] = {}
    for rank, line in enumerate(sorted(lines, key=lambda one: -one.place)):
        share = rank / len(lines)
        # the best tenth is the last shade, the rest in even parts
        shade = SHADES - 1 if share >= 0.9 else min(int(share / 0.9 * (SHADES - 1)), SHADES - 2)
        groups.setdefault(shade, []).append(line)
    return sorted(groups.items())


def _axes(across: _Scale, up: _Scale, x_title: str, y_title: str, width: int, height: int) -> list[str]:
    parts = []
    for value in up.ticks():
        y = up(value)
        parts.append(
            f'<line class="grid" x1="64" x2="{width - 16}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="58" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        )
    for value in across.ticks(8):
        x = across(value)
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - 26}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<text class="title" x="{width - 16}" y="{height - 6}" text-anchor="end">{escape(x_title)}</text>')
    parts.append(f'<text class="title" x="68" y="22">{escape(y_title)}</text>')
    return parts


def _upright(x: float, top: float, bottom: float, name: str, ticks: Sequence[tuple[float, str]]) -> list[str]:
    short = name if len(name) <= 17 else f"{name[:16]}…"
    parts = [
        f'<line class="axis" x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"/>',
        f'<text class="name" x="{x}" y="16" text-anchor="middle"><title>{escape(name)}</title>{escape(short)}</text>',
    ]
    for y, text in ticks:
        parts.append(f'<text class="tick halo" x="{x + 5}" y="{y + 4:.0f}">{escape(text)}</text>')
    return parts


def _svg(width: int, height: int, parts: Sequence[str], label: str, kind: str = "", width_px: int = 0) -> str:
    """The drawing; with `width_px` it keeps that width and the page scrolls, otherwise it follows the width of the page."""
    inner, own = "".join(parts), f' style="width:{width_px}px"' if width_px else ""
    return (
        f'<svg class="{kind}"{own} viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{inner}</svg>'
    )
