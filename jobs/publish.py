"""Judge the last tables of the night and publish their rankings as one immutable release."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig

from jobs.assemble import refuse_leaks
from jobs.command import run_command
from jobs.gate import gate
from jobs.night import Done, Night, run_alone
from jobs.train import ranker_folder
from lake.errors import QualityGateFailed
from lake.fingerprint import code_fingerprint
from lake.places import places
from lake.tables import DELIVERED_FILES, HEAD_RANKINGS, JUDGEMENTS, QUERIES, TRACKS
from queries.carrier import grammar_bytes
from ranking.examples import training_examples_table
from serving.content import Entry, RankedTrack, TrackInfo
from serving.publish import publish
from serving.writer import write_release

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

FEW_ENTRIES = 50
EXPLAINED = 10


def run(night: Night) -> Done:
    """Gate, write, verify, move CURRENT (unless held). Equal content twice is told as such."""
    from pyspark.sql import functions as F

    refuse_leaks(night)
    gate(night, (JUDGEMENTS, training_examples_table(), HEAD_RANKINGS), "publish")
    lake, root = night.lake, Path(night.settings.releases)
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
            rankings=(HEAD_RANKINGS, [night.run_date]), queries=(QUERIES, [night.run_date]), tracks=(TRACKS, [night.tracks_unit]),
            folders=(DELIVERED_FILES, [u for u in lake.commits(DELIVERED_FILES) if u < night.settings.run_date]),
        ),
        "config_fingerprint": night.mark(dict(night.settings.ranker), night.k, code_fingerprint("ranking", "features")),
        "ranker_fingerprint": _ranker_mark(night),
        "gates": {t.name: lake.state(t, night.run_date) for t in (QUERIES, HEAD_RANKINGS)},
        "coverage": {"public_searches_28d": asked, "answered_share": round(covered / max(asked, 1), 6), "k": night.k},
        "accepted_incomplete": night.settings.ingest.accept_incomplete,
    }  # fmt: skip
    built = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "run_id": lake.run_id,
             "max_age_h": night.settings.serving.max_age_h}  # fmt: skip
    release_id = write_release(root, night.settings.run_date, entries, infos, manifest, built, grammar_bytes())
    outcome = publish(root, release_id, night.settings.serving.keep)
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


def _ranker_mark(night: Night) -> str | None:
    """The hash of the model that ordered the lists; None where shrunk COEC did."""
    from lake.fingerprint import file_hash

    folder = ranker_folder(night)
    return file_hash(folder / "model.txt")[:16] if (folder / "ranker.json").exists() else None


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="publish")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("publish", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.publish")
