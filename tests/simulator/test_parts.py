"""Small parts against hand-made cases: titles, errors, propensities, ids, the command line, bad catalogs."""

from __future__ import annotations

import gzip
import json
import os
import random
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from simulator.arrays import hashed_noise, hex_ids, iso_times, zipf_shares
from simulator.behaviour import drawn_behaviour
from simulator.generate import main
from simulator.lexicon import AUDIO, feelings
from simulator.made_catalog import moods_of
from simulator.noise import misheard, mistyped
from simulator.policy import perturbed
from simulator.settings import WORLDS, BadSimulation, settings_from
from simulator.tracks import bare_title


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("Hello", "Hello"),
        ("Hello - Live at Wembley", "Hello"),
        ("Hello (Karaoke Version)", "Hello"),
        ("Sola - En Vivo", "Sola"),
        ("Hello (feat. Somebody)", "Hello"),
        ("Hello, Goodbye - Remastered 2009", "Hello, Goodbye"),
        ("Live Forever", "Live Forever"),
    ],
)
def test_bare_title(title, bare):
    assert bare_title(title) == bare


def test_errors_change_the_text_a_little():
    heard = {misheard("play happy music", "en", random.Random(k)) for k in range(40)}
    typed = {mistyped("música para correr", random.Random(k)) for k in range(40)}
    assert len(heard) > 5 and "musica para correr" in typed and len(typed) > 5
    assert all(abs(len(x) - len("música para correr")) <= 1 for x in typed)


def test_perturbed_lists_and_their_probabilities():
    lists = np.tile(np.array([5, 6, 7, -1, -1, -1, -1, -1, -1, -1], dtype=np.int32), (40_000, 1))
    is_voice = np.arange(40_000) % 2 == 0
    out = perturbed(lists, is_voice, np.random.default_rng(1))
    voice = {(5, 6, 7): 0.9, (6, 5, 7): 0.1 * (1 / 2) / (1 / 2 + 1 / 3), (7, 5, 6): 0.1 * (1 / 3) / (1 / 2 + 1 / 3)}
    screen = {(5, 6, 7): 0.9, (6, 5, 7): 0.05, (5, 7, 6): 0.05}
    for rows, expected in ((is_voice, voice), (~is_voice, screen)):
        seen = [tuple(r[:3]) for r in out.results[rows].tolist()]
        assert set(seen) == set(expected)
        assert np.allclose(out.propensity[rows], [expected[s] for s in seen])
        for each, chance in expected.items():
            assert abs(seen.count(each) / len(seen) - chance) < 0.01
    one = np.full((3, 10), -1, dtype=np.int32)
    one[:, 0] = 4
    assert (perturbed(one, np.array([True, False, True]), np.random.default_rng(1)).propensity == 1).all()


def test_ids_times_and_noise():
    ids = hex_ids("s", 7, np.arange(10_000)).to_pylist()
    assert (
        len(set(ids)) == 10_000
        and all(len(i) == 17 for i in ids[:10])
        and ids[:3] != hex_ids("s", 8, np.arange(3)).to_pylist()
    )
    assert iso_times(np.array([0, 1_790_812_799_999])).to_pylist() == [
        "1970-01-01T00:00:00.000Z",
        "2026-09-30T23:59:59.999Z",
    ]
    noise = hashed_noise(7, np.arange(20_000))
    assert abs(noise.mean()) < 0.03 and abs(noise.std() - 1) < 0.03
    assert np.allclose(zipf_shares(3, 1.0), [6 / 11, 3 / 11, 2 / 11])


def test_behaviour_is_drawn_per_seed_inside_the_ranges():
    drawn = [drawn_behaviour("default", 28, np.random.default_rng(k)) for k in range(5)]
    assert len({b["false_click"] for b in drawn}) == 5 and all(0.02 <= b["false_click"] <= 0.06 for b in drawn)
    assert all(0 < b.policies[1].first_day < b.policies[2].first_day < 28 for b in drawn)
    position = drawn_behaviour("position", 28, np.random.default_rng(1))
    assert (position.examination_power == 1).all() and position["false_click"] == 0 and position.client_share[0] == 0
    assert {p.stem for p in WORLDS.glob("*.yaml")} == {
        "default",
        "position",
        "trust",
        "voice",
        "drift",
        "popular_is_wrong",
        "tiring",
    }


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["out=x", "seeds=3"], "unknown key 'seeds': did you mean 'seed'?"),
        (["out=x", "days=many"], "days=many: expected a whole number"),
        (["out=x", "days=0"], "days=0: expected 1 to"),
        (["out=x", "world=positions"], "did you mean 'position'?"),
        (["out=x", "first_date=2026-13-01"], "expected YYYY-MM-DD"),
        (["out=x", "seed=1", "seed=2"], "given twice"),
        (["out=x", "fast"], "expected key=value"),
        (["days=2"], "key 'out' is missing"),
        (["out=s3a://bucket/x"], "out=s3a://bucket/x: expected a local path"),
        (["out=x", "catalog=hdfs:/c.jsonl"], "catalog=hdfs:/c.jsonl: expected a local path"),
    ],
)
def test_bad_arguments(words, says, capsys):
    with pytest.raises(BadSimulation) as raised:
        settings_from(words)
    assert says in str(raised.value)
    assert main(words) == 2
    err = capsys.readouterr().err
    assert err.startswith("simulator: ") and err.count("\n") == 1


