"""The reader of a serving process: it answers from one release, follows CURRENT, and keeps a good release if the next fails."""

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

    A lookup reads CURRENT first, at most every `poll_ms`. A new release is opened and checked before the switch; if that fails,
    the old release goes on answering and `problem` says why.

    Args:
        root: the releases folder.
        max_age_h: age in hours from which a release counts as stale; default: the limit in its manifest.
        poll_ms: least time between two reads of CURRENT, in milliseconds.
        clock: gives seconds since 1970, for age and staleness.
        ticks: gives monotonic seconds, for the polling.

    Raises:
        NoRelease: there is no release yet.
        ReleaseCorrupt: the first release is damaged or not verified.
        ReleaseFormatUnknown: this reader does not read the format of the first release.
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
        self._release = OpenRelease(root, current_id(root))
        self._damage: str | None = None  # the file in use was changed in place
        self._refused: str | None = None  # CURRENT could not be followed
        self._lookup_damage: str | None = None  # a lookup in the release in use has read a damaged value
        self._next_poll = ticks() + self._poll_s

    def hold(self) -> OpenRelease:
        """The release to use for one whole request with all its lookups; drop the reference afterwards.

        Raises ReleaseCorrupt if the file in use was changed in place and CURRENT names no good release.
        """
        # One thread reads CURRENT; the others go on with the release in use.
        if self._ticks() >= self._next_poll and self._polling.acquire(blocking=False):
            try:
                self._follow_current()
                self._next_poll = self._ticks() + self._poll_s
            finally:
                self._polling.release()
        if self._damage is not None:
            raise ReleaseCorrupt(self._damage)
        return self._release

    def lookup(self, raw_query: str, locale: str, explain: bool = False, unit: str | None = None) -> Answer:
        """Answer one request from one release; a miss has `is_hit` false. Raises ReleaseCorrupt on damage.

        Args:
            raw_query: the request as said or typed.
            locale: BCP-47 name of the locale.
            explain: whether the answer gets an explanation.
            unit: who asks (a person, a device, a session), by which a variant of the list is chosen; without it, the list itself. Log
                `variant` and `propensity` of the answer with the search.
        """
        release = self.hold()
        try:
            return release.lookup(raw_query, locale, self._clock(), self._max_age_h, explain, unit)
        except ReleaseCorrupt as error:
            if release is self._release:
                self._lookup_damage = str(error)
            raise

    @property
    def release_id(self) -> str:
        """The id of the release in use."""
        return self._release.release_id

    @property
    def age_s(self) -> int:
        """Whole seconds since the release in use was built."""
        return int(max(0.0, self._clock() - self._release.manifest.built_at_s))

    @property
    def stale(self) -> bool:
        """Whether the age is above `max_age_h`, or the limit in the manifest; a stale release still answers."""
        return self._release.is_stale(self._clock(), self._max_age_h)

    @property
    def problem(self) -> str | None:
        """Why the reader does not follow CURRENT, or another warning for the operator; None without a problem."""
        return self._damage or self._refused or self._lookup_damage or self._release.notice

    def _follow_current(self) -> None:
        self._refused = None
        try:
            wanted = current_id(self._root)
            # a damaged release that was built again has the same id but another folder
            if wanted != self._release.release_id or self._damage is not None or not self._release.is_at(self._root):
                self._release = OpenRelease(self._root, wanted)
                self._lookup_damage = None
        except (ReleaseError, OSError, ValueError) as error:
            self._refused = f"still answering from {self._release.release_id}: {error}"
        try:
            self._release.check_unchanged()
            self._damage = None
        except ReleaseCorrupt as error:
            self._damage = str(error)
