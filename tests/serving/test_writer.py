"""What write_release writes, cuts, refuses, and that it writes it the same way each time."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import lmdb
import pytest

from queries.text.normalise import NORMAL_FORM_VERSION
from serving.content import Entry, Name, Names, TrackInfo, Variant, hash_of_dump
from serving.errors import ReleaseExists, ReleaseInput
from serving.layout import MANIFEST_MUST_HOLD
from serving.manifest import read_manifest
from serving.mapped import mapped
from serving.verify import dump
from serving.writer import publish
from tests.serving.conftest import BUILT_AT, GRAMMAR, HELLO, SAID, TRACKS, entry, write


def hash_of_content(root: Path) -> str:
    lines = dump(mapped(root / write(root) / "rankings.lmdb"), GRAMMAR, NORMAL_FORM_VERSION)
    return hash_of_dump(lines, 2)


def test_the_same_rankings_give_the_same_bytes(tmp_path: Path) -> None:
    many = [entry("en-US", f"title=query {n}", ("t1", n / 7), ("t3", 0.5)) for n in range(3000)]
    one = write(tmp_path / "a", many)
    other = write(tmp_path / "b", reversed(many), built_at="2026-11-22T05:00:00Z")
    assert one == other
    for name in ("rankings.lmdb", "grammar.json"):
        assert (tmp_path / "a" / one / name).read_bytes() == (tmp_path / "b" / other / name).read_bytes()


def test_another_process_gives_the_same_bytes(tmp_path: Path) -> None:
    here = write(tmp_path / "a")
    code = "import sys, pathlib; from tests.serving.conftest import write; print(write(pathlib.Path(sys.argv[1])))"
    run = [sys.executable, "-c", code, str(tmp_path / "b")]
    there = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    assert there == here
    digests = [hashlib.sha256((tmp_path / d / here / "rankings.lmdb").read_bytes()).hexdigest() for d in "ab"]
    assert digests[0] == digests[1]


def test_the_id_is_the_date_and_the_content_hash(root: Path) -> None:
    assert write(root) == "2026-11-21-" + hash_of_content(root)[:12]
    assert [path.name for path in root.iterdir() if path.is_dir()] == [write(root)]


def test_the_dump_gives_back_what_went_in(root: Path) -> None:
    release_id = write(root)
    rows = [json.loads(line) for line in dump(mapped(root / release_id / "rankings.lmdb"))]
    assert [(row["locale"], row["need"]) for row in rows] == [
        ("*", "open"),
        ("en-US", "title=hello"),
        ("es", "genre=mariachi"),
    ]
    assert rows[1]["tracks"] == [{"track_id": "t1", "score": 0.899999976}, {"track_id": "t2", "score": 0.100000001}]


def test_a_dumped_release_written_again_has_the_same_content(root: Path, tmp_path: Path) -> None:
    release_id = write(root)
    rows = [json.loads(line) for line in dump(mapped(root / release_id / "rankings.lmdb"), GRAMMAR)]
    others: dict[tuple[str, str], list[Variant]] = {}
    for r in rows:
        if "variant" in r:
            others.setdefault((r["locale"], r["need"]), []).append(Variant(r["probability"], tuple(r["tracks"])))
    again = [
        entry(
            r["locale"],
            r["need"],
            *((t["track_id"], t["score"]) for t in r["tracks"]),
            variants=tuple(others.get((r["locale"], r["need"]), ())),
        )
        for r in rows
        if "need" in r and "tracks" in r and "variant" not in r
    ]
    assert write(tmp_path / "again", again) == release_id


def test_the_manifest_is_complete(root: Path) -> None:
    release_id = write(root)
    content = json.loads((root / release_id / "manifest.json").read_text())
    assert content["counts"] == {
        "entries": 3,
        "ranked_tracks": 6,
        "locales": 3,
        "tracks": 3,
        "reasons": 1,
        "wordings": 2,
        "names": 6,
        "numbered": 6,
        "pairs": 4,
        "compact": 3,
        "variants": 1,
        "sounds": content["counts"]["sounds"],
        "trigrams": content["counts"]["trigrams"],
    }
    assert content["counts"]["sounds"] > 6 and content["counts"]["trigrams"] > 30
    assert {key: content[key] for key in MANIFEST_MUST_HOLD} == SAID
    assert content["built"] == {"at": BUILT_AT} and content["run_date"] == "2026-11-21"
    assert content["content_sha256"] == hash_of_content(root)
    assert content["format_version"] == 2 and content["normal_form_version"] >= 1 and content["cut"] == {}
    for name, file in content["files"].items():
        raw = (root / release_id / name).read_bytes()
        assert (len(raw), hashlib.sha256(raw).hexdigest()) == (file["bytes"], file["sha256"])
    assert set(content["files"]) == {"rankings.lmdb", "grammar.json"}


@pytest.mark.parametrize("missing", MANIFEST_MUST_HOLD)
def test_a_manifest_that_says_too_little_is_refused(root: Path, missing: str) -> None:
    with pytest.raises(ReleaseInput, match=f"manifest lacks {missing}"):
        write(root, said={key: value for key, value in SAID.items() if key != missing})
    assert not root.exists()


@pytest.mark.parametrize("at", [None, "yesterday", "2026-11-22T02:14:03", "2026-11-22T02:14+01:00"])
def test_a_build_instant_that_is_not_utc_is_refused(root: Path, at: str | None) -> None:
    with pytest.raises(ReleaseInput, match=r"built\.at"):
        write(root, built_at=at)


def test_a_value_that_json_does_not_know_is_refused(root: Path) -> None:
    with pytest.raises(ReleaseInput, match=r"manifest\.json"):
        write(root, said={**SAID, "coverage": float("nan")})
    assert not any(root.iterdir())


def test_a_grammar_that_does_not_load_is_refused(root: Path) -> None:
    with pytest.raises(ReleaseInput, match="grammar not written"):
        write(root, grammar=b"not json")


def varied(*variants: tuple[float, list[str]]) -> Entry:
    others = tuple(Variant(probability, tuple(tracks)) for probability, tracks in variants)
    return entry("en-US", "x", ("t1", 1.0), ("t2", 0.5), variants=others)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([], "no entry"),
        ([HELLO, HELLO], "given twice"),
        ([entry("en-US", "x")], "no tracks"),
        ([entry("en-US", "x", ("t1", 1.0), ("t1", 0.5))], "'t1' twice"),
        ([entry("en-US", "x", ("t9", 1.0))], "not in the catalog"),
        ([entry("en-US", "x", ("t1", float("nan")))], "finite float32"),
        ([entry("en-US", "x", ("t1", 1e39))], "finite float32"),
        ([entry("en-US", "x" * 481, ("t1", 1.0))], "481 bytes"),
        ([entry("en-US", "ñ" * 241, ("t1", 1.0))], "482 bytes"),
        ([entry("en-US", "", ("t1", 1.0))], "0 bytes"),
        ([entry("en-US", "a\0b", ("t1", 1.0))], "zero bytes"),
        ([entry("en-US", "a\ud800", ("t1", 1.0))], "expected UTF-8"),
        ([entry("en US", "x", ("t1", 1.0))], "BCP-47"),
        ([entry("en-" + "a" * 28, "x", ("t1", 1.0))], "BCP-47"),
        ([varied((0.0, ["t1"]))], "each above 0 and a sum below 1"),
        ([varied((0.5, ["t1"]), (0.5, ["t1"]))], "each above 0 and a sum below 1"),
        ([varied((0.1, ["t1", "t1"]))], "a track twice"),
        ([varied((0.1, ["t3"]))], "one that its list lacks"),
        ([varied((0.1, []))], "a variant of 0 tracks"),
        ([varied((0.1, ["t1"]), (0.1, ["t1", "t2"]))], "in all variants the same"),
        ([varied(*[(0.1, ["t1"])] * 4)], "4 variants"),
        ([entry("en-US", "x", ("t1", 1.0), reasons=("r",) * 11)], "11 reasons"),
    ],
)
def test_broken_rules_are_refused_and_leave_nothing(root: Path, bad: list[Entry], why: str) -> None:
    with pytest.raises(ReleaseInput, match=why):
        write(root, bad)
    assert not root.exists() or not any(root.iterdir())


def test_all_broken_rules_are_named_at_once(root: Path) -> None:
    with pytest.raises(ReleaseInput, match=r"2 broken rules: .*no tracks.*; .*not in the catalog"):
        write(root, [entry("en-US", "x"), entry("en-US", "y", ("t9", 1.0))])


def test_the_longest_key_is_written_and_found(root: Path) -> None:
    locale = "en-" + "a" * 27
    release_id = write(root, [entry(locale, "x" * 480, ("t1", 1.0))])
    assert f'"need": "{"x" * 480}"' in next(iter(dump(mapped(root / release_id / "rankings.lmdb"))))


def test_every_value_stays_under_2000_bytes_and_cuts_are_counted(root: Path) -> None:
    tracks = {f"t{n:03d}": TrackInfo(f"t{n:03d}", "é" * 2000, ("ñ" * 700,) * 40) for n in range(300)}
    scored = [(name, 1.0) for name in tracks]
    release_id = write(root, [entry("en-US", "long", *scored, reasons=("r" * 999,) * 10)], tracks=tracks)
    stored = mapped(root / release_id / "rankings.lmdb")
    with stored.env.begin() as txn:
        for name, table in stored.tables.items():
            assert name == "trigrams" or all(len(value) < 2000 for _, value in txn.cursor(table))
        assert txn.stat(stored.tables["tracks"])["entries"] == 203  # and three of names
    cut = read_manifest(root / release_id).content["cut"]
    assert cut["tracks_beyond_200"] == 100 and cut["titles"] == 200 and cut["reasons"] == 10 and cut["artists"] > 0


def test_an_entry_of_200_tracks_stays_in_one_page(root: Path) -> None:
    tracks = {f"t{n:03d}": TrackInfo(f"t{n:03d}", "T") for n in range(200)}
    many = [entry("en-US", f"query {n}", *((name, 1.0) for name in tracks)) for n in range(50)]
    release_id = write(root, many, tracks=tracks)
    stored = mapped(root / release_id / "rankings.lmdb")
    with stored.env.begin() as txn:
        assert txn.stat(stored.tables["needs"])["overflow_pages"] == 0


def test_names_that_cannot_be_keys_and_tracks_beyond_ten_are_left_out(root: Path) -> None:
    tracks = {f"t{n:02d}": TrackInfo(f"t{n:02d}", "Many") for n in range(12)}
    names = Names({"title": {"many": Name(1.0, tuple(tracks)), "x" * 481: Name(1.0, ("t01",)), "": Name(1.0)}})
    release_id = write(root, tracks=tracks, names=names)
    stored = mapped(root / release_id / "rankings.lmdb")
    with stored.env.begin() as txn:
        [(key, value)] = list(txn.cursor(stored.tables["names"]))
    assert (key, len(value)) == (b"tmany", 8 + 4 * 10)
    assert read_manifest(root / release_id).content["cut"] == {"names": 2}


@pytest.mark.parametrize("wordings", [{("en US", "x"): "open"}, {("en", ""): "open"}, {("en", "x"): "a\0b"}])
def test_a_wording_that_cannot_be_a_key_is_refused(root: Path, wordings: dict[tuple[str, str], str]) -> None:
    with pytest.raises(ReleaseInput, match="a wording and a need that can be keys"):
        write(root, wordings=wordings)


def test_equal_content_written_twice_is_left_alone(root: Path) -> None:
    first = write(root)
    inode = (root / first / "rankings.lmdb").stat().st_ino
    assert write(root, built_at="2026-11-22T09:00:00Z") == first
    assert (root / first / "rankings.lmdb").stat().st_ino == inode
    assert json.loads((root / first / "manifest.json").read_text())["built"]["at"] == BUILT_AT


def test_other_titles_replace_an_unpublished_release_but_never_a_published_one(root: Path) -> None:
    other = {**TRACKS, "t1": replace(TRACKS["t1"], title="Hello (2015)")}
    release_id = write(root)
    before = (root / release_id / "rankings.lmdb").read_bytes()
    assert write(root, tracks=other) == release_id
    assert (root / release_id / "rankings.lmdb").read_bytes() != before
    publish(root, release_id, 3)
    with pytest.raises(ReleaseExists, match="never changes"):
        write(root)


def test_a_damaged_release_is_built_again(root: Path) -> None:
    release_id = write(root)
    path = root / release_id / "rankings.lmdb"
    good = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(good[:-4096])
    assert write(root) == release_id
    assert path.read_bytes() == good


def test_a_write_that_fails_half_way_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise lmdb.DiskError("no space left on device")

    monkeypatch.setattr("serving.writer.write_rows", full)
    with pytest.raises(lmdb.DiskError):
        write(root)
    assert not any(root.iterdir())
