"""Turn the night's rankings into the entries of a release."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.code import code_fingerprint
from lake.errors import QualityGateFailed
from lake.places import places
from lake.tables.logs import DELIVERED_FILES, TRACKS
from lake.tables.nightly import HEAD_RANKINGS, QUERIES
from night.night import Night
from queries.text.carrier import grammar_bytes
from serving.content import Entry, RankedTrack, TrackInfo
from serving.layout import FORMAT_VERSION
from serving.sinks.sink import ReleaseContent

if TYPE_CHECKING:
    import pandas as pd


EXPLAINED = 10


def refuse_too_few(rankings: pd.DataFrame, public: pd.DataFrame, night: Night) -> None:
    """Raise QualityGateFailed if a list belongs to a query that fewer than k people asked.

    Args:
        rankings: the rows of `head_rankings` of the night.
        public: the public rows of `queries`, by today's k.
        night: the night.
    """
    asked = set(zip(public["locale"], public["query"], strict=True))
    listed = set(zip(rankings["locale"], rankings["query"], strict=True))
    few = len(listed - asked)
    if few:
        raise QualityGateFailed(
            f"head_rankings @ {night.settings.run_date}: {few} of {len(listed)} lists are of queries that fewer than k={night.k} people asked "
            f"(privacy.k was another, or people were forgotten since). Run jobs.rank_head; nothing was published."
        )


def aliases_of(released: pd.DataFrame, public: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(locale, wording) -> the query of the entry that answers it.

    A public wording without a list of its own is answered by the most asked entry of its alias cluster in that locale.

    Args:
        released: (locale, query) of the entries.
        public: the public rows of `queries`.
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
    """The entries of the release, ordered by (locale, query), with their aliases.

    Args:
        rankings: the rows of `head_rankings` of the night.
        public: the public rows of `queries`.
    """
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
    """Searches of the last 28 days for public queries: (those that an entry of their locale answers, all).

    A query is public here if enough people asked it everywhere (`*`). Not counted are answers by an alias, and searches that came
    with a language but no country.

    Args:
        queries: the table `queries` of the night.
        released: (locale, query) of the entries.
    """
    public = queries.where("is_public AND locale = '*'").select("query")
    asked = queries.where(F.length("locale") > 2).join(public, "query", "left_semi")
    asked = asked.select("locale", "query", "searches_28d")
    entries = released.select(F.col("locale").alias("place"), "query").distinct()
    answered = asked.withColumn("place", F.explode(places())).join(
        F.broadcast(entries), ["place", "query"], "left_semi"
    )
    answered = answered.select("locale", "query", "searches_28d").distinct()
    covered, total = (f.agg(F.coalesce(F.sum("searches_28d"), F.lit(0))).collect()[0][0] for f in (answered, asked))
    return int(covered), int(total)


def publish_mark(night: Night, inputs: Mapping[str, object]) -> str:
    """The mark of a release: a fingerprint of everything that its content and its manifest depend on.

    Args:
        night: the night.
        inputs: the optional inputs with their fingerprints, as `night.lineage.made_from` returns them.
    """
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


def release_content(
    night: Night, rankings: pd.DataFrame, public: pd.DataFrame, inputs: Mapping[str, object]
) -> ReleaseContent:
    """The release of a night: entries, track names, manifest and carrier grammar.

    Args:
        night: the night.
        rankings: its rows of `head_rankings`.
        public: the rows of `queries` that may be published.
        inputs: `night.lineage.made_from`.
    """
    lake, day = night.lake, [night.run_date]
    tracks = night.tracks(allow_unvalidated=False).select("track_id", "title", "artists").toPandas()
    named = zip(tracks["track_id"], tracks["title"], tracks["artists"], strict=True)
    infos = {str(i): TrackInfo(str(i), str(title), tuple(artists)) for i, title, artists in named}
    entries = list(entries_of(rankings, public))
    covered, asked = traffic(lake.read(QUERIES, day), lake.read(HEAD_RANKINGS, day))
    manifest = {
        "inputs": night.inputs(
            rankings=(HEAD_RANKINGS, day),
            queries=(QUERIES, day),
            tracks=(TRACKS, [night.tracks_unit]),
            folders=(DELIVERED_FILES, [u for u in lake.commits(DELIVERED_FILES) if u < night.settings.run_date]),
        ),
        "config_fingerprint": night.mark(dict(night.settings.ranker), night.k, code_fingerprint("jobs.rank_head")),
        "ranker_fingerprint": inputs["ranker"],
        "made_from": inputs,
        "gates": {t.name: lake.state(t, night.run_date) for t in (QUERIES, HEAD_RANKINGS)},
        "coverage": {"public_searches_28d": asked, "answered_share": round(covered / max(asked, 1), 6), "k": night.k},
        "accepted_incomplete": night.settings.ingest.accept_incomplete,
        "forced": night.settings.publish.force,
    }
    built = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": lake.run_id,
        "max_age_h": night.settings.serving.max_age_h,
    }
    return ReleaseContent(night.settings.run_date, entries, infos, manifest, built, grammar_bytes())
