"""Two entries, two families: what is lost without each is told by hand."""

import math
from datetime import date

import numpy as np
import pytest

from evaluation.ablation import ablation, print_ablation, read_ablation, write_ablation
from evaluation.judge import Judge
from tests.evaluation.test_night import answers_to, candidates, catalog, rankings, truth

DAY = date(2026, 10, 29)


@pytest.fixture(scope="module")
def judge():
    return Judge.of(truth(), answers_to(truth(), rankings()), candidates(), catalog())


def scores(judge, best):
    """One array: in each entry the named track first, the others as they lie."""
    return np.array([1.0 if track in best else -i * 0.01 for i, track in enumerate(judge.rows["track_id"])])


@pytest.fixture(scope="module")
def found(judge):
    fits = {
        "": [scores(judge, "ax"), scores(judge, "ax")],
        "text": [scores(judge, "ax"), scores(judge, "bx")],  # one of two fits puts b before a
        "track": [scores(judge, "ax"), scores(judge, "ax")],
    }
    return ablation(judge, DAY, "marks", fits, {"text": 3, "track": 2}, {"text": 0.75, "track": 0.25})


def test_what_is_lost_is_the_mean_over_fits_weighted_by_searches(found):
    ideal = 11.25 + 2.5 / math.log2(3)
    lost = 1 - (2.5 + 11.25 / math.log2(3)) / ideal
    text, track = found.families
    assert (text.family, text.columns, text.share_of_gain) == ("text", 3, 0.75)
    assert text.ahead.mean == pytest.approx(4 * lost / 2 / 6)  # hello has 4 of the 6 judged searches
    assert "over 2 fits" in text.ahead.method and "fits" not in track.ahead.method  # all fits of track agree
    assert text.ndcg10 == pytest.approx(found.ndcg10 - text.ahead.mean)
    assert track.ahead.mean == track.ahead.low == track.ahead.high == 0
    assert found.seeds == 2 and found.judged == 2


def test_it_is_written_and_read_for_its_own_night_alone(found, tmp_path, capsys):
    path = tmp_path / "reports" / "ablation.json"
    assert read_ablation(path, DAY, "marks") is None
    write_ablation(found, path)
    assert read_ablation(path, DAY, "marks") == found
    assert read_ablation(path, date(2026, 10, 30), "marks") is None
    assert read_ablation(path, DAY, "of the night made anew") is None
    print_ablation(found)
    said = capsys.readouterr().out
    assert "text" in said and "track" in said and "2 entries" in said
