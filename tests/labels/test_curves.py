"""Exposure curves from position counts, by hand and without Spark (how the counts are made: `test_exposure`)."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from labels.exposure import BLOCKS, curves
from labels.rank_comparisons import t_95
from tests.shipped import CURVES

FREE, SHRUNK = replace(CURVES, strength=1e-9), replace(CURVES, strength=10.0)
COLUMNS = ["client", "intent_group", "block", "position", "other", "impressions", "clicks", "hits", "squares"]
Row = tuple[str, str, int, int, int, int, int, float, float]


def shown(client: str, group: str, position: int, impressions: int, clicks: int, block: int = 0) -> Row:
    """The impressions and clicks of a position."""
    return (client, group, block, position, position, impressions, clicks, 0.0, 0.0)


def compared(client: str, group: str, r: int, s: int, hits: tuple[float, float], block: int = 0) -> list[Row]:
    """The hits of position r and of position s when tracks were shown at both, as certain as so many clicks."""
    return [
        (client, group, block, r, s, 0, 0, hits[0], hits[0]),
        (client, group, block, s, r, 0, 0, hits[1], hits[1]),
    ]


def counts(*rows: Row) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS)


def column(frame: pd.DataFrame, client: str, group: str, name: str = "propensity") -> list[float]:
    return frame[(frame.client == client) & (frame.intent_group == group)].sort_values("position")[name].tolist()


def test_comparisons_give_the_steps_and_the_level_gives_the_clicks_back() -> None:
    """Steps 1/2 and 1/4: 100, 40 and 8 impressions are 100, 20 and 1 examined ones, and got 121 clicks."""
    made = curves(
        counts(
            *(shown("web", "broad", p, n, c) for p, n, c in ((1, 100, 90), (2, 40, 30), (3, 8, 1))),
            *compared("web", "broad", 1, 2, (40e6, 20e6)),
            *compared("web", "broad", 2, 3, (16e6, 4e6)),
        ),
        FREE,
    )
    assert column(made, "web", "broad")[:3] == pytest.approx([1, 1 / 2, 1 / 8], abs=1e-3)
    assert column(made, "web", "broad", "expected_rate")[:3] == pytest.approx([1.0, 0.5, 0.125], abs=1e-3)


def test_a_thin_client_leans_on_all_screens_and_they_on_one_over_the_position() -> None:
    """Strength 10: the 10 hits are divided 2 to 1 at the first step. Two cells tell nothing of how much cells differ."""
    made = curves(counts(*compared("web", "broad", 1, 2, (10, 0)), *compared("mobile", "open", 1, 2, (30, 0))), SHRUNK)
    everything = (10 / 3) / (40 + 20 / 3)
    for client in ("web", "mobile", "firetv"):
        # a client with clicks of its own may be steeper than all, so far as they tell; one without is as all are
        steeper = 1.0 if client == "firetv" else 4.0
        assert everything / steeper * 0.99 <= column(made, client, "all")[1] <= everything * 1.01
    assert column(made, "firetv", "open")[2] == pytest.approx(everything * 2 / 3, rel=0.01)


def test_a_group_without_data_takes_the_curve_of_its_client() -> None:
    made = curves(
        counts(
            *compared("web", "broad", 1, 2, (100_000, 10_000)),
            *compared("web", "open", 1, 2, (100_000, 10_000)),
            *compared("mobile", "broad", 1, 2, (100_000, 90_000)),
        ),
        SHRUNK,
    )
    assert column(made, "web", "all")[1] == pytest.approx(0.1, rel=0.05)
    assert column(made, "mobile", "all")[1] == pytest.approx(0.9, rel=0.05)
    assert column(made, "web", "artist") == column(made, "web", "all")


def test_what_voice_does_moves_no_screen() -> None:
    of_voice = [shown("alexa", "broad", 1, 1000, 900), *compared("alexa", "broad", 1, 2, (500, 400))]
    one = [shown("web", "broad", 1, 10, 5), *compared("web", "broad", 1, 2, (4, 2))]
    both, alone = curves(counts(*one, *of_voice), SHRUNK), curves(counts(*one), SHRUNK)
    for client in ("web", "mobile", "firetv"):
        assert column(both, client, "all") == column(alone, client, "all")


def test_no_rank_of_a_screen_is_examined_more_than_the_one_above() -> None:
    made = curves(
        counts(*compared("web", "broad", 1, 2, (4e6, 12e6)), *compared("web", "broad", 2, 3, (4e6, 2e6))), FREE
    )
    first, second, third = column(made, "web", "broad")[:3]
    assert first == second == 1.0 and third < 1.0


def test_survival_never_rises_and_a_group_without_a_first_rank_takes_its_clients() -> None:
    sounded = [shown("alexa", "broad", p, n, 10) for p, n in ((1, 100), (2, 40), (3, 50))]
    made = curves(counts(*sounded, shown("alexa", "open", 2, 20, 5)), FREE)
    assert column(made, "alexa", "broad")[:4] == [1.0, 0.4, 0.4, 0.0]
    assert column(made, "alexa", "open")[:4] == [1.0, 0.6, 0.5, 0.0]  # of 100, 60 and 50 of the client
    assert column(curves(counts(shown("web", "broad", 1, 1, 1)), FREE), "alexa", "open")[1] == 0.5


def test_thin_rates_lean_on_the_client_and_thin_levels_on_a_tenth() -> None:
    """Voice: 70 of 140 in the client, and the cell's own 10 of 40 with 10 of the client's rate. Screens: 5 clicks of 20 examined."""
    made = curves(
        counts(shown("alexa", "broad", 1, 100, 90), shown("alexa", "open", 1, 40, 10), shown("web", "broad", 1, 20, 5)),
        SHRUNK,
    )
    client = (100 + 10 * 0.5) / (140 + 10)
    assert set(column(made, "alexa", "open", "expected_rate")) == {round((10 + 10 * client) / (40 + 10), 9)}
    assert column(made, "web", "broad", "expected_rate")[0] == pytest.approx((5 + 10 * 0.1) / (20 + 10), abs=1e-9)
    assert not any(math.isnan(v) for v in made.expected_rate)


def test_the_interval_is_the_jackknife_of_blocks_on_a_log_scale() -> None:
    """Survival at rank 2: 60 of 100 in all, 20 of 50 without the first block, 40 of 50 without the second, 60 of 100 without others."""
    made = curves(
        counts(
            shown("alexa", "broad", 1, 50, 0, block=0),
            shown("alexa", "broad", 2, 40, 0, block=0),
            shown("alexa", "broad", 1, 50, 0, block=1),
            shown("alexa", "broad", 2, 20, 0, block=1),
        ),
        FREE,
    )
    logs = [math.log(20 / 50), math.log(40 / 50), *[math.log(60 / 100)] * (BLOCKS - 2)]
    mean = sum(logs) / BLOCKS
    reach = math.exp(t_95(BLOCKS - 1) * math.sqrt((BLOCKS - 1) / BLOCKS * sum((x - mean) ** 2 for x in logs)))
    assert column(made, "alexa", "broad", "propensity_low")[1] == pytest.approx(0.6 / reach, abs=1e-9)
    assert column(made, "alexa", "broad", "propensity_high")[1] == pytest.approx(min(1, 0.6 * reach), abs=1e-9)
