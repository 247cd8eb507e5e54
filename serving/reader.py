"""The reader a serving process holds: answers from one release, follows CURRENT, and never leaves a good one."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from serving.answer import Answer
from serving.errors import ReleaseCorrupt, ReleaseError
from serving.opened import OpenRelease
from serving.pointers import current_id


class ReleaseReader:
    """Looks up rankings in the release that CURRENT names; safe to share between threads.

    CURRENT is looked at when a lookup comes, at most every `poll_ms`; a new release is opened and checked before
    the switch, and if it fails, the old one goes on answering and `problem` says why. `clock` gives seconds since
    1970 (for age and staleness), `ticks` monotonic seconds (for the polling). Raises NoRelease, ReleaseCorrupt or
    ReleaseFormatUnknown when the first release cannot be opened.
    """

    def __init__(
        self,
        root: Path,
        *,
        max_age_h: float | None = None,
        poll_ms: int = 250,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the release that CURRENT names."""
        self._root = root
        self._max_age_h = max_age_h
        self._poll_s = poll_ms / 1000
        self._clock = clock
        self._ticks = ticks
        self._polling = threading.Lock()
        self._held = OpenRelease(root, current_id(root))
        self._damage: str | None = None
        self._refused: str | None = None
        self._met: str | None = None  # damage that a lookup in the release at hand has met
        self._next_poll = ticks() + self._poll_s

    def hold(self) -> OpenRelease:
        """The release to use for one whole request, however many lookups it needs; let go of it afterwards.

        Raises ReleaseCorrupt if the file in use was changed in place and CURRENT leads to no good one.
        """
        # One thread looks at CURRENT; the others go on with the release they have.
        if self._ticks() >= self._next_poll and self._polling.acquire(blocking=False):
            try:
                self._follow_current()
                self._next_poll = self._ticks() + self._poll_s
            finally:
                self._polling.release()
        if self._damage is not None:
            raise ReleaseCorrupt(self._damage)
        return self._held

    def lookup(self, raw_query: str, locale: str, explain: bool = False) -> Answer:
        """Answer one request from one release. A miss has `found` false. Raises ReleaseCorrupt on damage."""
        held = self.hold()
        try:
            return held.lookup(raw_query, locale, self._clock(), self._max_age_h, explain)
        except ReleaseCorrupt as error:
            if held is self._held:
                self._met = str(error)
            raise

    @property
    def release_id(self) -> str:
        """The release that answers at present."""
        return self._held.release_id

    @property
    def age_s(self) -> int:
        """Whole seconds since the release that answers was built."""
        return int(max(0.0, self._clock() - self._held.manifest.built_at_s))

    @property
    def stale(self) -> bool:
        """Whether that age is above `max_age_h`, or what the release says of itself; a stale release still answers."""
        return self._held.is_stale(self._clock(), self._max_age_h)

    @property
    def problem(self) -> str | None:
        """Why the reader is not where CURRENT points, or what else an operator should know; None when all is well."""
        return self._damage or self._refused or self._met or self._held.notice

    def _follow_current(self) -> None:
        self._refused = None
        try:
            wanted = current_id(self._root)
            # one that was damaged and built again has the same name, and another folder
            if wanted != self._held.release_id or self._damage is not None or not self._held.is_at(self._root):
                self._held = OpenRelease(self._root, wanted)
                self._met = None
        except (ReleaseError, OSError, ValueError) as error:
            self._refused = f"still answering from {self._held.release_id}: {error}"
        try:
            self._held.check_unchanged()
            self._damage = None
        except ReleaseCorrupt as error:
            self._damage = str(error)
