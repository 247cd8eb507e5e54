"""Judge the last tables of the night and publish their rankings as one immutable release."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hydra
from omegaconf import DictConfig

from jobs.assemble import refuse_leaks
from jobs.command import run_command
from jobs.gate import gate
from jobs.night import Done, Night, run_alone
from jobs.train import ranker_folder
from lake.errors import QualityGateFailed
from lake.fingerprint import code_fingerprint
from lake.tables import DELIVERED_FILES, HEAD_RANKINGS, JUDGEMENTS, QUERIES, TRACKS
from queries.carrier import grammar_bytes
from ranking.examples import training_examples_table
from serving.content import Entry, RankedTrack, TrackInfo
from serving.publish import publish
from serving.writer import write_release

FEW_ENTRIES = 50
EXPLAINED = 10


def run(night: Night) -> Done:
    """Gate, write, verify, move CURRENT (unless held). Equal content twice is told as such."""
    refuse_leaks(night)
    gate(night, (JUDGEMENTS, training_examples_table(), HEAD_RANKINGS))
    lake, root = night.lake, Path(night.settings.releases)
    rankings = lake.read(HEAD_RANKINGS, [night.run_date]).toPandas()
    if rankings.empty:
        raise QualityGateFailed(
            f"head_rankings @ {night.settings.run_date}: no list to publish. Look at privacy.k={night.k}."
        )
    public = lake.read(QUERIES, [night.run_date]).where("is_public").toPandas()
    tracks = night.tracks(allow_unvalidated=False).select("track_id", "title", "artists").toPandas()
    named = zip(tracks["track_id"], tracks["title"], tracks["artists"], strict=True)
    infos = {str(i): TrackInfo(str(i), str(title), tuple(artists)) for i, title, artists in named}
    entries = list(_entries(rankings, public))
    covered, asked = _traffic(rankings, public)
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


def _entries(rankings: object, public: object) -> Iterator[Entry]:
    """Entries in key order; a public wording without a list of its own becomes an alias of its cluster's first entry."""
    import pandas as pd

    assert isinstance(rankings, pd.DataFrame) and isinstance(public, pd.DataFrame)
    ranked = rankings.sort_values(["locale", "query", "rank"]).groupby(["locale", "query"], sort=True)
    heads = pd.DataFrame(list(ranked.groups), columns=["locale", "query"]).merge(public, on=["locale", "query"])
    first = heads.sort_values(["searches_28d", "query"], ascending=[False, True]).drop_duplicates(
        ["locale", "cluster_id"]
    )
    spare = public.merge(heads[["locale", "query"]], on=["locale", "query"], how="left", indicator=True)
    spare = spare[spare["_merge"] == "left_only"].merge(
        first[["locale", "cluster_id", "query"]], on=["locale", "cluster_id"], suffixes=("", "_of")
    )
    aliases: dict[tuple[str, str], list[str]] = {}
    for locale, of, query in zip(spare["locale"], spare["query_of"], spare["query"], strict=True):
        aliases.setdefault((str(locale), str(of)), []).append(str(query))
    for key, rows in ranked:
        locale, query = str(key[0]), str(key[1])
        listed = tuple(RankedTrack(t, float(s)) for t, s in zip(rows.track_id, rows.score, strict=True))
        others = tuple(sorted(aliases.get((locale, query), ())))
        yield Entry(locale, query, others, listed, float(rows.propensity.iloc[0]), tuple(rows.reason.iloc[:EXPLAINED]))


def _traffic(rankings: object, public: object) -> tuple[int, int]:
    """28-day searches (over all locales, `*`) of public queries, and of those that have an entry."""
    import pandas as pd

    assert isinstance(rankings, pd.DataFrame) and isinstance(public, pd.DataFrame)
    everywhere = public[public.locale == "*"]
    answered = everywhere[everywhere["query"].isin(set(rankings["query"]))]
    return int(answered.searches_28d.sum()), int(everywhere.searches_28d.sum())


def _ranker_mark(night: Night) -> str:
    from lake.fingerprint import file_hash

    model = ranker_folder(night) / "model.txt"
    return file_hash(model)[:16] if model.exists() else "none: ordered by shrunk COEC"


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="publish")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("publish", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.publish")
