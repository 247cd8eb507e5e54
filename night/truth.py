"""The simulator's truth of a night, and the data that the released lists are compared with."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.console import Console

from features.catalogue import feature_table
from lake.code import code_fingerprint
from lake.errors import InputContractError
from lake.places import places
from lake.rows import frame_of
from lake.tables.daily import BOT_DAYS, DAILY_ENGAGEMENT
from lake.tables.logs import SEARCH_LOG, TRACKS
from lake.tables.nightly import CANDIDATES, HEAD_RANKINGS, QUERIES
from night.night import Night
from night.released import aliases_of
from night.settings import Settings
from queries.text.carrier import load_grammar, stripped
from ranking.examples import training_examples_table

if TYPE_CHECKING:
    from evaluation.answers import Forms
    from evaluation.truth import NightTruth


WINDOW_DAYS = 28


def truth_folder(settings: Settings) -> Path:
    """The folder that contains truth/: the simulator writes it beside the logs."""
    return Path(settings.logs).resolve().parent


def has_truth(night: Night) -> bool:
    """Whether the logs are simulated and truth/ exists beside them."""
    return night.is_simulated and (truth_folder(night.settings) / "truth").is_dir()


def truth_of(night: Night) -> NightTruth:
    """The simulator's truth of the searches of D.

    Raises InputContractError if there is none, as for logs that are not simulated.
    """
    if not has_truth(night):
        raise InputContractError(
            f"{truth_folder(night.settings)} holds no truth/: only simulated logs can be judged so."
        )
    from evaluation.truth import night_truth

    return night_truth(truth_folder(night.settings), night.logs, night.run_date)


def asked_entries(night: Night, truth: NightTruth) -> tuple[Forms, Forms, DataFrame]:
    """What a lookup of the searches of D needs.

    Returns:
        The stripped form of each (locale, query) searched on D; the aliases of the release, (locale, wording) -> query of the
        entry; and the entries (locale, query) that may answer one of those searches.
    """
    asked = truth.weights[["locale", "query"]]
    grammar = load_grammar()
    keys = [(str(x), str(q)) for x, q in zip(asked["locale"], asked["query"], strict=True)]
    forms = {(x, q): stripped(q, x, grammar) for x, q in keys}
    released = night.lake.read(HEAD_RANKINGS, [night.run_date]).select("locale", "query").distinct()
    public = night.lake.read(QUERIES, [night.run_date]).where("is_public")
    aliases = aliases_of(released.toPandas(), public.select("locale", "query", "cluster_id", "searches_28d").toPandas())
    lookups = {(p, f) for (x, q), form in forms.items() for f in (q, form) for p in (x, x[:2], "*")}
    lookups |= {(p, aliases[p, f]) for p, f in lookups if (p, f) in aliases}
    wanted = frame_of(night.spark, sorted(lookups), "locale string, query string")
    return forms, aliases, wanted.join(released, ["locale", "query"])


def served(night: Night, wanted: DataFrame) -> DataFrame:
    """(locale, query, track_id, served_discount): how high the served lists of the last 28 days ranked each track.

    served_discount is the sum of 1 / log2(position + 1) over the searches, positions from 1; searches of bots are left out.

    Args:
        night: the night.
        wanted: (locale, query) of the entries to look at.
    """
    first, before = night.run_date - timedelta(days=WINDOW_DAYS), night.run_date
    asked = night.lake.read(SEARCH_LOG, allow_unvalidated=True)
    asked = asked.where((F.col("search_date") >= F.lit(first)) & (F.col("search_date") < F.lit(before)))
    bots = night.lake.read(BOT_DAYS, allow_unvalidated=True).select("user_id", "search_date")
    asked = asked.join(F.broadcast(bots), ["user_id", "search_date"], "left_anti")
    placed = asked.select(F.explode(places()).alias("locale"), "query", "results")
    listed = placed.join(F.broadcast(wanted), ["locale", "query"]).select(
        "locale", "query", F.posexplode("results").alias("_i", "track_id")
    )
    return listed.groupBy("locale", "query", "track_id").agg(
        F.sum(F.lit(1.0) / F.log2(F.col("_i") + 2)).alias("served_discount")
    )


def report_mark(night: Night) -> str:
    """The mark of the figures: a fingerprint of the released lists, the inputs of the baselines, and the simulator's truth."""
    day, root = [night.run_date], truth_folder(night.settings)
    inputs = night.inputs(
        released=(HEAD_RANKINGS, day),
        candidates=(CANDIDATES, day),
        queries=(QUERIES, day),
        features=(feature_table("query_track"), day),
        daily=(DAILY_ENGAGEMENT, night.window(WINDOW_DAYS)),
        tracks=(TRACKS, [night.tracks_unit]),
    )
    files = sorted((root / "truth").glob("*")) + sorted((night.logs / "searches" / f"date={night.run_date}").glob("*"))
    hashes = [[f.name, night.hashes.of(f)] for f in files if f.is_file()]
    night.hashes.save()
    return night.mark(inputs, hashes, code_fingerprint("jobs.report"))


