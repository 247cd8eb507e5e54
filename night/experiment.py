"""The rows that each kind of experiment is judged by, one per person and day or one per search, and the plan of an A/B."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from evaluation.experiments.interleaving import teams_of
from evaluation.experiments.plan import Plan
from evaluation.experiments.policies import BETWEEN, POSITIONS
from evaluation.experiments.settings import ExperimentSettings
from lake.errors import BadConfiguration
from night.experiment_log import ExperimentLogUnfit, refuse, refuse_null
from night.night import Night

if TYPE_CHECKING:
    import pandas as pd


def plan_of(log: DataFrame, settings: ExperimentSettings) -> Plan:
    """The plan with its dates and treatments, from the settings and the variants that the log holds.

    Raises:
        ExperimentLogUnfit: a variant of the settings is in no search.
        BadConfiguration: the planned shares do not name the variants.
    """
    counted = log.groupBy("variant").agg(
        F.count("*").alias("n"), F.min("search_date").alias("first"), F.max("search_date").alias("last")
    )
    rows_of = {r["variant"]: r for r in counted.collect() if r["variant"] is not None}
    there = (
        ", ".join(f"{name} ({row['n']:,} searches)" for name, row in sorted(rows_of.items())[:20])
        or "no variant at all"
    )
    others = [v for v in sorted(rows_of) if v != settings.control and teams_of(v) is None]
    treatments = settings.treatments or others
    for name in (settings.control, *treatments):
        if name not in rows_of:
            raise ExperimentLogUnfit(
                f"variant {name or '(empty)'} is in no search before the run_date; the log has {there}. Say experiments.control=… and "
                "experiments.treatments=[…], and see that the serving side logs `variant`"
            )
    if not treatments:
        raise ExperimentLogUnfit(f"the log has {there} and nothing to compare it with. Say experiments.treatments=[…]")
    variants = (settings.control, *treatments)
    if settings.shares and set(settings.shares) != set(variants):
        raise BadConfiguration(
            f"experiments.shares names {', '.join(sorted(settings.shares))}, expected {', '.join(variants)}: a planned share of every variant"
        )
    shares = {v: settings.shares.get(v, 1.0) for v in variants}
    first = date.fromisoformat(settings.first_day) if settings.first_day else rows_of[settings.control]["first"]
    last = max(rows_of[v]["last"] for v in variants)
    return Plan(
        settings.control,
        tuple(treatments),
        shares,
        first,
        first + timedelta(days=settings.days),
        (last - first).days + 1,
        settings.detect,
        settings.margin,
        settings.level,
    )


def rows_by_person(log: DataFrame) -> pd.DataFrame:
    """One row per (person, variant, day, locale, client): the counts that `evaluation.experiments.ab.ab_verdict` reads."""

    def has(condition: Column) -> Column:
        return F.sum(condition.cast("int"))

    keys = ("user_id", "variant", "search_date", "locale", "client")
    return (
        log.groupBy(*keys)
        .agg(
            F.count("*").alias("searches"),
            has(F.size("satisfied") > 0).alias("successes"),
            has(F.array_contains("satisfied", 1)).alias("first_successes"),
            F.sum(F.size("satisfied")).alias("satisfied_plays"),
            F.sum("heard_s").alias("heard_s"),
        )
        .toPandas()
    )


def _only_planned(log: DataFrame, settings: ExperimentSettings) -> DataFrame:
    """Only the searches of the planned days; all days if no first day is set."""
    if not settings.first_day:
        return log
    first = date.fromisoformat(settings.first_day)
    return log.where(
        (F.col("search_date") >= F.lit(first)) & (F.col("search_date") < F.lit(first + timedelta(days=settings.days)))
    )


def rows_by_list(night: Night, log: DataFrame) -> pd.DataFrame:
    """One row per search of the experiment, as `evaluation.experiments.policies.off_policy_verdict` reads them.

    Raises:
        ExperimentLogUnfit: a search has no propensity, or no variant although the variants are the targets.
    """
    settings = night.settings.experiments
    asked = _only_planned(log, settings)
    refuse_null(night, asked, "propensity", "the probability with which the policy chose the list")
    if not settings.policies:
        refuse_null(
            night, asked, "variant", "whose lists are to be judged (or name target lists: experiments.policies=FILE)"
        )
    first = F.try_element_at("satisfied", F.lit(1))
    searches = asked.select(
        F.coalesce("release_id", F.lit("")).alias("release_id"),
        "locale",
        "query",
        "user_id",
        F.coalesce("variant", F.lit("")).alias("variant"),
        "propensity",
        F.array_join(F.slice("results", 1, POSITIONS), BETWEEN).alias("results"),
        F.when(first <= POSITIONS, first).otherwise(0).alias("first_satisfied"),
    ).toPandas()
    if searches.empty:
        raise ExperimentLogUnfit(
            "no search of the experiment before the run_date. Look at experiments.first_day and experiments.days"
        )
    return searches


def rows_interleaved(night: Night, log: DataFrame) -> pd.DataFrame:
    """One row per interleaved search of the two rankers: user_id, teams, satisfied.

    Raises:
        ExperimentLogUnfit: there is no such search, or its teams are not as many as its results.
    """
    settings = night.settings.experiments
    asked = _only_planned(log, settings).where(F.col("variant").startswith("interleaved/"))
    wrong = asked.where(F.length(F.substring_index("variant", "/", -1)) != F.size("results"))
    refuse(
        night,
        wrong,
        "the teams in `variant` are not as many as the results",
        "log what `Interleaved.variant` gives for the served list",
    )
    searches = asked.select("user_id", "variant", "satisfied").toPandas()
    pairs = [teams_of(v) for v in searches["variant"]]
    wanted = (settings.control, *settings.treatments)
    keep = [pair is not None and pair[:2] == wanted for pair in pairs]
    if not any(keep):
        there = sorted({f"{pair[0]} with {pair[1]}" for pair in pairs if pair is not None})
        raise ExperimentLogUnfit(
            f"no search interleaves {' with '.join(w or '(empty)' for w in wanted)}; the log has "
            f"{', '.join(there[:20]) or 'no interleaved search'}. Say experiments.control=A and "
            "experiments.treatments=[B] as in the log's variant interleaved/A/B/…"
        )
    kept = searches[keep].reset_index(drop=True)
    return kept.assign(teams=[pair[2] for pair in pairs if pair is not None and pair[:2] == wanted])
