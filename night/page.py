"""The page of a night: what it shows is gathered from the lake, the ranker and the reports, and written as one HTML file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from evaluation.page.change import summary_of
from evaluation.page.content import PageContent
from evaluation.page.page import page
from lake.store import write_file
from night.lineage import release_of
from night.night import Night
from night.page_lists import (
    listed,
    lists_released,
    most_asked,
    tracks_of,
    turnover,
    unseen_by_intent,
    worst_by_logs,
    worst_by_truth,
)
from night.page_ranker import column_uses, curve_points, drifted, grade_rates
from night.settings import Settings
from serving.errors import ReleaseError
from serving.manifest import read_manifest

SUMMARIES = "nights"  # folder of the reports with one JSON file per night


def page_file(settings: Settings) -> Path:
    """The page of the night."""
    return Path(settings.reports) / f"{settings.run_date}.html"


def summary_file(settings: Settings) -> Path:
    """What is kept of the night for the page of the next one."""
    return Path(settings.reports) / SUMMARIES / f"{settings.run_date}.json"


def print_page(settings: Settings, console: Console) -> None:
    """Print the path of the night's page if it is there."""
    if page_file(settings).exists():
        console.print(f"the report of the night, for a browser: {page_file(settings)}", highlight=False)


def written_from(settings: Settings) -> dict[str, Any] | None:
    """The summary that was written with the page of the night (`evaluation.page.change.summary_of`); None if one is not there."""
    return _read(summary_file(settings)) if page_file(settings).exists() else None


def write_page(night: Night, figures: Mapping[str, Any] | None, mark: str, why_not_judged: str = "") -> Path:
    """Write the page and the summary of the night, and return the page's file.

    Args:
        night: the night; its lists are ranked and released.
        figures: the content of `night.json`; None if the night is not judged by the simulator's truth.
        mark: the mark of what the page is made from.
        why_not_judged: the reason, in a sentence, if `figures` is None.
    """
    settings, run_date = night.settings, night.settings.run_date
    missing = [f"{why_not_judged} So arms, ceilings, segments and NDCG are missing."] if figures is None else []
    lists, released = listed(night, most_asked(night)), lists_released(night)
    uses, sampled = column_uses(night)
    if not uses:
        missing.append("The history is too short to train a ranker: importance and effects of columns are missing.")
    curves = curve_points(night)
    if curves and all(p.low is None for p in curves):
        missing.append("The night's exposure curves have no intervals.")
    if not (grades := grade_rates(night)):
        missing.append("There are no two label weeks in a row: how grades hold in the week after is missing.")
    coverage, release_id = _coverage(night)
    if figures is not None:
        worst, worst_by = (
            worst_by_truth(figures.get("worst", []), lists),
            "by the NDCG@10 that they lose over their searches",
        )
    else:
        worst, worst_by = worst_by_logs(night, lists), "by their searches in 28 days without a long play, save or like"
    before = night_before(settings)
    changed = turnover(night, lists, date.fromisoformat(before["run_date"])) if before else None
    if before and changed is None:
        missing.append(f"The lake no longer has the lists of {before['run_date']}: how the lists changed is missing.")
    ids = {t for one in lists for t in one.tracks} | {t["track_id"] for one in worst for t in one.ideal}
    ids |= {t for one in worst for t in one.listed.tracks}
    summary = summary_of(run_date, release_id, mark, figures, coverage, uses)
    content = PageContent(
        run_date=run_date,
        release_id=release_id,
        is_simulated=night.is_simulated,
        summary=summary,
        before=before,
        figures=figures,
        missing=tuple(missing),
        coverage=coverage,
        unseen=unseen_by_intent(lists),
        uses=uses,
        sampled=sampled,
        curves=curves,
        grades=grades,
        drift=drifted(night),
        turnover=changed,
        worst=worst,
        worst_by=worst_by,
        lists=lists,
        lists_released=released,
        tracks=tracks_of(night, ids),
    )
    out = page_file(settings)
    write_file(out, page(content).encode())
    write_file(summary_file(settings), (json.dumps(summary, indent=1) + "\n").encode())
    return out


def _coverage(night: Night) -> tuple[dict[str, float], str]:
    """What the manifest of the night's release says of coverage and counts, and the id of the release; empty without one."""
    root = Path(night.settings.releases)
    if (release_id := release_of(night, root)) is None:
        return {}, ""
    try:
        content = read_manifest(root / release_id).content
    except ReleaseError as error:
        night.notes.append(f"the page lacks coverage: {error}")
        return {}, release_id
    counts = {**content.get("coverage", {}), **content.get("counts", {})}
    wanted = ("answered_share", "public_searches_28d", "k", "entries", "wordings", "names", "tracks")
    return {name: float(counts[name]) for name in wanted if name in counts}, release_id


def night_before(settings: Settings) -> dict[str, Any] | None:
    """The summary of the newest night before D that has one; one that cannot be read is passed over."""
    files = sorted((Path(settings.reports) / SUMMARIES).glob("*.json"), reverse=True)
    earlier = (_read(file) for file in files if file.stem < settings.run_date)
    return next((summary for summary in earlier if summary is not None), None)


def _read(file: Path) -> dict[str, Any] | None:
    """The content of a summary; None if it is not there, or not one that this version can read."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        date.fromisoformat(content["run_date"])
        return dict(content)
    except (OSError, ValueError, KeyError, TypeError):
        return None
