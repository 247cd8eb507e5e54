"""The rows that an experiment is judged by, from the lake or from delivered folders, with checks that name file and row."""

from __future__ import annotations

import json
import secrets
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from evaluation.experiments.interleaving import teams_of
from evaluation.experiments.plan import Plan
from evaluation.experiments.policies import BETWEEN, POSITIONS
from evaluation.experiments.settings import ExperimentSettings
from events.contract import EVENT_FIELDS, SEARCH_FIELDS
from events.engagement import chains, pleased_plays
from events.ingest import (
    ACCEPTED,
    QUARANTINED,
    ClassifiedRows,
    judged_events,
    judged_searches,
    quarantine,
    with_outcome,
)
from events.privacy import KEY_BYTES, key_frame
from events.raw_text import raw_texts
from events.reading import check_gzip, rows
from lake.checkpoint import checkpointed
from lake.errors import BadConfiguration, InputContractError
from lake.tables.daily import BOT_DAYS
from lake.tables.logs import ENGAGEMENT_EVENTS, SEARCH_LOG
from night.night import Night
from queries.nightly.understand import normalised
from queries.text.normalise import normal_form

if TYPE_CHECKING:
    import pandas as pd

SEARCHES = (
    "search_id",
    "user_id",
    "search_date",
    "client",
    "locale",
    "query",
    "results",
    "release_id",
    "variant",
    "propensity",
    "source_file",
    "line_key",  # of a row of delivered folders; null for one of the lake
)


class ExperimentLogUnfit(InputContractError):
    """The log lacks what the experiment is judged by; the message names a file and a row of it."""


def judged_rows(night: Night) -> DataFrame:
    """One row per search before D: SEARCHES, and what the listener did.

    Adds `satisfied` (positions of tracks heard for 30 s or to the end, saved or liked; sorted, each once) and `heard_s`.

    Raises:
        ExperimentLogUnfit: a row of the delivered folders breaks the input contract and `experiments.skip_broken` is not set.
        MissingPartition: the lake has no searches.
    """
    searches, events = _of_lake(night) if night.settings.experiments.source == "lake" else _of_folders(night)
    good = (
        pleased_plays(searches, events).groupBy("search_id").agg(F.array_sort(F.collect_set("position")).alias("_good"))
    )
    heard = chains(events).groupBy("search_id").agg((F.sum("dwell_ms") / 1000.0).alias("_heard_s"))
    joined = searches.select(*SEARCHES).join(good, "search_id", "left").join(heard, "search_id", "left")
    satisfied = F.coalesce("_good", F.array().cast("array<int>")).alias("satisfied")
    return joined.select(*SEARCHES, satisfied, F.coalesce("_heard_s", F.lit(0.0)).alias("heard_s"))


def _of_lake(night: Night) -> tuple[DataFrame, DataFrame]:
    """Searches and events of the delivered days before D that have passed their gate, without the searches of bots."""
    lake = night.lake
    units = [u for u in lake.passed(SEARCH_LOG) if u < night.settings.run_date]
    searches = lake.read(SEARCH_LOG, units)
    if lake.exists(BOT_DAYS):
        bots = lake.read(BOT_DAYS, allow_unvalidated=True).select("user_id", "search_date")
        searches = searches.join(F.broadcast(bots), ["user_id", "search_date"], "left_anti")
    events = lake.read(ENGAGEMENT_EVENTS, [u for u in lake.passed(ENGAGEMENT_EVENTS) if u < night.settings.run_date])
    return checkpointed(searches.withColumn("line_key", F.lit(None).cast("bigint"))), events


