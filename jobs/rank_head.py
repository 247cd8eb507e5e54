"""Score every candidate of D, and order and re-rank the lists of the ranked needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import hydra
from omegaconf import DictConfig
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import matrix_fingerprint
from lake.code import code_fingerprint, library_versions
from lake.fingerprint import file_hash
from lake.tables.logs import TRACKS
from lake.tables.nightly import CANDIDATES, HEAD_RANKINGS, LIST_VARIANTS, NEEDS
from night.command import run_command
from night.examples import NEED, PAIR, TRACK
from night.head import head_settings
from night.night import Done, Night, run_alone
from night.rankers import ranker_of
from ranking.examples import matrix
from ranking.head import ranked_needs
from ranking.lists import OF_NEED, moved_by_rule, of_track, ranked_lists
from ranking.scoring import by_coec, scored
from ranking.variants import list_variants


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
    wanted = {night.settings.run_date: _mark(night, ranker_of(night))}
    return night.why(wanted, HEAD_RANKINGS, LIST_VARIANTS)


def run(night: Night) -> Done:
    """Write one row per (place, need, rank), the content of the release, and the variants of the lists.

    Raises StaleRanker if the night's ranker is missing.
    """
    lake, day, folder = night.lake, [night.run_date], ranker_of(night)
    mark = _mark(night, folder)
    wanted = {night.settings.run_date: mark}
    if not night.why(wanted, HEAD_RANKINGS, LIST_VARIANTS):
        return Done(skipped=True)
    tracks = night.tracks(allow_unvalidated=False)
    needs = ranked_needs(lake.read(NEEDS, day), head_settings(night))
    if night.pending(HEAD_RANKINGS, wanted):
        _write_lists(night, folder, needs, tracks, wanted)
    varied = _write_variants(night, needs, tracks, wanted)
    note = (
        "by the ranker"
        if folder
        else f"by shrunk COEC: {night.history_days} days of history are too short to train a ranker"
    )
    moved = moved_by_rule(lake.read(HEAD_RANKINGS, day, allow_unvalidated=True))
    note += f"; {varied:,} lists with variants; moved by " + ", ".join(f"{name} {n:,}" for name, n in moved.items())
    unit = night.settings.run_date
    return Done(lake.commits(PAIR)[unit].rows, lake.commits(HEAD_RANKINGS)[unit].rows, note)


def _write_lists(
    night: Night, folder: Path | None, needs: DataFrame, tracks: DataFrame, wanted: Mapping[str, str]
) -> None:
    """Score the candidates with the ranker of `folder` (by shrunk COEC without one), and write the lists."""
    lake, day = night.lake, [night.run_date]
    rows = matrix(lake.read(PAIR, day), lake.read(NEED, day), lake.read(TRACK, day))
    scores = scored(rows, folder) if folder else by_coec(rows)
    sources = lake.read(CANDIDATES, day).select("locale", "need", "track_id", "sources")
    scores = scores.join(sources, ["locale", "need", "track_id"])
    frame = ranked_lists(scores, needs, tracks, night.run_date, head_settings(night))
    lake.write(HEAD_RANKINGS, frame.select(*[c.name for c in HEAD_RANKINGS.columns]), wanted)


def _write_variants(night: Night, needs: DataFrame, tracks: DataFrame, wanted: Mapping[str, str]) -> int:
    """Write the variants of the stored lists; returns how many lists have some."""
    lake, day = night.lake, [night.run_date]
    evidence = lake.read(PAIR, day).select(
        "locale", "need", "track_id", F.expm1("expected_log1p_28d").alias("expected")
    )
    frame = list_variants(
        lake.read(HEAD_RANKINGS, day, allow_unvalidated=True),
        needs.select("locale", "need", *OF_NEED),
        of_track(tracks),
        evidence,
        night.run_date,
        head_settings(night),
    )
    frame = frame.withColumn("run_date", F.lit(night.run_date)).select(*[c.name for c in LIST_VARIANTS.columns])
    lake.write(LIST_VARIANTS, frame, wanted)
    return lake.read(LIST_VARIANTS, day, allow_unvalidated=True).where("variant = 0").count()


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("rank_head", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.rank_head")
