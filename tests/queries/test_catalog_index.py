"""The catalog index: exact look-up, order of ties, and clear errors."""

import gzip
import json
import os
import time
from pathlib import Path

import pytest

from queries.catalog.index import CatalogIndex, CatalogUnreadable, load_catalog


def test_lookup_is_folded_and_the_most_popular_first(catalog):
    def ids(rows):
        return [catalog.track_ids[row] for row in rows]

    assert ids(catalog.titles["hello"]) == ["t01", "t02"]
    assert ids(catalog.artists["queen"]) == ["t16", "t17"]
    assert (
        ids(catalog.titles["bohemian rhapsody"]) == ids(catalog.titles["bohemian rhapsody remastered 2011"]) == ["t16"]
    )
    assert ids(catalog.titles["hips dont lie"]) == ["t12"]
    assert ids(catalog.artists["simon y garfunkel"]) == ids(catalog.artists["simon and garfunkel"]) == ["t11"]
    assert ids(catalog.albums["25"]) == ["t01", "t20"]


def test_ties_are_broken_by_track_id_whatever_the_order_of_the_file(rows):
    same = [{**rows[0], "track_id": name, "popularity": 5} for name in ("c", "a", "b")]
    for order in (same, same[::-1]):
        index = CatalogIndex.of(order)
        assert [index.track_ids[row] for row in index.titles["hello"]] == ["a", "b", "c"]


def test_vocabulary_knows_compact_names_articles_and_pairs(catalog):
    names = catalog.vocabulary
    assert names.artist("acdc") == names.artist("ac dc") == "ac dc"
    assert names.artist("beatles") == names.artist("the beatles") == "the beatles"
    assert names.artist("adeles") == "adele"
    assert names.artist("nobody at all") is None
    assert names.has_pair("hello", "adele") and not names.has_pair("hello", "queen")
    assert names.titles["hello"] == 90 and names.titles["song nobody rated"] == 0


def test_parquet_json_and_folders_give_the_same_index(tmp_path, rows, catalog):
    import pyarrow as pa
    from pyarrow import parquet

    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:9]), encoding="utf-8")
    parquet.write_table(pa.Table.from_pylist(rows[9:]), folder / "b.parquet")
    loaded = load_catalog(folder)
    assert (loaded.track_ids, loaded.titles, loaded.artists) == (catalog.track_ids, catalog.titles, catalog.artists)


@pytest.mark.parametrize(
    "content",
    [
        b"not json\n",
        b"[1]\n",
        b'{"track_id": "a"}\n',
        b'{"track_id": "a", "title": "b", "artis',
        b'{"track_id": "a", "title": "b", "artists": "Adele"}\n',
        b"\xff\xfe\n",
        b'{"track_id": "a", "title": "b", "artists": [], "popularity": "high"}\n',
        b"[" * 100_000,
    ],
)
def test_what_is_no_catalog_is_one_line_that_names_the_file(tmp_path, content):
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(content)
    with pytest.raises(CatalogUnreadable, match=r"^catalog .*bad\.jsonl row 1: expected .* found .*\.$") as caught:
        load_catalog(bad)
    assert "\n" not in str(caught.value)


def test_a_missing_and_a_cut_file(tmp_path):
    with pytest.raises(CatalogUnreadable, match="no such file"):
        load_catalog(tmp_path / "none.jsonl")
    with pytest.raises(CatalogUnreadable, match="found none"):
        load_catalog(tmp_path)
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(b'{"track_id": "a", "title": "b", "artists": []}\n' * 500)[:60])
    with pytest.raises(CatalogUnreadable, match="row"):
        load_catalog(cut)


@pytest.mark.skipif("PLAYFIRST_DATA" not in os.environ, reason="PLAYFIRST_DATA names no folder of real data")
def test_the_real_catalog_loads_fast_and_small():

    path = Path(os.environ["PLAYFIRST_DATA"]) / "catalog" / "tracks.jsonl.gz"
    start = time.process_time()
    index = load_catalog(path)
    assert len(index) == 144_409
    assert time.process_time() - start < 15
    assert index.track_ids[index.titles["hello"][0]]
