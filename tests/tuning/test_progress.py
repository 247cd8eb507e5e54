"""What a person sees while a sweep runs, from the files of the sweep alone."""

import io
import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from ranking.ranker import RankerParams
from tests.tuning.test_ledger import trial
from tuning.ledger import Ledger, Tail
from tuning.progress import RUNNING, Progress, Running, Watch, write_running
from tuning.screen import Screen, cost, duration, table

BASE = RankerParams().to_dict()


MANY = {"num_leaves": 9, "learning_rate": 0.0522, "feature_fraction": 0.581, "lambda_l2": 0.00454, "extra_trees": True}


def row(trial_id: str, ndcg: float, state: str = "completed", **changed: object) -> dict[str, object]:
    return {**asdict(trial(trial_id, ndcg, **{**BASE, **changed})), "state": state, "seconds": 36.0}


def state() -> Progress:
    finished = [row("default", 0.80), row("1", 0.81, **MANY), row("2", 0.70, "stopped", num_leaves=60)]
    return Progress(7, threads=2, workers=2, seconds=72, finished=finished, running=[Running("3", 40, 0.79, 18.0)])


def test_the_numbers_of_a_sweep_under_way() -> None:
    now = state()
    assert (now.best or {})["trial_id"] == "1" and now.pruned == 1
    assert now.core_hours == (3 * 36 + 18) * 2 / 3600
    # four trials of 36 s are left, one of them half done, two at a time
    assert now.seconds_left == (4 * 36 - 18) / 2
    now.budget_s = 100
    assert now.seconds_left == 28
    assert Progress(7).seconds_left is None and Progress(7).best is None


def test_the_time_left_has_what_lies_between_trials() -> None:
    now = state()  # trials of 36 s, two at a time, of which four are left
    now.seconds, now.ends = 110.0, [40.0, 40.0, 100.0]  # one in 60 s since the first were seen
    assert now.seconds_left == 4 * 60 - 10
    now.budget_s = 120.0
    assert now.seconds_left == 10


def test_the_watch_reads_each_line_once_and_never_half_a_line(tmp_path: Path) -> None:
    ledger, now = Ledger(tmp_path / "trials.jsonl"), Progress(4)
    watch = Watch(tmp_path, now)
    assert not watch.look()
    ledger.begin("id", resume=False)
    ledger.add(trial("1", 0.5), [(10, 0.5)], [0.5])
    write_running(tmp_path / RUNNING, [Running("1", 9, 0.4, 1.0), Running("2", 3, 0.2, 1.0)])
    assert watch.look()
    assert [r["trial_id"] for r in now.finished] == ["1"] and [r.trial_id for r in now.running] == ["2"]
    with ledger.path.open("ab") as out:
        out.write(b'{"kind": "failure", "row": {"trial_id": "3", ')
    assert not watch.look() and now.failures == []
    with ledger.path.open("ab") as out:
        out.write(b'"message": "3: boom"}}\n')
    ledger.add_seed("1", 1001, 0.51)
    assert watch.look() and now.failures == ["3: boom"] and now.checked == 1 and len(now.finished) == 1
    assert Tail(tmp_path / "absent").lines() == []


def test_without_a_terminal_each_change_is_one_line() -> None:
    out, now = io.StringIO(), Progress(3, workers=2)
    with Screen("mine", BASE, Console(file=out, width=80)) as screen:
        for _ in range(2):
            screen.show(now)
        for ndcg in (0.80, 0.79, 0.82):
            now.finished.append(row(str(ndcg), ndcg))
            for _ in range(3):  # nothing new is said twice
                screen.show(now)
        now.failures.append("9 {…}: boom")
        screen.show(now)
    lines = out.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0] == "sweep mine: 3 trials, 2 at a time"
    assert "1/3 trial 0.8 completed at 50 trees, NDCG@10 0.8000; best 0.8000 (0.8); 36 s left" in lines[1]
    assert "new best" not in lines[2] and "(new best)" in lines[3]
    assert lines[4] == "sweep mine: failed: 9 {…}: boom"


def test_the_live_table_shows_running_and_best_trials_in_100_columns() -> None:
    out = io.StringIO()
    Console(file=out, width=100).print(table("mine", state(), BASE))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    assert text.splitlines()[2].split()[:5] == ["trial", "NDCG@10", "trees", "s", "state"]
    for shown in (
        "3/7",
        "about 1 min 03 s left",
        "1 pruned",
        "4.2 core minutes",
        "+0.0100 over the default",
        "running",
    ):
        assert shown in text, shown
    order = [line.split()[0] for line in text.splitlines() if line.strip() and line.split()[0] in ("3", "1", "default")]
    assert order[:3] == ["3", "1", "default"]


def test_a_terminal_gets_the_table_in_place() -> None:
    out = io.StringIO()
    with Screen("mine", BASE, Console(file=out, width=100, force_terminal=True)) as screen:
        screen.show(state())
    assert "sweep mine" in out.getvalue() and "3/7 trial" not in out.getvalue()


def test_durations_are_read_by_people() -> None:
    assert [duration(s) for s in (0.4, 59.4, 185, 7800)] == ["0 s", "59 s", "3 min 05 s", "2 h 10 min"]
    assert [cost(h) for h in (0.0021, 0.2, 12)] == ["0.1 core minutes", "0.20 core hours", "12.00 core hours"]


def test_the_running_file_is_whole_json(tmp_path: Path) -> None:
    write_running(tmp_path / RUNNING, [Running("1", 9, 0.4, 1.0)])
    assert json.loads((tmp_path / RUNNING).read_text())[0]["trees"] == 9
    assert [p.name for p in tmp_path.iterdir()] == [RUNNING]