def _of_folders(night: Night) -> tuple[DataFrame, DataFrame]:
    """Accepted searches and events of the delivered folders before D, read as ingest reads them; nothing is written.

    User ids become pseudonyms of a key that is thrown away. Bots are not looked for, and every track of a served list is known.
    """
    spark, settings = night.spark, night.settings
    days_late = settings.ingest.days_late
    files = {s: [p for f in night.folders for p in f.files[s]] for s in ("search", "event")}
    check_gzip([*files["search"], *files["event"]])
    with tempfile.TemporaryDirectory() as folder:
        key_file = Path(folder) / "pseudonym.key"
        key_file.write_text(secrets.token_hex(KEY_BYTES))
        key = key_frame(spark, key_file)
    parsed = rows(spark, files["search"], SEARCH_FIELDS, "searches", settings.ubi)
    judged = checkpointed(judged_searches(parsed, key, normalised, None))
    sides = [ClassifiedRows(with_outcome(judged, "search", None, days_late), "search", files["search"])]
    known = sides[0].rows.where(F.col("outcome") == ACCEPTED)
    if not files["event"]:
        raise ExperimentLogUnfit(
            f"{night.settings.logs}/events has no file before {settings.run_date}: without reactions nothing can be "
            "judged. Deliver events/date=YYYY-MM-DD/*.jsonl"
        )
    reacted = rows(spark, files["event"], EVENT_FIELDS, "events", settings.ubi)
    tracks = known.select(F.explode("results").alias("track_id")).distinct()
    reacted = checkpointed(judged_events(reacted, known, tracks, days_late))
    sides.append(ClassifiedRows(with_outcome(reacted, "event", None, days_late), "event", files["event"]))
    _refuse_broken(night, sides)
    searches = sides[0].rows.where(F.col("outcome") == ACCEPTED).select(*SEARCHES)
    return checkpointed(searches), checkpointed(sides[1].accepted())


def _refuse_broken(night: Night, sides: list[ClassifiedRows]) -> None:
    """Raise ExperimentLogUnfit for the first broken row of the log, or note their number if they may be left out."""
    broken = sum(side.rows.where(F.col("outcome") == QUARANTINED).count() for side in sides)
    if not broken:
        return
    first = quarantine(night.spark, sides).orderBy("source_file", "line").first()
    assert first is not None  # as many as were counted
    where = f"{night.settings.logs}/{first['source_file']}, row {first['line']}: {', '.join(first['reasons'])}"
    if not night.settings.experiments.skip_broken:
        raise ExperimentLogUnfit(
            f"{where} ({broken:,} such rows; docs/input-contract.md). Mend the log, or leave them out with experiments.skip_broken=true"
        )
    night.notes.append(f"{broken:,} rows break the input contract and were left out; the first is {where}")


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
    _refuse_null(night, asked, "propensity", "the probability with which the policy chose the list")
    if not settings.policies:
        _refuse_null(
            night, asked, "variant", "whose lists are to be judged (or name target lists: experiments.policies=FILE)"
        )
    first = F.try_element_at("satisfied", F.lit(1))
    found = asked.select(
        F.coalesce("release_id", F.lit("")).alias("release_id"),
        "locale",
        "query",
        "user_id",
        F.coalesce("variant", F.lit("")).alias("variant"),
        "propensity",
        F.array_join(F.slice("results", 1, POSITIONS), BETWEEN).alias("results"),
        F.when(first <= POSITIONS, first).otherwise(0).alias("first_satisfied"),
    ).toPandas()
    if found.empty:
        raise ExperimentLogUnfit(
            "no search of the experiment before the run_date. Look at experiments.first_day and experiments.days"
        )
    return found


