"""Judge the last tables of the night and publish their rankings as one immutable release."""

from __future__ import annotations

from pathlib import Path

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from lake.errors import QualityGateFailed
from lake.tables.nightly import HEAD_RANKINGS, LIST_VARIANTS, NEEDS, WORDINGS
from night.command import run_command
from night.examples import refuse_leaks
from night.gate import gate
from night.lineage import made_from, note_published, published_already, refuse_losses
from night.night import Done, Night, run_alone
from night.released import publish_mark, refuse_too_few, release_content
from night.tables import gated
from serving.sinks import published, sinks
from serving.sinks.sink import SinkPlace

FEW_ENTRIES = 50


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if the release is CURRENT, or waits because publishing is on hold."""
    mark = publish_mark(night, made_from(night))
    is_published = published_already(night, Path(night.settings.releases), mark) is not None
    return "" if is_published else "no release of these lists and settings was published"


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
    enough = F.col("people_28d") >= night.k
    known = lake.read(NEEDS, [night.run_date]).where(F.col("is_suggested") | enough).select("need").distinct()
    refuse_too_few(rankings, known.toPandas(), night)
    is_public = (F.col("is_public") & enough).alias("is_public")
    columns = ("locale", "query", "need", "is_music", "searches_28d", is_public)
    wordings = lake.read(WORDINGS, [night.run_date]).select(*columns).toPandas()
    variants = lake.read(LIST_VARIANTS, [night.run_date]).toPandas()
    content = release_content(night, rankings, variants, wordings, inputs)
    stores = sinks(night.settings.publish.sinks, SinkPlace(root, night.settings.serving.keep))
    release_id, outcome = published(stores, content)
    note_published(night, mark, release_id)
    lists = rankings[["locale", "need"]].drop_duplicates().shape[0]
    if lists < FEW_ENTRIES:
        night.notes.append(f"only {lists} lists: fewer than {night.k} people asked the others (privacy.k)")
    answered = content.manifest["coverage"]["answered_share"]
    return Done(len(rankings), lists, f"{outcome}; {answered:.1%} of public traffic")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("publish", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.publish")
