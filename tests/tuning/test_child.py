"""The sweep end to end on a real Ray, through its child process."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from ranking.dataset import read_examples
from ranking.ranker import RankerParams, fit
from tests.ranking.synthetic import FEATURES, frame, write
from tests.tuning.test_ledger import trial
from tuning.child import marked_processes, run_search_in_child
from tuning.errors import SweepFailed
from tuning.ledger import Ledger, Trial
from tuning.progress import Progress
from tuning.settings import SearchSettings
from tuning.winner import assert_shipped, choose

BASE = RankerParams(min_data_in_leaf=5, num_leaves=8).to_dict()
SPACE = {
    "learning_rate": {"type": "loguniform", "low": 0.02, "high": 0.3},
    "num_leaves": {"type": "logint", "low": 4, "high": 32},
    "max_bin": {"type": "choice", "values": [63, 255]},
}
SETTINGS = SearchSettings(
    "s", SPACE, BASE, trials=4, time_budget_s=45, prune=True, folds=2, max_trees=40, start_limit_s=120, grace_trees=10
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(frame(), tmp_path_factory.mktemp("examples"))


@pytest.fixture(autouse=True)
def _own_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYFIRST_TEST", uuid.uuid4().hex)  # inherited by all that a test starts, and by nothing else


def _started() -> list[int]:
    """Living processes that this test started, straight or through others."""
    found, mark = [], f"PLAYFIRST_TEST={os.environ['PLAYFIRST_TEST']}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _all_end() -> bool:
    """Whether all that the test started ends: an agent of Ray whose raylet was killed first ends by itself within about a minute."""
    until = time.monotonic() + 150
    while _started() and time.monotonic() < until:
        time.sleep(0.5)
    return not _started()


def test_a_sweep_ends_ships_and_resumes(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    shown: list[tuple[int, int, float]] = []

    def show(state: Progress) -> None:
        shown.append((len(state.finished), state.asked, state.core_hours))

    winner = run_search_in_child(SETTINGS, path, work, FEATURES, on_progress=show)
    log = (work / "s/sweep.log").read_text()
    assert len(winner.rows) == 4, (winner.failures, log)
    assert winner.default is not None
    assert winner.default.params == BASE
    assert winner.valid_ndcg10 == max(row.valid_ndcg10 for row in winner.rows) > 0.8
    assert shown[-1][:2] == (4, 4) and shown[-1][2] > 0
    assert shown == sorted(shown)
    assert {"default"} < {row.trial_id for row in winner.rows}
    # nothing is left: no process, no file in the home folder, no binaries
    assert not _started()
    assert not list(home.iterdir())
    left = [".lock", "data.json", "spec.json", "sweep.log", "trials.jsonl", "winner.json"]
    assert sorted(p.name for p in (work / "s").iterdir()) == left
    assert winner.is_whole
    # tuned = shipped
    chosen = choose(winner.default, winner)
    examples = read_examples(path, FEATURES)
    assert_shipped(chosen, fit(examples, RankerParams.from_dict(chosen.params), trees=chosen.trees, threads=2))
    # a resumed sweep re-uses what finished: asked for no more, it starts no Ray and changes nothing
    before = (work / "s/trials.jsonl").read_bytes()
    began = time.monotonic()
    again = run_search_in_child(replace(SETTINGS, resume=True), path, work, FEATURES)
    assert replace(again, seconds=0) == replace(winner, seconds=0)
    assert (work / "s/trials.jsonl").read_bytes() == before
    assert "ray" not in (work / "s/sweep.log").read_text().lower()
    assert time.monotonic() - began < 30


def test_without_pruning_the_winner_is_the_same_however_many_run_at_once(path: Path, tmp_path: Path) -> None:
    """No clock and no order of endings decides: one at a time, two at a time beside a busy core, and cut off and resumed."""
    fixed = replace(SETTINGS, trials=5, prune=False, search="design")
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        ran = [
            run_search_in_child(replace(fixed, name=f"c{n}", concurrent=n), path, tmp_path, FEATURES) for n in (1, 2)
        ]
    finally:
        busy.kill()
        busy.wait()
    run_search_in_child(replace(fixed, name="cut", trials=3), path, tmp_path, FEATURES)
    ran.append(run_search_in_child(replace(fixed, name="cut", resume=True), path, tmp_path, FEATURES))
    judged = [sorted((str(sorted(r.params.items())), r.trees, r.valid_ndcg10, r.state) for r in w.rows) for w in ran]
    assert judged[0] == judged[1] == judged[2] and len(judged[0]) == 5
    assert {state for *_, state in judged[0]} == {"completed"}
    assert len({(str(sorted(w.params.items())), w.trees, w.valid_ndcg10) for w in ran}) == 1


def test_without_pruning_a_time_limit_picks_no_winner(path: Path, tmp_path: Path) -> None:
    """What would have ended by then depends on the machine: the night keeps the parameters that it had."""
    endless = replace(SETTINGS, trials=10_000, prune=False)
    with pytest.raises(SweepFailed, match=r"killed at its limit of 10 s with \d+ of 10000 trials; .* none wins"):
        run_search_in_child(endless, path, tmp_path, FEATURES, limit_s=10)
    assert not _started()


def test_an_earlier_winner_is_judged_beside_the_default(path: Path, tmp_path: Path) -> None:
    """Else the next short sweep would put its own best, or the default, in the place of what a long one found."""
    earlier = {**BASE, "num_leaves": 12, "max_bin": 127}  # of another search space
    winner = run_search_in_child(replace(SETTINGS, trials=2, earlier=earlier), path, tmp_path, FEATURES)
    assert {row.trial_id: row.params for row in winner.rows} == {"default": BASE, "earlier": earlier}


def test_a_killed_sweep_gives_what_it_has_and_leaves_no_process(path: Path, tmp_path: Path) -> None:
    """Killed once Ray runs: the marked processes include Ray's own."""
    endless = replace(SETTINGS, trials=10_000, time_budget_s=600)
    seen: list[int] = []

    def watch() -> None:
        while not done.is_set():
            seen.append(len(_started()))
            time.sleep(0.2)

    done = threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        winner = run_search_in_child(endless, path, tmp_path, FEATURES, limit_s=10)
    finally:
        done.set()
        watcher.join()
    assert max(seen) > 2, "Ray never started: the test shows nothing"
    assert not _started()
    assert not Path(json.loads((tmp_path / "s/spec.json").read_text())["temporary"]).exists()
    assert not (tmp_path / "s/bins").exists()
    assert "killed at its limit of 10 s with" in winner.notes[0] and "tuning.resume=s goes on" in winner.notes[0]
    assert winner.default is not None
    # it can be compared and promoted as it is, and is not taken for the whole sweep
    assert not winner.is_whole and winner.data["judged_on"] and winner.data["needs"] > 0


