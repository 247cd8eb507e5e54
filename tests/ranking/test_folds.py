import hashlib

import pytest

from lake.errors import BadConfiguration
from ranking.folds import fold_of


def test_a_fold_is_sha256_of_the_salted_cluster_id() -> None:
    for cluster in ("c1", "canción", ""):
        digest = hashlib.sha256(("playfirst.fold.v1:" + cluster).encode()).hexdigest()
        assert fold_of(cluster, 5) == int(digest[:16], 16) % 5


def test_known_folds_never_move() -> None:
    assert [fold_of(f"c{i}", 3) for i in range(8)] == [1, 2, 0, 0, 2, 2, 2, 2]


def test_folds_are_about_equal() -> None:
    counts = [0] * 5
    for i in range(10_000):
        counts[fold_of(f"cluster-{i}", 5)] += 1
    assert max(abs(c - 2000) for c in counts) < 5 * 40  # five standard deviations of a fair split


def test_zero_folds_is_refused() -> None:
    with pytest.raises(BadConfiguration, match=r"folds: found 0, expected 1 or more"):
        fold_of("c", 0)
