"""Errors of releases; each class has the exit code that a command ends with."""


class ReleaseError(Exception):
    """Base of all errors of this package; its message is one line: what, where, expected, actual, and what to do next."""

    exit_code = 1


class ReleaseInput(ReleaseError):
    """The input of the writer breaks its contract; the message lists every violation."""

    exit_code = 2


class NoRelease(ReleaseError):
    """There is no release of this id, or no release at all yet."""

    exit_code = 2


class ReleaseFormatUnknown(ReleaseError):
    """The release has a format version that this reader does not read."""

    exit_code = 2


class ReleaseCorrupt(ReleaseError):
    """Bytes on disk differ from the bytes that were built; the message names each damaged file or value."""


class ReleaseNotVerified(ReleaseCorrupt):
    """There is no valid VERIFIED stamp: the release was never verified on this machine, was copied, or has changed since."""


class ReleaseExists(ReleaseError):
    """A published release has the same rankings but other titles, reasons, propensities or grammar."""


class ReleaseBusy(ReleaseError):
    """Another command holds the lock of the releases folder."""

    exit_code = 4


def one_line(differences: list[str], shown: int = 12) -> str:
    """All differences in one line: the first `shown` in full, then the number of the rest."""
    more = f"; and {len(differences) - shown} more" if len(differences) > shown else ""
    return "; ".join(differences[:shown]) + more
