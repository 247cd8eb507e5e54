"""Bad input ends in one line and its exit code, never in a stack; all of it before Spark starts."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.graph import GRAPH
from lake.provenance import ensure_provenance
from night.night import Night
from night.settings import Settings


def run(module: str, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr.strip()


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    for source in ("searches", "events"):
        folder = tmp_path / "logs" / source / "date=2026-03-01"
        folder.mkdir(parents=True)
        (folder / "part-0.jsonl").write_text("{}\n")
        (folder / "_SUCCESS").touch()
    (tmp_path / "catalog.jsonl").write_text('{"track_id": "t", "title": "x", "artists": ["y"]}\n')
    return [
        f"logs={tmp_path}/logs",
        f"catalog={tmp_path}/catalog.jsonl",
        f"lake.root={tmp_path}/lake",
        f"releases={tmp_path}/r",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run_date=2026-03-02", "rankng.explore_share=0.1"], 2, "rankng"),
        (["run_date=2026-03-02", "ranking.explore_shar=0.1"], 2, "explore_shar"),
        (["run_date=2026-03-02", "privacy.k=many"], 2, "privacy.k"),
        (["run_date=tomorrow"], 2, "expected YYYY-MM-DD"),
        (["run_date='20260302'"], 2, "run_date is '20260302', expected YYYY-MM-DD"),
        (["run_date=2026-W10-1"], 2, "expected YYYY-MM-DD"),
        ([], 2, "run_date"),
        (["run_date=2026-03-02", "nightly.tune=sometimes"], 2, "auto, always, never"),
        (["run_date=2026-03-02", "labels.label_days=14", "serving.keep=0"], 2, "labels.label_days is 14, expected 7"),
        (["run_date=2026-03-02", "labels.cuts=[0.1,0.2,0.3]"], 2, "four rising rates"),
        (["run_date=2026-03-02", "features.only=[coek]"], 2, "nearest: coec"),
        (["run_date=2026-03-02", "ranker.learning_rate=5"], 2, "learning_rate is 5"),
        (["run_date=2026-03-02", "tuning.trials=0"], 2, "trials is 0"),
        (["run_date=2026-03-01"], 2, "holds no searches before 2026-03-01"),
    ],
)
def test_bad_configuration_is_one_line(places: list[str], arguments: list[str], code: int, said: str) -> None:
    found, _, line = run("jobs.nightly", *places, *arguments)
    assert found == code, line
    assert said in line and "\n" not in line and "Traceback" not in line


def test_an_empty_log_folder_and_a_missing_catalog_are_named(places: list[str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, _, line = run("jobs.nightly", *places, "run_date=2026-03-02", f"logs={tmp_path}/empty")
    assert code == 2 and "holds no searches" in line and "\n" not in line
    code, _, line = run("jobs.nightly", *places, "run_date=2026-03-02", f"catalog={tmp_path}/nowhere.jsonl")
    assert code == 2 and "no catalog there" in line and "\n" not in line


def test_every_job_knows_its_configuration() -> None:
    from hydra import compose, initialize_config_module

    from night.command import settings_of

    root = Path(__file__).resolve().parents[2]
    named = {p.stem: re.findall(r'config_name="(\w+)"', p.read_text()) for p in (root / "jobs").glob("*.py")}
    commands = {job: names[0] for job, names in named.items() if names}
    with initialize_config_module("conf", version_base="1.3"):
        for config in set(commands.values()):
            assert settings_of(compose(config, overrides=["run_date=2026-03-02"])).run_date == "2026-03-02"
    assert {step.name for step in GRAPH} | {"nightly", "report", "forget", "backfill"} <= set(commands)


def test_the_doctor_says_the_next_step(tmp_path: Path) -> None:
    code, out, line = run(
        "jobs.doctor", f"lake.root={tmp_path}/lake", f"releases={tmp_path}/r", f"privacy.key_file={tmp_path}/key"
    )
    assert code == 0 and "Delta's JARs" in out and "make nightly" in out, line
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "pseudonym_key.json").write_text("{}")
    code, out, _ = run(
        "jobs.doctor", f"lake.root={tmp_path}/lake", f"releases={tmp_path}/r", f"privacy.key_file={tmp_path}/key"
    )
    assert code == 1 and "put it back" in out


def test_the_doctor_sees_a_night_that_is_not_through(tmp_path: Path) -> None:
    """Held by the gate before its lists, or by the one before its release: neither is well."""
    from jobs.doctor import _nights

    settings = Settings(releases=str(tmp_path / "r"))
    settings.lake.root = str(tmp_path / "lake")

    def written(table: str, day: str) -> None:
        log = tmp_path / "lake" / table / "_delta_log"
        log.mkdir(parents=True, exist_ok=True)
        said = json.dumps({"run_id": "r", "units": {day: {"fingerprint": "f", "rows": 7}}})
        line = json.dumps({"commitInfo": {"userMetadata": said}})
        (log / f"{len(list(log.iterdir())):020}.json").write_text(line + "\n")

    for table in ("wordings", "head_rankings"):
        written(table, "2026-03-01")
    assert not _nights(settings)[0] and "not published" in _nights(settings)[1]
    (tmp_path / "r" / "2026-03-01-0123456789ab").mkdir(parents=True)
    assert _nights(settings) == (True, "2026-03-01: 7 ranked rows")
    written("wordings", "2026-03-02")
    well, said = _nights(settings)
    assert not well and "2026-03-02: held or cut off" in said and "run it again" in said


def test_a_full_disk_leaves_the_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from night.command import exit_on_error

    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").write_text("a file where the folder should be")
    with pytest.raises(SystemExit) as ended, exit_on_error("jobs.nightly"):
        raise RuntimeError("no space left on device")
    line = capsys.readouterr().err
    assert ended.value.code == 1 and line.count("\n") == 1
    assert "unexpected RuntimeError: no space left on device" in line and "could not be written" in line


def test_a_lake_of_own_logs_is_no_simulated_one_whatever_logs_a_command_is_given(tmp_path: Path) -> None:
    """`jobs.forget` over it has no need of logs, and the default ones may be the simulator's: k must stay that of people."""
    from hydra import compose, initialize_config_module

    from night.command import settings_of

    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "_SIMULATED").touch()
    words = ["run_date=2026-03-02", f"logs={tmp_path}/logs", f"lake.root={tmp_path}/lake"]
    with initialize_config_module("conf", version_base="1.3"):
        this = Night(settings_of(compose("forget", overrides=words)), None)  # type: ignore[arg-type]
    assert (this.is_simulated, this.k) == (True, this.settings.privacy.k_simulated)
    ensure_provenance(tmp_path / "lake", tmp_path / "own", None)
    assert (this.is_simulated, this.k) == (False, this.settings.privacy.k_real)
