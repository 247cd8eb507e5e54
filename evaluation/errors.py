"""Errors of the evaluation package; each message is one line that says what to do."""


class EvaluationError(Exception):
    """Base of the errors of this package; a job prints the message on one line and exits with 2."""

    exit_code = 2


class MetricInput(EvaluationError):
    """A metric or an interval got arrays or options for which it is not defined."""


class TruthUnreadable(EvaluationError):
    """The simulator's `truth/`, or the searches of the day, are missing or not as docs/simulator.md says."""


class RankingsUnfit(EvaluationError):
    """The rankings, candidates or catalog handed to the night's evaluation do not fit together."""


class TargetsUnreadable(EvaluationError):
    """The file of target lists of an off-policy judgement is missing, or a row of it lacks a field."""