def test_a_sweep_that_the_system_kills_gives_what_it_has(path: Path, tmp_path: Path) -> None:
    endless, ledger = replace(SETTINGS, trials=10_000, time_budget_s=600), tmp_path / "s/trials.jsonl"

    def kill() -> None:
        until = time.monotonic() + 170
        while time.monotonic() < until and not (ledger.exists() and b'"default"' in ledger.read_bytes()):
            time.sleep(0.05)
        os.kill(_children_of(os.getpid(), "tuning.child"), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    winner = run_search_in_child(endless, path, tmp_path, FEATURES, limit_s=180)
    killer.join()
    assert winner.notes[0].startswith("ended by signal 9 with") and winner.default is not None
    assert not _started()


def test_a_sweep_that_rays_core_ends_gives_what_it_has(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray's core ends the process of a driver whose head is gone, with 1 and a line on stderr; no Python code sees it."""
    endless, ledger = replace(SETTINGS, trials=10_000, time_budget_s=600), tmp_path / "s/trials.jsonl"
    (tmp_path / "sitecustomize.py").write_text(
        "import os, pathlib, sys, threading, time\n"
        f"ledger = pathlib.Path({str(ledger)!r})\n"
        "def end():\n"
        "    while not (ledger.exists() and b'\"default\"' in ledger.read_bytes()):\n"
        "        time.sleep(0.05)\n"
        "    os.write(2, b'no head\\n')\n"
        "    os._exit(1)\n"
        "if 'tuning.child' in sys.orig_argv:\n"
        "    threading.Thread(target=end, daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    winner = run_search_in_child(endless, path, tmp_path, FEATURES, limit_s=180)
    assert winner.notes[0].startswith("ended with 1 (") and "no head" in winner.notes[0] and not winner.is_whole
    assert "tuning.resume=s goes on" in winner.notes[0] and not _started()


def test_a_pruned_sweep_killed_twice_and_resumed_has_the_trials_of_an_uninterrupted_one(
    path: Path, tmp_path: Path
) -> None:
    """One worker: the searcher's state, the rungs and the count come back from the ledger, whatever moment the kill came at."""
    asked = replace(SETTINGS, trials=9, concurrent=1, time_budget_s=600, grace_trees=10)
    whole = run_search_in_child(replace(asked, name="whole"), path, tmp_path, FEATURES)
    ledger, kept = tmp_path / "cut/trials.jsonl", []
    for finished in (2, 5):
        killer = threading.Thread(target=_kill_after, args=(ledger, finished))
        killer.start()
        with contextlib.suppress(SweepFailed):
            run_search_in_child(replace(asked, name="cut", resume=finished > 2), path, tmp_path, FEATURES)
        killer.join()
        kept.append({t.trial_id: t for t in Ledger(ledger).trials})
        assert finished <= len(kept[-1]) < 9
        assert _all_end()
    resumed = run_search_in_child(replace(asked, name="cut", resume=True), path, tmp_path, FEATURES)
    rows = {row.trial_id: row for row in resumed.rows}
    assert all(rows[name] == trial for trials in kept for name, trial in trials.items())  # none was lost or run again
    assert len(resumed.rows) == len(rows)

    def judged(rows: tuple[Trial, ...]) -> list[tuple[object, ...]]:
        return sorted((r.trial_id, str(r.params), r.trees, r.valid_ndcg10, r.state) for r in rows)

    assert judged(resumed.rows) == judged(whole.rows)
    assert {"stopped", "completed"} == {row.state for row in whole.rows}


def _kill_after(ledger: Path, finished: int) -> None:
    """Kill the sweep's process once so many trials are in its ledger."""
    until = time.monotonic() + 120
    while time.monotonic() < until and not (
        ledger.exists() and ledger.read_bytes().count(b'"trial", "row"') >= finished
    ):
        time.sleep(0.02)
    os.kill(_children_of(os.getpid(), "tuning.child"), signal.SIGKILL)


def test_a_trial_that_fails_is_tried_again_and_then_stands_with_its_error(path: Path, tmp_path: Path) -> None:
    """The binned data of the trials with max_bin 63 are gone: those fail, the others end, and a resumed sweep leaves them."""
    from tuning.data import prepared
    from tuning.proposals import Proposals
    from tuning.space import dimensions

    asked = replace(SETTINGS, trials=5, search="random", prune=False)
    points = [Proposals("random", dimensions(SPACE), BASE, 5, 1).point(n) or {} for n in range(1, 5)]
    failing = {str(n) for n, point in enumerate(points, 1) if point["max_bin"] == 63}
    assert 0 < len(failing) < 4
    data = prepared(path, FEATURES, asked, {63, 255}, tmp_path / ".bins")
    for file in (data.folder / "max_bin-63").iterdir():
        file.unlink()
    winner = run_search_in_child(asked, path, tmp_path, FEATURES)
    ledger = Ledger(tmp_path / "s/trials.jsonl")
    assert ledger.failed == failing and len(winner.failures) == len(failing)
    assert "no binary dataset for max_bin=63" in winner.failures[0]
    assert {row.trial_id for row in winner.rows} == {"default", "1", "2", "3", "4"} - failing
    before = ledger.path.read_bytes()
    run_search_in_child(replace(asked, resume=True), path, tmp_path, FEATURES)
    assert ledger.path.read_bytes() == before


def test_seeds_and_optimism_stand_beside_the_gain(path: Path, tmp_path: Path) -> None:
    winner = run_search_in_child(replace(SETTINGS, trials=3, seeds=2), path, tmp_path, FEATURES)
    best = winner.best
    assert set(winner.seeds) == {best.trial_id, "default"}
    assert all(len(reached) == 2 for reached in winner.seeds.values())
    assert winner.seeds[best.trial_id][0] == pytest.approx(best.valid_ndcg10, abs=1e-9)  # the sweep's own seed
    # … and the stored scores of the best give its NDCG@10 again, by another library
    rows = pd.read_parquet(next(tmp_path.rglob("scores.parquet")))
    judged = [of for _, of in rows.groupby("need") if of["grade"].max() > 0]
    by_need = [ndcg_score([2.0 ** of["grade"] - 1], [of["score"]], k=10, ignore_ties=False) for of in judged]
    assert sum(by_need) / len(by_need) == pytest.approx(best.valid_ndcg10, abs=1e-9)
    assert winner.optimism is not None and winner.optimism >= 0
    assert winner.gain is not None and winner.default is not None
    assert winner.gain[0] == pytest.approx(winner.valid_ndcg10 - winner.default.valid_ndcg10, abs=1e-5)
    assert 0 < winner.data["chance"] < winner.valid_ndcg10


def test_rays_own_complaints_are_settled_not_hidden(path: Path, tmp_path: Path) -> None:
    run_search_in_child(replace(SETTINGS, trials=2), path, tmp_path, FEATURES)
    assert "Failed to fetch metrics" not in (tmp_path / "s/sweep.log").read_text()


def _children_of(parent: int, module: str) -> int:
    """The child process of ours that runs the module."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            of = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if of == parent and module in (entry / "cmdline").read_text():
                return int(entry.name)
    raise AssertionError(f"no child runs {module}")


def test_what_an_older_sweep_of_the_name_found_is_not_taken_for_this_ones(path: Path, tmp_path: Path) -> None:
    """Killed before its own ledger begins; the older one is kept, under another name."""
    older = Ledger(tmp_path / "s/trials.jsonl")
    older.begin("of older examples", resume=False)
    older.add(trial("default", 0.99))
    with pytest.raises(SweepFailed, match="no trial finished"):
        run_search_in_child(SETTINGS, path, tmp_path, FEATURES, limit_s=0.05)
    assert len(Ledger(tmp_path / "s/trials.1.jsonl").trials) == 1


def test_a_sweep_killed_before_any_trial_is_a_clear_error(path: Path, tmp_path: Path) -> None:
    with pytest.raises(SweepFailed, match=r"sweep s: no trial finished; the last failure: killed at its limit of 0 s"):
        run_search_in_child(SETTINGS, path, tmp_path, FEATURES, limit_s=0.05)
    assert not _started()


def test_the_childs_error_comes_back_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SweepFailed) as caught:
        run_search_in_child(SETTINGS, tmp_path / "absent", tmp_path, FEATURES)
    assert str(caught.value).endswith("absent: no training examples there; run jobs.assemble first")


def test_a_child_that_dies_without_a_word_is_quoted_from_its_log(path: Path, tmp_path: Path) -> None:
    damaged = replace(SETTINGS, name="d", resume=True)
    (tmp_path / "d").mkdir()
    (tmp_path / "d/trials.jsonl").mkdir()  # no ledger can be written: an error nobody wrote a class for
    with pytest.raises(SweepFailed, match=r"its process ended with 1 .*trials.jsonl.*; see .*sweep.log"):
        run_search_in_child(damaged, path, tmp_path, FEATURES)


def test_a_sweep_ends_with_its_parent(path: Path, tmp_path: Path) -> None:
    """A night killed with SIGKILL leaves no sweep behind."""
    if not Path("/proc").exists():
        pytest.skip("processes are found through /proc")
    endless = replace(SETTINGS, trials=500, max_trees=4000, patience=4000)
    spec = {"s": endless.to_dict(), "p": str(path), "w": str(tmp_path)}
    program = (
        "import json, sys; from pathlib import Path; from tuning.child import run_search_in_child\n"
        "from tuning.settings import SearchSettings; from tests.ranking.synthetic import FEATURES\n"
        "s = json.loads(sys.argv[1]); settings = SearchSettings(**s['s'])\n"
        "run_search_in_child(settings, Path(s['p']), Path(s['w']), FEATURES)"
    )
    house = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen([sys.executable, "-c", program, json.dumps(spec)], cwd=house)
    spoken, until = tmp_path / "s/spec.json", time.monotonic() + 45
    while not (spoken.exists() and len(_started()) > 4) and time.monotonic() < until:
        time.sleep(0.1)
    temporary = Path(json.loads(spoken.read_text())["temporary"])
    assert any(temporary.iterdir()), "Ray never started: the test shows nothing"
    parent.kill()
    parent.wait()
    until = time.monotonic() + 15
    while _started() and time.monotonic() < until:
        time.sleep(0.2)
    assert not _started()
    assert not temporary.exists()


def test_failed_trials_are_noted_and_the_others_stand(tmp_path: Path) -> None:
    from tuning.callback import ledger_callback

    class Fake:
        def __init__(self, trial_id: str, config: dict[str, object]) -> None:
            self.trial_id, self.config = trial_id, config

        def get_error(self) -> str:
            return "Traceback\n\nLightGBMError: Check failed: best_split_info.right_count > 0\n"

    ledger = Ledger(tmp_path / "trials.jsonl")
    ledger.begin("id", resume=False)
    recorder = ledger_callback(ledger, BASE)
    good, bad, cut = Fake("g", {"num_leaves": 5}), Fake("b", {"num_leaves": 6}), Fake("c", {"num_leaves": 7})
    report = {
        "best_trees": 20,
        "best_ndcg10": 0.7,
        "best_se": 0.01,
        "comparisons": 90.0,
        "trees": 30,
        "ndcg10": 0.6,
        "done": True,
        "ended": True,
    }
    for one in (good, bad, cut):
        recorder.on_trial_start(0, [], one)
        recorder.on_trial_result(0, [], one, report | {"ended": one is good})
    recorder.on_trial_complete(0, [], good)
    recorder.on_trial_error(0, [], bad)
    recorder.close()
    recorded = [(t.trial_id, t.state, t.params["num_leaves"]) for t in ledger.trials]
    assert recorded == [("g", "completed", 5), ("c", "stopped", 7)]
    assert ledger.failures == ["b {'num_leaves': 6}: LightGBMError: Check failed: best_split_info.right_count > 0"]


def test_marked_processes_finds_only_its_own_mark() -> None:
    if not Path("/proc").exists():
        pytest.skip("processes are found through /proc")
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={**os.environ, "PLAYFIRST_SWEEP": "test-mark-1"}
    )
    try:
        until = time.monotonic() + 10
        while not marked_processes("test-mark-1") and time.monotonic() < until:
            time.sleep(0.05)
        assert marked_processes("test-mark-1") == [child.pid]
        assert marked_processes("test-mark-2") == []
    finally:
        child.communicate()
