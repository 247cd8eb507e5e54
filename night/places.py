"""The places of a night: tables and deliveries are used where they are; the small folders, if in an object store, as local copies."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from lake.mirror import Mirror, copy_of
from lake.store import is_elsewhere, place
from night.settings import Settings, setting
from serving.errors import ReleaseError
from serving.layout import CURRENT, HISTORY, HOLD, VERIFIED, release_ids
from serving.verify import stamp_release

FOLDERS = {  # settings key -> files that are pushed last, by compare-and-set
    "releases": (HISTORY, HOLD, CURRENT),  # HISTORY first: it changes with each move, so it tells of any other
    "rankers": (),
    "reports": (),
    "tuning.sweeps": (),
    "quality.docs_dir": (),
}

READER_WAIT_S = 60.0  # for another command that reads, and is soon done


class Places:
    """The folders of a night that are in an object store, as local copies under `cluster.work_dir`."""

    def __init__(self, settings: Settings, *, reader: bool = False, only: Collection[str] = tuple(FOLDERS)) -> None:
        """Name the copies; nothing is copied yet.

        Args:
            settings: the settings.
            reader: whether for a command that may run beside a night, which then has copies of its own.
            only: the keys of the folders that are needed.

        Raises:
            BadConfiguration: a place needs the extra `store`, and it is not installed.
        """
        work = Path(settings.cluster.work_dir)
        self._wait_s = READER_WAIT_S if reader else 0.0
        self._mirrors = {}
        for key, pointers in FOLDERS.items():
            if key in only and is_elsewhere(uri := str(setting(settings, key))):
                local = copy_of(place(uri), work, key.replace(".", "-"), reader)
                self._mirrors[key] = Mirror(place(uri), local, pointers, machine_bound=(VERIFIED,))
        self.settings = settings
        for key, mirror in self._mirrors.items():
            self.settings = _with(self.settings, key, str(mirror.local))

    def pull(self) -> int:
        """Bring the copies up to date, and return how many files were copied; releases that came are verified on this machine.

        Raises:
            NightLocked: another process on this machine uses a copy.
        """
        for mirror in self._mirrors.values():
            mirror.lock(self._wait_s)
        copied = sum(mirror.pull() for mirror in self._mirrors.values())
        if "releases" in self._mirrors:
            _verify_new(self._mirrors["releases"].local)
        return copied

    def push(self, check: Callable[[], None]) -> int:
        """Write to the store what a step has changed, `releases` last, and return how many files were written.

        Args:
            check: raises NightLocked if this run may not write any more.
        """
        ordered = sorted(self._mirrors, key=lambda key: key == "releases")
        return sum(self._mirrors[key].push(check) for key in ordered)

    def close(self) -> None:
        """Let other processes of this machine use the copies."""
        for mirror in self._mirrors.values():
            mirror.unlock()


def _verify_new(root: Path) -> None:
    """Verify the releases that this machine has not read yet. A damaged one stays unverified, and no reader opens it."""
    for release_id in release_ids(root):
        if not (root / release_id / VERIFIED).exists():
            try:
                stamp_release(root, release_id)
            except ReleaseError:
                continue


def _with(settings: Settings, key: str, value: str) -> Settings:
    """The settings with another value of a key; the given ones do not change."""
    section, _, name = key.rpartition(".")
    if not section:
        return replace(settings, **{name: value})  # type: ignore[arg-type]
    return replace(settings, **{section: replace(getattr(settings, section), **{name: value})})
