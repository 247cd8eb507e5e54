"""A place in an object store behaves as one on a disk; what must have one winner has one."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lake.errors import NightLocked
from lake.fingerprint import FileHashes, file_hash
from lake.mirror import Mirror
from lake.store import create_file, files_below, place, remove_tree, swap_file, tag_of, version_of, write_file
from tests.anywhere.conftest import ROOT, S3
from tests.serving.conftest import night

RACES, RACERS = 100, 10


@pytest.fixture(params=["disk", "s3"])
def root(request: pytest.FixtureRequest, s3: S3, tmp_path: Path) -> Path:
    return tmp_path / "root" if request.param == "disk" else place(f"s3a://{s3.bucket}/{tmp_path.name}/root")


def test_files_and_folders(root: Path) -> None:
    file = root / "date=2026-03-01" / "part 1.jsonl"
    write_file(file, b"one\n")
    assert file.read_bytes() == b"one\n" and file.exists() and file.parent.is_dir()
    assert not (root / "nothing").exists() and not (root / "nothing").is_dir()
    write_file(root / "b.json", b"{}")
    assert sorted(p.name for p in root.iterdir()) == ["b.json", "date=2026-03-01"]
    assert [p.name for p in root.glob("*.json")] == ["b.json"]
    assert set(files_below(root)) == {"b.json", "date=2026-03-01/part 1.jsonl"}
    assert files_below(root / "nothing") == {}
    before = version_of(file)
    write_file(file, b"two\n")
    assert version_of(file) != before and file.read_bytes() == b"two\n"
    remove_tree(root)
    assert files_below(root) == {}
    remove_tree(root)


def test_a_file_is_hashed_again_when_it_was_replaced(root: Path) -> None:
    file, hashes = root / "part.jsonl", root / "hashes.json"
    write_file(file, b"one")
    first = FileHashes(hashes)
    assert first.of(file) == file_hash(file)
    first.save()
    write_file(file, b"two")
    assert FileHashes(hashes).of(file) == file_hash(file)


def test_of_racing_writers_one_creates_a_file(root: Path) -> None:
    with ThreadPoolExecutor(RACERS) as racers:
        for race in range(RACES):
            file = root / f"race-{race}"
            wins = list(racers.map(lambda i, file=file: create_file(file, str(i).encode()) is not None, range(RACERS)))
            assert sum(wins) == 1 and file.read_bytes() == str(wins.index(True)).encode()


def test_of_racing_writers_one_replaces_a_file(s3: S3) -> None:
    file = place(f"s3://{s3.bucket}/swaps/pointer")
    write_file(file, b"-")
    with ThreadPoolExecutor(RACERS) as racers:
        for race in range(RACES // 2):
            tag = tag_of(file) or ""
            wins = list(racers.map(lambda i, r=race, t=tag: swap_file(file, f"{r} {i}".encode(), t), range(RACERS)))
            assert sum(w is not None for w in wins) == 1


def copies(s3: S3, tmp_path: Path) -> tuple[Mirror, Mirror]:
    remote = place(f"s3://{s3.bucket}/{tmp_path.name}/releases")
    one, two = (Mirror(remote, tmp_path / name, ("CURRENT",), ("VERIFIED",)) for name in ("one", "two"))
    one.pull()
    (tmp_path / "one" / "r1").mkdir()
    for name, text in (("r1/data", "1"), ("r1/VERIFIED", "here"), ("CURRENT", "r1")):
        (tmp_path / "one" / name).write_text(text)
    one.push()
    return one, two


def test_a_mirror_brings_a_folder_to_another_machine(s3: S3, tmp_path: Path) -> None:
    one, two = copies(s3, tmp_path)
    assert two.pull() == 2 and two.pull() == 0
    assert sorted(files_below(two.local)) == [".mirror.json", "CURRENT", "r1/data"]
    (two.local / "r1" / "data").unlink()
    assert two.push() == 0 and set(files_below(two.remote)) == {"CURRENT"}
    (two.local / ".mirror.json").write_text("cut of")
    assert two.pull() == 1  # a copy of unknown state is made anew
    assert one.pull() == 0 and not (one.local / "r1" / "data").exists()


def test_a_pointer_goes_last_and_only_if_nobody_has_moved_it(s3: S3, tmp_path: Path) -> None:
    one, two = copies(s3, tmp_path)
    two.pull()
    (one.local / "CURRENT").write_text("r2")
    (one.local / "r2").mkdir()
    (one.local / "r2" / "data").write_text("2")
    (two.local / "CURRENT").write_text("r3")
    two.push()
    with pytest.raises(NightLocked, match="CURRENT was moved by another run"):
        one.push()
    assert (one.remote / "CURRENT").read_text() == "r3" and (one.remote / "r2" / "data").read_text() == "2"

    def refuse() -> None:
        raise NightLocked("this run has lost its lease. Run again.")

    (two.local / "CURRENT").write_text("r4")
    with pytest.raises(NightLocked):
        two.push(refuse)
    assert (one.remote / "CURRENT").read_text() == "r3"


def test_releases_in_a_store_are_rolled_back_held_and_resumed(s3: S3, tmp_path: Path) -> None:
    """Two releases, written here and pushed; then the operator's command, as a process."""
    root = f"s3://{s3.bucket}/{tmp_path.name}/published"
    copy = Mirror(place(root), tmp_path / "copy", ("HISTORY", "HOLD", "CURRENT"), ("VERIFIED",))
    copy.pull()
    good, bad = (night(tmp_path / "copy", day) for day in (20, 21))
    copy.push()

    def operate(*words: str) -> str:
        command = [
            sys.executable,
            "-m",
            "jobs.release",
            *words,
            f"releases={root}",
            f"cluster.work_dir={tmp_path}/spark",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
        assert done.returncode == (2 if "id=nothing" in words else 0), done.stderr
        return done.stdout + done.stderr

    pointers = {name: place(root) / name for name in ("CURRENT", "HOLD")}
    assert good in operate() and bad in operate("do=list")
    assert "HOLD is set" in operate("do=rollback")
    assert pointers["CURRENT"].read_text().strip() == good and pointers["HOLD"].exists()
    assert "nothing" in operate("do=pin", "id=nothing")
    operate("do=pin", f"id={bad}")
    assert pointers["CURRENT"].read_text().strip() == bad
    assert "HOLD is lifted" in operate("do=resume") and not pointers["HOLD"].exists()
    # a night on another machine, which pulled before the rollback, comes second
    operate("do=rollback")
    (tmp_path / "copy" / "CURRENT").write_text("2026-11-22-000000000000")
    with pytest.raises(NightLocked, match="HISTORY was moved by another run"):
        copy.push()
    assert pointers["CURRENT"].read_text().strip() == good
