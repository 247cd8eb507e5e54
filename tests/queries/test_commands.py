"""The commands as their users call them: by subprocess, with good, blank, hostile and wrong input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXPLAIN_FIELDS = [
    "raw_query",
    "query",
    "stripped",
    "language",
    "is_music",
    "intent",
    "slots",
    "constraints",
    "key",
    "need",
    "entities",
    "answers_as",
    "reasons",
]


def run(*arguments, text=b""):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        input=text,
        capture_output=True,
        cwd=ROOT,
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)},
    )


def test_explain_json_line_by_line(catalog_file):
    lines = ["play Hello by Adele", "", "ponme algo de rock de los noventa", "\x00\x1b[31m ' \" {} 🔥", "x" * 5000]
    done = run(
        "queries.explain", "--catalog", str(catalog_file), "--json", text="\n".join(lines).encode() + b"\n\xff\xfe\n"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert len(answers) == 6
    assert all(list(answer) == EXPLAIN_FIELDS for answer in answers)
    assert [answer["raw_query"] for answer in answers[:5]] == lines
    hello, blank, rock, *_ = answers
    assert hello["slots"] == [{"type": "title", "value": "Hello"}, {"type": "artist", "value": "Adele"}]
    assert {"kind": "track", "id": "t01", "score": 1.0} in hello["entities"]
    assert (blank["query"], blank["intent"], blank["is_music"]) == ("", "not_music", False)
    assert (rock["language"], rock["key"]) == ("es", "decade=1990|genre=rock")
    assert rock["constraints"]["genre"] == ["rock"] and rock["constraints"]["decade"] == [1990]


def test_explain_draws_a_card_with_reasons():
    done = run("queries.explain", "ponme rock de los noventa")
    assert done.returncode == 0
    card = done.stdout.decode()
    assert "decade=1990|genre=rock" in card and "noventa" in card and "because" in card


def test_link_json(catalog_file):
    done = run(
        "queries.link", "--catalog", str(catalog_file), "--top", "2", "--json", text=b"hello\n\nbohemain rapsody\n"
    )
    assert (done.returncode, done.stderr) == (0, b"")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["track_id"] for one in answers[0]["candidates"]] == ["t01", "t02"]
    assert answers[1] == {"raw_query": "", "candidates": []}
    assert answers[2]["candidates"][0]["track_id"] == "t16"


@pytest.mark.parametrize("command", ["queries.explain", "queries.link"])
def test_a_catalog_that_is_not_json_is_one_line_and_exit_2(tmp_path, command):
    bad = tmp_path / "bad.jsonl"
    bad.write_text("track_id,title\n")
    for path in (bad, tmp_path / "none.jsonl"):
        done = run(command, "--catalog", str(path), "--json", text=b"hello\n")
        assert (done.returncode, done.stdout) == (2, b"")
        assert len(done.stderr.decode().splitlines()) == 1 and str(path) in done.stderr.decode()


def test_what_serving_and_the_commands_import():
    heavy = {"pyspark", "pandas", "numpy", "lightgbm", "rapidfuzz"}
    code = "import sys, {}; print(sorted({} & set(sys.modules)))"
    for modules, banned in (
        ("queries.text.normalise, queries.text.carrier", heavy | {"rich", "scipy"}),
        ("queries.explain, queries.link, queries.catalog.linker", heavy),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code.format(modules, sorted(banned).__repr__().replace("[", "{").replace("]", "}"))],
            capture_output=True,
            cwd=ROOT,
            timeout=60,
            check=True,
        )
        assert done.stdout.strip() == b"[]", modules


def test_a_run_of_explain_loads_neither_spark_nor_pandas(catalog_file):
    code = (
        "import sys; from queries.explain import main; main(['--catalog', sys.argv[1], '--json', 'play hello']); "
        "sys.exit(bool({'pyspark', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(catalog_file)], capture_output=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
