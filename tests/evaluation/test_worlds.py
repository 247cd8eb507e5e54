"""The benchmark of worlds: what it calls, what it repeats, what it says when a run fails. No night is run here."""

import json
import subprocess

import pytest

from benchmarks import worlds

LEAD = {"mean": 0.1, "low": 0.05, "high": 0.15}
NIGHT = {
    "ndcg10": {"playfirst": 0.8, "ctr": 0.7, "skyline": 0.9, "random": 0.2},
    "diff": {"ctr": LEAD},
    "recall100": {"gain": 0.9, "grade3": 0.8, "order": "x"},
    "coverage": 0.75,
}


@pytest.fixture
def calls(monkeypatch):
    """Commands called; a night leaves its report where it was told to."""
    seen = []

    def run(command, stdout, **given):
        seen.append((command, given))
        for argument in command:
            if argument.startswith("reports="):
                worlds.Path(argument[8:]).mkdir(parents=True)
                (worlds.Path(argument[8:]) / "night.json").write_text(json.dumps(NIGHT))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(worlds.subprocess, "run", run)
    return seen


def test_each_run_is_simulated_then_judged_on_the_day_after(calls, tmp_path, capsys):
    out = tmp_path / "all.json"
    assert (
        worlds.main(
            [
                "--worlds",
                "voice",
                "--seeds",
                "7,8",
                "--days",
                "3",
                "--searches-per-day",
                "50",
                "--out",
                str(tmp_path / "w"),
                "--json",
                str(out),
                "--timeout",
                "9",
            ]
        )
        == 0
    )
    (simulate, given), (night, _) = calls[:2]
    folder = tmp_path / "w" / "voice-7"
    assert simulate[1:] == [
        "-m",
        "simulator.generate",
        f"out={folder}",
        "world=voice",
        "seed=7",
        "days=3",
        "searches_per_day=50",
        "first_date=2026-10-01",
    ]
    assert given["timeout"] == 9
    assert night[1:4] == ["-m", "jobs.nightly", "run_date=2026-10-04"]
    assert f"logs={folder}/logs" in night and "nightly.tune=never" in night
    assert json.loads(out.read_text())["voice"]["8"] == NIGHT
    said = capsys.readouterr().out
    assert "+0.1000 [+0.0500, +0.1500]" in said and "on 2 of 2 seeds" in said


def test_a_finished_run_is_kept_another_size_or_code_is_not(calls, tmp_path, monkeypatch):
    given = ["--worlds", "default", "--seeds", "7", "--out", str(tmp_path)]
    worlds.main(given)
    worlds.main(given)
    assert len(calls) == 2
    (tmp_path / "default-7" / "reports" / "night.json").unlink()
    (tmp_path / "default-7" / "reports").rmdir()
    worlds.main(given)  # the night was cut off: its logs stay
    assert [command[2] for command, _ in calls[2:]] == ["jobs.nightly"]
    worlds.main([*given, "--again"])
    assert [command[2] for command, _ in calls[3:]] == ["jobs.nightly"]
    simulator = worlds.code_fingerprint("simulator")
    monkeypatch.setattr(
        worlds, "code_fingerprint", lambda *rooms: simulator if rooms == ("simulator",) else "other code"
    )
    worlds.main(given)  # its figures are of other code: the logs stay, the night is made anew
    assert [command[2] for command, _ in calls[4:]] == ["jobs.nightly"]
    worlds.main([*given, "--days", "9"])
    assert [command[2] for command, _ in calls[5:]] == ["simulator.generate", "jobs.nightly"]
    monkeypatch.setattr(worlds, "code_fingerprint", lambda *rooms: "another simulator")
    worlds.main([*given, "--days", "9"])
    assert [command[2] for command, _ in calls[7:]] == ["simulator.generate", "jobs.nightly"]


def test_a_failed_run_is_named_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    def run(command, stdout, **given):
        if "seed=7" in command:
            raise subprocess.TimeoutExpired(command, given["timeout"])
        stdout.write("working\ndaily_engagement: nothing to read\n")
        stdout.flush()
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(worlds.subprocess, "run", run)
    assert worlds.main(["--worlds", "drift", "--seeds", "7,8", "--out", str(tmp_path), "--timeout", "5"]) == 1
    said = capsys.readouterr().err
    assert "drift-7: the simulation was not done after 5 s" in said
    assert "drift-8: the simulation ended with exit code 3: daily_engagement: nothing to read" in said
    assert "2 of 2 runs failed" in said


def test_a_folder_of_someone_else_is_not_emptied(calls, tmp_path, capsys):
    (tmp_path / "default-7").mkdir()
    (tmp_path / "default-7" / "thesis.txt").write_text("mine")
    assert worlds.main(["--worlds", "default", "--seeds", "7", "--out", str(tmp_path)]) == 1
    assert "not ours to empty" in capsys.readouterr().err
    assert (tmp_path / "default-7" / "thesis.txt").read_text() == "mine" and not calls


def test_a_report_without_its_keys_is_refused(calls, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(globals(), "NIGHT", {"ndcg10": {}})
    assert worlds.main(["--worlds", "default", "--seeds", "7", "--out", str(tmp_path)]) == 1
    assert "is no report of a night" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments,says",
    [
        (["--worlds", "defualt"], "known worlds: default"),
        (["--seeds", "7,x"], "whole numbers"),
        (["--days", "0"], "1 or more"),
    ],
)
def test_bad_arguments(arguments, says, capsys):
    with pytest.raises(SystemExit) as stopped:
        worlds.main(arguments)
    assert stopped.value.code == 2 and says in capsys.readouterr().err


def test_the_verdict_names_where_it_is_not_clear():
    behind = {**NIGHT, "diff": {"ctr": {**LEAD, "low": -0.01}}}
    assert worlds.verdict({7: NIGHT, 8: behind}) == "playfirst is not clearly ahead of: ctr on seed 8."
