"""Types of everything in `conf/`: one dataclass a section, the room's own where it has one. Values stand in the YAML, not here.

A value that is missing there, misspelt or of another type fails before Spark starts, naming the key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from events.bots import BotRules
from events.ubi import UbiSettings
from ranking.head import HeadSettings
from ranking.sources.source import CandidateSettings

IS_PATH = "is_path"


def path(default: str = MISSING) -> Any:
    """A key that is a path of this machine's file system: `night.checks` refuses one that names another store."""
    return field(default=default, metadata={IS_PATH: True})


@dataclass
class LakeSection:
    """Where the tables lie."""

    root: str = path()


@dataclass
class ClusterSection:
    """The engine: see lake.session.SessionSettings."""

    master: str = MISSING
    memory: str = MISSING
    shuffle_partitions: int = MISSING
    ui: bool = MISSING
    remote: str = MISSING
    work_dir: str = path()
    java_options: str = MISSING
    extra: dict[str, str] = field(default_factory=dict)


@dataclass
class PrivacySection:
    """Pseudonyms and the smallest crowd whose query may leave the restricted tables."""

    key_file: str = path()
    simulated_key_file: str = path()
    k: int | None = MISSING
    k_real: int = MISSING
    k_simulated: int = MISSING


@dataclass
class QualitySection:
    """The gate."""

    docs_dir: str = path()


@dataclass
class IngestSection:
    """Reading deliveries."""

    settle_s: float = MISSING
    accept_incomplete: str = MISSING
    days_late: int = MISSING
    max_quarantined_share: float = MISSING


@dataclass
class MaintainSection:
    """How long things are kept: quarantined rows, and files that only an open reader may still need."""

    quarantine_days: int = MISSING
    vacuum_h: float = MISSING


@dataclass
class LabelsSection:
    """Exposure curves and grades."""

    curve_days: int = MISSING
    curve_strength: float = MISSING
    label_days: int = MISSING
    grade_strength: float = MISSING
    min_exposure: float = MISSING
    unshown_per_query: int = MISSING
    cuts: list[float] = MISSING


@dataclass
class FeaturesSection:
    """The feature build. `only` and `tried` name families, features or columns (a scientist's shortcuts; the night uses all)."""

    only: list[str] = MISSING
    tried: list[str] = MISSING
    vectors: bool = MISSING
    keep: int = MISSING


@dataclass
class PopularitySection:
    """May the oldest stored catalog's popularity stand in rows before it? Null until every snapshot has its own if not."""

    backdate: bool = MISSING


@dataclass
class RankingSection(HeadSettings):
    """Training sets, the head set and the lists' last touches."""

    min_history_days: int = MISSING
    max_leak_auc: float = MISSING


@dataclass
class TuningSection:
    """The search; its space is the group `search_space`."""

    trials: int = MISSING
    time_budget_s: float = MISSING
    prune: bool = MISSING
    space: str = MISSING
    max_trees: int = MISSING
    resume: str = MISSING
    sweeps: str = path()
    folds: int = MISSING
    threads: int = MISSING
    start_limit_s: float = MISSING


@dataclass
class ServingSection:
    """Releases."""

    keep: int = MISSING
    max_age_h: float = MISSING


@dataclass
class PublishSection:
    """`force`: the reason to publish a release that lacks an input which the release before it had. `sinks`: see serving.sinks."""

    force: str = MISSING
    sinks: list[str] = MISSING


@dataclass
class NightlySection:
    """When a night tunes: auto (first night and every 7th), always, never; how long it waits for another run's lock."""

    tune: str = MISSING
    lock_wait_s: float = MISSING
    ask: list[str] = MISSING


@dataclass
class Settings:
    """Everything a job is told. `run_date` is D: only what was delivered before D is known."""

    run_date: str = MISSING
    logs: str = path()
    catalog: str = path()
    releases: str = path()
    rankers: str = path()
    reports: str = path()
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
    candidates: CandidateSettings = MISSING
    features: FeaturesSection = field(default_factory=FeaturesSection)
    catalog_popularity: PopularitySection = field(default_factory=PopularitySection)
    ranking: RankingSection = MISSING
    tuning: TuningSection = field(default_factory=TuningSection)
    serving: ServingSection = field(default_factory=ServingSection)
    publish: PublishSection = field(default_factory=PublishSection)
    nightly: NightlySection = field(default_factory=NightlySection)
    ranker: dict[str, Any] = field(default_factory=dict)
    search_space: dict[str, Any] = field(default_factory=dict)
