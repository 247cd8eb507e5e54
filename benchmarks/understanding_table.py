"""The bars of query understanding, and the table that `benchmarks.understanding` prints."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.arms import OURS
from benchmarks.figures import Figure

Key = tuple[str, str, str]
"""(family, language, measure)"""
BARS: dict[Key, float] = {
    ("all", "en", "music_f1"): 0.96,
    ("all", "es", "music_f1"): 0.985,
    ("mtop", "en", "slots_f1"): 0.72,
    ("mtop", "es", "slots_f1"): 0.68,
    ("hwu64_slurp", "en", "slots_f1"): 0.65,
    ("music_reco_ner", "en", "slots_f1"): 0.58,
    ("leyzer", "es", "slots_f1"): 0.94,
    ("leyzer", "en", "slots_f1"): 0.86,
    ("snips", "en", "slots_f1"): 0.85,
    ("snips", "en", "when_f1"): 0.97,
    ("mtop", "en_es", "parallel_same"): 0.90,
    ("cpcd", "en", "recall10"): 0.95,
    ("cpcd", "en", "recall50"): 0.985,
    ("cpcd", "en", "recall10_unmatched"): 0.93,
    ("cpcd", "en", "recall50_unmatched"): 0.97,
}
AT_MOST: dict[Key, float] = {("hostile", "all", "ratio"): 3.0, ("spark", "all", "seconds"): 600.0}
OF_ARM = {"leyzer": {"local": None, "shipped": {"es": 0.80, "en": 0.72}}}
"""Leyzer's bars apply to the arm `local`; the lower ones here are shown for `shipped`, which may not be trained on Leyzer."""
_SECTIONS = (
    ("slots: micro F1", ("_f1",), ("catalog", "grammar", "plain_crf", "shipped", "local")),
    ("music or not: F1", ("music_f1",), ("grammar", "logistic", "shipped", "local")),
    ("same request in both languages", ("parallel_same",), ("grammar", "shipped", "local")),
    ("linking: recall", ("recall",), ("ours", "bm25", "trigrams", "token_set")),
    ("moods and decades of Alexa's models: met", ("_met",), ("grammar", "shipped")),
    ("speed", ("queries_per_s", "seconds", "seconds_20kb", "ratio"), ("ours",)),
)


def print_table(figures: Sequence[Figure], by_type: bool) -> None:
    """Print one table with a section per kind of measure, whose first line names the arms.

    Args:
        figures: everything that was measured.
        by_type: also print a row for each slot type.
    """
    from rich.console import Console
    from rich.table import Table

    sections = []
    for title, measures, arms in _SECTIONS:
        rows = _rows(figures, measures, by_type)
        measured = {arm for row in rows.values() for arm in row}
        if rows:
            sections.append((title, [*(a for a in arms if a in measured), *sorted(measured - set(arms))], rows))
    table = Table(title="query understanding: values with 95 % intervals", title_justify="left", show_header=False)
    for column in range(4 + max((len(arms) for _, arms, _ in sections), default=0)):
        table.add_column(justify="left" if column < 3 else "right", overflow="fold")
    for title, shown, rows in sections:
        table.add_row(*(f"[bold]{cell}[/bold]" for cell in (title, "lang", "measured on", "bar", *shown)))
        for key, row in rows.items():
            cells = [_cell(row[arm]) if arm in row else "" for arm in shown]
            table.add_row(f"{key[0]} {key[2]}", key[1], _measured_on(row), bar_text(key), *cells)
        table.add_section()
    Console(width=None if sys.stdout.isatty() else 190, highlight=False).print(table)


def misses(figures: Sequence[Figure]) -> list[str]:
    """The bars that our arm misses, in words: the arm `ours` for linking and speed, otherwise the first measured one of OURS."""
    missed = []
    rows: dict[Key, dict[str, Figure]] = {}
    for one in figures:
        rows.setdefault((one.family, one.language, one.measure), {})[one.arm] = one
    for key, row in rows.items():
        preferred = ("local", *OURS) if key[0] in OF_ARM else OURS
        ours = next((row[arm] for arm in ("ours", *preferred) if arm in row), None)
        if ours and key in BARS and ours.value < BARS[key]:
            missed.append(f"{ours.key} {ours.value:.3f} < {BARS[key]:g}")
        if ours and key in AT_MOST and ours.value > AT_MOST[key]:
            missed.append(f"{ours.key} {ours.value:.1f} > {AT_MOST[key]:g}")
    return missed


def bar_text(key: Key) -> str:
    """The bar of a row as text; empty if it has none."""
    if key in AT_MOST:
        return f"≤ {AT_MOST[key]:g}"
    if key not in BARS:
        return ""
    aims = OF_ARM.get(key[0], {}).get("shipped")
    return f"≥ {BARS[key]:g}" + (f" local, {aims[key[1]]:g} shipped" if aims else "")


def _rows(figures: Sequence[Figure], measures: Sequence[str], by_type: bool) -> dict[Key, dict[str, Figure]]:
    """The rows of a section, in the order of measurement: the figures of its measures.

    A figure belongs to the section of slots if its measure ends with "_f1", to those of linking and parallel requests if it
    begins with their measure's name, and otherwise if it is one of `measures`.
    """
    rows: dict[Key, dict[str, Figure]] = {}
    for one in figures:
        key = (one.family, one.language, one.measure)
        if measures == ("_f1",):
            is_meant = one.measure.endswith("_f1") and one.measure != "music_f1"
            is_meant = is_meant and (by_type or one.measure == "slots_f1" or key in BARS)
        else:
            is_meant = one.measure in measures or (
                measures[0] in ("recall", "parallel_same") and one.measure.startswith(measures[0])
            )
        if is_meant:
            rows.setdefault(key, {})[one.arm] = one
    seen = list(dict.fromkeys(key[:2] for key in rows))
    return dict(sorted(rows.items(), key=lambda row: seen.index(row[0][:2])))


def _measured_on(row: dict[str, Figure]) -> str:
    count = next(iter(row.values())).count
    if " found of " in count:  # for slots the arms share only the numbers of requests and of wanted slots
        requests, correct, *_ = count.split(", ")
        return f"{requests}, {correct.split(' found of ')[1]}"
    return count.split(" of ")[-1]


def _cell(one: Figure) -> str:
    if one.unit != "share":
        return f"{one.value:,.0f} {one.unit}" if one.value >= 100 else f"{one.value:.3g} {one.unit}"
    return f"{one.value:.3f}" + (f" ({one.low:.3f}–{one.high:.3f})" if one.low is not None else "")
