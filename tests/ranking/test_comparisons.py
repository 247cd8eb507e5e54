"""Comparisons of a scored row, by the model's text and by LightGBM's own assignment of rows to leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ranking.comparisons import comparisons_by_tree
from ranking.dataset import read_examples
from ranking.ranker import RankerParams, fit
from tests.ranking.synthetic import FEATURES, frame, write


@pytest.mark.parametrize("leaves", [2, 7, 31])
def test_comparisons_are_the_depths_of_the_leaves_of_the_training_rows(tmp_path: Path, leaves: int) -> None:
    examples = read_examples(write(frame(), tmp_path), FEATURES)
    ranker = fit(examples, RankerParams(min_data_in_leaf=3, num_leaves=leaves), trees=9)
    nodes = ranker.booster.trees_to_dataframe()
    rows = ranker.booster.predict(examples.matrix, pred_leaf=True)
    counted = []
    for tree in range(ranker.booster.num_trees()):
        of_tree = nodes[nodes["tree_index"] == tree]
        depths = of_tree[of_tree["left_child"].isna()].set_index("node_index")["node_depth"] - 1
        counted.append(np.mean([depths.get(f"{tree}-L{leaf}", 0) for leaf in rows[:, tree]]))
    assert comparisons_by_tree(ranker.booster.model_to_string()) == pytest.approx(counted)


def test_a_tree_that_could_not_grow_compares_nothing() -> None:
    assert comparisons_by_tree("tree\n\nTree=0\nnum_leaves=1\nleaf_value=0.5\n\nend of trees") == [0.0]
