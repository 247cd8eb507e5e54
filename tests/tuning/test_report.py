import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np

from ranking.ranker import RankerParams
from tests.tuning.test_ledger import trial
from tests.tuning.test_trial import PLAIN
from tuning.importance import importance
from tuning.ledger import Curve, Trial
from tuning.report import report
from tuning.space import design, dimensions
from tuning.winner import Winner, best_of

SPACE = {
    "learning_rate": {"type": "loguniform", "low": 0.02, "high": 0.2},
    "num_leaves": {"type": "logint", "low": 7, "high": 63},
    "extra_trees": {"type": "choice", "values": [False, True]},
}
BASE = RankerParams().to_dict()
SETTINGS = replace(PLAIN, space=SPACE, base=BASE)


def sweep(trials: int) -> tuple[Winner, dict[str, Curve]]:
    """A sweep whose NDCG@10 depends on the learning rate alone; ids that HTML must escape."""
    rows: list[Trial] = [trial("default", 0.7, **BASE)]
    rng = np.random.default_rng(0)
    for number, point in enumerate(design(dimensions(SPACE), trials - 1, seed=1), 1):
        reached = 0.8 - abs(np.log(float(point["learning_rate"]) / 0.06)) / 10 + rng.normal() * 1e-4
        rows.append(trial(f"<{number}>", float(reached), **{**BASE, **point}))
    curves = {row.trial_id: [(10 * k, row.valid_ndcg10 - 0.1 / k) for k in range(1, 41)] for row in rows}
    return best_of(rows, "a & b", "id", "fp", failures=("7: <boom>",), optimism=0.001), curves


class Page(HTMLParser):
    """Collects the tags, and checks that each one is closed."""

    VOID = ("meta", "!doctype", "line", "rect", "circle", "path")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def test_the_report_is_one_file_that_asks_for_nothing_else() -> None:
    text = report(SETTINGS, *sweep(60))
    page = Page()
    page.feed(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not re.search(r"(src|href)=|url\(|https?:", text)
    assert sum(tag == "svg" for tag, _ in page.tags) == 4
    for title in (
        "Leaderboard",
        "Parameter importance",
        "Parallel coordinates",
        "Learning curves",
        "Worth against cost",
    ):
        assert f"<h2>{title}</h2>" in text
    assert "<boom>" not in text and "&lt;boom&gt;" in text and "a &amp; b" in text
    assert "nan" not in text.lower()


def test_ten_thousand_trials_stay_under_five_megabytes() -> None:
    winner, curves = sweep(400)
    rows = tuple(
        replace(winner.rows[i % 400], trial_id=str(i), valid_ndcg10=winner.rows[i % 400].valid_ndcg10 - i * 1e-7)
        for i in range(10_000)
    )
    text = report(SETTINGS, replace(winner, rows=rows), {r.trial_id: curves["default"] for r in rows})
    assert len(text.encode()) < 5_000_000
    assert "Drawn are the best 200 trials and" in text and "of the other 9800" in text


def test_a_sweep_of_one_trial_has_a_report() -> None:
    winner, curves = sweep(1)
    text = report(SETTINGS, winner, curves)
    assert "it takes 20 trials" in text and "The best 1 of 1 trials" in text


def test_the_best_trial_stands_out() -> None:
    winner, curves = sweep(60)
    page = Page()
    page.feed(report(SETTINGS, winner, curves))
    marked = [attrs["class"] for _, attrs in page.tags if attrs.get("class") in ("best", "best-line", "first")]
    assert sorted(map(str, marked)) == ["best", "best", "best-line", "first"]


def test_importance_finds_the_parameter_that_decides() -> None:
    winner, _ = sweep(60)
    shares = importance(dimensions(SPACE), BASE, winner.rows)
    assert next(iter(shares)) == "learning_rate" and shares["learning_rate"] > 0.6
    assert sum(shares.values()) == np.float64(1.0) or abs(sum(shares.values()) - 1) < 1e-3
