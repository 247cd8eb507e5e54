"""Evaluate a new feature without a backfill: compute it for the training pairs alone, and train with and without it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import hydra
from omegaconf import DictConfig

from features.build.engine import feature_frames
from features.catalogue import chosen, matrix_names
from features.spec import FeatureColumn
from lake.errors import BadConfiguration, MissingPartition
from lake.tables.nightly import NEEDS, VECTORS
from night.command import run_command
from night.examples import EXAMPLES
from night.feature_trial import PAIR_KEYS, stored_examples, with_trial_columns
from night.night import Done, Night, run_alone
from night.snapshots import daily_before, inputs_of
from queries.nightly.by_need import distinct_needs
from ranking.ranker import RankerParams
from ranking.scoring import feature_list
from ranking.trying import feature_trial, features_without


def run(night: Night) -> Done:
    """Join the columns on trial to the stored examples of D, even if these were assembled with fewer features."""
    columns = chosen(night.settings.features.tried) if night.settings.features.tried else ()
    if not columns:
        raise BadConfiguration("features.tried is empty. Name what is to be judged: features.tried=[last_seen_days].")
    names = [c.name for c in columns]
    others = [n for n in matrix_names() if n not in names]
    if not others:
        raise BadConfiguration("features.tried names the whole catalogue: nothing is left to train without it.")
    stored_names = night.lake.stored_columns(EXAMPLES)
    # without examples nothing is absent: reading them raises the error
    absent = [n for n in others if n not in stored_names] if stored_names else []
    if absent:
        night.notes.append(
            f"left out of both fits, for the examples of {night.run_date} were made before them: {', '.join(absent)}. "
            f"Name them too, or run the night again."
        )
        others = [n for n in others if n in stored_names]
    stored = stored_examples(night, others).persist()
    pairs = stored.select(*PAIR_KEYS).distinct().persist()
    dates = tuple(sorted(r[0] for r in pairs.select("as_of").distinct().collect()))
    _require_vectors(night, columns, dates)
    needs = distinct_needs(night.lake.read(NEEDS, [night.run_date], allow_unvalidated=True))
    folder = Path(night.settings.cluster.work_dir).resolve() / "tried"
    with feature_frames(inputs_of(night, pairs, dates, daily_before(night, dates), needs), names) as frames:
        joined = with_trial_columns(
            stored, {g: f for g, f in frames.items() if g in {c.feature.grain for c in columns}}
        )
        joined.coalesce(1).write.mode("overwrite").parquet(str(folder))
    result = feature_trial(
        folder,
        features_without(feature_list(), absent),
        names,
        RankerParams.from_dict(dict(night.settings.ranker)),
        night.settings.tuning.threads,
    )
    rows = stored.count()
    for kept in (pairs, stored):
        kept.unpersist()
    d = result.difference
    verdict = "helps" if d.low > 0 else "harms" if d.high < 0 else "makes no difference that these needs can show"
    night.notes.append(f"{', '.join(names)}: {verdict}")
    note = (
        f"NDCG@10 {result.ndcg_without:.4f} without, {result.ndcg_with:.4f} with; difference {d.mean:+.4f} "
        f"[{d.low:+.4f}, {d.high:+.4f}] over {d.n:,} needs; {result.share_of_gain:.1%} of the split gain"
    )
    return Done(rows, len(names), note)


def _require_vectors(night: Night, columns: Sequence[FeatureColumn], dates: Sequence[date]) -> None:
    """Raise MissingPartition if a column on trial is computed from vectors that a snapshot does not have: it would be null there."""
    missing = [d for d in dates if str(d) not in night.lake.commits(VECTORS)]
    of_vectors = [c.name for c in columns if c.feature.family == "collaborative"]
    if missing and of_vectors:
        raise MissingPartition(
            f"vectors: the snapshot {missing[0]} has none, so {of_vectors[0]} cannot be judged. Run the night with features.vectors=true."
        )


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="night")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("try_feature", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.try_feature")
