"""Places on a disk, and what is said of others before anything is installed for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lake import mirror
from lake.errors import BadConfiguration, CopyLost, NightLocked
from lake.mirror import Mirror, copy_of
from lake.store import create_file, files_below, is_elsewhere, is_local, place, remove_tree, scheme_of, write_file


@pytest.mark.parametrize(
    ("text", "scheme"),
    [("var/lake", None), ("/a:b/c", None), ("s3a://b/x", "s3"), ("S3://b", "s3"), ("hdfs:///x", "hdfs")],
)
def test_the_scheme_of_a_setting(text: str, scheme: str | None) -> None:
    assert scheme_of(text) == scheme and is_elsewhere(text) == (scheme is not None)


@pytest.mark.parametrize(
    ("text", "words"), [("ftp://x/y", r"begins with s3://"), ("file:///data/lake", "without a scheme: /data/lake")]
)
def test_an_unknown_scheme_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadConfiguration, match=words):
        place(text)


def test_a_file_is_replaced_whole_and_created_once(tmp_path: Path) -> None:
    file = place(str(tmp_path / "a" / "b.json"))
    assert is_local(file) and create_file(file, b"1") and create_file(file, b"2") is None
    assert file.read_bytes() == b"1"
    write_file(file, b"3")
    assert file.read_bytes() == b"3" and os.listdir(file.parent) == ["b.json"]
    assert list(files_below(tmp_path)) == ["a/b.json"]
    remove_tree(tmp_path / "a")
    remove_tree(tmp_path / "a")
    assert files_below(tmp_path) == {}


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "b.json"
    write_file(file, b"old")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_file(file, b"new")
    assert file.read_bytes() == b"old" and os.listdir(tmp_path) == ["b.json"]


def test_a_mirror_of_unknown_state_is_made_anew(tmp_path: Path) -> None:
    """With a disk as the store, which shows the copying without one."""
    remote, local = tmp_path / "remote", tmp_path / "local"
    write_file(remote / "x" / "a", b"1")
    local.mkdir()
    (local / "stray").write_text("from nobody knows where")
    copy = Mirror(remote, local)
    assert copy.pull() == 1 and not (local / "stray").exists()
    (local / "x" / "a").unlink()
    (local / "b").write_text("2")
    assert copy.push() == 1
    assert list(files_below(remote)) == ["b"]


def test_copies_of_two_stores_are_two_and_one_in_use_is_left_alone(tmp_path: Path) -> None:
    prod, staging = tmp_path / "prod" / "releases", tmp_path / "staging" / "releases"
    copies = [copy_of(remote, tmp_path, "releases", reader) for remote in (prod, staging) for reader in (False, True)]
    assert len(set(copies)) == 4
    one, other = Mirror(prod, copies[0]), Mirror(prod, copies[0])
    one.lock()
    one.lock()  # once more is nothing
    with pytest.raises(NightLocked, match="in use by another run on this machine") as caught:
        other.lock(wait_s=0.3)
    assert caught.value.exit_code == 4
    one.unlock()
    other.lock()


def test_a_copy_that_was_removed_meanwhile_takes_nothing_from_the_store(tmp_path: Path) -> None:
    remote, local = tmp_path / "remote", tmp_path / "local"
    write_file(remote / "CURRENT", b"r1")
    write_file(remote / "r1" / "data", b"1")
    copy = Mirror(remote, local, ("CURRENT",))
    copy.pull()
    shutil.rmtree(local)
    write_file(local / "report.json", b"{}")  # what the next step writes
    with pytest.raises(CopyLost, match="was removed while a run used it"):
        copy.push()
    assert set(files_below(remote)) == {"CURRENT", "r1/data"}


def test_a_run_that_may_not_write_removes_nothing(tmp_path: Path) -> None:
    remote, local = tmp_path / "remote", tmp_path / "local"
    write_file(remote / "a", b"1")
    copy = Mirror(remote, local)
    copy.pull()
    (local / "a").unlink()
    (local / "b").write_text("2")
    asked: list[int] = []

    def lost_after_the_first_write() -> None:
        asked.append(1)
        if len(asked) > 1:
            raise NightLocked("lost")

    with pytest.raises(NightLocked):
        copy.push(lost_after_the_first_write)
    assert (remote / "a").exists()


def test_a_process_ends_after_the_threads_that_hand_replies_over(tmp_path: Path) -> None:
    """A thread that Python did not start, as obstore's are: the exit of the interpreter waits until it has run its Python code."""
    program = """
import _thread, atexit, time
from lake import store
running = _thread.allocate_lock()
running.acquire()
def hand_over():
    running.release()
    time.sleep(0.3)
    print("handed over", flush=True)
_thread.start_new_thread(hand_over, ())
running.acquire()
atexit.register(store._wait_for_threads_of_the_client)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "handed over\n"


def test_a_pointer_that_somebody_has_set_stops_the_others_that_came_to_be_equal_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator pins what answers while a night is at work: CURRENT has the same bytes and tag as before, HOLD and HISTORY have not."""
    remote = tmp_path / "remote"
    monkeypatch.setattr(
        mirror, "version_of", lambda path: [path.stat().st_size, path.read_text()]
    )  # a tag of the content
    monkeypatch.setattr(mirror, "tag_of", lambda path: path.read_text() if path.exists() else None)
    monkeypatch.setattr(mirror, "swap_file", lambda path, data, tag: path.write_bytes(data) and data.decode())
    for name, text in (("CURRENT", "r21"), ("HISTORY", "publish r21\n")):
        write_file(remote / name, text.encode())
    night = Mirror(remote, tmp_path / "night", ("HISTORY", "HOLD", "CURRENT"))
    night.pull()
    write_file(remote / "HOLD", b"pin r21")
    write_file(remote / "HISTORY", b"publish r21\npin r21\n")
    write_file(night.local / "CURRENT", b"r22")
    write_file(night.local / "HISTORY", b"publish r21\npublish r22\n")
    with pytest.raises(NightLocked, match="HISTORY was moved by another run"):
        night.push()
    assert (remote / "CURRENT").read_text() == "r21" and (remote / "HOLD").exists()
