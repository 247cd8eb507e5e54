"""The commands as scripts use them: JSON, exit codes, one line of error, and what they import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from serving.lookup import main as lookup
from serving.release import main as release
from serving.writer import publish
from tests.serving.conftest import BUILT_AT, entry, night, write

FIELDS = [
    "raw_query",
    "locale",
    "found",
    "query",
    "matched_by",
    "need",
    "dropped",
    "confidence",
    "release_id",
    "age_s",
    "stale",
    "variant",
    "propensity",
    "tracks",
]
HEAVY = {"pyspark", "lightgbm", "pandas", "numpy", "pyarrow", "hydra", "omegaconf", "ray", "scipy", "delta", "rich"}


def python(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([sys.executable, *arguments], input=stdin, capture_output=True, timeout=60)


@pytest.mark.parametrize("module", ["serving.lookup", "serving.release", "serving.http"])
def test_the_commands_import_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{name.split('.')[0] for name in sys.modules}} & {HEAVY!r}))"
    run = python("-c", code)
    assert (run.stdout.strip(), run.stderr) == (b"[]", b"")


def test_lookup_as_a_process_answers_line_by_line(root: Path, published: str) -> None:
    lines = b"play hello\n\nnada\r\nEl Mariachi\n\xff\xfe\nhello"
    run = python("-m", "serving.lookup", "--releases", str(root), "--locale", "es-ES", "--json", stdin=lines)
    answers = [json.loads(line) for line in run.stdout.decode().splitlines()]
    assert run.returncode == 0 and run.stderr == b""
    assert [list(answer) for answer in answers] == [FIELDS] * 6
    assert [answer["matched_by"] for answer in answers] == ["reading", None, None, "wording", None, "reading"]
    assert answers[2] | {"age_s": 0} == {
        "raw_query": "nada",
        "locale": "es-ES",
        "found": False,
        "query": "nada",
        "matched_by": None,
        "need": None,
        "dropped": [],
        "confidence": 0.0,
        "release_id": published,
        "age_s": 0,
        "stale": answers[2]["stale"],
        "variant": None,
        "propensity": None,
        "tracks": [],
    }
    assert answers[3]["tracks"] == [
        {"track_id": "t3", "score": 1.5, "title": "Canción del Mariachi", "artists": ["Los Lobos", "Antonio Banderas"]}
    ]


def test_lookup_without_a_release_is_one_line_and_exit_2(tmp_path: Path) -> None:
    run = python("-m", "serving.lookup", "--releases", str(tmp_path / "none"), "hello")
    assert run.returncode == 2 and run.stderr.count(b"\n") == 1 and b"make nightly" in run.stderr


@pytest.mark.parametrize("words", [["serving.lookup", "hello"], ["serving.release", "list"], ["serving.http"]])
def test_releases_of_another_store_are_refused_in_one_line(words: list[str]) -> None:
    run = python("-m", *words, "--releases", "s3a://bucket/releases")
    assert run.returncode == 2 and run.stderr.count(b"\n") == 1, run.stderr
    assert b"--releases: 's3a://bucket/releases': expected a local path" in run.stderr


def test_rollback_as_a_process_goes_back_to_the_release_before(root: Path) -> None:
    """How long it takes: `benchmarks.lookup`."""
    first, second = night(root, 20), night(root, 21)
    run = python("-m", "serving.release", "rollback", "--releases", str(root))
    assert run.returncode == 0 and f"from {second} to {first}" in run.stdout.decode()


def test_lookup_prints_a_card(root: Path, published: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert lookup(["--releases", str(root), "--explain", "play hello"]) == 0
    out = capsys.readouterr().out
    for part in (
        "matched by reading, need title=hello",
        "1      0.9000  Hello  Adele",
        "exact title",
        "stripped     hello",
        published,
    ):
        assert part in out
    assert lookup(["--releases", str(root), "goodbye"]) == 0
    assert "no answer" in capsys.readouterr().out


def test_explain_adds_one_key_to_the_json(root: Path, published: str, capsys: pytest.CaptureFixture[str]) -> None:
    lookup(["--releases", str(root), "--json", "--explain", "hello"])
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == [*FIELDS, "explain"]
    assert answer["explain"]["entry"] == {"locale": "en-US", "key": "title=hello"}


def test_a_lone_surrogate_prints_as_json(root: Path, published: str) -> None:
    request = b"\xff hello".decode(errors="surrogateescape")
    run = python("-m", "serving.lookup", "--releases", str(root), "--json", request)
    assert run.returncode == 0 and json.loads(run.stdout)["raw_query"] == request


def test_the_list_marks_current_hold_and_what_is_verified(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = night(root, 20), night(root, 21)
    third = write(root, run_date="2026-11-22")
    (root / second / "grammar.json").unlink()
    assert release(["pin", first, "--releases", str(root)]) == 0
    capsys.readouterr()
    assert release(["list", "--releases", str(root)]) == 0
    head, *rows, foot = capsys.readouterr().out.splitlines()
    assert head.split() == ["release", "run_date", "entries", "size", "age", "marks"]
    assert [row.split("  ")[0] for row in rows] == [third, second, first]
    assert rows[0].endswith("  not verified") and rows[1].endswith("  changed")
    assert rows[2].endswith("  CURRENT HOLD VERIFIED") and rows[2].split()[:3] == [first, "2026-11-20", "1"]
    assert foot.startswith("HOLD since") and "(pin)" in foot


def test_verify_names_each_damaged_file_and_exits_1(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = night(root, 20), night(root, 21)
    (root / bad / "grammar.json").unlink()
    (root / bad / "rankings.lmdb").chmod(0o644)
    with (root / bad / "rankings.lmdb").open("ab") as stream:
        stream.write(b"x")
    assert release(["verify", "--releases", str(root)]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f"{good}: good, 1 entries") and err.count("\n") == 1
    assert "grammar.json: missing" in err and "rankings.lmdb:" in err
    assert release(["verify", good, "--releases", str(root)]) == 0
    assert release(["verify", "2026-01-01-0123456789ab", "--releases", str(root)]) == 2


def test_dump_writes_the_contracts_lines(root: Path, published: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert release(["dump", "--releases", str(root)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(row) for row in rows] == [["locale", "need", "tracks"]] * 3
    assert rows[2]["tracks"] == [{"track_id": "t3", "score": 1.5}]
    assert release(["dump", "--full", "--releases", str(root)]) == 0
    more = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert more[:3] == rows and {"locale": "en-US", "wording": "hullo", "need": "title=hello"} in more
    assert {"kind": "title", "name": "hello", "popularity": 50.0, "tracks": ["t1", "t2"]} in more
    assert list(more[-1]) == ["grammar_sha256", "normal_form_version"]


def test_rollback_resume_and_their_words(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = night(root, 20), night(root, 21)
    assert release(["rollback", "--releases", str(root)]) == 0
    assert f"from {second} to {first}" in capsys.readouterr().out
    assert release(["resume", "--releases", str(root)]) == 0
    assert capsys.readouterr().out == f"HOLD is lifted; CURRENT is {first}\n"
    assert release(["rollback", "--releases", str(root)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("command", ["list", "verify", "rollback", "resume", "dump"])
def test_without_releases_every_command_is_one_line_and_exit_2(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release([command, "--releases", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["pin"], ["burn"], [], ["list", "--release"]])
def test_bad_arguments_are_one_line_and_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        release(arguments)
    assert ended.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_a_closed_pipe_ends_quietly(root: Path) -> None:
    publish(root, write(root, [entry("en-US", f"title=q{n}", ("t1", 1.0)) for n in range(5000)], built_at=BUILT_AT), 3)
    command = f"{sys.executable} -m serving.release dump --releases {root} | head -1"
    run = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, timeout=60)
    assert (run.returncode, run.stderr, run.stdout.count(b"\n")) == (0, b"", 1)
