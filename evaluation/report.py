"""The result of evaluating one night: as a value, as JSON for other programs, and as a printed table."""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.all_searches import AllSearches, Slice
from evaluation.explored import Explored
from evaluation.intervals import Interval
from evaluation.list_figures import FIGURES
from evaluation.recall import NeverShown

OWN_ORDER, TEN_FEATURES = "own_order", "ten_features"  # columns of the candidates, and arms, where there is a ranker


def strongest_of(arms: Iterable[str], ndcg: Mapping[str, float]) -> str:
    """The arm without learning that has the highest NDCG@10; of equal ones the first by name."""
    return max(sorted(set(arms) - {TEN_FEATURES}), key=lambda arm: ndcg[arm])


def refit_of(arm: str, number: int) -> str:
    """The column of the candidates with the scores of a refit of an arm; refits are numbered from 1."""
    return f"{arm}, refit {number}"


@dataclass(frozen=True)
class Difference:
    """NDCG@10 of playfirst minus that of one baseline, paired by entry, weighted by traffic, clustered by need.

    Decide by `interval`, which holds the variance of the fit if the night was judged with refits; `bootstrap` and `sign_flip_p` check
    it without refits. `across_locales` is stricter: there, one song (or mood, …)
    that is asked for in several locales is one cluster, not one per locale. `unweighted` is the plain mean over entries.
    """

    interval: Interval
    across_locales: Interval
    bootstrap: Interval
    sign_flip_p: float
    unweighted: float


@dataclass(frozen=True)
class NightResult:
    """How well the release of `run_date` answers what people asked on that day. All shares are in [0, 1].

    Args:
        run_date: the night, and the day whose searches it is evaluated on.
        source: where the searches come from (`NightTruth.source`).
        metric: the full name of the metric.
        ndcg10: arm → mean over the judged entries, weighted by the searches that each answers.
        ndcg10_unweighted: arm → plain mean over the judged entries.
        ndcg10_by_request: arm → mean over the requests as they were asked, each with its own ideal list
            (`Judge.ndcg_by_request`).
        diff: baseline → the difference between playfirst and it.
        recall100: recall within the first 100 candidates by name (`evaluation.recall.candidate_recall`).
        recall_order: the order of the candidates for it, in words.
        coverage: the share of the day's searches that some entry answers.
        entries: numbers of entries and candidate rows.
        weights: numbers of searches.
        by_kind: kind of need → {"searches", "entries", arm: weighted NDCG}.
        shown_skyline: NDCG@10 of the best order of what the need's lists were ever shown in the window.
        never_shown: how much of the ideal lists no search was shown, and how much of it is listed.
        lists: arm → what its first ten are like (`evaluation.list_figures.FIGURES`).
        all_searches: the release over all music searches of the day, a miss as nothing.
        knowable_skyline: NDCG@10 of the best order by what the last weeks' needs tell of tomorrow's; None if it was not asked for.
        explored: the lists as listeners get them with their variants; None if it was not asked for.
        details: segments, calibration and the lists that lose the most (`evaluation.details.details`).
        by_entry: one row per judged entry (locale, need, need_id, want, searches) with a column of NDCG@10 for each arm; not in the JSON.
    """

    run_date: date
    source: str
    metric: str
    ndcg10: dict[str, float]
    ndcg10_unweighted: dict[str, float]
    ndcg10_by_request: dict[str, float]
    diff: dict[str, Difference]
    recall100: dict[str, float]
    recall_order: str
    coverage: float
    entries: dict[str, int]
    weights: dict[str, float]
    shown_skyline: float
    never_shown: NeverShown
    by_kind: dict[str, dict[str, float]] = field(default_factory=dict)
    lists: dict[str, dict[str, float]] = field(default_factory=dict)
    all_searches: AllSearches | None = None
    details: dict[str, Any] = field(default_factory=dict)
    knowable_skyline: float | None = None
    explored: Explored | None = None
    by_entry: pd.DataFrame | None = None

    @property
    def strongest(self) -> str:
        """The arm without learning that has the highest NDCG@10."""
        return strongest_of(self.diff, self.ndcg10)

    def as_json(self) -> dict[str, Any]:
        """Plain nested values; NaN (undefined) becomes null."""
        diff = {
            name: {
                "mean": d.interval.mean,
                "low": d.interval.low,
                "high": d.interval.high,
                "n_needs": d.interval.n,
                "p_value": d.interval.p_value,
                "method": d.interval.method,
                "across_locales_low": d.across_locales.low,
                "across_locales_high": d.across_locales.high,
                "n_wants": d.across_locales.n,
                "bootstrap_low": d.bootstrap.low,
                "bootstrap_high": d.bootstrap.high,
                "sign_flip_p": d.sign_flip_p,
                "unweighted": d.unweighted,
            }
            for name, d in self.diff.items()
        }
        whole = {
            "run_date": self.run_date.isoformat(),
            "source": self.source,
            "metric": self.metric,
            "ndcg10": self.ndcg10,
            "ndcg10_unweighted": self.ndcg10_unweighted,
            "ndcg10_by_request": self.ndcg10_by_request,
            "diff": diff,
            "recall100": {**self.recall100, "order": self.recall_order},
            "coverage": self.coverage,
            "entries": self.entries,
            "weights": self.weights,
            "shown_skyline": self.shown_skyline,
            "never_shown": asdict(self.never_shown),
            "strongest": {"without_learning": self.strongest, "lead": self.diff[self.strongest].interval.mean},
            "by_kind": self.by_kind,
            "lists": {"measures": FIGURES, "arms": self.lists},
            **self.details,
        }
        if self.knowable_skyline is not None:
            whole["ceilings"] = {"knowable": self.knowable_skyline}
        if self.explored is not None:
            whole["explored"] = asdict(self.explored)
        if self.all_searches is not None:
            whole |= {"ndcg10_all": self.all_searches.whole.ndcg10, "all": self.all_searches.as_json()}
        plain: dict[str, Any] = without_nan(whole)
        return plain


