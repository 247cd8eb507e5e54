"""CURRENT, HOLD and HISTORY: the release that answers, whether nights may change it, and the log of these changes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from serving.errors import NoRelease, ReleaseCorrupt
from serving.files import replace_file, sync
from serving.layout import CURRENT, HISTORY, HOLD, is_release_id

Action = Literal["publish", "held", "rollback", "pin", "resume"]


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nights may not move CURRENT: the action (`rollback` or `pin`), its release, and its time (ISO, UTC)."""

    action: str
    release_id: str
    since: str


def current_id(root: Path) -> str:
    """The release that CURRENT names. Raises NoRelease without CURRENT, ReleaseCorrupt if its text is no release id."""
    try:
        text = (root / CURRENT).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        raise NoRelease(f"no release in {root}: {CURRENT} is missing. Run make nightly.") from None
    if not is_release_id(text.removesuffix("\n")):
        raise ReleaseCorrupt(f"{root / CURRENT}: {text[:60]!r} is no release id. Run serving.release pin ID.")
    return text.removesuffix("\n")


def current_or_none(root: Path) -> str | None:
    """The release that CURRENT names, or None if CURRENT is missing or its text is no release id."""
    try:
        return current_id(root)
    except (NoRelease, ReleaseCorrupt):
        return None


def move_current(root: Path, release_id: str, action: Action) -> None:
    """Point CURRENT to `release_id` atomically and append it to HISTORY. The caller has the folder lock."""
    note_current(root)
    replace_file(root / CURRENT, release_id + "\n")
    append_history(root, action, release_id)


def note_current(root: Path) -> None:
    """Append what CURRENT names to HISTORY if it is not there: a folder was copied without it, or a command was killed before it."""
    release_id = current_or_none(root)
    if release_id is not None and release_id not in answered(root):
        append_history(root, "publish", release_id)


def append_history(root: Path, action: Action, release_id: str) -> None:
    """Append one line `instant action release_id` to HISTORY; a last line that a crash has cut stays a line of its own."""
    with (root / HISTORY).open("a+b") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(size - 1, 0))
        is_cut = size > 0 and stream.read(1) != b"\n"
        stream.write(f"{chr(10) if is_cut else ''}{now()} {action} {release_id}\n".encode())
    sync(root / HISTORY)


def hold(root: Path) -> Hold | None:
    """The hold in force, if any. An unreadable HOLD counts as a hold, because it was put there to stop the nights."""
    try:
        content = json.loads((root / HOLD).read_bytes())
        return Hold(str(content["action"]), str(content["release_id"]), str(content["since"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError):
        return Hold("unreadable", "", "")


def set_hold(root: Path, action: Action, release_id: str) -> None:
    """Stop later nights from moving CURRENT until `release resume`."""
    content = {"action": action, "release_id": release_id, "since": now()}
    replace_file(root / HOLD, json.dumps(content, sort_keys=True) + "\n")


def rollback_path(root: Path) -> list[str]:
    """The releases that CURRENT would name after one, two, … rollbacks, latest first; from HISTORY.

    A rollback removes the release that it leaves from the path, so no later rollback returns to it.
    """
    path: list[str] = []
    for action, release_id in _history(root):
        if action in ("publish", "pin", "resume"):
            path = [step for step in path if step != release_id] + [release_id]
        elif action == "rollback" and release_id in path:
            path = path[: path.index(release_id) + 1]
    now_at = current_or_none(root)
    if now_at in path:  # the last, unless a command was killed between moving CURRENT and writing HISTORY
        path = path[: path.index(now_at)]
    return path[::-1]


def answered(root: Path) -> set[str]:
    """The releases that CURRENT has ever named; from HISTORY."""
    return {release_id for action, release_id in _history(root) if action != "held"}


def pending_releases(root: Path) -> list[str]:
    """The releases that nights built under the present hold and that have not answered since, latest first."""
    pending: list[str] = []
    for action, release_id in _history(root):
        if action in ("publish", "resume"):
            pending = []
        elif action in ("pin", "rollback"):  # it has answered since, so it is no longer pending
            pending = [one for one in pending if one != release_id]
        elif action == "held":
            pending = [one for one in pending if one != release_id] + [release_id]
    return pending[::-1]


def now() -> str:
    """The current time, ISO-8601 in UTC, in seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _history(root: Path) -> Iterator[tuple[str, str]]:
    # A line that a crash has cut is skipped: HISTORY only proposes releases to a rollback, CURRENT decides.
    try:
        lines = (root / HISTORY).read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return
    for line in lines:
        words = line.split(" ")
        if len(words) == 3 and is_release_id(words[2]):
            yield words[1], words[2]
