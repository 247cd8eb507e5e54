"""Damage of every kind is found and named, and never answered from."""

import json
import os
import random
import shutil
from pathlib import Path

import lmdb
import pytest

from serving.errors import NoRelease, ReleaseCorrupt, ReleaseFormatUnknown, ReleaseNotVerified
from serving.manifest import manifest_bytes
from serving.opened import OpenRelease
from serving.reader import ReleaseReader
from serving.release import main as release
from serving.verify import stamp_release, verify_release
from serving.writer import publish
from tests.serving.conftest import ENTRIES, entry, night, write

FILES = ("rankings.lmdb", "grammar.json", "manifest.json")


def damage(path: Path, content: bytes) -> None:
    """Replace the content by a new file, as a bad copy would, so that no mapped page changes under a reader."""
    path.unlink()
    path.write_bytes(content)


def test_a_good_release_verifies(root: Path, published: str) -> None:
    found = verify_release(root, published)
    assert (found.release_id, found.entries, found.tracks) == (published, len(ENTRIES), 3)


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_byte_is_found(root: Path, published: str, name: str) -> None:
    path = root / published / name
    good = path.read_bytes()
    rng = random.Random(7)
    places = range(len(good)) if len(good) < 200 else rng.sample(range(len(good)), 60)
    for place in places:
        damage(path, good[:place] + bytes([good[place] ^ (1 << rng.randrange(8))]) + good[place + 1 :])
        with pytest.raises((ReleaseCorrupt, ReleaseFormatUnknown), match=name):
            verify_release(root, published)
        with pytest.raises((ReleaseCorrupt, ReleaseFormatUnknown)):
            publish(root, published, 3)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_every_truncated_file_is_found_and_the_reader_keeps_the_old_release(root: Path, name: str, kept: int) -> None:
    old = night(root, 20)
    reader = ReleaseReader(root, max_age_h=1e6, poll_ms=0)
    new = night(root, 21, score=0.75)
    path = root / new / name
    damage(path, path.read_bytes()[:kept])
    with pytest.raises(ReleaseCorrupt, match=name):
        verify_release(root, new)
    answer = reader.lookup("hello", "en-US")
    assert (answer.release_id, answer.tracks[0].score) == (old, 0.5)
    assert reader.problem is not None and new in reader.problem


def test_a_reader_that_starts_on_a_damaged_release_refuses(root: Path, published: str) -> None:
    path = root / published / "rankings.lmdb"
    damage(path, path.read_bytes()[:-1])
    with pytest.raises(ReleaseNotVerified, match=r"rankings\.lmdb.*Run serving.release verify"):
        ReleaseReader(root, max_age_h=36)


def test_a_file_changed_in_place_while_in_use_stops_the_answers(root: Path, published: str) -> None:
    reader = ReleaseReader(root, max_age_h=1e6, poll_ms=0)
    path = root / published / "rankings.lmdb"
    good = path.read_bytes()
    path.chmod(0o644)
    with path.open("r+b") as stream:
        stream.truncate(4096)
    with pytest.raises(ReleaseCorrupt, match="changed while in use"):
        reader.lookup("hello", "en-US")
    path.write_bytes(good)
    stamp_release(root, published)
    assert reader.lookup("hello", "en-US").is_hit


def test_a_value_with_a_wrong_crc_is_never_answered(root: Path, published: str) -> None:
    folder = root / published
    raw = (folder / "rankings.lmdb").read_bytes()
    at = raw.index(b"Richie")
    damage(folder / "rankings.lmdb", raw[:at] + b"r" + raw[at + 1 :])
    # A stamp that lies: the last line of defence is the value's own CRC32.
    stamp = json.loads((folder / "VERIFIED").read_text())
    status = (folder / "rankings.lmdb").stat()
    stamp["files"]["rankings.lmdb"].update(inode=status.st_ino, mtime_ns=status.st_mtime_ns)
    (folder / "VERIFIED").write_text(json.dumps(stamp))
    opened = OpenRelease(root, published)
    with pytest.raises(ReleaseCorrupt, match="CRC32"):
        opened.lookup("hello", "en-US", 0.0, 1.0)


