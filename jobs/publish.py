"""Judge the last tables of the night and publish their rankings as one immutable release."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig

from jobs.assemble import refuse_leaks
from jobs.command import run_command
from jobs.gate import gate
from jobs.lineage import made_from, note_published, published_already, refuse_losses
from jobs.night import Done, Night, run_alone
from lake.code import code_fingerprint
from lake.errors import QualityGateFailed
from lake.places import places
from lake.tables import DELIVERED_FILES, HEAD_RANKINGS, JUDGEMENTS, QUERIES, TRACKS
from queries.text.carrier import grammar_bytes
from ranking.examples import training_examples_table
from serving.content import Entry, RankedTrack, TrackInfo
from serving.layout import FORMAT_VERSION
from serving.publish import publish
from serving.writer import write_release

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

FEW_ENTRIES = 50
EXPLAINED = 10


def run(night: Night) -> Done:
    """Gate, write, verify, move CURRENT (unless held). Equal content twice is told as such."""
    refuse_leaks(night)
    root, inputs = Path(night.settings.releases), made_from(night)
    mark = _mark(night, inputs)
    if (release_id := published_already(night, root, mark)) is not None:
        return Done(
            skipped=True,
            note=f"{release_id} is already CURRENT with equal content, or waits; nothing to do",
        )
    from pyspark.sql import functions as F

    refuse_losses(night, root, inputs)
    gate(night, (JUDGEMENTS, training_examples_table(), HEAD_RANKINGS), "publish")
    lake = night.lake
    rankings = lake.read(HEAD_RANKINGS, [night.run_date]).toPandas()
    if rankings.empty:
        raise QualityGateFailed(
            f"head_rankings @ {night.settings.run_date}: no list to publish. Look at privacy.k={night.k}."
        )
    # k may be another than when the night was ranked, and people may have been forgotten since
    public = lake.read(QUERIES, [night.run_date]).where("is_public").where(F.col("people_28d") >= night.k).toPandas()
    _refuse_too_few(rankings, public, night)
    tracks = night.tracks(allow_unvalidated=False).select("track_id", "title", "artists").toPandas()
    named = zip(tracks["track_id"], tracks["title"], tracks["artists"], strict=True)
    infos = {str(i): TrackInfo(str(i), str(title), tuple(artists)) for i, title, artists in named}
    entries = list(_entries(rankings, public))
    covered, asked = traffic(lake.read(QUERIES, [night.run_date]), lake.read(HEAD_RANKINGS, [night.run_date]))
    manifest = {
        "inputs": night.inputs(
            rankings=(HEAD_RANKINGS, [night.run_date]),
            queries=(QUERIES, [night.run_date]),
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
    release_id = write_release(root, night.settings.run_date, entries, infos, manifest, built, grammar_bytes())
    outcome = publish(root, release_id, night.settings.serving.keep)
    note_published(night, mark, release_id)
    if len(entries) < FEW_ENTRIES:
        night.notes.append(f"only {len(entries)} entries: fewer than {night.k} people asked the others (privacy.k)")
    return Done(len(rankings), len(entries), f"{outcome.message}; {covered / max(asked, 1):.1%} of public traffic")


def _refuse_too_few(rankings: pd.DataFrame, public: pd.DataFrame, night: Night) -> None:
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


def _entries(rankings: pd.DataFrame, public: pd.DataFrame) -> Iterator[Entry]:
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
    from pyspark.sql import functions as F

    public = queries.where("is_public AND locale = '*'").select("query")
    asked = queries.where(F.length("locale") > 2).join(public, "query", "left_semi")
    asked = asked.select("locale", "query", "searches_28d")
    entries = released.select(F.col("locale").alias("place"), "query").distinct()
    found = asked.withColumn("place", F.explode(places())).join(F.broadcast(entries), ["place", "query"], "left_semi")
    found = found.select("locale", "query", "searches_28d").distinct()
    covered, every = (f.agg(F.coalesce(F.sum("searches_28d"), F.lit(0))).collect()[0][0] for f in (found, asked))
    return int(covered), int(every)


def _mark(night: Night, inputs: Mapping[str, object]) -> str:
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


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="publish")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("publish", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.publish")
