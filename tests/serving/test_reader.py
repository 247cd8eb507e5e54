"""A reader while nights publish: whole releases only, one for a request, CURRENT looked at now and then."""

import threading
from pathlib import Path

import pytest

from serving.operate import rollback
from serving.pointers import current_id
from serving.reader import ReleaseReader
from tests.serving.conftest import night


def test_readers_see_only_whole_releases_while_nights_publish(root: Path) -> None:
    """Each night answers with its own score: an answer that mixes two releases would show another pair."""
    expected = {night(root, 1, score=1.0): 1.0}
    reader = ReleaseReader(root, max_age_h=1e6, poll_ms=0)
    seen: list[tuple[str, float]] = []
    failed: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                answer = reader.lookup("play hello", "en-US")
                seen.append((answer.release_id, answer.tracks[0].score))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for day in range(2, 8):
        expected[night(root, day, score=float(day), keep=1)] = float(day)
    rollback(root)
    done.set()
    for thread in threads:
        thread.join(timeout=10)
    assert not failed and seen
    assert all(expected[release_id] == score for release_id, score in seen)
    assert len({release_id for release_id, _ in seen}) > 1
    assert reader.lookup("hello", "en-US").release_id == current_id(root)


def test_a_request_keeps_its_release_while_current_moves(root: Path) -> None:
    first = night(root, 20, score=0.25)
    reader = ReleaseReader(root, max_age_h=1e6, poll_ms=0)
    held = reader.hold()
    second = night(root, 21, score=0.75)
    assert reader.lookup("hello", "en-US").release_id == second
    answer = held.lookup("hello", "en-US", 0.0, 1.0)
    assert (answer.release_id, answer.tracks[0].score) == (first, 0.25)


def test_current_is_looked_at_no_more_than_every_250_ms(root: Path) -> None:
    first = night(root, 20)
    instant = [0.0]
    reader = ReleaseReader(root, max_age_h=1e6, ticks=lambda: instant[0])
    second = night(root, 21)
    instant[0] = 0.249
    assert reader.lookup("hello", "en-US").release_id == first
    instant[0] = 0.251
    assert reader.lookup("hello", "en-US").release_id == second


@pytest.mark.parametrize("content", ["", "../../etc\n", "2026-11-21-0123456789ab\n"])
def test_a_broken_current_leaves_the_reader_where_it_is(root: Path, published: str, content: str) -> None:
    reader = ReleaseReader(root, max_age_h=1e6, poll_ms=0)
    (root / "CURRENT").write_text(content)
    assert reader.lookup("hello", "en-US").release_id == published
    assert reader.problem is not None and "still answering" in reader.problem
