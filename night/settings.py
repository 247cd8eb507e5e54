"""The typed schema of `conf/`: one dataclass per section. Default values are in the YAML files, not here.

A section whose room declares a settings dataclass uses that dataclass (`BotRules`, `UbiSettings`, `CandidateSettings`, `HeadSettings`,
`ExperimentSettings`). A key that is missing, misspelt or of the wrong type raises an error that names the key before Spark starts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from omegaconf import MISSING

from evaluation.experiments.settings import ExperimentSettings
from events.bots import BotRules
from events.ubi import UbiSettings
from queries.nightly.closure import ClosureSettings
from ranking.head import HeadSettings
from ranking.sources.source import CandidateSettings

IS_PATH, IS_STORED = "is_path", "is_stored"


def path(default: str = MISSING) -> Any:
    """Declare a key whose value is a path on the local file system; `night.checks` refuses a path on any other store."""
    return field(default=default, metadata={IS_PATH: True})


def stored() -> Any:
    """Declare a key whose value is a place: a local path, or a URI of another store (`lake.store`)."""
    return field(default=MISSING, metadata={IS_PATH: True, IS_STORED: True})


@dataclass
class LakeSection:
    """The folder of the Delta tables."""

    root: str = stored()


@dataclass
class ClusterSection:
    """The Spark session: see `lake.session.SessionSettings`."""

    master: str = MISSING
    memory: str = MISSING
    shuffle_partitions: int = MISSING
    ui: bool = MISSING
    remote: str = MISSING
    work_dir: str = path()
    java_options: str = MISSING
    driver_host: str = MISSING
    archive: str = path()
    executor_python: str = MISSING
    executor_wait_s: float = MISSING
    extra: dict[str, str] = field(default_factory=dict)


@dataclass
class PrivacySection:
    """The key of the pseudonyms, and `k`: how many people must have asked a query before it may leave the restricted tables."""

    key_file: str = path()
    simulated_key_file: str = path()
    k: int | None = MISSING
    k_real: int = MISSING
    k_simulated: int = MISSING


@dataclass
class QualitySection:
    """The gate: where it writes its Data Docs."""

    docs_dir: str = stored()


@dataclass
class IngestSection:
    """How deliveries are read and which of them are accepted."""

    settle_s: float = MISSING
    accept_incomplete: str = MISSING
    days_late: int = MISSING
    max_quarantined_share: float = MISSING


@dataclass
class MaintainSection:
    """Retention of quarantined rows (days), and of files that only an open reader of an older version may need (hours)."""

    quarantine_days: int = MISSING
    vacuum_h: float = MISSING


@dataclass
class LabelsSection:
    """Exposure curves and grades."""

    curve_days: int = MISSING
    curve_strength: float = MISSING
    label_days: int = MISSING
    grade_strength: float = MISSING
    grade_prior_share: float = MISSING
    unshown_per_need: int = MISSING
    cuts: list[float] = MISSING


@dataclass
class FeaturesSection:
    """The feature build.

    `only` and `tried` name families, features or columns for experiments; a regular night builds all of them. `cold_share`: share
    of the needs of past snapshots that are built as if nobody had asked them, so that the ranker learns needs without engagement.
    """

    only: list[str] = MISSING
    tried: list[str] = MISSING
    vectors: bool = MISSING
    cold_share: float = MISSING
    keep: int = MISSING


@dataclass
class PopularitySection:
    """Popularity of snapshots that are older than the oldest stored catalog.

    `backdate`: true uses the popularity of the oldest stored catalog; false leaves the popularity columns null until every
    snapshot has a catalog of its own.
    """

    backdate: bool = MISSING


@dataclass
class RankingSection(HeadSettings):
    """Training sets, the head set and the re-rank rules.

    `max_training_rows`: above it, the ranker learns from a fixed random sample of the needs with about so many rows.
    """

    min_history_days: int = MISSING
    max_training_rows: int = MISSING
    max_leak_auc: float = MISSING


@dataclass
class TuningSection:
    """The parameter search, see `tuning.settings.SearchSettings`; its search space is the Hydra group `search_space`.

    `optuna`, `mlflow`: where finished sweeps are copied to, see `tuning.tracking.Targets`.
    """

    search: str = MISSING
    seeds: int = MISSING
    retries: int = MISSING
    workers: int = MISSING
    hold_back: bool = MISSING
    permute_labels: bool = MISSING
    trials: int = MISSING
    time_budget_s: float = MISSING
    prune: bool = MISSING
    space: str = MISSING
    max_trees: int = MISSING
    resume: str = MISSING
    sweeps: str = stored()
    folds: int = MISSING
    threads: int = MISSING
    start_limit_s: float = MISSING
    address: str = MISSING
    objectives: list[str] = field(default_factory=list)
    cheapest_within: float = MISSING
    optuna: str = MISSING
    mlflow: str = MISSING


@dataclass
class ServingSection:
    """Releases: how many are kept, the age in hours after which a reader treats one as stale, and the least confidence of an answer.

    `least_confidence`: 0 to 1; a reading below it is a miss (`queries.grammar.need.NeedReading.confidence`).
    """

    keep: int = MISSING
    max_age_h: float = MISSING
    least_confidence: float = MISSING


@dataclass
class ReportSection:
    """The report. `refits`: rankers fitted anew, whose variance the intervals of the leads then hold."""

    refits: int = MISSING


@dataclass
class PublishSection:
    """`force`: the reason to publish a release that lacks an input which the previous release had.

    `sinks`: see `serving.sinks`.
    """

    force: str = MISSING
    sinks: list[str] = MISSING


@dataclass
class NightlySection:
    """How a night runs.

    `tune`: when it searches for parameters: auto (the first night and every 7th), always or never. `lock_wait_s`: how long it
    waits for the lock of another run. `ask`: requests to look up in the new release at the end. `plan`: print what would run, and
    why, and run nothing. `until`: the last step to run. `only`: the steps to run. `lineage`: a file or an HTTP endpoint for
    OpenLineage events of the run; empty for none.
    """

    lineage: str = MISSING

    plan: bool = MISSING
    until: str = MISSING
    only: list[str] = MISSING
    tune: str = MISSING
    lock_wait_s: float = MISSING
    ask: list[str] = MISSING


@dataclass
class Settings:
    """All settings of a job. `run_date` is D: a night uses only what was delivered before D."""

    run_date: str = MISSING
    logs: str = stored()
    catalog: str = stored()
    releases: str = stored()
    rankers: str = stored()
    reports: str = stored()
    user_ids: str = path("")  # of jobs.forget
    sweep: str = ""  # of jobs.tune and jobs.promote
    lake: LakeSection = field(default_factory=LakeSection)
    cluster: ClusterSection = field(default_factory=ClusterSection)
    privacy: PrivacySection = field(default_factory=PrivacySection)
    quality: QualitySection = field(default_factory=QualitySection)
    ingest: IngestSection = field(default_factory=IngestSection)
    ubi: UbiSettings = MISSING
    maintain: MaintainSection = field(default_factory=MaintainSection)
    bots: BotRules = MISSING
    labels: LabelsSection = field(default_factory=LabelsSection)
    closure: ClosureSettings = MISSING
    candidates: CandidateSettings = MISSING
    features: FeaturesSection = field(default_factory=FeaturesSection)
    catalog_popularity: PopularitySection = field(default_factory=PopularitySection)
    ranking: RankingSection = MISSING
    tuning: TuningSection = field(default_factory=TuningSection)
    serving: ServingSection = field(default_factory=ServingSection)
    experiments: ExperimentSettings = MISSING
    report: ReportSection = field(default_factory=ReportSection)
    publish: PublishSection = field(default_factory=PublishSection)
    nightly: NightlySection = field(default_factory=NightlySection)
    ranker: dict[str, Any] = field(default_factory=dict)
    search_space: dict[str, Any] = field(default_factory=dict)


def setting(settings: Settings, key: str) -> Any:
    """The value of a key such as `lake.root`."""
    return reduce(getattr, key.split("."), settings)
