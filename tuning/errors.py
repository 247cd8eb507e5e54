"""What the tuning room refuses, each in one line that says what to do."""

from __future__ import annotations

from lake.errors import PlayfirstError


class SweepFailed(PlayfirstError):
    """A sweep ended without one finished trial, or its process died."""


class SweepMismatch(PlayfirstError):
    """A sweep would go on with other data or settings than it began with, or two results don't compare."""

    exit_code = 2