def test_settings():
    s = settings_from(["out=x", "first_date=2025-02-03", "days=2"])
    assert (s.out, s.first_date, s.days, s.seed, s.jsonl_days) == ("x", date(2025, 2, 3), 2, 7, 0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not json\n", "line 1"),
        (b'{"track_id": "a"}\n', "title: expected str, found null"),
        (b"[1]\n", "expected an object"),
        (b"\xff\xfe\n", "utf-8"),
        (b'{"track_id": "a", "title": "b", "artists": ["c"], "popularity": "high"}\n', "popularity: expected int"),
        (b'{"track_id": "a", "title": "b", "artists": ["c"]}\n', "at least 100 tracks"),
    ],
)
def test_bad_catalog_is_one_line(tmp_path, content, says, capsys):
    file = tmp_path / "catalog.jsonl"
    file.write_bytes(content)
    assert main([f"out={tmp_path / 'out'}", f"catalog={file}"]) == 2
    err = capsys.readouterr().err
    assert says in err and str(file) in err and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_cut_gzip_and_missing_catalog(tmp_path, capsys):
    file = tmp_path / "catalog.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"track_id": "a"}\n' * 500)[:-20])
    assert main([f"out={tmp_path / 'out'}", f"catalog={file}"]) == 2
    assert main([f"out={tmp_path / 'out'}", f"catalog={tmp_path / 'none'}"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_real_logs_are_never_overwritten(tmp_path, capsys):
    (tmp_path / "logs" / "searches").mkdir(parents=True)
    (tmp_path / "logs" / "searches" / "real.jsonl").write_text("{}\n")
    assert main([f"out={tmp_path}", "days=1", "searches_per_day=50"]) == 2
    assert "_SIMULATED" in capsys.readouterr().err and (tmp_path / "logs" / "searches" / "real.jsonl").exists()


def test_own_catalog_file_and_parquet(tmp_path, simulated):
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = simulated("days=1", "searches_per_day=300", "world=default").catalog()[:3000]
    for row in rows[:50]:
        row |= {"genres": None, "audio": None, "release_date": None, "popularity": None, "unknown": 1}
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c.parquet")
    assert main([f"out={tmp_path / 'out'}", f"catalog={tmp_path / 'c.parquet'}", "days=1", "searches_per_day=300"]) == 0
    back = pd.read_json(tmp_path / "out" / "catalog.jsonl.gz", lines=True)
    assert back.track_id.tolist() == [r["track_id"] for r in rows] and "unknown" not in back


@pytest.mark.parametrize("world", ["position", "voice", "drift"])
def test_a_bare_catalog_and_a_tiny_day(tmp_path, world):
    rows = [{"track_id": f"t{i}", "title": f"Song {i % 60}", "artists": [f"Band {i % 9}"]} for i in range(120)]
    (tmp_path / "c.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    words = [f"out={tmp_path / 'out'}", f"catalog={tmp_path / 'c.jsonl'}", "days=1", "searches_per_day=20"]
    assert main([*words, f"world={world}"]) == 0


def test_a_catalog_nobody_could_ask_for(tmp_path, capsys):
    rows = [{"track_id": f"t{i}", "title": "夜に駆ける", "artists": ["夜"]} for i in range(120)]
    (tmp_path / "c.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    assert main([f"out={tmp_path / 'out'}", f"catalog={tmp_path / 'c.jsonl'}", "days=1", "searches_per_day=20"]) == 2
    assert "at least 5 artists" in capsys.readouterr().err


@pytest.mark.skipif(not os.environ.get("PLAYFIRST_DATA"), reason="PLAYFIRST_DATA is not set: no real catalog")
def test_real_catalog_plays_the_well_known_hello(tmp_path):
    import pandas as pd
    import pyarrow.parquet as pq

    real = gzip.decompress((Path(os.environ["PLAYFIRST_DATA"]) / "catalog" / "tracks.jsonl.gz").read_bytes())
    lines = [x for i, x in enumerate(real.decode().splitlines()) if i % 20 == 0 or '"title": "Hello"' in x]
    catalog = tmp_path / "sample.jsonl"
    catalog.write_text("\n".join(lines))
    assert main([f"out={tmp_path}", f"catalog={catalog}", "days=2", "searches_per_day=4000"]) == 0
    truth = tmp_path / "truth"
    needs, searches = (
        pq.read_table(truth / "needs.parquet").to_pandas(),
        pq.read_table(truth / "searches.parquet").to_pandas(),
    )
    hello = searches.merge(needs[(needs.kind == "title") & needs.slots.str.contains('"title": "Hello"')], on="need_id")
    meant = hello.slots.map(json.loads).str["meant_artist"].value_counts()
    assert meant.idxmax() == "Adele" and isinstance(meant, pd.Series) and meant["Adele"] > 10


def test_a_public_mood_tag_does_not_tell_the_hidden_fit():
    """Tags agree with the truth's idea of a mood more often than chance (the ideas are alike), but far from always."""
    moods = [f for f in feelings() if f.kind == "mood"]
    draw, agreed, told = np.random.default_rng(3), 0, 0
    for values in draw.random((2_000, 6)):
        audio = dict(zip(AUDIO[:5], values, strict=False)) | {"tempo": 60 + 120 * values[5]}
        best = moods[int(np.argmax([f.fit @ (values - 0.5) / np.linalg.norm(f.fit) for f in moods]))].name
        if tags := moods_of(audio):
            told, agreed = told + 1, agreed + (tags[0] == best)
    assert told > 500 and 2 / len(moods) < agreed / told < 0.95
