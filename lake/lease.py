"""The lake's lock in an object store: a lease that its holder renews, and that a dead or stopped holder loses.

The lock is one file. Who creates it, or replaces a released or expired one by compare-and-set, holds it. The holder replaces it
every `RENEW_S` seconds. Another run takes it over once it has seen it unchanged for `LEASE_S` seconds, or if its time of expiry is
past by `SKEW_S` seconds, which is more than clocks differ. A holder that could not renew in time has lost it, by its own monotonic
clock, whether or not anybody has taken it: `Lease.check` then raises, and is called before each commit.

Source: Gray and Cheriton, "Leases: an efficient fault-tolerant mechanism for distributed file cache consistency", SOSP 1989.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lake.errors import NightLocked
from lake.store import create_file, swap_file, tag_of

LEASE_S, RENEW_S, SKEW_S = 60.0, 15.0, 30.0
RELEASED = b"{}"


@dataclass
class Lease:
    """A lease on a file of an object store.

    Attributes:
        path: The file.
        owner: What its content says of the holder.
        lease_s: How long the lease lasts after a renewal.
        renew_s: How often it is renewed.
    """

    path: Path
    owner: Mapping[str, object]
    lease_s: float = LEASE_S
    renew_s: float = RENEW_S
    _tag: str = ""
    _renewed: float = 0.0  # monotonic seconds, taken before the put that renewed it
    _lost: str = ""
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def acquire(self, wait_s: float, describe: Callable[[], str], on_wait: Callable[[str], None] | None) -> None:
        """Take the lease, waiting up to `wait_s` seconds; raises NightLocked if another run holds it until then.

        Args:
            wait_s: Seconds to wait.
            describe: Names the holder, for messages.
            on_wait: Called once with the description of the holder when the wait begins.
        """
        deadline, seen, since, is_reported = time.monotonic() + wait_s, "", time.monotonic(), False
        while True:
            before = time.monotonic()
            if created := create_file(self.path, self._content()):
                self._hold(before, created)
                return
            tag = tag_of(self.path)
            if tag is None:  # removed meanwhile
                continue
            if tag != seen:
                seen, since = tag, time.monotonic()
            is_free = time.monotonic() - since > self.lease_s or self._is_over() or self._is_own()
            if is_free and (taken := swap_file(self.path, self._content(), tag)):
                self._hold(before, taken)
                return
            remaining_s = deadline - time.monotonic()
            if remaining_s <= 0:
                raise NightLocked(f"{self.path} is held by {describe()}. Wait for that run to end, then run again.")
            if on_wait is not None and not is_reported:
                on_wait(describe())
                is_reported = True
            self._ended.wait(min(1.0, remaining_s))

    def check(self) -> None:
        """Raise NightLocked if the lease is lost: somebody else may hold the lake by now, so nothing may be written."""
        if not self._lost and time.monotonic() - self._renewed > self.lease_s:
            self._lost = f"it was not renewed for {time.monotonic() - self._renewed:,.0f} s"
        if self._lost:
            raise NightLocked(
                f"this run has lost its lease on {self.path}: {self._lost}. Nothing more was written. Run again."
            )

    def release(self) -> None:
        """Give the lease back, if it is still held."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=self.lease_s)
        if not self._lost and time.monotonic() - self._renewed <= self.lease_s:
            swap_file(self.path, RELEASED, self._tag)

    def _hold(self, before: float, tag: str) -> None:
        self._renewed, self._tag = before, tag
        self._thread = threading.Thread(target=self._renew, daemon=True, name="lease")
        self._thread.start()

    def _renew(self) -> None:
        while not self._ended.wait(self.renew_s):
            before = time.monotonic()
            if before - self._renewed > self.lease_s:
                self._lost = f"it was not renewed for {before - self._renewed:,.0f} s"
                return
            try:
                tag = swap_file(self.path, self._content(), self._tag)
                if tag is None:
                    tag = self._swapped_after_a_lost_reply()
            except Exception:  # the store may answer again before the lease ends; `check` tells if it does not
                continue
            if tag is None:
                self._lost = "another run has taken it"
                return
            self._renewed, self._tag = before, tag

    def _content(self) -> bytes:
        return json.dumps({**self.owner, "until": time.time() + self.lease_s}).encode()

    def _swapped_after_a_lost_reply(self) -> str | None:
        """Renew once more if the file is this run's own: then an earlier renewal was written, and only its reply was lost."""
        tag = tag_of(self.path)  # before the content: what is this run's own after it, was so before
        return swap_file(self.path, self._content(), tag) if tag is not None and self._is_own() else None

    def _is_own(self) -> bool:
        """Whether the file says that this run holds the lease."""
        stored = self._stored()
        return stored is not None and bool(self.owner) and all(stored.get(key) == v for key, v in self.owner.items())

    def _is_over(self) -> bool:
        """Whether the file says that it was released, or that its lease is long over."""
        stored = self._stored()
        return stored is not None and (not stored or float(stored.get("until", 0)) + SKEW_S < time.time())

    def _stored(self) -> dict[str, Any] | None:
        """What the file says; None if it cannot be read."""
        try:
            return dict(json.loads(self.path.read_bytes() or RELEASED))
        except (OSError, ValueError):
            return None
