"""A folder of an object store that steps use as a local one: a copy of it in scratch, pulled before and pushed after a step.

Rankers, sweeps, reports and releases are small beside the tables, and the libraries that read them want local files. The store is
what remembers; the copy may be lost at any time. A file is pushed whole, so no reader of the store sees a part of it, and the
pointers (`CURRENT` and the like) go last, by compare-and-set.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lake.errors import NightLocked
from lake.store import create_file, files_below, remove_tree, swap_file, tag_of, version_of, write_file

STATE = ".mirror.json"  # in the copy: name -> [version in the store, version of the copy] when both were last equal


@dataclass
class Mirror:
    """A folder of an object store and its local copy.

    Attributes:
        remote: The folder in the store.
        local: The folder of the copy; scratch.
        pointers: Names of files that are pushed last, each only if nobody else has changed it since it was pulled.
        machine_bound: Names of files that mean something on this machine alone, and stay here.
    """

    remote: Path
    local: Path
    pointers: Collection[str] = ()
    machine_bound: Collection[str] = ()
    _state: dict[str, list[list[object]]] = field(default_factory=dict)

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
        """
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
        for name in sorted(set(changed) & set(self.pointers)):
            check()
            self._move(name, here[name])
        for name in gone:
            remove_tree(self.remote / name)
            del self._state[name]
        self._write_state()
        return len(changed)

    def _move(self, name: str, version: list[object]) -> None:
        """Write a pointer, unless somebody else has moved it since it was pulled."""
        target, data, known = self.remote / name, (self.local / name).read_bytes(), self._state.get(name)
        is_moved = swap_file(target, data, str(known[0][1])) if known else create_file(target, data)
        if not is_moved and (tag_of(target) is None or target.read_bytes() != data):
            raise NightLocked(f"{target} was moved by another run meanwhile, and stays as that run left it. Run again.")
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