def write_json(content: dict[str, Any], path: Path) -> None:
    """Write plain values as JSON, atomically (a temporary file in the same folder, then a rename)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    unfinished.replace(path)


def write_night_json(result: NightResult, path: Path, made_from: str = "") -> None:
    """Write the result as JSON, atomically; `made_from` is the mark of its inputs, by which a second run sees that it is done."""
    write_json(result.as_json() | ({"made_from": made_from} if made_from else {}), path)


def print_night(result: NightResult) -> None:
    """Print the NDCG@10 of the arms, the lead of playfirst over each, candidate recall and coverage."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(title=f"{result.run_date}: the release against the simulator's truth", title_justify="left")
    for heading in ("arm", "NDCG@10", "asked", "ahead", "95 % by need", "95 % by want"):
        table.add_column(heading, justify="left" if heading == "arm" else "right", no_wrap=True)
    for arm, value in sorted(result.ndcg10.items(), key=lambda item: -item[1]):
        lead = ["", "", ""]
        if arm in result.diff:
            d, wide = result.diff[arm].interval, result.diff[arm].across_locales
            lead = [f"{d.mean:+.4f}", f"{d.low:+.3f} {d.high:+.3f}", f"{wide.low:+.3f} {wide.high:+.3f}"]
        name = f"[bold]{arm}[/bold]" if arm == "playfirst" else arm
        table.add_row(name, f"{value:.4f}", f"{result.ndcg10_by_request[arm]:.4f}", *lead)
    _print_leads(console, result)
    console.print(table)
    recall, entries = result.recall100, result.entries
    console.print(
        f"{entries['judged']} entries judged of {entries['released']} released; {result.coverage:.1%} of the "
        f"day's {result.weights['searches']:.0f} searches answered; the weight is worth "
        f"{result.weights['effective_needs']:.0f} equal needs."
    )
    console.print(
        f"Candidate recall@100 ({result.recall_order}): {recall['gain']:.3f} of the ideal gain, "
        f"{recall['grade3']:.3f} of the tracks of grade 3 and 4."
    )
    console.print(
        "NDCG@10 is of released entries, by the searches that each answers; 'asked': of what was asked, with what each wording's own "
        "listeners wanted; 'ahead': playfirst minus the arm; "
        "'by want': the interval with one cluster for a want in all locales. "
        f"{result.metric}",
        style="dim",
        markup=False,
        highlight=False,
    )
    _print_all(console, result)
    if result.by_kind:
        kinds = Table(title="NDCG@10 by kind of need", title_justify="left")
        for heading in ("kind", "searches", "playfirst", "skyline", "best other arm"):
            kinds.add_column(
                heading, justify="left" if heading in ("kind", "best other arm") else "right", no_wrap=True
            )
        for kind, row in sorted(result.by_kind.items(), key=lambda item: -item[1]["searches"]):
            best = max(sorted(result.diff), key=lambda arm: row[arm])
            own = (f"{row['searches']:.0f}", f"{row['playfirst']:.3f}", f"{row['skyline']:.3f}")
            kinds.add_row(kind, *own, f"{row[best]:.3f} {best}")
        console.print(kinds)


