"""Judge the last tables of the night and publish their rankings as one immutable release."""

from __future__ import annotations

from pathlib import Path

import hydra
from omegaconf import DictConfig

from night.command import run_command
from night.examples import refuse_leaks
from night.gate import gate
from night.lineage import made_from, note_published, published_already, refuse_losses
from night.night import Done, Night, run_alone
from night.release.content import publish_mark, ranked_lists, release_rows
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
    ranked = ranked_lists(night)
    release = release_rows(night, inputs)
    stores = sinks(night.settings.publish.sinks, SinkPlace(root, night.settings.serving.keep))
    release_id, outcome = published(stores, release)
    note_published(night, mark, release_id)
    if ranked.lists < FEW_ENTRIES:
        night.notes.append(f"only {ranked.lists} lists: fewer than {night.k} people asked the others (privacy.k)")
    answered = release.manifest["coverage"]["answered_share"]
    return Done(ranked.rows, ranked.lists, f"{outcome}; {answered:.1%} of public traffic")


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("publish", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.publish")
