"""What can go wrong with a release; each class knows the exit code its command ends with."""


class ReleaseError(Exception):
    """Base of all errors of this room: one line that says what, where, expected, found, and what to do next."""

    exit_code = 1


class ReleaseInput(ReleaseError):
    """What was given to the writer breaks its contract; the message holds every difference found."""

    exit_code = 2


class NoRelease(ReleaseError):
    """There is no such release, or none at all yet."""

    exit_code = 2


class ReleaseFormatUnknown(ReleaseError):
    """The release has a format version that this reader does not read."""

    exit_code = 2


class ReleaseCorrupt(ReleaseError):
    """Bytes on disk are not the bytes that were built; the message names each damaged file or value."""


class ReleaseNotVerified(ReleaseCorrupt):
    """No valid VERIFIED stamp on this machine: never verified here, copied, or changed since."""


class ReleaseExists(ReleaseError):
    """A published release has the same rankings but other titles, reasons, propensities or grammar."""


class ReleaseBusy(ReleaseError):
    """Another command holds the lock of the releases folder."""

    exit_code = 4


def one_line(differences: list[str], shown: int = 12) -> str:
    """All differences in one line, the first `shown` in full and the rest counted."""
    more = f"; and {len(differences) - shown} more" if len(differences) > shown else ""
    return "; ".join(differences[:shown]) + more
