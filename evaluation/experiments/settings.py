"""The settings of an experiment, and which values they may take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

KINDS = ("ab", "interleaving", "off_policy")
SOURCES = ("lake", "logs")


@dataclass
class ExperimentSettings:
    """Section `experiments` of conf/night.yaml; see docs/experiments.md.

    Args:
        kind: `ab`, `interleaving` or `off_policy`.
        source: `lake` (its log tables) or `logs` (the delivered folders themselves).
        name: of the verdict's file; empty: the kind and the run_date.
        control: the variant that the others are compared with; ranker A of an interleaving; unused by `off_policy`.
        treatments: the others, empty for every other variant of the log; ranker B of an interleaving; the targets of `off_policy`,
            empty for all.
        shares: variant → planned share of the people; empty: equal shares.
        first_day: YYYY-MM-DD, the first day of the experiment; empty: the first day of the control.
        days: planned length, in days; later days are left out.
        detect: the smallest difference in successes per search that it was planned to detect.
        margin: the loss in successes per search that is tolerated in a segment.
        level: the level of all intervals; 1 − level is the α of all tests.
        least_effective: the floor of the effective sample size of an off-policy estimate, in searches.
        clip: the greatest weight of clipped IPS.
        policies: a file of target lists for `off_policy`; empty: each variant of the log served alone.
        skip_broken: leave out and count rows of `logs` that break the input contract, instead of stopping at the first.
    """

    kind: str
    source: str
    name: str
    control: str
    first_day: str
    days: int
    detect: float
    margin: float
    level: float
    least_effective: float
    clip: float
    policies: str
    skip_broken: bool
    treatments: list[str] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=dict)


def wrong_settings(settings: ExperimentSettings) -> Iterator[str]:
    """What is wrong with the values, one text each that names the key; types are checked elsewhere."""
    for key, allowed in (("kind", KINDS), ("source", SOURCES)):
        if (value := getattr(settings, key)) not in allowed:
            yield f"experiments.{key} is {value!r}, expected one of {', '.join(allowed)}"
    if settings.first_day:
        try:
            date.fromisoformat(settings.first_day)
        except ValueError:
            yield f"experiments.first_day is {settings.first_day!r}, expected YYYY-MM-DD"
    if not 0.5 <= settings.level < 1:
        yield f"experiments.level is {settings.level}, expected 0.5 to below 1"
    for key in ("detect", "margin"):
        if getattr(settings, key) <= 0:
            yield f"experiments.{key} is {getattr(settings, key)}, expected above 0"
    bad = [name for name, share in settings.shares.items() if share <= 0]
    if bad:
        yield f"experiments.shares gives {bad[0]} {settings.shares[bad[0]]}, expected above 0"
    names = [settings.control, *settings.treatments]
    if len(set(names)) < len(names):
        yield f"experiments.control and .treatments name {', '.join(names)}, expected each variant once"
    if not settings.name.replace("-", "").replace("_", "").isalnum() and settings.name:
        yield f"experiments.name is {settings.name!r}, expected letters, digits, - and _"
