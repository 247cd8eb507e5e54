"""A place or an engine that is not supported is refused before Spark starts and before a folder is made."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from omegaconf import DictConfig, OmegaConf

from jobs import forget, nightly
from lake.errors import BadConfiguration
from night.checks import paths
from night.command import run_command, settings_of
from night.settings import Settings

KEYS = [key for key, _, _ in paths(Settings())]
STORED = {key for key, _, is_stored in paths(Settings()) if is_stored}
DAY = "run_date=2026-03-02"


def composed(job: str, *words: str) -> DictConfig:
    with initialize_config_module("conf", version_base="1.3"):
        return compose(job, overrides=[DAY, *words])


def refused(*words: str) -> str:
    """The line of error of these settings; '' if they are taken."""
    try:
        settings_of(composed("forget", *words))
    except BadConfiguration as error:
        return str(error)
    return ""


def test_every_default_under_var_is_known_as_a_path() -> None:
    """A path that is added to conf/ and not declared as one in night/settings.py would be taken whatever it names."""

    def leaves(node: object, above: str = "") -> Iterator[tuple[str, object]]:
        assert isinstance(node, dict)
        for key, value in node.items():
            yield from leaves(value, f"{above}{key}.") if isinstance(value, dict) else [(above + str(key), value)]

    defaults = dict(leaves(OmegaConf.to_container(composed("night"))))
    under_var = {key for key, value in defaults.items() if str(value).startswith("var/")}
    assert under_var | {"user_ids", "cluster.archive"} == set(KEYS) and len(KEYS) == 13
    assert {
        "logs",
        "catalog",
        "releases",
        "rankers",
        "reports",
        "lake.root",
        "tuning.sweeps",
        "quality.docs_dir",
    } == STORED


@pytest.mark.parametrize("key", KEYS)
def test_the_command_names_the_key_and_makes_nothing(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lake.session.spark_session", lambda *_: pytest.fail("Spark was started"))
    job, main = ("forget", forget.main) if key == "user_ids" else ("nightly", nightly.main)
    value = "ftp://bucket/x" if key in STORED else "s3a://bucket/x"
    monkeypatch.setattr(sys, "argv", [f"jobs.{job}", DAY, f"{key}={value}"])
    with pytest.raises(SystemExit) as ended:
        run_command(main, f"jobs.{job}")
    line = capsys.readouterr().err
    assert ended.value.code == 2 and line.count("\n") == 1, line
    assert line.startswith(f"jobs.{job}: {key} is '{value}', expected a local path")
    assert ("or a URI that begins with s3://" in line) == (key in STORED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("jobs.nightly", ["lake.root=ftp://bucket/lake", "cluster.master=mesos://host:7077"]),
        ("jobs.tune", ["tuning.sweeps=dbfs:/host/sweeps"]),
        ("jobs.forget", ["user_ids=file:///tmp/ids"]),
        ("jobs.doctor", ["lake.root=ftp:/bucket/lake"]),
    ],
)
def test_every_command_ends_with_2_and_one_line(module: str, words: list[str], tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", module, DAY, *words]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        arguments, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path, env={"PYTHONPATH": str(root)}
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert all(f"{word.split('=')[0]} is '{word.split('=')[1]}', expected" in done.stderr for word in words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("ftp://bucket/lake", "begins with s3://"),
        ("dbfs:/bucket/lake", "begins with s3://"),
        ("file:///data/lake", "without a scheme: /data/lake"),
        ("file:/data/lake", "without a scheme: /data/lake"),
    ],
)
def test_what_is_no_place(path: str, wanted: str) -> None:
    assert wanted in refused(f"lake.root={path}")


@pytest.mark.parametrize(
    "path",
    [
        "/data/lake",
        "var/lake",
        "../lake",
        "'a b/c'",
        "lake:v2",
        "./s3a:/odd",
        "'2026-03-02T02:00/x'",
        "s3a://bucket/lake",
        "S3://bucket",
        "hdfs:///lake",
        "abfss://box@host/lake",
        "' gs://bucket'",
    ],
)
def test_what_is_a_place(path: str) -> None:
    assert refused(f"lake.root={path}") == ""


@pytest.mark.parametrize(
    "master",
    [
        "spark://host",
        "k8s://",
        "mesos://host:5050",
        "sc://host",
        "local[",
        "local[2",
        "local[0.5]",
        "locale",
        "''",
    ],
)
def test_an_unknown_engine_is_refused(master: str) -> None:
    word = master if master == "''" else f"'{master}'"
    assert f"cluster.master is {word}, expected local, local[N] or spark://" in refused(f"cluster.master={word}")


@pytest.mark.parametrize(
    "master",
    [
        "local",
        "local[2]",
        "local[*]",
        "local[4, 3]",
        "local[*,2]",
        "local-cluster[2,1,1024]",
        "spark://host:7077",
        "spark://one:7077,two.example:7078",
        "yarn",
        "k8s://https://host:6443",
    ],
)
def test_the_engines_of_this_machine_and_cluster_managers_are_taken(master: str) -> None:
    assert refused(f"cluster.master='{master}'") == ""


@pytest.mark.parametrize("remote", ["local", "local[2]", "sc://host", "sc://host:15002/;token=x"])
def test_spark_connect_stays_and_its_master_is_ignored(remote: str) -> None:
    assert refused(f"cluster.remote='{remote}'", "cluster.master=yarn") == ""


@pytest.mark.parametrize("remote", ["spark://host:7077", "yarn", "http://host"])
def test_a_remote_that_is_no_spark_connect_is_refused(remote: str) -> None:
    assert f"cluster.remote is '{remote}', expected local, local[N] or sc://" in refused(f"cluster.remote='{remote}'")


def test_all_that_is_wrong_is_named_at_once() -> None:
    line = refused("lake.root=ftp://b/lake", "releases=ftp://b/releases", "cluster.master=mesos", "serving.keep=0")
    assert all(key in line for key in ("lake.root", "releases", "cluster.master", "serving.keep"))
