"""A folder of an object store that steps use as a local one: a copy of it in scratch, pulled before and pushed after a step.

Rankers, sweeps, reports and releases are small beside the tables, and the libraries that read them want local files. The store is
what remembers; the copy may be lost at any time. A file is pushed whole, so no reader of the store sees a part of it, and the
pointers (`CURRENT` and the like) go last, by compare-and-set.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lake.errors import CopyLost, NightLocked
from lake.lock import flocked
from lake.store import create_file, files_below, remove_tree, swap_file, tag_of, version_of, write_file

_MOVED = "{} was moved by another run meanwhile, and stays as that run left it. Run again."
STATE = ".mirror.json"  # in the copy: name -> [version in the store, version of the copy] when both were last equal


def copy_of(remote: Path, work: Path, name: str, reader: bool = False) -> Path:
    """The folder of the copy of a folder of an object store, named after both, so that two stores never share one.

    Args:
        remote: The folder in the store.
        work: The folder for what may be lost (`cluster.work_dir`).
        name: What the folder is, for people who look for it.
        reader: Whether the copy is for commands that read alone, which may run beside a night.
    """
    of_store = hashlib.sha256(str(remote).encode()).hexdigest()[:8]
    return work / ("readers" if reader else "places") / f"{name}-{of_store}"


@dataclass
class Mirror:
    """A folder of an object store and its local copy.

    Attributes:
        remote: The folder in the store.
        local: The folder of the copy; scratch.
        pointers: Names of files that are pushed last, in this order, each only if nobody else has changed it since it was pulled.
        machine_bound: Names of files that mean something on this machine alone, and stay here.
    """

    remote: Path
    local: Path
    pointers: Sequence[str] = ()
    machine_bound: Collection[str] = ()
    _state: dict[str, list[list[object]]] = field(default_factory=dict)
    _lock: int = -1

    def lock(self, wait_s: float = 0.0) -> None:
        """Keep the copy for this process until it ends: another one would remove what is not pushed yet.

        Raises:
            NightLocked: Another process on this machine has it, still so after `wait_s` seconds.
        """
        if self._lock >= 0:
            return
        self.local.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(f"{self.local}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not flocked(self._lock, wait_s):
            self.unlock()
            raise NightLocked(
                f"{self.local}, the copy of {self.remote}, is in use by another run on this machine. Wait for it to end."
            )

    def unlock(self) -> None:
        """Let another process of this machine have the copy."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def pull(self) -> int:
        """Bring the copy up to date with the store, and return how many files were copied. Local changes are lost."""
        self._read_state()
        there, here, copied = self._kept(files_below(self.remote)), self._kept(files_below(self.local)), 0
        for name in sorted(set(here) - set(there)):
            (self.local / name).unlink()
            self._state.pop(name, None)
        for name, version in there.items():
            if self._state.get(name) != [version, here.get(name)]:
                file = self.local / name
                file.parent.mkdir(parents=True, exist_ok=True)
                write_file(file, (self.remote / name).read_bytes())
                self._state[name] = [version, version_of(file)]
                copied += 1
        self._write_state()
        return copied

    def push(self, check: Callable[[], None] = lambda: None) -> int:
        """Write what has changed in the copy to the store, remove there what was removed here, and return how many files were written.

        Args:
            check: Called before the first write and before each pointer; raises if this run may not write any more.

        Raises:
            NightLocked: A pointer was moved by somebody else meanwhile; the store keeps theirs.
            CopyLost: The copy was removed since it was pulled: what this run wrote into it is lost, and the store is not changed.
        """
        if not (self.local / STATE).exists():
            raise CopyLost(f"{self.local} was removed while a run used it. {self.remote} is not changed. Run again.")
        here = self._kept(files_below(self.local))
        changed = [n for n, version in here.items() if self._state.get(n, [None, None])[1] != version]
        gone = [n for n in self._state if n not in here]
        if not changed and not gone:
            return 0
        check()
        for name in sorted(set(changed) - set(self.pointers)):
            target = self.remote / name
            write_file(target, (self.local / name).read_bytes())
            self._state[name] = [version_of(target), here[name]]
        moved = [pointer for pointer in self.pointers if pointer in changed]
        if moved or set(gone) & set(self.pointers):
            self._refuse_moved()
        for name in moved:
            check()
            self._move(name, here[name])
        if gone:
            check()
        for name in gone:
            remove_tree(self.remote / name)
            del self._state[name]
        self._write_state()
        return len(changed)

    def _refuse_moved(self) -> None:
        """Raise NightLocked if somebody else has moved, set or removed any pointer since it was pulled.

        A pointer may have its old content again, as of a pin of what answers: then another one tells.
        """
        for name in self.pointers:
            target, known = self.remote / name, self._state.get(name)
            tag, local = tag_of(target), self.local / name
            if tag == (str(known[0][1]) if known else None):
                continue
            if tag is None or not local.exists() or target.read_bytes() != local.read_bytes():
                raise NightLocked(_MOVED.format(target))

    def _move(self, name: str, version: list[object]) -> None:
        """Write a pointer, unless somebody else has moved it since it was pulled."""
        target, data, known = self.remote / name, (self.local / name).read_bytes(), self._state.get(name)
        is_moved = swap_file(target, data, str(known[0][1])) if known else create_file(target, data)
        if not is_moved and (tag_of(target) is None or target.read_bytes() != data):
            raise NightLocked(_MOVED.format(target))
        self._state[name] = [version_of(target), version]

    def _kept(self, files: Mapping[str, list[object]]) -> dict[str, list[object]]:
        return {
            name: version
            for name, version in files.items()
            if (base := name.rpartition("/")[2]) not in (STATE, *self.machine_bound)
            and not base.startswith(".")
            and not base.endswith(".partial")
        }

    def _read_state(self) -> None:
        try:
            self._state = dict(json.loads((self.local / STATE).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            # a copy whose state is unknown is made anew
            shutil.rmtree(self.local, ignore_errors=True)
            self._state = {}
        self.local.mkdir(parents=True, exist_ok=True)

    def _write_state(self) -> None:
        write_file(self.local / STATE, json.dumps(self._state).encode())
