"""Join the features of each snapshot with the grades of the week after it, and check the examples for leaks."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from features.catalogue import matrix_fingerprint
from lake.code import code_fingerprint
from lake.tables.nightly import JUDGEMENTS
from night.command import run_command
from night.examples import EXAMPLES, NEED, PAIR, TRACK, audit_examples, write_examples
from night.night import Done, Night, run_alone


def _mark(night: Night) -> str:
    dates = night.as_of
    inputs = night.inputs(
        judgements=(JUDGEMENTS, [night.run_date]), pairs=(PAIR, dates), needs=(NEED, dates), tracks=(TRACK, dates)
    )
    return night.mark(
        inputs, matrix_fingerprint(), night.settings.ranking.max_leak_auc, code_fingerprint("jobs.assemble")
    )


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if the examples have passed, or if there is no training snapshot."""
    if not night.as_of:
        return ""
    why = night.why({night.settings.run_date: _mark(night)}, EXAMPLES)
    return why or ("" if night.lake.state(EXAMPLES, night.run_date) == "passed" else "the audit has not passed")


def run(night: Night) -> Done:
    """Write one row per judgement (as_of, place, need, track) whose features the snapshot has.

    LeakageFound (exit code 3) names a feature that knows the label; it is raised in every run until the feature is corrected.
    """
    lake, dates = night.lake, night.as_of
    if not dates:
        return Done(skipped=True, note="no training snapshot")
    day, mark = night.settings.run_date, _mark(night)
    is_new = bool(night.pending(EXAMPLES, {day: mark}))
    if is_new:
        write_examples(night, mark)
    elif lake.state(EXAMPLES, day) == "passed":
        return Done(skipped=True)
    # also if an earlier run wrote them: they failed the audit, or the run was killed before it
    summary = audit_examples(night, lake.read(EXAMPLES, [day], allow_unvalidated=True))
    judged = lake.commits(JUDGEMENTS)[day].rows if is_new else 0
    return Done(judged, lake.commits(EXAMPLES)[day].rows, f"{len(dates)} snapshots; {summary}")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("assemble", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.assemble")