def test_a_damaged_release_that_is_built_again_answers_in_a_reader_that_runs(root: Path, published: str) -> None:
    """One byte turns on the disk, and nothing says when."""
    reader = ReleaseReader(root, max_age_h=1e6, poll_ms=0)
    path = root / published / "rankings.lmdb"
    at, before = path.read_bytes().index(b"Richie"), path.stat()
    path.chmod(0o644)
    with path.open("r+b") as stream:
        stream.seek(at)
        stream.write(b"r")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ReleaseCorrupt, match="CRC32"):
        reader.lookup("hello", "en-US")
    assert "CRC32" in str(reader.problem)
    assert write(root) == published and publish(root, published, 14).action == "already"
    assert reader.lookup("hello", "en-US").is_hit and reader.problem is None


def test_a_damaged_page_is_the_releases_error(root: Path, published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = OpenRelease(root, published)

    class Broken:
        def begin(self, buffers: bool) -> None:
            raise lmdb.CorruptedError("page 3")

    monkeypatch.setattr(opened.rankings, "env", Broken())
    with pytest.raises(ReleaseCorrupt, match=r"page 3.*Run serving.release rollback"):
        opened.lookup("hello", "en-US", 0.0, 1.0)


def test_a_missing_and_a_foreign_file_are_named_together(root: Path, published: str) -> None:
    (root / published / "grammar.json").unlink()
    (root / published / "notes.txt").write_text("hi")
    with pytest.raises(ReleaseCorrupt, match=r"grammar\.json: missing; notes\.txt: not part"):
        verify_release(root, published)


def test_a_renamed_release_is_found_out(root: Path, published: str) -> None:
    other = "2026-11-22" + published[10:]
    os.rename(root / published, root / other)
    with pytest.raises(ReleaseCorrupt, match="folder is called 2026-11-22"):
        verify_release(root, other)


def test_rankings_of_another_release_with_a_matching_manifest_are_found_out(root: Path, published: str) -> None:
    other = write(root, [entry("en-US", "title=hello", ("t2", 1.0))])
    manifest = json.loads((root / published / "manifest.json").read_text())
    manifest["files"] = json.loads((root / other / "manifest.json").read_text())["files"]
    damage(root / published / "manifest.json", manifest_bytes(manifest))
    damage(root / published / "rankings.lmdb", (root / other / "rankings.lmdb").read_bytes())
    with pytest.raises(ReleaseCorrupt, match=r"1 entries, expected 3; .*content hash"):
        verify_release(root, published)


def test_a_copy_is_not_verified_until_verify_was_run_there(root: Path, published: str, tmp_path: Path) -> None:
    there = tmp_path / "there"
    shutil.copytree(root, there)
    with pytest.raises(ReleaseNotVerified):
        ReleaseReader(there, max_age_h=36)
    assert release(["verify", "--releases", str(there)]) == 0
    assert ReleaseReader(there, max_age_h=36).lookup("hello", "en-US").is_hit


def test_a_newer_format_is_refused_clearly(root: Path, published: str) -> None:
    path = root / published / "manifest.json"
    damage(path, manifest_bytes({**json.loads(path.read_text()), "format_version": 3}))
    with pytest.raises(ReleaseFormatUnknown, match="format 3, this reader reads 1 to 2"):
        OpenRelease(root, published)


@pytest.mark.parametrize("name", ["2026-11-21-0123456789ab", "../etc", "", "CURRENT"])
def test_an_unknown_release_is_no_release(root: Path, published: str, name: str) -> None:
    with pytest.raises(NoRelease, match=r"serving\.release list"):
        verify_release(root, name)
