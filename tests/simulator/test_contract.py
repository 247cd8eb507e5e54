"""Every row of every folder keeps the input contract."""

from __future__ import annotations

import gzip
import json

import pandas as pd
import pyarrow.parquet as pq

WORDS = ("days=4", "searches_per_day=1500", "jsonl_days=1")


def test_folders_and_marker(simulated):
    out = simulated(*WORDS).out
    assert (out / "logs" / "_SIMULATED").is_file()
    for kind in ("searches", "events"):
        folders = sorted((out / "logs" / kind).iterdir())
        assert [f.name for f in folders] == [f"date=2026-10-0{d}" for d in (1, 2, 3, 4)]
        assert all((f / "_SUCCESS").is_file() for f in folders)
        assert [p.name for p in sorted(folders[0].glob("part*"))] == ["part-00000.parquet"]
        assert [p.name for p in sorted(folders[3].glob("part*"))] == ["part-00000.jsonl.gz"]


def test_parquet_types(simulated):
    out = simulated(*WORDS).out
    searches = pq.read_schema(out / "logs/searches/date=2026-10-01/part-00000.parquet")
    events = pq.read_schema(out / "logs/events/date=2026-10-01/part-00000.parquet")
    assert {f.name: str(f.type) for f in searches} == {
        "search_id": "string",
        "user_id": "string",
        "ts": "string",
        "client": "string",
        "locale": "string",
        "raw_query": "string",
        "results": "list<element: string>",
        "variant": "string",
        "propensity": "double",
    }
    assert {f.name: str(f.type) for f in events} == {
        "event_id": "string",
        "search_id": "string",
        "track_id": "string",
        "position": "int32",
        "ts": "string",
        "kind": "string",
        "dwell_ms": "int64",
    }


def test_json_lines_hold_the_same_form(simulated):
    folder = simulated(*WORDS).out / "logs"
    row = json.loads(
        gzip.decompress((folder / "searches/date=2026-10-04/part-00000.jsonl.gz").read_bytes()).splitlines()[0]
    )
    assert list(row) == [
        "search_id",
        "user_id",
        "ts",
        "client",
        "locale",
        "raw_query",
        "results",
        "variant",
        "propensity",
    ]


def test_every_search_row(simulated):
    world = simulated(*WORDS)
    s = world.log("searches")
    catalog = {row["track_id"] for row in world.catalog()}
    assert s.drop_duplicates("search_id").groupby(s.ts.str[:10]).size().eq(1500).all()
    assert s.ts.str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z").all()
    behind = (pd.to_datetime(s.folder) - pd.to_datetime(s.ts.str[:10])).dt.days
    assert behind.isin([0, 1]).all() and (behind == 0).mean() > 0.99
    assert s.client.isin(["alexa", "mobile", "web", "firetv"]).all()
    assert set(s.locale) == {"en-US", "en-GB", "es-ES", "es-MX", "es-US"}
    assert s.propensity.between(0, 1, inclusive="right").all()
    assert s.raw_query.str.len().between(1, 200).all() and (s.raw_query == s.raw_query.str.strip()).all()
    for results in s.results:
        assert 1 <= len(results) <= 10 and len(set(results)) == len(results) and catalog.issuperset(results)


def test_every_event_row(simulated):
    world = simulated(*WORDS)
    e = world.log("events").drop_duplicates("event_id")
    s = world.log("searches").drop_duplicates("search_id").set_index("search_id")
    assert e.kind.isin(["play", "skip", "complete", "stop", "click", "save", "add", "like", "dislike"]).all()
    assert e.search_id.isin(s.index).all()
    shown = [results[p - 1] for results, p in zip(s.results[e.search_id], e.position, strict=True)]
    assert (e.track_id == shown).all()
    since = (pd.to_datetime(e.ts).array - pd.to_datetime(s.ts[e.search_id]).array).total_seconds()
    assert (since >= 0).all()
    behind = (pd.to_datetime(e.folder) - pd.to_datetime(e.ts.str[:10])).dt.days
    assert behind.between(0, 2).all()
    assert e.dwell_ms.isna().eq(e.kind == "click").all() and (e.dwell_ms.dropna() >= 0).all()


def test_dwell_is_cumulative_along_a_chain(simulated):
    e = simulated(*WORDS).log("events").drop_duplicates("event_id").dropna(subset="dwell_ms")
    e = e.sort_values(["search_id", "position", "ts"], kind="stable")
    step = e.groupby(["search_id", "position"]).dwell_ms.diff().dropna()
    assert len(step) > 1000 and (step >= 0).all()


def test_late_and_duplicate_rows(simulated):
    world = simulated("days=6", "searches_per_day=4000")
    for kind, key in (("searches", "search_id"), ("events", "event_id")):
        rows = world.log(kind)
        content = rows.drop(columns="folder").assign(
            **({"results": rows.results.map(tuple)} if kind == "searches" else {})
        )
        copies = content[content.duplicated(key, keep=False)]
        assert 0.003 < rows[key].duplicated().mean() < 0.014, kind
        assert copies.groupby(key).nunique(dropna=False).eq(1).all(axis=None), "copies have the same content"
    late = world.log("events").drop_duplicates("event_id").query("ts < '2026-10-05'")
    behind = (pd.to_datetime(late.folder) - pd.to_datetime(late.ts.str[:10])).dt.days
    assert 0.007 < (behind > 0).mean() < 0.023 and set(behind) == {0, 1, 2}


def test_catalog_is_varied(simulated):
    t = pd.DataFrame(simulated(*WORDS).catalog())
    assert len(t) >= 5000 and t.track_id.is_unique and t.track_id.str.fullmatch("[0-9A-Za-z]{22}").all()
    assert t.artists.str[0].nunique() >= 800
    genres = set(t.genres.explode())
    assert (
        len(genres) >= 25 and {"reggaeton", "salsa", "bachata", "cumbia", "flamenco", "ranchera", "latin pop"} <= genres
    )
    shared = t.groupby(t.title).artists.agg(lambda a: len({x[0] for x in a}))
    assert all(shared[name] >= 15 for name in ("Hello", "Home", "Corazón"))
    assert {"Play", "Ponme la Mano"} <= set(t.title)
    assert set(t.release_date.dropna().str.len()) == {4, 7, 10} and t.release_date.isna().any()
    years = t.release_date.dropna().str[:4].astype(int)
    assert years.min() < 1960 and years.max() == 2026 and t.release_date.dropna().max() < "2026-10-01"
    assert t.popularity.isna().any() and t.popularity.dropna().between(0, 100).all() and t.popularity.max() > 70
    for version in ("Live", "Remix", "Karaoke", "En Vivo"):
        assert t.title.str.contains(version).any()
    assert t.duplicated(["title"], keep=False).any() and t.moods.notna().any()
