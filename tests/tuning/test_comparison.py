from pathlib import Path

import numpy as np
import pytest

from lake.errors import BadConfiguration
from ranking.dataset import read_examples
from ranking.ranker import RankerParams, fit, ndcg_of_queries
from tests.ranking.synthetic import FEATURES, frame, write
from tuning.comparison import SEEDS, compare, later_snapshot
from tuning.data import spans
from tuning.winner import Result

GOOD = Result(RankerParams(min_data_in_leaf=5, num_leaves=8).to_dict(), 30, 0.8, "fp-5")
POOR = Result(RankerParams(min_data_in_leaf=400, num_leaves=2, learning_rate=0.001).to_dict(), 1, 0.8, "fp-5")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshots of 2026-10-01, -08 and -15."""
    return write(frame(queries=60), tmp_path_factory.mktemp("examples"))


def test_the_better_one_is_called_better_and_the_mean_is_that_of_fits_made_by_hand(path: Path) -> None:
    found = compare(path, FEATURES, "2026-10-08", 7, GOOD, POOR)
    assert found.is_better and found.snapshot == "2026-10-15" and len(found.by_seed) == len(SEEDS)
    examples = read_examples(path, FEATURES)
    days = spans(path, examples)
    assert days is not None
    known, later = examples.only_groups(days < days.max()), examples.only_groups(days == days.max())
    means = [
        [
            np.nanmean(
                ndcg_of_queries(
                    later.grades,
                    fit(known, RankerParams.from_dict(one.params), trees=one.trees, seed=seed).scores(later.matrix),
                    later.group_sizes,
                )
            )
            for seed in SEEDS
        ]
        for one in (GOOD, POOR)
    ]
    assert (found.challenger, found.incumbent) == pytest.approx((np.mean(means[0]), np.mean(means[1])), abs=1e-6)
    assert found.mean == pytest.approx(found.challenger - found.incumbent, abs=2e-6)
    assert "+0." in found.words() and "did not read" in found.words()


def test_the_worse_and_the_same_are_not_better(path: Path) -> None:
    assert not compare(path, FEATURES, "2026-10-08", 7, POOR, GOOD).is_better
    same = compare(path, FEATURES, "2026-10-08", 7, GOOD, GOOD)
    assert (same.mean, same.low, same.is_better) == (0.0, 0.0, False)


def test_a_snapshot_that_the_sweep_read_or_whose_labels_overlap_is_refused(path: Path) -> None:
    with pytest.raises(
        BadConfiguration, match=r"newest of these examples is 2026-10-15: .* one of 2026-10-22 or later"
    ):
        compare(path, FEATURES, "2026-10-15", 7, GOOD, POOR)
    with pytest.raises(BadConfiguration, match="needs one of 2026-10-16 or later"):
        later_snapshot("2026-10-15", "2026-10-09", 7)
    assert later_snapshot("2026-10-16", "2026-10-09", 7) == "2026-10-16"
