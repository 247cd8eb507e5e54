"""Judge an experiment by its log (A/B, interleaving or off-policy): write the verdict as JSON and print it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import hydra
from omegaconf import DictConfig
from pyspark.sql import DataFrame

from evaluation.experiments.ab import AbVerdict, ab_verdict
from evaluation.experiments.as_json import as_plain
from evaluation.experiments.interleaving import Preference, credits, interleaving_verdict
from evaluation.experiments.policies import OffPolicyVerdict, off_policy_verdict
from evaluation.experiments.tables import print_ab, print_policies, print_preference
from evaluation.experiments.targets import target_lists, targets_of_variants
from evaluation.report import write_json
from night.command import run_command
from night.experiment import plan_of, rows_by_list, rows_by_person, rows_interleaved
from night.experiment_log import judged_rows
from night.night import Done, Night, run_alone


def run(night: Night) -> Done:
    """Judge the log before D as `experiments.kind` says, write `reports/experiment-NAME.json` and print its tables.

    Raises:
        ExperimentLogUnfit: the log lacks what the experiment is judged by; the message names a file and a row.
        EvaluationError: the sample is too small to say anything.
    """
    settings = night.settings.experiments
    log = judged_rows(night).persist()
    verdict = JUDGES[settings.kind](night, log)
    out = Path(night.settings.reports) / f"experiment-{settings.name or f'{settings.kind}-{night.run_date}'}.json"
    content = {"run_date": str(night.run_date), "kind": settings.kind, "settings": asdict(settings)}
    write_json({**content, "verdict": as_plain(verdict)}, out)
    rows = log.count()
    log.unpersist()
    return Done(rows, 1, str(out))


def _ab(night: Night, log: DataFrame) -> AbVerdict:
    verdict = ab_verdict(rows_by_person(log), plan_of(log, night.settings.experiments))
    print_ab(verdict)
    return verdict


def _interleaving(night: Night, log: DataFrame) -> Preference:
    settings, rows = night.settings.experiments, rows_interleaved(night, log)
    credited = [credits(teams, positions) for teams, positions in zip(rows["teams"], rows["satisfied"], strict=True)]
    verdict = interleaving_verdict(
        [a for a, _ in credited], [b for _, b in credited], rows["user_id"], level=settings.level
    )
    print_preference(verdict, settings.control, settings.treatments[0], settings.level)
    return verdict


def _off_policy(night: Night, log: DataFrame) -> OffPolicyVerdict:
    settings, rows = night.settings.experiments, rows_by_list(night, log)
    targets = target_lists(Path(settings.policies)) if settings.policies else targets_of_variants(rows)
    wanted = settings.treatments or sorted(targets)
    verdict = off_policy_verdict(rows, {name: targets.get(name, {}) for name in wanted}, settings)
    print_policies(verdict, settings.level)
    return verdict


JUDGES = {"ab": _ab, "interleaving": _interleaving, "off_policy": _off_policy}


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("experiment", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.experiment")
