"""Judge the last tables of the night and publish their rankings as one immutable release."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from lake.code import code_fingerprint
from lake.errors import QualityGateFailed
from lake.tables.logs import DELIVERED_FILES, TRACKS
from lake.tables.nightly import HEAD_RANKINGS, QUERIES
from night.command import run_command
from night.examples import refuse_leaks
from night.gate import gate
from night.lineage import made_from, note_published, published_already, refuse_losses
from night.night import Done, Night, run_alone
from night.released import entries_of, publish_mark, refuse_too_few, traffic
from night.tables import gated
from queries.text.carrier import grammar_bytes
from serving.content import TrackInfo
from serving.sinks import published, sinks
from serving.sinks.sink import ReleaseContent, SinkPlace

FEW_ENTRIES = 50


def run(night: Night) -> Done:
    """Judge the last tables, write the release to every sink, verify it, and point CURRENT at it unless publishing is on hold.

    A release whose inputs were published before is not written again; the note of the result says so.
    """
    refuse_leaks(night)
    root, inputs = Path(night.settings.releases), made_from(night)
    mark = publish_mark(night, inputs)
    if (release_id := published_already(night, root, mark)) is not None:
        return Done(
            skipped=True,
            note=f"{release_id} is already CURRENT with equal content, or waits; nothing to do",
        )
    refuse_losses(night, root, inputs)
    gate(night, gated("publish"), "publish")
    lake = night.lake
    rankings = lake.read(HEAD_RANKINGS, [night.run_date]).toPandas()
    if rankings.empty:
        raise QualityGateFailed(
            f"head_rankings @ {night.settings.run_date}: no list to publish. Look at privacy.k={night.k}."
        )
    # k may have changed since the night was ranked, and people may have been forgotten
    public = lake.read(QUERIES, [night.run_date]).where("is_public").where(F.col("people_28d") >= night.k).toPandas()
    refuse_too_few(rankings, public, night)
    tracks = night.tracks(allow_unvalidated=False).select("track_id", "title", "artists").toPandas()
    named = zip(tracks["track_id"], tracks["title"], tracks["artists"], strict=True)
    infos = {str(i): TrackInfo(str(i), str(title), tuple(artists)) for i, title, artists in named}
    entries = list(entries_of(rankings, public))
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
    stores = sinks(night.settings.publish.sinks, SinkPlace(root, night.settings.serving.keep))
    content = ReleaseContent(night.settings.run_date, entries, infos, manifest, built, grammar_bytes())
    release_id, outcome = published(stores, content)
    note_published(night, mark, release_id)
    if len(entries) < FEW_ENTRIES:
        night.notes.append(f"only {len(entries)} entries: fewer than {night.k} people asked the others (privacy.k)")
    return Done(len(rankings), len(entries), f"{outcome}; {covered / max(asked, 1):.1%} of public traffic")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("publish", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.publish")
