"""The table of `release list`."""

import time
from collections.abc import Iterator
from pathlib import Path

from serving.errors import NoRelease, ReleaseError, ReleaseFormatUnknown, ReleaseNotVerified
from serving.layout import VERIFIED, release_ids, run_date_of
from serving.manifest import read_manifest
from serving.pointers import current_or_none, hold
from serving.stamp import check_stamp

_HEAD = ("release", "run_date", "entries", "size", "age", "marks")


def listing(root: Path) -> list[str]:
    """The releases under `root` as lines of a table, newest first, with one more line while a hold is in force.

    Marks: CURRENT, HOLD (the release of the rollback or pin), VERIFIED (valid stamp), `not verified`, `changed` (since it was
    verified), `newer format`, DAMAGED. Only the stamp is checked; `verify` reads the bytes.
    Raises NoRelease if there is no release.
    """
    rows = list(_rows(root))
    if not rows:
        raise NoRelease(f"no release in {root}. Run make nightly.")
    rows.sort(key=lambda row: (row[1], row[0]), reverse=True)
    widths = [max(len(row[column]) for row in (_HEAD, *rows)) for column in range(len(_HEAD))]
    table = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (_HEAD, *rows))
    lines = ["  ".join(cells).rstrip() for cells in table]
    standing = hold(root)
    if standing is not None:
        lines.append(f"HOLD since {standing.since} ({standing.action}): CURRENT stays until release resume")
    return lines


def released_ages(root: Path) -> list[str]:
    """`release <id>, <age>` for each release under `root`, oldest first; none where there is no release."""
    return [f"release {row[0]}, {row[4]} old" for row in sorted(_rows(root))] if root.is_dir() else []


def _rows(root: Path) -> Iterator[tuple[str, ...]]:
    current, standing = current_or_none(root), hold(root)
    for name in release_ids(root):
        marks = ["CURRENT"] if name == current else []
        marks += ["HOLD"] if standing and standing.release_id == name else []
        entries = size = age = "?"
        try:
            manifest = read_manifest(root / name)
            entries = f"{manifest.counts['entries']:,}"
            size = f"{sum(int(file['bytes']) for file in manifest.files.values()) / 1e6:.1f} MB"
            age = f"{max(0.0, time.time() - manifest.built_at_s) / 3600:.1f} h"
            check_stamp(root / name, manifest)
            marks.append("VERIFIED")
        except ReleaseNotVerified:
            marks.append("changed" if (root / name / VERIFIED).exists() else "not verified")
        except ReleaseFormatUnknown:
            marks.append("newer format")
        except ReleaseError:
            marks.append("DAMAGED")
        yield name, run_date_of(name), entries, size, age, " ".join(marks)