def rows_interleaved(night: Night, log: DataFrame) -> pd.DataFrame:
    """One row per interleaved search of the two rankers: user_id, teams, satisfied.

    Raises:
        ExperimentLogUnfit: there is no such search, or its teams are not as many as its results.
    """
    settings = night.settings.experiments
    asked = _only_planned(log, settings).where(F.col("variant").startswith("interleaved/"))
    wrong = asked.where(F.length(F.substring_index("variant", "/", -1)) != F.size("results"))
    _refuse(
        night,
        wrong,
        "the teams in `variant` are not as many as the results",
        "log what `Interleaved.variant` gives for the served list",
    )
    found = asked.select("user_id", "variant", "satisfied").toPandas()
    pairs = [teams_of(v) for v in found["variant"]]
    wanted = (settings.control, *settings.treatments)
    keep = [pair is not None and pair[:2] == wanted for pair in pairs]
    if not any(keep):
        there = sorted({f"{pair[0]} with {pair[1]}" for pair in pairs if pair is not None})
        raise ExperimentLogUnfit(
            f"no search interleaves {' with '.join(w or '(empty)' for w in wanted)}; the log has "
            f"{', '.join(there[:20]) or 'no interleaved search'}. Say experiments.control=A and "
            "experiments.treatments=[B] as in the log's variant interleaved/A/B/…"
        )
    kept = found[keep].reset_index(drop=True)
    return kept.assign(teams=[pair[2] for pair in pairs if pair is not None and pair[:2] == wanted])


def target_lists(file: Path) -> dict[str, dict[tuple[str, ...], str]]:
    """Policy → (release_id, locale, wording) → list, from a file of one JSON object per line.

    Fields: `policy`, `locale`, `raw_query`, `results`; optional `release_id`, the release that answered in the log.

    Raises:
        ExperimentLogUnfit: the file is missing, or a row lacks a field; the message names the row.
    """
    if not file.exists():
        raise ExperimentLogUnfit(
            f"{file}: missing. Say experiments.policies=FILE, one JSON object per line (docs/experiments.md)"
        )
    out: dict[str, dict[tuple[str, ...], str]] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
        except ValueError as error:
            raise ExperimentLogUnfit(
                f"{file}, row {number}: no JSON ({error}); expected one object per line"
            ) from error
        wrong = _wrong_field(row)
        if wrong:
            raise ExperimentLogUnfit(
                f"{file}, row {number}: {wrong}; expected policy, locale, raw_query (texts) and results (track ids)"
            )
        context = (str(row.get("release_id") or ""), row["locale"], normal_form(row["raw_query"], row["locale"]))
        out.setdefault(row["policy"], {})[context] = BETWEEN.join(row["results"][:POSITIONS])
    if not out:
        raise ExperimentLogUnfit(f"{file}: no row. Write a target list per line (docs/experiments.md)")
    return out


def _wrong_field(row: Any) -> str:
    if not isinstance(row, dict):
        return "no JSON object"
    for name in ("policy", "locale", "raw_query"):
        if not isinstance(row.get(name), str) or not row[name]:
            return f"{name} is {row.get(name)!r}"
    results = row.get("results")
    if not isinstance(results, list) or not results or not all(isinstance(track, str) for track in results):
        return f"results is {results!r}"
    return ""


def _refuse_null(night: Night, rows: DataFrame, column: str, meaning: str) -> None:
    _refuse(night, rows.where(F.col(column).isNull()), f"no {column}", f"the serving side must log it: {meaning}")


def _refuse(night: Night, wrong: DataFrame, problem: str, next_step: str) -> None:
    """Raise ExperimentLogUnfit that names the first of the rows, if there is one."""
    keys = ("source_file", "line_key", "search_id")
    first = wrong.select(*keys).orderBy("source_file", "search_id").limit(1)
    rows = first.collect()
    if not rows:
        return
    row = f"search_id {rows[0]['search_id']}"
    if rows[0]["line_key"] is not None:
        files = [p for f in night.folders for p in f.files["search"]]
        texts = raw_texts(
            night.spark, first.select("source_file", "line_key"), files, "searches", [rows[0]["source_file"]]
        )
        row = f"row {texts.select('line').orderBy('line').limit(1).collect()[0]['line']} ({row})"
    raise ExperimentLogUnfit(
        f"{rows[0]['source_file']}, {row}: {problem} ({wrong.count():,} such searches). Next: {next_step}; or leave those days out by "
        "experiments.first_day and experiments.days"
    )
