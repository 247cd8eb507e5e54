"""Exposure curves from position counts, by hand and without Spark (how the counts are made: `test_exposure`)."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from labels.exposure import CELLS, RANK_SUMS, curves
from tests.shipped import CURVES

FREE, SHRUNK = replace(CURVES, strength=1e-9), replace(CURVES, strength=10.0)


def counts(*rows: tuple[str, str, int, float, float, float, float]) -> pd.DataFrame:
    """(client, intent group, position, impressions, clicks, at_this, at_next); every other cell is 0, as position_counts gives them."""
    given = {row[:3]: row[3:] for row in rows}
    cells = sorted({row[:2] for row in rows})
    every = [(c, g, p, *given.get((c, g, p), (0, 0, 0.0, 0.0))) for c, g in cells for p in range(1, CELLS + 1)]
    return pd.DataFrame(every, columns=["client", "intent_group", "position", *RANK_SUMS])


def column(frame: pd.DataFrame, client: str, group: str, name: str = "propensity") -> list[float]:
    return frame[(frame.client == client) & (frame.intent_group == group)].sort_values("position")[name].tolist()


def test_each_step_is_the_ratio_of_the_swaps_and_the_level_gives_the_clicks_back() -> None:
    """Steps 1/2 and 1/4: 100, 40 and 8 impressions are 100, 20 and 1 examined ones, and got 121 clicks."""
    made = curves(
        counts(
            ("web", "broad", 1, 100, 90, 40, 20), ("web", "broad", 2, 40, 30, 16, 4), ("web", "broad", 3, 8, 1, 0, 0)
        ),
        FREE,
    )
    assert column(made, "web", "broad")[:3] == pytest.approx([1, 1 / 2, 1 / 8], abs=1e-6)
    assert column(made, "web", "broad", "expected_rate")[:3] == pytest.approx([1.0, 0.5, 0.125], abs=1e-6)


def test_a_cell_leans_on_its_client_and_the_client_on_all_screens() -> None:
    """Shrinkage 10: without a swap a step is r/(r+1); 10 + 10 clicks weigh the same as the parent's ratio."""
    made = curves(counts(("web", "broad", 1, 10, 5, 10, 0), ("mobile", "open", 1, 10, 5, 30, 0)), SHRUNK)
    everything = (0 + 10 * 1 / 2) / (40 + 10)
    web = (0 + 10 * everything) / (10 + 10)
    assert column(made, "web", "all")[1] == pytest.approx(web, abs=1e-9)
    assert column(made, "web", "broad")[1] == pytest.approx((0 + 10 * web) / (10 + 10), abs=1e-9)
    assert column(made, "web", "artist")[1] == pytest.approx(web, abs=1e-9)  # nothing of its own
    assert column(made, "firetv", "open")[1] == pytest.approx(everything, abs=1e-9)
    assert column(made, "web", "artist")[2] == pytest.approx(web * 2 / 3, abs=1e-9)


def test_what_voice_does_moves_no_screen() -> None:
    of_voice = ("alexa", "broad", 1, 1000, 900, 500, 400)
    one = ("web", "broad", 1, 10, 5, 4, 2)
    both, alone = curves(counts(one, of_voice), SHRUNK), curves(counts(one), SHRUNK)
    for client in ("web", "mobile", "firetv"):
        assert column(both, client, "all") == column(alone, client, "all")


def test_no_rank_of_a_screen_is_examined_more_than_certainly() -> None:
    made = curves(counts(("web", "broad", 1, 10, 5, 4, 12), ("web", "broad", 2, 10, 5, 4, 2)), FREE)
    assert column(made, "web", "broad")[:3] == pytest.approx([1, 1, 0.5], abs=1e-6)


def test_survival_never_rises_and_a_group_without_a_first_rank_takes_its_clients() -> None:
    heard = [
        ("alexa", "broad", 1, 100, 60, 0, 0),
        ("alexa", "broad", 2, 40, 10, 0, 0),
        ("alexa", "broad", 3, 50, 10, 0, 0),
    ]
    made = curves(counts(*heard, ("alexa", "open", 2, 20, 5, 0, 0)), FREE)
    assert column(made, "alexa", "broad")[:4] == [1.0, 0.4, 0.4, 0.0]
    assert column(made, "alexa", "open")[:4] == [1.0, 0.6, 0.5, 0.0]  # of 100, 60 and 50 of the client
    assert column(curves(counts(("web", "broad", 1, 1, 1, 0, 0)), FREE), "alexa", "open")[1] == 0.5


def test_thin_rates_lean_on_the_client_and_thin_levels_on_a_tenth() -> None:
    """Voice: 70 of 140 in the client, and the cell's own 10 of 40 with 10 of the client's rate. Screens: 5 clicks of 20 examined."""
    made = curves(
        counts(
            ("alexa", "broad", 1, 100, 90, 0, 0), ("alexa", "open", 1, 40, 10, 0, 0), ("web", "broad", 1, 20, 5, 0, 0)
        ),
        SHRUNK,
    )
    client = (100 + 10 * 0.5) / (140 + 10)
    assert set(column(made, "alexa", "open", "expected_rate")) == {round((10 + 10 * client) / (40 + 10), 9)}
    assert column(made, "web", "broad", "expected_rate")[0] == pytest.approx((5 + 10 * 0.1) / (20 + 10), abs=1e-9)
    assert not any(math.isnan(v) for v in made.expected_rate)
