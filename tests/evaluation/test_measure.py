"""The full name of a measure says every convention, for all that are declared."""

from __future__ import annotations

import inspect

import pytest

from evaluation import metrics, variety
from evaluation.errors import MetricInput
from evaluation.measure import KINDS, Measure, name_of


def test_every_measure_that_was_promised_is_declared():
    wanted = "ndcg err mrr map rbp success recall rbo intra_list_diversity artist_entropy gini new_release_share"
    assert set(wanted.split()) <= set(KINDS)
    assert {kind.function.__module__ for kind in KINDS.values()} == {metrics.__name__, variety.__name__}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_name_changes_with_every_parameter(kind):
    plain = name_of(kind.function, 10 if kind.has_cut else None)
    assert plain.startswith(f"{kind.name}@10[" if kind.has_cut else f"{kind.name}[")
    assert "None" not in plain and "=," not in plain
    for option in kind.options:
        assert name_of(kind.function, 10 if kind.has_cut else None, **{option: "other"}) != plain
    if kind.has_cut:
        assert name_of(kind.function, 5) != plain
    assert "ties=" in plain or kind.name == "gini"  # of a sum over all rows the order means nothing
    assert "Source:" in (inspect.getdoc(kind.function) or "")


def test_names_by_hand():
    assert name_of(metrics.err_by_group, 10) == "err@10[gain=exp2,max_grade=4,discount=1/rank,ties=expected,empty=zero]"
    assert name_of(metrics.success_by_group, 1, min_grade=3) == "success@1[min_grade=3,ties=expected,empty=zero]"
    assert name_of(metrics.reciprocal_rank_by_group) == "mrr[min_grade=1,discount=1/rank,ties=expected,empty=excluded]"
    assert name_of(metrics.ndcg_by_group, 3, ideal="catalog").endswith("ideal=catalog]")
    assert name_of(variety.gini_by_group) == "gini[empty=excluded]"


def test_a_measure_names_itself_and_reads_its_columns():
    one = Measure(metrics.ndcg_by_group, {"grades": "grade", "scores": "score"}, 2, {"gain": "linear"})
    assert one.name == name_of(metrics.ndcg_by_group, 2, gain="linear")
    assert one.by_group({"grade": [1, 2], "score": [1, 2], "other": ["x", "y"]}, [2]).tolist() == [1.0]


def test_wrong_declarations_are_named():
    with pytest.raises(MetricInput, match="ndcg: no parameter gains; there are: gain, ties, empty, ideal"):
        name_of(metrics.ndcg_by_group, 10, gains="exp2")
    with pytest.raises(MetricInput, match="gini: no parameter k"):
        name_of(variety.gini_by_group, 10)
    with pytest.raises(MetricInput, match="is no measure; there are: artist_entropy"):
        name_of(metrics.dcg_by_group, 10)
    with pytest.raises(MetricInput, match=r"ndcg: columns of \['grades'\], expected grades, scores"):
        Measure(metrics.ndcg_by_group, {"grades": "grade"}, 10)
