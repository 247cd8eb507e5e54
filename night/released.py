"""From the night's rankings to the entries of a release."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.code import code_fingerprint
from lake.errors import QualityGateFailed
from lake.places import places
from lake.tables.logs import TRACKS
from lake.tables.nightly import HEAD_RANKINGS, QUERIES
from night.night import Night
from queries.text.carrier import grammar_bytes
from serving.content import Entry, RankedTrack
from serving.layout import FORMAT_VERSION

if TYPE_CHECKING:
    import pandas as pd


EXPLAINED = 10


def refuse_too_few(rankings: pd.DataFrame, public: pd.DataFrame, night: Night) -> None:
    """Raise QualityGateFailed where a list is of a query that fewer than k people asked."""
    asked = set(zip(public["locale"], public["query"], strict=True))
    listed = set(zip(rankings["locale"], rankings["query"], strict=True))
    few = len(listed - asked)
    if few:
        raise QualityGateFailed(
            f"head_rankings @ {night.settings.run_date}: {few} of {len(listed)} lists are of queries that fewer than k={night.k} people asked "
            f"(privacy.k was another, or people were forgotten since). Run jobs.rank_head; nothing was published."
        )


def aliases_of(released: pd.DataFrame, public: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(locale, wording) -> the entry that answers for it: a public wording without a list leads to its cluster's most asked entry.

    `released`: (locale, query) of the entries; `public`: the public rows of `queries`.
    """
    heads = released[["locale", "query"]].drop_duplicates().merge(public, on=["locale", "query"])
    first = heads.sort_values(["searches_28d", "query"], ascending=[False, True]).drop_duplicates(
        ["locale", "cluster_id"]
    )
    spare = public.merge(heads[["locale", "query"]], on=["locale", "query"], how="left", indicator=True)
    spare = spare[spare["_merge"] == "left_only"].merge(
        first[["locale", "cluster_id", "query"]], on=["locale", "cluster_id"], suffixes=("", "_of")
    )
    named = zip(spare["locale"], spare["query"], spare["query_of"], strict=True)
    return {(str(locale), str(query)): str(of) for locale, query, of in named}


def entries_of(rankings: pd.DataFrame, public: pd.DataFrame) -> Iterator[Entry]:
    """Entries in key order, with their aliases."""
    ranked = rankings.sort_values(["locale", "query", "rank"]).groupby(["locale", "query"], sort=True)
    aliases: dict[tuple[str, str], list[str]] = {}
    for (locale, query), of in aliases_of(rankings, public).items():
        aliases.setdefault((locale, of), []).append(query)
    for key, rows in ranked:
        locale, query = str(key[0]), str(key[1])
        listed = tuple(RankedTrack(t, float(s)) for t, s in zip(rows.track_id, rows.score, strict=True))
        others = tuple(sorted(aliases.get((locale, query), ())))
        yield Entry(locale, query, others, listed, float(rows.propensity.iloc[0]), tuple(rows.reason.iloc[:EXPLAINED]))


def traffic(queries: DataFrame, released: DataFrame) -> tuple[int, int]:
    """28-day searches of public queries that an entry answers in the locale where they were made, and all of them.

    `queries`: the table of the night; `released`: (locale, query) of the entries. A query counts once enough people asked it
    anywhere (`*`); what aliases answer is left out, as is what came with a language alone.
    """
    public = queries.where("is_public AND locale = '*'").select("query")
    asked = queries.where(F.length("locale") > 2).join(public, "query", "left_semi")
    asked = asked.select("locale", "query", "searches_28d")
    entries = released.select(F.col("locale").alias("place"), "query").distinct()
    found = asked.withColumn("place", F.explode(places())).join(F.broadcast(entries), ["place", "query"], "left_semi")
    found = found.select("locale", "query", "searches_28d").distinct()
    covered, every = (f.agg(F.coalesce(F.sum("searches_28d"), F.lit(0))).collect()[0][0] for f in (found, asked))
    return int(covered), int(every)


def publish_mark(night: Night, inputs: Mapping[str, object]) -> str:
    """Fingerprint of all that a release and its manifest follow from."""
    day = [night.run_date]
    rankings = night.inputs(rankings=(HEAD_RANKINGS, day), queries=(QUERIES, day), tracks=(TRACKS, [night.tracks_unit]))
    settings = night.settings
    return night.mark(
        rankings,
        inputs,
        night.k,
        settings.serving,
        settings.publish,
        settings.ingest.accept_incomplete,
        hashlib.sha256(grammar_bytes()).hexdigest(),
        FORMAT_VERSION,
        code_fingerprint("jobs.publish"),
    )
