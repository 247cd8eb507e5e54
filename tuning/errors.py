"""Errors of the tuning package; each message is one line that says what to do."""

from __future__ import annotations

from lake.errors import PlayfirstError


class SweepFailed(PlayfirstError):
    """A sweep ended without one finished trial, or its process died."""


class SweepMismatch(PlayfirstError):
    """A sweep would be resumed with other data or settings than it began with, or two results cannot be compared."""

    exit_code = 2