def judged_mark(night: Night) -> str:
    """The mark of what `jobs.ablate` computes: a fingerprint of the night's examples, features, lists and ranker settings."""
    day = [night.run_date]
    return night.mark(
        night.inputs(
            examples=(training_examples_table(), day),
            features=(feature_table("query_track"), day),
            released=(HEAD_RANKINGS, day),
        ),
        dict(night.settings.ranker),
    )


def report_file(settings: Settings) -> Path:
    """The file of the night's figures."""
    return Path(settings.reports) / "night.json"


def ablation_file(settings: Settings) -> Path:
    """The file in which `jobs.ablate` writes what each feature family contributes."""
    return Path(settings.reports) / "ablation.json"


def print_last(settings: Settings, console: Console) -> None:
    """Print the path of the night's figures if there are any."""
    if report_file(settings).exists():
        console.print(f"figures against the simulator's truth: {report_file(settings)}", highlight=False)


def rows_of_arms(night: Night, wanted: DataFrame) -> DataFrame:
    """What the baselines are ranked by: one row per candidate (locale, query, track_id) of the wanted entries.

    Columns: candidate_rank, coec, coec_raw, stripped, impressions, clicks, pooled_impressions, pooled_clicks, served_discount (null where
    the track was in no served list).
    """
    lake, day = night.lake, [night.run_date]
    spread = lake.read(DAILY_ENGAGEMENT, night.window(WINDOW_DAYS)).withColumn("locale", F.explode(places()))
    seen = spread.groupBy("locale", "query", "track_id").agg(
        F.sum("impressions").alias("impressions"),
        F.sum(F.when(F.col("client") == "alexa", F.col("long_plays")).otherwise(F.col("clicks"))).alias("clicks"),
    )
    forms_of = lake.read(QUERIES, day).select("locale", "query", "stripped")
    pooled = (
        seen.join(forms_of, ["locale", "query"])
        .groupBy("locale", "stripped", "track_id")
        .agg(*[F.sum(name).alias(f"pooled_{name}") for name in ("impressions", "clicks")])
    )
    features = lake.read(feature_table("query_track"), day).select(
        "locale", "query", "track_id", F.col("coec_28d").alias("coec"), F.col("coec_raw_28d").alias("coec_raw")
    )
    return (
        lake.read(CANDIDATES, day)
        .select("locale", "query", "track_id", F.col("source_rank").alias("candidate_rank"))
        .join(F.broadcast(wanted), ["locale", "query"])
        .join(features, ["locale", "query", "track_id"])
        .join(forms_of, ["locale", "query"])
        .join(seen, ["locale", "query", "track_id"], "left")
        .join(pooled, ["locale", "stripped", "track_id"], "left")
        .fillna(0, ["impressions", "clicks", "pooled_impressions", "pooled_clicks"])
        .join(served(night, wanted), ["locale", "query", "track_id"], "left")
    )
