"""`make nightly` decides what `var/` holds: no world is mixed with another, none is lost, nothing cut off counts as whole."""

import json
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from lake.commits import units_written
from lake.errors import MixedLogs
from lake.provenance import PLACES, ensure_provenance
from tools import nightly


class Commands:
    """Stands for the commands that the front door starts: notes them, and leaves the files that they would leave."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.cut_off = False

    def __call__(self, command: list[str], *, check: bool, timeout: int) -> "subprocess.CompletedProcess[str]":
        assert not check and timeout > 3600
        self.seen.append(command[2:])
        given = dict(a.split("=", 1) for a in command[3:])
        if command[2] == "simulator.generate":
            shutil.rmtree(Path(given["out"]) / "truth", ignore_errors=True)
            logs_in(Path(given["out"]), simulated=True)
            (Path(given["out"]) / "truth").mkdir()
            if not self.cut_off:
                (Path(given["out"]) / "truth" / "_SUCCESS").touch()
        else:
            lake = Path(given.get("lake.root", "var/lake"))
            logs = Path(given["logs"])
            ensure_provenance(lake, logs, {} if (logs / "_SIMULATED").exists() else None)
            (lake / "of").write_text(f"{logs} {given['catalog']}")
            Path("var/releases").mkdir(parents=True, exist_ok=True)
            (Path("var/releases") / "CURRENT").write_text(given["catalog"])
        return subprocess.CompletedProcess(command, 1 if self.cut_off else 0)

    @property
    def simulations(self) -> int:
        return sum(c[0] == "simulator.generate" for c in self.seen)


def logs_in(folder: Path, *, simulated: bool, day: str = "2026-10-28") -> Path:
    place = folder / "logs" / "searches" / f"date={day}"
    place.mkdir(parents=True, exist_ok=True)
    (place / "part.jsonl").touch()
    (folder / "catalog.jsonl.gz").touch()
    if simulated:
        (folder / "logs" / "_SIMULATED").touch()
    return folder / "logs"


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(nightly, "today", lambda: date(2026, 11, 26))
    fake = Commands()
    monkeypatch.setattr(subprocess, "run", fake)
    return fake


def make(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["nightly", *words])
    return nightly.main()


def test_a_simulation_that_was_cut_off_is_made_again(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.cut_off = True
    assert make(monkeypatch) == 1 and commands.simulations == 1
    commands.cut_off = False
    assert make(monkeypatch) == 0 and commands.simulations == 2
    assert commands.seen[-1] == ["jobs.nightly", "run_date=2026-10-29", "logs=var/logs", "catalog=var/catalog.jsonl.gz"]
    assert make(monkeypatch) == 0 and commands.simulations == 2


@pytest.mark.parametrize(
    "word",
    [
        "logs=s3a://bucket/logs",
        "catalog=s3a://bucket/catalog.jsonl.gz",
        "lake.root=s3a://bucket/lake",
        "+lake.root=s3a:/bucket/lake",
        "releases='hdfs://host/r'",
        "cluster.master=mesos://host:5050",
        "cluster.remote=yarn",
    ],
)
def test_another_store_or_cluster_is_refused_before_anything_is_simulated_or_moved(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    assert make(monkeypatch, word) == 2
    line = capsys.readouterr().err
    key, value = word.lstrip("+").split("=")
    assert (
        line.count("\n") == 1 and line.startswith("make nightly: ") and f"{key} is" in line and value.strip("'") in line
    )
    assert commands.seen == [] and list(Path.cwd().iterdir()) == []


def test_own_logs_set_the_simulated_world_aside_and_never_give_way(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(monkeypatch) == 0
    own = logs_in(Path("data"), simulated=False, day="2026-11-21")
    assert make(monkeypatch, f"logs={own}", "catalog=data/catalog.jsonl.gz") == 0
    assert commands.seen[-1][1] == "run_date=2026-11-22"
    aside = Path("var/earlier/made-catalog")
    assert (aside / "lake" / "of").read_text().startswith("var/logs") and (aside / "releases" / "CURRENT").exists()
    assert Path("var/lake/of").read_text() == "data/logs data/catalog.jsonl.gz" and not Path("var/logs").exists()
    # own logs that move to another folder are the same world
    shutil.move("data", "moved")
    assert make(monkeypatch, "logs=moved/logs") == 0 and Path("var/lake/of").read_text().startswith("moved/logs")
    # and a bare call does not simulate over them
    capsys.readouterr()
    for words in ([], ["catalog=moved/catalog.jsonl.gz"], [f"logs={logs_in(Path('made'), simulated=True)}"]):
        assert make(monkeypatch, *words) == 2
        assert "nights over your own logs" in capsys.readouterr().err
    assert Path("var/lake/of").read_text().startswith("moved/logs") and commands.simulations == 1
    # a lake elsewhere is its owner's, if its releases and all else lie elsewhere, too
    places = [word.replace("DIR", "other") for word in PLACES.split()]
    for some in (places[:1], places[:-1], places[1:]):
        assert make(monkeypatch, "logs=made/logs", *some) == 2
        assert "which may be of another world. Give all: lake.root=DIR/lake releases=" in capsys.readouterr().err
    assert make(monkeypatch, "logs=made/logs", *places) == 0 and Path("other/lake/of").exists()


def test_the_date_is_that_of_the_newest_folder_with_files_and_no_day_to_come(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = logs_in(Path("data"), simulated=False, day="2026-11-21")
    for junk in ("date=2026-11-22.tmp", "date=__HIVE_DEFAULT_PARTITION__", "date=2026-11-23"):
        (own / "searches" / junk).mkdir()
    assert make(monkeypatch, f"logs={own}") == 0 and commands.seen[-1][1] == "run_date=2026-11-22"
    ahead = nightly.today() + timedelta(days=2)
    logs_in(Path("data"), simulated=False, day=str(ahead))
    assert make(monkeypatch, f"logs={own}") == 2 and f"holds date={ahead}, and today is" in capsys.readouterr().err
    assert make(monkeypatch, f"logs={own}", "run_date=2026-11-22") == 0


def test_a_night_that_is_done_while_nothing_new_came_says_what_is_missing(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = logs_in(Path("data"), simulated=False, day="2026-11-21")
    assert make(monkeypatch, f"logs={own}") == 0
    monkeypatch.setattr(nightly, "today", lambda: date(2026, 11, 23))
    assert make(monkeypatch, f"logs={own}") == 0  # it was held, or cut off, before it was released: it goes on
    Path("var/releases/2026-11-22-0123456789ab").mkdir()
    Path("var/releases/2026-11-22-0123456789ab/manifest.json").touch()
    monkeypatch.setattr(nightly, "today", lambda: date(2026, 11, 22))
    assert make(monkeypatch, f"logs={own}") == 0  # its own day: done already, and the next is not due
    monkeypatch.setattr(nightly, "today", lambda: date(2026, 11, 23))
    assert make(monkeypatch, f"logs={own}") == 2
    assert "searches/date=2026-11-22 is missing. Deliver it" in capsys.readouterr().err
    assert make(monkeypatch, f"logs={own}", "run_date=2026-11-22") == 0


def test_worlds_of_two_catalogs_take_turns(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.jsonl").write_text("{}")
    assert make(monkeypatch) == 0 and make(monkeypatch, "catalog=mine.jsonl") == 0
    assert commands.simulations == 2
    Path("var/lake/of").write_text("of mine")
    assert make(monkeypatch) == 0
    assert Path("var/lake/of").read_text() == "var/logs var/catalog.jsonl.gz"
    assert make(monkeypatch, "catalog=mine.jsonl") == 0 and commands.simulations == 2


def test_logs_laid_into_var_by_hand_are_read_with_the_catalog_that_is_named(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs_in(Path("var"), simulated=False)
    Path("mine.jsonl").touch()
    assert make(monkeypatch, "catalog=mine.jsonl") == 0 and commands.seen[-1][-1] == "catalog=mine.jsonl"
    assert make(monkeypatch, "logs=var/logs") == 0 and commands.simulations == 0
    Path("var/logs/_SIMULATED").touch()
    assert make(monkeypatch) == 2 and "cut off" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["logs=logs"], "Say CATALOG=FILE"),
        (["catalog=nowhere.gz"], "CATALOG=nowhere.gz is not there"),
        (["limit_s=soon"], "expected whole seconds"),
        (["--last-run-date"], "no training examples yet"),
        (["ingest.accept_incomplete=the", "disk"], "'disk' is no key=value. A value with blanks needs quotes"),
        (["--help"], "no key=value"),
        (["logs=empty/logs", "catalog=empty/c.gz"], "holds no searches/date="),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    words: list[str], said: str, commands: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty/logs").mkdir(parents=True)
    Path("empty/c.gz").touch()
    assert make(monkeypatch, *words) == 2 and not commands.seen
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_the_last_night_is_the_lakes_not_the_logs(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Path("var/lake/training_examples/_delta_log")
    log.mkdir(parents=True)
    for version, units in enumerate(
        [
            {"2026-11-21": {"fingerprint": "f", "rows": 5}},
            {"2026-11-22": {"fingerprint": "f", "rows": 7}},
            {"2026-11-23": {"fingerprint": "f", "rows": 1}},
            {"2026-11-23": None},
        ]
    ):
        said = json.dumps({"run_id": "r", "units": units})
        (log / f"{version:020d}.json").write_text(json.dumps({"commitInfo": {"userMetadata": said}}) + "\n")
    (log / f"{9:020d}.json").write_text(json.dumps({"commitInfo": {"operation": "OPTIMIZE"}}) + "\n")
    assert make(monkeypatch, "--last-run-date") == 0
    assert capsys.readouterr().out == "2026-11-22\n"
    assert units_written(Path("var/lake"), "training_examples") == {"2026-11-21": 5, "2026-11-22": 7}


def test_a_lake_holds_logs_of_one_kind(tmp_path: Path) -> None:
    small, logs = {"world": "default", "seed": 7}, Path("logs")
    ensure_provenance(tmp_path, logs, small | {"days": 28})
    ensure_provenance(tmp_path, logs, small | {"days": 30})  # the same world, longer
    for other, said in (
        (None, "are your own logs"),
        (small | {"seed": 8}, r"simulated logs \(world default, seed 8\)"),
    ):
        with pytest.raises(MixedLogs, match=said):
            ensure_provenance(tmp_path, logs, other)
