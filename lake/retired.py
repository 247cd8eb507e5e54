"""Tables of earlier versions: set aside when a newer version first opens the lake, removed by maintenance after a passed night.

Until version 0.1 the as-of tables were keyed by the wording. They cannot be read as needs, and a night makes them anew from the
logs, so nothing is lost. They stay in `retired/` until a night of the new version has passed, for whoever goes back.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lake.store import is_local, remove_tree

RETIRED = "retired"
# the tables that were keyed by wordings; `queries` last: it tells that the others are still to be moved
BY_WORDING = (
    "alias_pairs",
    "backoff_strengths",
    "candidates",
    "head_rankings",
    "judgements",
    "query_features",
    "query_track_features",
    "training_examples",
    "vectors",
    "queries",
)


def set_aside(root: Path) -> list[str]:
    """Move the tables of BY_WORDING into `retired/` if the lake has any, and return their names; repeat it after a kill."""
    if not is_local(root) or not (root / BY_WORDING[-1]).is_dir():  # that version knew local lakes alone
        return []
    moved = []
    for name in BY_WORDING:
        if (root / name).is_dir():
            target = root / RETIRED / name
            target.parent.mkdir(exist_ok=True)
            shutil.rmtree(target, ignore_errors=True)  # of a lake that went back to the earlier version and came again
            (root / name).rename(target)
            moved.append(name)
    return moved


def remove_retired(root: Path) -> list[str]:
    """Delete what `set_aside` moved, and return the names of the tables."""
    folder = root / RETIRED
    names = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    remove_tree(folder)
    return names
