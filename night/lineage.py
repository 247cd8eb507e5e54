"""The lineage of a release: its optional inputs, those that only the previous release had, whether it is published."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lake.errors import ReleaseHeld
from lake.fingerprint import file_hash
from lake.store import write_file
from lake.tables.logs import DELIVERED_FILES, ENGAGEMENT_EVENTS, TRACKS
from lake.tables.nightly import BACKOFF_STRENGTHS, CANDIDATES, EXPOSURE_CURVES, NEEDS, VECTORS, WORDINGS
from night.night import Night
from night.rankers import ranker_of, sweep_of
from night.snapshots import popularity_catalogs
from ranking.examples import training_examples_table
from serving.errors import ReleaseError
from serving.layout import is_release_id, run_date_of
from serving.manifest import read_manifest
from serving.pointers import current_or_none, hold, pending_releases
from serving.stamp import check_stamp

RENAMED = {"queries": "wordings"}  # inputs under the names that releases of earlier versions call them


def made_from(night: Night) -> dict[str, object]:
    """The inputs that are optional for a night, by name, with the fingerprint of each; None for one that this night lacks.

    They are part of the manifest. Required inputs are not listed: the step that reads one raises an error if it is missing.
    """
    lake, day, folder = night.lake, night.run_date, ranker_of(night)
    days = [u for u in lake.commits(ENGAGEMENT_EVENTS) if u < night.settings.run_date]
    return {
        "ranker": file_hash(folder / "model.txt")[:16] if folder else None,
        "sweep": sweep_of(folder) if folder else None,
        "examples": lake.fingerprint(training_examples_table(), day),
        # what an earlier run of the night has stored is not what tonight's features were built from
        "vectors": _with_rows(night, VECTORS) if night.settings.features.vectors else None,
        "features": None if night.settings.features.only else "all",
        "strengths": _with_rows(night, BACKOFF_STRENGTHS),
        "curves": _with_rows(night, EXPOSURE_CURVES),
        "candidates": _with_rows(night, CANDIDATES),
        "wordings": _with_rows(night, WORDINGS),
        "needs": _with_rows(night, NEEDS),
        "tracks": lake.fingerprint(TRACKS, night.tracks_unit),
        "catalog_popularity": "known" if popularity_catalogs(night) else None,
        "events": max(days, default=None),
        "folders": max((u for u in lake.commits(DELIVERED_FILES) if u < night.settings.run_date), default=None),
    }


def refuse_losses(night: Night, root: Path, inputs: Mapping[str, object]) -> None:
    """Raise ReleaseHeld if the previous release had an input that this one lacks, unless `publish.force` gives a reason.

    Args:
        night: the night.
        root: the folder of the releases.
        inputs: the inputs of this release, as `made_from` returns them.
    """
    before = predecessor(root, night.settings.run_date)
    if before is None:
        return
    content = _content(root / before)
    earlier: dict[str, object] = {"ranker": content.get("ranker_fingerprint"), **content.get("made_from", {})}
    lost = [name for name, value in earlier.items() if value and not inputs.get(RENAMED.get(name, name))]
    if not lost:
        return
    force = night.settings.publish.force
    line = f"the release before, {before}, had {', '.join(lost)}, and that of {night.settings.run_date} has none"
    if not force:
        raise ReleaseHeld(
            f'{line}: held, CURRENT stays. Find out where it went (jobs.doctor), or publish without it: publish.force="reason".'
        )
    night.notes.append(f"{line}; published all the same: {force}")


def predecessor(root: Path, run_date: str) -> str | None:
    """The id of the release that this one replaces; None if there is none.

    This is the release that CURRENT names, unless it is of a later night; then it is the newest one of a night not after
    `run_date`.
    """
    current = current_or_none(root)
    if current is not None and run_date_of(current) <= run_date and (root / current).is_dir():
        return current
    return max((i for i in _release_ids(root) if run_date_of(i) <= run_date), default=None)


def published_already(night: Night, root: Path, mark: str) -> str | None:
    """The id of the release that was published from exactly these inputs, if nothing is left to do for it; otherwise None.

    Nothing is left to do if its folder is as it was verified on this machine, and CURRENT names it or a release of a later night,
    or it waits because publishing is on hold.

    Args:
        night: the night.
        root: the folder of the releases.
        mark: the mark of the release, see `night.release.content.publish_mark`.
    """
    try:
        noted = json.loads(_note_file(night).read_text(encoding="utf-8"))
        release_id = str(noted["release_id"])
        if noted["mark"] != mark:
            return None
        check_stamp(root / release_id, read_manifest(root / release_id))
    except (OSError, ValueError, KeyError, TypeError, ReleaseError):  # publishing the same content again does no harm
        return None
    current = current_or_none(root)
    is_settled = current == release_id or (current is not None and run_date_of(current) > run_date_of(release_id))
    return release_id if is_settled or (hold(root) is not None and release_id in pending_releases(root)) else None


def release_of(night: Night, root: Path) -> str | None:
    """The id of the release that was last written for the night; None if there is none."""
    try:
        release_id = str(json.loads(_note_file(night).read_text(encoding="utf-8"))["release_id"])
    except (OSError, ValueError, KeyError, TypeError):
        release_id = max((i for i in _release_ids(root) if run_date_of(i) == night.settings.run_date), default="")
    return release_id if (root / release_id).is_dir() and release_id else None


def note_published(night: Night, mark: str, release_id: str) -> None:
    """Store which release was published for the mark, so that a second run need not build it again to find that it is equal."""
    write_file(_note_file(night), (json.dumps({"mark": mark, "release_id": release_id}) + "\n").encode())


def _note_file(night: Night) -> Path:
    return Path(night.settings.reports) / f"published-{night.settings.run_date}.json"


def _with_rows(night: Night, table: Any) -> str | None:
    commit = night.lake.commits(table).get(night.settings.run_date)
    return commit.fingerprint if commit and commit.rows else None


def _release_ids(root: Path) -> Iterable[str]:
    return [p.name for p in root.iterdir() if p.is_dir() and is_release_id(p.name)] if root.is_dir() else []


def _content(folder: Path) -> Mapping[str, Any]:
    """The content of a release's manifest; {} if it cannot be read, since its inputs are then unknown."""
    try:
        return read_manifest(folder).content
    except ReleaseError:
        return {}
