"""A step of the night as data: what it reads and writes, what it depends on, and whether there is work for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from lake.errors import BadConfiguration
from lake.schema import Table
from night.night import Done, Night
from night.tables import all_tables


@dataclass(frozen=True)
class Step:
    """One step.

    Args:
        name: its name, which is also that of its module in `jobs`.
        run: does the work; returns `Done(skipped=True)` if there is none.
        to_do: why `run` would work, in words; "" if everything it writes is up to date. It reads commits and files, never Spark.
        reads: the tables whose rows it reads.
        files_read: keys of the settings that name files or folders outside the tables which it reads, such as `logs`.
        files_written: the same for those it writes.
        settings: sections of the settings that its result depends on.
    """

    name: str
    run: Callable[[Night], Done]
    to_do: Callable[[Night], str]
    reads: tuple[Table, ...] = ()
    files_read: tuple[str, ...] = ()
    files_written: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def writes(self) -> tuple[Table, ...]:
        """The tables that name this step in `written_by`."""
        return tuple(t for t in all_tables() if t.written_by == self.name)


def chosen_steps(steps: Sequence[Step], until: str, only: Collection[str]) -> list[Step]:
    """The steps of a run, in their order.

    Args:
        steps: all steps of the night.
        until: the last step to run; empty for all.
        only: names of the steps to run; empty for all.

    Raises:
        BadConfiguration: a name is no step, or both are given.
    """
    names = [s.name for s in steps]
    for key, wanted in (("nightly.until", [until] if until else []), ("nightly.only", list(only))):
        for name in wanted:
            if name not in names:
                near = get_close_matches(name, names, 1)
                hint = f" Is {near[0]} meant?" if near else ""
                raise BadConfiguration(f"{key}: {name!r} is none of the steps {', '.join(names)}.{hint}")
    if until and only:
        raise BadConfiguration("nightly.until and nightly.only are both given. Give one of them.")
    if until:
        return list(steps[: names.index(until) + 1])
    return [s for s in steps if not only or s.name in only]


def feeders(step: Step, steps: Sequence[Step]) -> list[str]:
    """Names of the earlier steps that write what the step reads, or whose gate it must have passed, in order."""
    earlier = steps[: [s.name for s in steps].index(step.name)]
    wanted, files, gates = {t.name for t in step.reads}, set(step.files_read), {t.gate for t in step.reads}
    return [
        s.name
        for s in earlier
        if wanted & {t.name for t in s.writes} or files & set(s.files_written) or s.name in gates
    ]


def run_steps(night: Night, steps: Sequence[Step]) -> None:
    """Run steps one after another, as commands that run many nights do; `jobs.nightly` also measures and records them."""
    for step in steps:
        night.lake.begin_step(step.name)
        step.run(night)