def _print_leads(console: Any, result: NightResult) -> None:
    """Print the leads that may be quoted, what the re-rank rules cost, and the ceilings."""
    leads = [(f"over {result.strongest}, the strongest arm without learning", result.strongest)]
    leads += [("over a ranker of its ten best columns", TEN_FEATURES)] if TEN_FEATURES in result.diff else []
    for what, arm in leads:
        d, wide = result.diff[arm].interval, result.diff[arm].across_locales
        by_need, by_want = f"[{d.low:+.3f}, {d.high:+.3f}]", f"[{wide.low:+.3f}, {wide.high:+.3f}]"
        console.print(
            f"Lead {what}: {d.mean:+.4f}, by need {by_need}, by want {by_want}", markup=False, highlight=False
        )
    ndcg = result.ndcg10
    if OWN_ORDER in ndcg:
        price = ndcg[OWN_ORDER] - ndcg["playfirst"]
        console.print(f"The rules of the re-rank cost {price:+.4f}: the ranker's own order has {ndcg[OWN_ORDER]:.4f}.")
    known = result.knowable_skyline
    knowable = "" if known is None else f", by what 28 days of needs tell {known:.4f}"
    console.print(
        f"Ceilings: best order of the candidates {ndcg['skyline']:.4f}, of what was ever shown {result.shown_skyline:.4f}{knowable}. "
        f"Never shown: "
        f"{result.never_shown.share:.1%} of the ideal first ten, of which {result.never_shown.reached:.1%} are listed.",
        highlight=False,
    )
    if (seen := result.explored) is not None:
        console.print(
            f"Exploration: {seen.share:.0%} of the searches meet a list with variants; with a unit they get {seen.ndcg10:.4f} "
            f"({seen.ndcg10 - ndcg['playfirst']:+.4f}), and {seen.never_shown_reached:.1%} of what was never shown.",
            highlight=False,
        )


def _print_all(console: Any, result: NightResult) -> None:
    """Print the figures over all music searches."""
    from rich.table import Table

    figures = result.all_searches
    if figures is None:
        return
    table = Table(
        title="all music searches of the day as the reader answers them, a miss as nothing", title_justify="left"
    )
    for heading in ("searches", "n", "NDCG", "hit", "wrong"):
        table.add_column(heading, justify="left" if heading == "searches" else "right", no_wrap=True)
    rows = [("all", figures.whole), *figures.by_kind.items()]
    rows += [(f"asked {n}", one) for n, one in figures.by_frequency.items()]
    rows += [(f"by {way}" if way != "miss" else "missed", one) for way, one in figures.by_match.items()]
    for name, one in rows:
        table.add_row(name, f"{one.searches:.0f}", _ndcg(one), _coverage(one), _wrong(one))
    console.print(table)
    if figures.other_answered is not None:
        console.print(
            f"searches for other things than music that were answered with tracks: {figures.other_answered:.1%}"
        )
    _print_curve(console, figures.curve)
    console.print(
        "hit: answered; wrong: answered, and no relevant track among the first ten; asked: how often the wording was, in the 28 days "
        "before, in any place; by: how the reader came to the list.",
        style="dim",
        highlight=False,
    )


def _print_curve(console: Any, curve: Sequence[Mapping[str, float | None]]) -> None:
    """Print what readings with less confidence would add, right and wrong."""
    from rich.table import Table

    if not curve:
        return
    table = Table(title="risk against coverage, by the least confidence of a reading", title_justify="left")
    shares = {"hit": "coverage", "wrong of the hits": "risk", "other things answered": "other_answered"}
    known = {heading: name for heading, name in shares.items() if all(point[name] is not None for point in curve)}
    for heading in ("least confidence", *known):
        table.add_column(heading, justify="right", no_wrap=True)
    for point in curve:
        table.add_row(f"{point['least_confidence']:g}", *(f"{point[name]:.1%}" for name in known.values()))
    console.print(table)


def _ndcg(one: Slice) -> str:
    return f"{one.ndcg10:.3f}"


def _coverage(one: Slice) -> str:
    return f"{one.coverage:.1%}"


def _wrong(one: Slice) -> str:
    return f"{one.wrong:.1%}"


def without_nan(value: Any) -> Any:
    """The value with null in place of each NaN, which JSON has not."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
