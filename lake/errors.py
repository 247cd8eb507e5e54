"""The errors of the house: what, where, expected, found and what to do next, in one line.

Every class carries its exit code: 2 configuration or input contract, 3 a gate held the night,
4 another run holds the lock, 1 anything else.
"""

from __future__ import annotations


class PlayfirstError(Exception):
    """Base of every error that is meant for a person: `str()` is one line that ends in the next step."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class BadConfiguration(PlayfirstError):
    """A key, type or value of the configuration is wrong; raised before Spark starts."""

    exit_code = 2


class InputContractError(PlayfirstError):
    """Delivered logs or catalog can't be taken at all: missing, empty, unreadable (bad rows go to quarantine)."""

    exit_code = 2


class IncompleteDelivery(PlayfirstError):
    """A delivered day is far below its usual size: the night is held."""

    exit_code = 3


class QualityGateFailed(PlayfirstError):
    """A table broke an expectation: the night is held and nothing is published."""

    exit_code = 3


class RowsOutOfBounds(QualityGateFailed):
    """Rows break the declared bounds of their table: Delta's CHECK refused them, nothing was written."""


class LeakageFound(QualityGateFailed):
    """A training feature knows the label or the future."""


class NightLocked(PlayfirstError):
    """Another run holds the lake's lock."""

    exit_code = 4


class SchemaMismatch(PlayfirstError):
    """A frame or partition does not have the columns that its table declares."""


class MissingPartition(PlayfirstError):
    """A partition that a step needs was never written, or has not passed its gate."""


class EmptyPartition(PlayfirstError):
    """A step computed no row for a partition; writing it would wipe what is there."""


class CommitLost(PlayfirstError):
    """The newest commit of a table is not the one just written, or holds another number of rows than was counted."""


class StaleRanker(PlayfirstError):
    """The night's ranker is missing, or is not of the night's features and examples: the night is held."""

    exit_code = 3


class ReleaseHeld(QualityGateFailed):
    """A release would lack an input that the release before it had: nothing was published."""


class RowsUnaccounted(PlayfirstError):
    """Rows of a delivered file are missing from its account: received is not accepted + duplicate + quarantined."""


class KeyUnusable(PlayfirstError):
    """The pseudonym key's file is missing, cut or no key; pseudonyms made with it would be none."""

    exit_code = 2


class KeyMismatch(PlayfirstError):
    """The lake was written with another pseudonym key."""

    exit_code = 2


class MixedLogs(PlayfirstError):
    """The lake holds simulated logs and was given real ones, or the other way round, or another simulated world."""

    exit_code = 2
