"""Bad input ends in one line and its exit code, never in a stack; all of it before Spark starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


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


@pytest.mark.parametrize(("arguments", "code", "said"), [
    (["run_date=2026-03-02", "rankng.explore_share=0.1"], 2, "rankng"),
    (["run_date=2026-03-02", "ranking.explore_shar=0.1"], 2, "explore_shar"),
    (["run_date=2026-03-02", "privacy.k=many"], 2, "privacy.k"),
    (["run_date=tomorrow"], 2, "expected YYYY-MM-DD"),
    ([], 2, "run_date"),
    (["run_date=2026-03-02", "nightly.tune=sometimes"], 2, "auto, always, never"),
    (["run_date=2026-03-01"], 2, "holds no searches before 2026-03-01"),
])  # fmt: skip
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

    from jobs.command import settings_of

    root = Path(__file__).resolve().parents[2]
    jobs = sorted(p.stem for p in (root / "conf").glob("*.yaml") if p.stem != "night")
    with initialize_config_module("conf", version_base="1.3"):
        for job in jobs:
            assert settings_of(compose(job, overrides=["run_date=2026-03-02"])).run_date == "2026-03-02"
    assert {"ingest", "understand", "count_engagement", "fit_exposure", "candidates", "build_features", "validate", "grade",
            "assemble", "tune", "train", "rank_head", "publish", "nightly", "doctor", "report"} <= set(jobs)  # fmt: skip


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
