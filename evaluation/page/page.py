"""Write the page of a night: one HTML file without links to other places, of at most 5 MB whatever it is given.

Every text goes through the escaping of Jinja2; a policy in the page lets the browser run its own script alone, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from evaluation.page import texts
from evaluation.page.change import COVERAGE, changes, moved_columns
from evaluation.page.charts import bar, swarm, whisker
from evaluation.page.content import ColumnUse, PageContent, Track, Worst
from evaluation.page.figures import ARMS, arms, ceilings, definitions, measures, others
from evaluation.page.plots import calibration_plot, curve_plots, grade_plot, risk_plot
from evaluation.page.search import search_data
from evaluation.report import OWN_ORDER, TEN_FEATURES
from evaluation.segments import OURS

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_BYTES = 5_000_000
SEARCH_BYTES = 2_800_000
TEMPLATES = Path(__file__).parent / "templates"
# how many rows of each section are shown; night.page need not gather more
MOST_COLUMNS, MOST_POINTS, MOST_DRIFT, MOST_WORST, MOST_TRACKS, MOST_SEGMENTS = 30, 150, 40, 50, 10, 40
MOST_FACTS, MOST_GRADES, MOST_ROWS, MOST_LINES = 6, 12, 20, 30
SHORT = 60  # characters of a title in a list of worst needs


def page(content: PageContent) -> str:
    """The page as HTML.

    The lists for the search box take what the other sections leave of 5 MB, and 2.8 MB at most; the page says how many of the
    released lists it holds.
    """
    content = _bounded(content)
    parts = _parts(content)
    nothing = search_data((), {}, SEARCH_BYTES)
    rest = len(_render(content, parts, nothing).encode())
    spare = MOST_BYTES - rest - 1000  # the counts that the page tells have more digits then
    data = search_data(content.lists, content.tracks, min(SEARCH_BYTES, spare))
    return _render(content, parts, data)


def _bounded(content: PageContent) -> PageContent:
    """The content without what is too much for one page: the first rows of each section."""
    turned = content.turnover
    return replace(
        content,
        missing=content.missing[:MOST_LINES],
        coverage=dict(list(content.coverage.items())[:MOST_ROWS]),
        unseen=content.unseen[:MOST_ROWS],
        uses=content.uses[:MOST_COLUMNS],
        grades=content.grades[:MOST_GRADES],
        drift=content.drift[:MOST_DRIFT],
        turnover=replace(turned, most_changed=turned.most_changed[:MOST_ROWS]) if turned else None,
        worst=[replace(one, facts=one.facts[:MOST_FACTS]) for one in content.worst[:MOST_WORST]],
    )


def _render(content: PageContent, parts: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    script, style = _file("search.js"), _file("style.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template("page.html")
        .render(
            content=content,
            data=texts.embedded(data),
            searchable=len(data["lists"]),
            places=sorted({one[0] for one in data["lists"]}),
            script=Markup(script),  # ours, not escaped: the hash is of these bytes
            style=Markup(style),
            script_hash=digest,
            **parts,
        )
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        name: getattr(texts, name)
        for name in ("breakable", "count", "ends", "number", "share", "shown", "signed", "words")
    }
    return environment


@cache
def _file(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _parts(content: PageContent) -> dict[str, Any]:
    """What the template shows, section by section."""
    figures = content.figures
    return {
        "tiles": _tiles(content),
        "coverage_words": COVERAGE,
        "judged": _judged(figures) if figures else None,
        "changes": changes(content.before, content.summary) if content.before else [],
        "moved": moved_columns(content.before, content.summary) if content.before else [],
        "uses": _uses(content.uses),
        "plots": curve_plots(content.curves),
        "grade_plot": grade_plot(content.grades),
        "drift": content.drift,
        "unseen": [
            (words, n, value, bar(value, 1.0, f"{texts.share(value)} never shown"))
            for words, n, value in content.unseen
        ],
        "worst": [_worst(one, content.tracks) for one in content.worst],
        "languages": _languages(content.worst),
    }


def _tiles(content: PageContent) -> list[tuple[str, str, str]]:
    """(figure, its value, a line below it) of what is known at the top of the page."""
    out: list[tuple[str, str, str]] = []
    figures = content.figures or {}
    lead = figures.get("strongest", {}).get("without_learning", "")
    if "ndcg10_all" in figures:
        out.append(
            ("NDCG@10 over all searches", texts.number(figures["ndcg10_all"]), "a search without an answer counts 0")
        )
    if (rival := figures.get("diff", {}).get(lead)) is not None:
        out.append(_lead(f"ahead of the strongest arm without learning ({ARMS.get(lead, texts.words(lead))})", rival))
    if (ten := figures.get("diff", {}).get(TEN_FEATURES)) is not None:
        out.append(_lead("ahead of a ranker of its ten best columns", ten))
    ndcg = figures.get("ndcg10", {})
    if OWN_ORDER in ndcg:
        cost = ndcg[OWN_ORDER] - ndcg[OURS]
        out.append(
            (
                "price of the re-rank rules",
                texts.signed(-cost),
                f"the ranker's own order has {texts.number(ndcg[OWN_ORDER])}",
            )
        )
    if "never_shown" in figures:
        never = figures["never_shown"]
        below = f"of what was never shown, which is {texts.share(never['share'])} of the ideal first ten"
        out.append(("never-shown recall", texts.share(never["reached"]), below))
    if "answered_share" in content.coverage:
        out.append(
            (
                "searches answered",
                texts.share(content.coverage["answered_share"]),
                "of the last 28 days, in public wordings",
            )
        )
    out.append(("lists released", texts.count(content.lists_released), content.release_id or "no release"))
    return out


def _lead(name: str, row: Mapping[str, Any]) -> tuple[str, str, str]:
    return (name, texts.signed(row["mean"]), f"95 %: {texts.ends(row['low'], row['high'])}")


def _judged(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The sections that need the simulator's truth."""
    rows = arms(figures)
    known = [v for r in rows for v in (r.low, r.high, r.ahead) if v is not None]
    span = (min([0.0, *known]), max([0.0, *known]))
    every, calibration = figures.get("all") or {}, figures.get("calibration") or {}
    return {
        "metric": figures.get("metric", ""),
        "arms": [(r, whisker(r.ahead, r.low, r.high, span, _in_words(r.words, r.ahead, r.low, r.high))) for r in rows],
        "ceilings": ceilings(figures),
        "measures": measures(figures),
        "definitions": definitions(figures),
        "names": ARMS,
        "ours": OURS,
        "segments": _segments(figures.get("segments") or {}),
        "rival": ARMS.get(rival := (figures.get("segments") or {}).get("rival", ""), texts.words(rival)),
        "score_plot": calibration_plot(calibration.get("scores") or []),
        "truth_plot": grade_plot(calibration.get("grades") or []),
        "all": [(f"{part}: {name}", one) for part, name, one in _slices(every)],
        "other_answered": every.get("other_answered"),
        "risk_plot": risk_plot(every.get("risk_curve") or []),
        "never_shown": figures.get("never_shown") or {},
        "others": others(figures),
    }


