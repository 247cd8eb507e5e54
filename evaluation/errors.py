"""What the evaluation room refuses, each in one line that says what to do."""


class EvaluationError(Exception):
    """Base of this room's own errors; a job prints it on one line and exits with 2."""

    exit_code = 2


class MetricInput(EvaluationError):
    """A metric or an interval was given arrays or options it has no definition for."""


class TruthUnreadable(EvaluationError):
    """The simulator's `truth/`, or the day to judge by, is missing or not as docs/simulator.md says."""


class RankingsUnfit(EvaluationError):
    """The rankings, candidates or catalog handed to the night's evaluation do not fit together."""
