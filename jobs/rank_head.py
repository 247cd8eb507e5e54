"""Score every candidate of D, and order and re-rank the lists of the ranked needs."""

from __future__ import annotations

from pathlib import Path

import hydra
from omegaconf import DictConfig
from pyspark.sql import functions as F

from features.catalogue import matrix_fingerprint
from lake.code import code_fingerprint, library_versions
from lake.fingerprint import file_hash
from lake.tables.logs import TRACKS
from lake.tables.nightly import CANDIDATES, HEAD_RANKINGS, NEEDS
from night.command import run_command
from night.examples import NEED, PAIR, TRACK
from night.head import head_settings
from night.night import Done, Night, run_alone
from night.rankers import ranker_of
from ranking.examples import matrix
from ranking.head import ranked_needs
from ranking.lists import ranked_lists
from ranking.rerank import RULES
from ranking.scoring import by_coec, scored


def _mark(night: Night, folder: Path | None) -> str:
    day = [night.run_date]
    inputs = night.inputs(
        pairs=(PAIR, day),
        need=(NEED, day),
        track=(TRACK, day),
        needs=(NEEDS, day),
        tracks=(TRACKS, [night.tracks_unit]),
        candidates=(CANDIDATES, day),
    )
    return night.mark(
        inputs,
        file_hash(folder / "model.txt") if folder else "no ranker",
        matrix_fingerprint(),
        head_settings(night),
        code_fingerprint("jobs.rank_head"),
        library_versions("lightgbm"),
    )


def to_do(night: Night) -> str:
    """Why the step would work, in words; "" if the lists are up to date. Raises StaleRanker as `run` does."""
    return night.why(HEAD_RANKINGS, {night.settings.run_date: _mark(night, ranker_of(night))})


def run(night: Night) -> Done:
    """Write one row per (place, need, rank), the content of the release.

    Raises StaleRanker if the night's ranker is missing.
    """
    lake, day, folder = night.lake, [night.run_date], ranker_of(night)
    mark = _mark(night, folder)
    if not night.pending(HEAD_RANKINGS, {night.settings.run_date: mark}):
        return Done(skipped=True)
    rows = matrix(lake.read(PAIR, day), lake.read(NEED, day), lake.read(TRACK, day))
    scores = scored(rows, folder) if folder else by_coec(rows)
    sources = lake.read(CANDIDATES, day).select("locale", "need", "track_id", "sources")
    scores = scores.join(sources, ["locale", "need", "track_id"])
    tracks = night.tracks(allow_unvalidated=False)
    needs = ranked_needs(lake.read(NEEDS, day), head_settings(night))
    frame = ranked_lists(scores, needs, tracks, night.run_date, head_settings(night))
    written = lake.write(
        HEAD_RANKINGS, frame.select(*[c.name for c in HEAD_RANKINGS.columns]), {night.settings.run_date: mark}
    )
    note = (
        "by the ranker"
        if folder
        else f"by shrunk COEC: {night.history_days} days of history are too short to train a ranker"
    )
    counted = lake.read(HEAD_RANKINGS, day, allow_unvalidated=True).agg(
        *[F.sum(F.array_contains("moved_by", r.name).cast("int")).alias(r.name) for r in RULES]
    )
    [moved] = counted.collect()
    note += "; moved by " + ", ".join(f"{r.name} {moved[r.name] or 0:,}" for r in RULES)
    return Done(lake.commits(PAIR)[night.settings.run_date].rows, sum(written.values()), note)


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("rank_head", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.rank_head")
