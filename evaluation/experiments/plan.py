"""What is fixed before an experiment is looked at: the variants, the time, the effect to detect and the tolerated loss."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from evaluation.intervals import z_sum


@dataclass(frozen=True)
class Plan:
    """The settings with their dates resolved against a log.

    Args:
        control: the variant that the others are compared with.
        treatments: the others.
        shares: variant → planned share.
        first_day: the first day of the experiment.
        before: the day after its last planned day.
        days_logged: days of it that the log has.
        detect: see ExperimentSettings.
        margin: see ExperimentSettings.
        level: see ExperimentSettings.
    """

    control: str
    treatments: tuple[str, ...]
    shares: dict[str, float]
    first_day: date
    before: date
    days_logged: int
    detect: float
    margin: float
    level: float

    @property
    def is_over(self) -> bool:
        """Whether the planned end is reached: only then do intervals of one look decide."""
        return self.first_day + timedelta(days=self.days_logged) >= self.before

    @property
    def variants(self) -> tuple[str, ...]:
        """Control first."""
        return (self.control, *self.treatments)

    @property
    def planned_error(self) -> float:
        """The standard error at which `detect` is found with a power of 80 %."""
        return self.detect / z_sum(1 - self.level, 0.8)