def _in_words(name: str, mean: float | None, low: float | None, high: float | None) -> str:
    return f"{name}: {texts.signed(mean)}, 95 % {texts.ends(low, high)}"


def _segments(segments: Mapping[str, Any]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(what the segments are by, the ends of the drawing of NDCG@10, rows)."""
    out = []
    for part, of in segments.items():
        if not isinstance(of, Mapping):
            continue
        rows = list(of.items())[:MOST_SEGMENTS]
        known = [v for _, one in rows for v in one["ahead"].values() if v is not None]
        span = (min([0.0, *known]), max([0.0, *known]))
        floor = (
            math.floor(10 * min([0.9, *(v for _, one in rows for v in one["ndcg10"].values() if v is not None)])) / 10
        )
        out.append(
            (
                part,
                f"{floor:g} to 1",
                [
                    {
                        "name": name,
                        **one,
                        "own": whisker(
                            *_ends(one["ndcg10"]),
                            (floor, 1.0),
                            _in_words(name, *_ends(one["ndcg10"])),
                            is_difference=False,
                        ),
                        "lead": whisker(*_ends(one["ahead"]), span, _in_words(name, *_ends(one["ahead"]))),
                    }
                    for name, one in rows
                ],
            )
        )
    return out


def _ends(one: Mapping[str, float | None]) -> tuple[float | None, float | None, float | None]:
    return one["mean"], one["low"], one["high"]


def _slices(every: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, float]]]:
    """(what it is by, name, figures) of the slices of all searches; by kind they stand among the segments, too, but with misses."""
    parts = (("kind", "by_kind"), ("asked before", "by_frequency"), ("how the request was read", "by_match"))
    whole = [("all", "music searches", every)] if "ndcg10" in every else []
    rows = [(title, texts.words(name), one) for title, key in parts for name, one in every.get(key, {}).items()]
    return [*whole, *rows[:MOST_SEGMENTS]]


def _uses(uses: Sequence[ColumnUse]) -> list[dict[str, Any]]:
    most_gain = max((u.gain for u in uses), default=0.0)
    most_effect = max((u.effect for u in uses), default=0.0)
    sizes = sorted(abs(v) for u in uses for v, _ in u.points[:MOST_POINTS])
    reach = sizes[int(0.995 * (len(sizes) - 1))] if sizes else 0.0  # a few points lie at the edge, and the others apart
    return [
        {
            "use": u,
            "gain": bar(u.gain, most_gain, f"{u.name}: {texts.share(u.gain)} of the split gain"),
            "effect": bar(u.effect, most_effect, f"{u.name}: mean absolute effect {texts.number(u.effect)}"),
            "points": swarm(u.points[:MOST_POINTS], reach, f"{u.name}: effects between {-reach:.2f} and {reach:.2f}"),
        }
        for u in uses
    ]


def _worst(one: Worst, tracks: Mapping[str, Track]) -> dict[str, Any]:
    """A worst list with the names of its tracks."""

    def named(track_id: str) -> tuple[str, str]:
        track = tracks.get(track_id, Track(track_id, ""))
        return texts.shown(track.title, SHORT), texts.shown(track.artists, SHORT)

    listed = one.listed
    gains = [*one.gains, *[None] * MOST_TRACKS]
    return {
        "one": one,
        "listed": [
            (*named(t), reason, gain)
            for t, reason, gain in zip(listed.tracks[:MOST_TRACKS], listed.reasons[:MOST_TRACKS], gains, strict=False)
        ],
        "ideal": [(*named(row["track_id"]), row) for row in one.ideal[:MOST_TRACKS]],
    }


def _languages(worst: Sequence[Worst]) -> list[tuple[str, int]]:
    languages = [one.language for one in worst]
    return [(name, languages.count(name)) for name in sorted(set(languages))]
