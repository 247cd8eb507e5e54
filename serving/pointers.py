"""CURRENT, HOLD and HISTORY: which release answers, whether nights may move it, and how it came to be so."""

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
    """Why nights may not move CURRENT: `rollback` or `pin`, to which release, since when (ISO, UTC)."""

    action: str
    release_id: str
    since: str


def current_id(root: Path) -> str:
    """The release that CURRENT names. Raises NoRelease if there is none yet, ReleaseCorrupt if it names nothing."""
    try:
        text = (root / CURRENT).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        raise NoRelease(f"no release in {root}: {CURRENT} is missing. Run make nightly.") from None
    if not is_release_id(text.removesuffix("\n")):
        raise ReleaseCorrupt(f"{root / CURRENT}: {text[:60]!r} is no release id. Run serving.release pin ID.")
    return text.removesuffix("\n")


def current_or_none(root: Path) -> str | None:
    """The release that CURRENT names, or None when it names none that could answer."""
    try:
        return current_id(root)
    except (NoRelease, ReleaseCorrupt):
        return None


def move_current(root: Path, release_id: str, action: Action) -> None:
    """Let CURRENT name `release_id`, atomically, and note it in HISTORY. The caller holds the folder lock."""
    replace_file(root / CURRENT, release_id + "\n")
    note(root, action, release_id)


def note(root: Path, action: Action, release_id: str) -> None:
    """Append one line `instant action release_id` to HISTORY."""
    with (root / HISTORY).open("a", encoding="utf-8") as stream:
        stream.write(f"{now()} {action} {release_id}\n")
    sync(root / HISTORY)


def hold(root: Path) -> Hold | None:
    """The hold that stands, if any. An unreadable HOLD still holds: it was put there to stop the nights."""
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


def way_back(root: Path) -> list[str]:
    """The releases CURRENT would name after one, two, … rollbacks, latest first; from HISTORY.

    A rollback forgets the release it left, so what was rolled back is never rolled back to.
    """
    path: list[str] = []
    for action, release_id in _history(root):
        if action in ("publish", "pin", "resume"):
            path = [step for step in path if step != release_id] + [release_id]
        elif action == "rollback" and release_id in path:
            path = path[: path.index(release_id) + 1]
    now_at = current_or_none(root)
    if now_at in path:  # the last, unless a command was killed between moving CURRENT and noting it
        path = path[: path.index(now_at)]
    return path[::-1]


def answered(root: Path) -> set[str]:
    """The releases that CURRENT has named at some time; from HISTORY."""
    return {release_id for action, release_id in _history(root) if action != "held"}


def waiting(root: Path) -> list[str]:
    """The releases that nights built under the present hold and that have not answered since, latest first."""
    held: list[str] = []
    for action, release_id in _history(root):
        if action in ("publish", "resume"):
            held = []
        elif action in ("pin", "rollback"):  # it has answered meanwhile: it waits no longer
            held = [one for one in held if one != release_id]
        elif action == "held":
            held = [one for one in held if one != release_id] + [release_id]
    return held[::-1]


def now() -> str:
    """This instant, ISO-8601 in UTC to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _history(root: Path) -> Iterator[tuple[str, str]]:
    # A line cut by a crash is passed over: HISTORY only helps a rollback to choose, CURRENT decides.
    try:
        lines = (root / HISTORY).read_text(encoding="utf-8", errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return
    for line in lines:
        words = line.split(" ")
        if len(words) == 3 and is_release_id(words[2]):
            yield words[1], words[2]
