"""The steps of a night, in order: what each reads, writes and depends on.

The tables that a step writes are those that name it in `written_by`. `tests/jobs/test_night.py` compares what is declared here with
what a night has read and written.
"""

from __future__ import annotations

from features.catalogue import feature_tables
from jobs import (
    assemble,
    build_features,
    candidates,
    count_engagement,
    fit_exposure,
    grade,
    ingest,
    publish,
    rank_head,
    report,
    train,
    tune,
    understand,
    validate,
)
from lake.tables.daily import BOT_DAYS, DAILY_ENGAGEMENT, DAILY_SEARCHES, ENGAGEMENT_TILES, LISTENER_TILES
from lake.tables.logs import (
    DELIVERED_FILES,
    ENGAGEMENT_EVENTS,
    FORGOTTEN_USERS,
    QUARANTINE,
    SEARCH_LOG,
    TRACKS,
)
from lake.tables.models import FEATURE_AUDITS
from lake.tables.nightly import (
    BACKOFF_STRENGTHS,
    CANDIDATES,
    EXPOSURE_CURVES,
    HEAD_RANKINGS,
    HEARD,
    JUDGEMENTS,
    LIST_VARIANTS,
    NEEDS,
    SNAPSHOT_WORDINGS,
    VECTORS,
    WORDINGS,
)
from night.step import Step
from night.tables import gated
from ranking.examples import training_examples_table

EXAMPLES = training_examples_table()
OF_SNAPSHOTS = (  # what the features of a snapshot are computed from; the leak audit computes them once more
    DAILY_ENGAGEMENT,
    DAILY_SEARCHES,
    ENGAGEMENT_TILES,
    LISTENER_TILES,
    NEEDS,
    WORDINGS,
    TRACKS,
    EXPOSURE_CURVES,
    SNAPSHOT_WORDINGS,
    VECTORS,
    BACKOFF_STRENGTHS,
)

GRAPH: tuple[Step, ...] = (
    Step(
        "ingest",
        ingest.run,
        ingest.to_do,
        reads=(SEARCH_LOG, ENGAGEMENT_EVENTS, QUARANTINE, DELIVERED_FILES, FORGOTTEN_USERS, TRACKS),
        files_read=("logs", "catalog", "privacy.key_file"),
        settings=("ingest", "ubi", "privacy"),
    ),
    Step(
        "count_engagement",
        count_engagement.run,
        count_engagement.to_do,
        reads=(SEARCH_LOG, ENGAGEMENT_EVENTS, TRACKS, DAILY_ENGAGEMENT, ENGAGEMENT_TILES, LISTENER_TILES),
        settings=("bots", "ingest"),
    ),
    Step(
        "understand",
        understand.run,
        understand.to_do,
        reads=(SEARCH_LOG, ENGAGEMENT_EVENTS, BOT_DAYS, TRACKS, WORDINGS, NEEDS),
        settings=("closure", "privacy", "ranking"),
    ),
    Step(
        "fit_exposure",
        fit_exposure.run,
        fit_exposure.to_do,
        reads=(DAILY_ENGAGEMENT, NEEDS, WORDINGS),
        settings=("labels",),
    ),
    Step(
        "candidates",
        candidates.run,
        candidates.to_do,
        reads=(DAILY_ENGAGEMENT, NEEDS, HEARD, TRACKS),
        settings=("candidates", "ranking", "privacy"),
    ),
    Step(
        "build_features",
        build_features.run,
        build_features.to_do,
        reads=(CANDIDATES, *OF_SNAPSHOTS),
        settings=("features", "labels", "ranking", "privacy", "catalog_popularity"),
    ),
    Step("validate", validate.run, validate.to_do, reads=gated("validate"), files_written=("quality.docs_dir",)),
    Step(
        "grade",
        grade.run,
        grade.to_do,
        reads=(DAILY_ENGAGEMENT, EXPOSURE_CURVES, NEEDS, WORDINGS, CANDIDATES, TRACKS, *feature_tables()),
        settings=("labels", "ranking", "privacy"),
    ),
    Step(
        "assemble",
        assemble.run,
        assemble.to_do,
        reads=(JUDGEMENTS, FEATURE_AUDITS, EXAMPLES, *OF_SNAPSHOTS, *feature_tables()),
        settings=("ranking", "labels", "features"),
    ),
    Step(
        "tune",
        tune.run_if_due,
        tune.to_do,
        reads=(EXAMPLES,),
        files_read=("tuning.sweeps", "rankers"),
        files_written=("tuning.sweeps",),
        settings=("tuning", "search_space", "ranker", "ranking", "nightly", "labels"),
    ),
    Step(
        "train",
        train.run,
        train.to_do,
        reads=(EXAMPLES,),
        files_read=("tuning.sweeps",),
        files_written=("rankers",),
        settings=("ranker", "ranking", "tuning"),
    ),
    Step(
        "rank_head",
        rank_head.run,
        rank_head.to_do,
        reads=(NEEDS, CANDIDATES, TRACKS, HEAD_RANKINGS, LIST_VARIANTS, *feature_tables()),
        files_read=("rankers",),
        settings=("ranking", "privacy"),
    ),
    Step(
        "publish",
        publish.run,
        publish.to_do,
        reads=(HEAD_RANKINGS, LIST_VARIANTS, WORDINGS, NEEDS, TRACKS, DAILY_ENGAGEMENT, VECTORS, *gated("publish")),
        files_read=("rankers",),
        files_written=("releases", "reports", "quality.docs_dir"),
        settings=("publish", "serving", "privacy", "ranking"),
    ),
    Step(
        "report",
        report.run_if_due,
        report.to_do,
        reads=(
            HEAD_RANKINGS,
            LIST_VARIANTS,
            CANDIDATES,
            WORDINGS,
            NEEDS,
            DAILY_ENGAGEMENT,
            SEARCH_LOG,
            DAILY_SEARCHES,
            BOT_DAYS,
            TRACKS,
            EXPOSURE_CURVES,
            JUDGEMENTS,
            *feature_tables(),
        ),
        files_read=("logs", "releases", "rankers", "reports"),
        files_written=("reports",),
    ),
)
