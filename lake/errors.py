"""The project's errors: each message says in one line what is wrong, where, what was expected and found, and what to do next.

Every class carries the exit code of the process: 2 for configuration or the input contract, 3 where a check stopped the night
before anything was published ("the night is held"), 4 where another run holds the lock, 1 for anything else.
"""

from __future__ import annotations


class PlayfirstError(Exception):
    """Base of every error that an operator reads: `str()` gives one line that ends with what to do next."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class BadConfiguration(PlayfirstError):
    """A key, type or value of the configuration is wrong; raised before Spark starts."""

    exit_code = 2


class InputContractError(PlayfirstError):
    """Delivered logs or the catalog cannot be used at all: missing, empty or unreadable (single bad rows go to quarantine)."""

    exit_code = 2


class IncompleteDelivery(PlayfirstError):
    """A delivered day has far fewer rows than usual: the night is held."""

    exit_code = 3


class QualityGateFailed(PlayfirstError):
    """A table breaks a rule of its declaration: the night is held and nothing is published."""

    exit_code = 3


class RowsOutOfBounds(QualityGateFailed):
    """Rows break the declared bounds of their table: nothing was written."""


class LeakageFound(QualityGateFailed):
    """A training feature uses the label, or data from after its snapshot date."""


class NightLocked(PlayfirstError):
    """Another run holds the lake's lock."""

    exit_code = 4


class CopyLost(PlayfirstError):
    """The local copy of a folder of an object store was removed while a run used it."""


class SchemaMismatch(PlayfirstError):
    """A frame or partition does not have the columns that its table declares."""


class MissingPartition(PlayfirstError):
    """A partition that a step needs was never written, or has not passed its quality gate."""


class EmptyPartition(PlayfirstError):
    """A step computed no rows for a partition; writing it would delete the rows that are stored."""


class CommitLost(PlayfirstError):
    """A table's newest commit is not the one just written, or holds another number of rows than was counted before the write."""


class StaleRanker(PlayfirstError):
    """The night's ranker is missing, or was not trained on the night's features and examples: the night is held."""

    exit_code = 3


class ReleaseHeld(QualityGateFailed):
    """The new release would lack an input that the previous release had: nothing was published."""


class RowsUnaccounted(PlayfirstError):
    """The row counts of a delivered file do not add up: received is not accepted + duplicate + quarantined."""


class KeyUnusable(PlayfirstError):
    """The file of the pseudonym key is missing, truncated or not a key: pseudonyms made with it would not protect anybody."""

    exit_code = 2


class KeyMismatch(PlayfirstError):
    """The lake was written with another pseudonym key."""

    exit_code = 2


class MixedLogs(PlayfirstError):
    """The lake holds simulated logs and the night was given real ones, or the reverse, or logs of another simulated world."""

    exit_code = 2
