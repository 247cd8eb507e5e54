"""Checks of setting values that a type cannot express; they run before Spark starts and not after hours of work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date

from evaluation.experiments.settings import wrong_settings
from features.catalogue import chosen
from lake.errors import BadConfiguration
from lake.local_path import why_not_local
from lake.session import MANAGERS, ON_THIS_MACHINE
from lake.store import why_no_place
from night.settings import IS_PATH, IS_STORED, Settings, setting
from ranking.examples import SPACING_DAYS
from ranking.ranker import RankerParams
from tuning.settings import SearchSettings

TUNE_MODES = ("auto", "always", "never")
AT_LEAST = {
    "ingest.days_late": 0,
    "ingest.settle_s": 0,
    "maintain.quarantine_days": 0,
    "maintain.vacuum_h": 0,
    "labels.label_days": 1,
    "labels.curve_days": 1,
    "candidates.window_days": 1,
    "candidates.cap": 1,
    "candidates.per_source": 1,
    "candidates.linked_tracks": 1,
    "candidates.cold_cap": 1,
    "candidates.like_named": 0,
    "candidates.min_listeners": 1,
    "closure.min_tracks": 1,
    "closure.mood_genres": 0,
    "features.keep": 1,
    "ranking.max_needs": 1,
    "ranking.max_training_rows": 1000,
    "ranking.tracks_per_entry": 1,
    "ranking.explore_variants": 0,
    "ranking.max_per_artist": 1,
    "ranking.artist_span": 1,
    "labels.unshown_per_need": 0,
    "report.refits": 0,
    "serving.keep": 1,
    "serving.max_age_h": 0,
    "nightly.lock_wait_s": 0,
    "cluster.shuffle_partitions": 1,
    "experiments.days": 1,
    "experiments.clip": 1,
    "experiments.least_effective": 1,
}
SHARES = (
    "ingest.max_quarantined_share",
    "labels.grade_prior_share",
    "features.cold_share",
    "ranking.max_leak_auc",
    "bots.max_one_query_share",
    "bots.min_devotion",
    "bots.max_fan_share",
)
CONNECT = re.compile(r"sc://[^\s/]+.*")
MANAGERS_IN_WORDS = "spark://HOST:PORT, yarn or k8s://URL"


def check_values(settings: Settings) -> None:
    """Raise BadConfiguration that lists all wrong values in one line."""
    wrong = list(_wrong(settings))
    if wrong:
        raise BadConfiguration(f"{'; '.join(wrong)}. Look at conf/night.yaml; nothing was started.")


def search_settings(settings: Settings) -> SearchSettings:
    """The settings of the sweep of `jobs.tune`. Raises BadConfiguration for an invalid search space, parameter or limit."""
    section = settings.tuning
    return SearchSettings(
        name=section.resume or settings.sweep or f"sweep-{settings.run_date}",
        space=dict(settings.search_space),
        base=dict(settings.ranker),
        trials=section.trials,
        time_budget_s=section.time_budget_s,
        folds=section.folds,
        max_trees=section.max_trees,
        prune=section.prune,
        resume=bool(section.resume),
        start_limit_s=section.start_limit_s,
        search=section.search,
        seeds=section.seeds,
        retries=section.retries,
        concurrent=section.workers,
        hold_back=section.hold_back,
        permute_labels=section.permute_labels,
        address=section.address,
        objectives=tuple(section.objectives),
        cheapest_within=section.cheapest_within,
    )


def paths(section: object, above: str = "") -> Iterator[tuple[str, str, bool]]:
    """Every key that is a path, such as `lake.root`, with its value, and whether it may name another store.

    Args:
        section: the settings or a section of them, a dataclass of `night.settings`.
        above: the prefix of the section's keys, such as `lake.`.
    """
    for key in fields(section):  # type: ignore[arg-type]
        value = getattr(section, key.name)
        if key.metadata.get(IS_PATH):
            yield above + key.name, value, bool(key.metadata.get(IS_STORED))
        elif is_dataclass(value):
            yield from paths(value, f"{above}{key.name}.")


def wrong_place(key: str, value: str) -> str | None:
    """Why the value of a path, `cluster.master` or `cluster.remote` is not supported; None if it is, or for any other key."""
    if key in ("cluster.master", "cluster.remote"):
        is_remote = key == "cluster.remote"
        if ON_THIS_MACHINE.fullmatch(value):
            return None
        known, wanted = (CONNECT, "sc://HOST[:PORT] (Spark Connect)") if is_remote else (MANAGERS, MANAGERS_IN_WORDS)
        is_known = known.fullmatch(value) is not None or (is_remote and not value)
        return None if is_known else f"{key} is {value!r}, expected local, local[N] or {wanted}"
    may_be_elsewhere = {name: is_stored for name, _, is_stored in paths(Settings())}
    if key not in may_be_elsewhere:
        return None
    why = why_no_place(value) if may_be_elsewhere[key] else why_not_local(value)
    return f"{key} is {value!r}, {why}" if why else None


def _is_day(text: str) -> bool:
    """Whether the text is a date as units are named by it: Python also reads 20261029 and 2026-W44-4, which sort otherwise."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _wrong(settings: Settings) -> Iterator[str]:
    cluster = settings.cluster
    # with a remote, the master is ignored
    engine = ("cluster.remote", cluster.remote) if cluster.remote else ("cluster.master", cluster.master)
    yield from filter(
        None, (wrong_place(*one) for one in (*((key, value) for key, value, _ in paths(settings)), engine))
    )
    if not _is_day(settings.run_date):
        yield f"run_date is {settings.run_date!r}, expected YYYY-MM-DD"
    if settings.nightly.tune not in TUNE_MODES:
        yield f"nightly.tune is {settings.nightly.tune!r}, expected one of {', '.join(TUNE_MODES)}"
    for key, least in AT_LEAST.items():
        if (value := _value(settings, key)) < least:
            yield f"{key} is {value}, expected {least} or more"
    for key in SHARES:
        if not 0 <= (value := _value(settings, key)) <= 1:
            yield f"{key} is {value}, expected 0 to 1"
    if settings.labels.label_days > SPACING_DAYS:
        yield (
            f"labels.label_days is {settings.labels.label_days}, expected {SPACING_DAYS} at most: training snapshots are so many "
            "days apart, and what one learns from must not be what another is judged by"
        )
    yield from wrong_settings(settings.experiments)
    if not 0 <= settings.ranking.explore_share < 1:
        yield (
            f"ranking.explore_share is {settings.ranking.explore_share}, expected 0 (nobody gets a variant) to less than 1: the list itself "
            "must have a probability, too"
        )
    for key in ("ranking.explore_strength", "ranking.explore_temperature"):
        if (value := _value(settings, key)) <= 0:
            yield f"{key} is {value}, expected more than 0"
    cuts = settings.labels.cuts
    if len(cuts) != 4 or sorted(set(cuts)) != cuts:
        yield f"labels.cuts is {cuts}, expected four rising rates, where grades 1 to 4 begin"
    parts: tuple[Callable[[], object], ...] = (
        lambda: RankerParams.from_dict(settings.ranker),
        lambda: search_settings(settings),
        lambda: chosen(settings.features.only),
        lambda: chosen(settings.features.tried),
    )
    reported = set()
    for part in parts:
        try:
            part()
        except BadConfiguration as error:
            if (line := str(error).rstrip(".")) not in reported:  # the sweep checks the ranker's parameters, too
                reported.add(line)
                yield line


def _value(settings: Settings, key: str) -> float:
    return float(setting(settings, key))
