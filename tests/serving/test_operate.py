"""Publish, hold, rollback, pin, resume, prune: what each does to CURRENT, and how fast."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serving.errors import NoRelease, ReleaseBusy, ReleaseCorrupt, ReleaseInput
from serving.files import folder_lock
from serving.layout import release_ids
from serving.operate import pin, resume, rollback
from serving.pointers import current_id, hold, rollback_path
from serving.reader import ReleaseReader
from serving.verify import verify_release
from serving.writer import publish
from tests.serving.conftest import ENTRIES, night, write


def test_publishing_moves_current_and_equal_content_again_says_so(root: Path) -> None:
    release_id = write(root)
    first = publish(root, release_id, 3)
    assert (first.action, first.previous, first.current) == ("moved", None, release_id)
    assert (root / "CURRENT").read_text() == release_id + "\n"
    again = publish(root, write(root), 3)
    assert again.action == "already" and "already CURRENT" in again.message
    assert (root / "HISTORY").read_text().count("\n") == 1


def test_rollback_holds_and_later_nights_do_not_move_current(root: Path) -> None:
    good, bad = night(root, 20), night(root, 21)
    assert rollback(root) == good == current_id(root)
    standing = hold(root)
    assert standing is not None and (standing.action, standing.release_id) == ("rollback", good)
    third = write(root, run_date="2026-11-22")
    outcome = publish(root, third, 14)
    assert outcome.action == "held" and current_id(root) == good and (root / third / "VERIFIED").exists()
    assert resume(root) == (True, third) and hold(root) is None
    assert rollback(root) == good, "the release that was rolled back never comes back by itself"
    assert bad != current_id(root)


def test_a_night_that_builds_the_rolled_back_release_again_does_not_bring_it_back(root: Path) -> None:
    good, bad = night(root, 20), night(root, 21)
    rollback(root)
    assert publish(root, bad, 14).action == "held"
    assert resume(root) == (True, good)
    assert publish(root, write(root, run_date="2026-11-22"), 14).action == "moved"


def test_resume_without_a_new_night_stays(root: Path) -> None:
    good, _ = night(root, 20), night(root, 21)
    rollback(root)
    assert resume(root) == (True, good)
    assert resume(root) == (False, good)
    assert night(root, 22) == current_id(root)


def test_rollback_twice_goes_two_back_and_then_says_there_is_nothing(root: Path) -> None:
    first, second, _ = night(root, 19), night(root, 20), night(root, 21)
    assert [rollback(root), rollback(root)] == [second, first]
    with pytest.raises(NoRelease, match="nothing to roll back to"):
        rollback(root)
    assert current_id(root) == first


def test_rollback_passes_over_a_damaged_release_and_needs_no_history(root: Path) -> None:
    first, second, _ = night(root, 19), night(root, 20), night(root, 21)
    (root / second / "grammar.json").unlink()
    (root / "HISTORY").unlink()
    assert rollback(root) == first


def test_pin_holds_a_named_release(root: Path) -> None:
    first, _, third = night(root, 19), night(root, 20), night(root, 21)
    pin(root, first)
    assert current_id(root) == first
    fourth = night(root, 22)
    assert current_id(root) == first
    assert rollback(root) == third
    assert resume(root) == (True, fourth)


def test_a_held_release_that_was_pinned_and_left_again_waits_no_longer(root: Path) -> None:
    good, _ = night(root, 20), night(root, 21)
    rollback(root)
    bad = night(root, 22)
    pin(root, bad)
    assert rollback(root) == good
    assert resume(root) == (True, good)


def test_resume_never_moves_current_back(root: Path) -> None:
    """Two nights waited, the newer was pinned; a night was mended late under a hold; both at once."""
    night(root, 20), night(root, 21)
    rollback(root)
    night(root, 22)
    newest = night(root, 23)
    pin(root, newest)
    assert resume(root) == (True, newest)
    pin(root, newest)
    night(root, 21, score=0.7)
    assert resume(root) == (True, newest)
    rollback(root)
    last = night(root, 25)
    night(root, 24)
    assert resume(root) == (True, last) and hold(root) is None


def test_a_rollback_goes_back_on_what_answered_and_then_ends(root: Path) -> None:
    first, second = night(root, 20), night(root, 21)
    pin(root, first)
    assert rollback(root) == second
    for _ in range(2):
        with pytest.raises(NoRelease):
            rollback(root)
    assert current_id(root) == second


def test_a_rollback_killed_before_it_was_noted_is_not_undone_by_the_next(root: Path) -> None:
    first, second, bad = night(root, 19), night(root, 20), night(root, 21)
    assert rollback(root) == second
    lines = (root / "HISTORY").read_text().splitlines(keepends=True)
    (root / "HISTORY").write_text("".join(lines[:-1]))
    assert rollback(root) == first
    with pytest.raises(NoRelease):
        rollback(root)
    assert bad != current_id(root)


def test_an_older_night_mended_late_does_not_move_current_back(root: Path) -> None:
    newest = night(root, 23)
    late = write(root, run_date="2026-11-22")
    outcome = publish(root, late, 14)
    assert (outcome.action, outcome.current) == ("older", newest) and f"pin {late}" in outcome.message
    assert (root / late / "VERIFIED").exists() and current_id(root) == newest
    assert rollback_path(root) == []  # what never answered is none
    pin(root, late)
    assert current_id(root) == late
    resume(root)
    assert night(root, 24) == current_id(root)


def test_pinning_a_damaged_or_unknown_release_changes_nothing(root: Path) -> None:
    first, second = night(root, 19), night(root, 20)
    (root / first / "rankings.lmdb").unlink()
    with pytest.raises(ReleaseCorrupt):
        pin(root, first)
    with pytest.raises(NoRelease):
        pin(root, "2026-11-01-0123456789ab")
    assert current_id(root) == second and hold(root) is None


def test_an_unreadable_hold_still_holds(root: Path) -> None:
    first = night(root, 20)
    (root / "HOLD").write_text("")
    night(root, 21)
    assert current_id(root) == first


def test_moves_take_under_a_second(root: Path) -> None:
    first, _ = night(root, 20), night(root, 21)
    start = time.monotonic()
    rollback(root)
    resume(root)
    pin(root, first)
    assert time.monotonic() - start < 1.0


def test_old_nights_go_but_never_current_the_way_back_nor_the_held(root: Path) -> None:
    nights = [night(root, day, keep=9) for day in range(10, 16)]
    pin(root, nights[0])
    outcome = publish(root, write(root, run_date="2026-11-16"), 2)
    assert outcome.pruned.deleted == tuple(nights[1:5])
    assert current_id(root) == nights[0] and (root / nights[0]).is_dir()
    assert resume(root) == (True, outcome.release_id)


def test_one_rollback_is_possible_even_when_one_night_is_kept(root: Path) -> None:
    first, second = night(root, 20, keep=1), night(root, 21, keep=1)
    third = night(root, 22, keep=1)
    assert not (root / first).exists() and (root / third).exists()
    assert rollback(root) == second


def test_two_builds_of_one_night_count_as_one(root: Path) -> None:
    builds = [night(root, 20, score=score) for score in (0.1, 0.2, 0.3)]
    last = night(root, 21, keep=2)
    assert all((root / one).is_dir() for one in (*builds, last))


def test_a_release_in_use_is_not_pruned_until_it_is_let_go(root: Path) -> None:
    first = night(root, 10)
    reader = ReleaseReader(root, max_age_h=36, poll_ms=10**9)
    second = night(root, 11)
    third = write(root, run_date="2026-11-12")
    outcome = publish(root, third, 1)
    assert outcome.pruned.in_use == (first,) and (root / second).is_dir()
    assert reader.lookup("hello", "en-US").release_id == first
    del reader
    assert first in publish(root, third, 1).pruned.deleted


def test_left_over_folders_of_killed_writers_are_swept(root: Path) -> None:
    night(root, 10)
    for name in (".tmp-1-dead", ".tmp-2-young", ".trash-x"):
        (root / name).mkdir()
    os.utime(root / ".tmp-1-dead", (0, 0))
    night(root, 11)
    assert sorted(path.name for path in root.iterdir() if path.name.startswith(".t")) == [".tmp-2-young"]


def test_keep_must_keep_something(root: Path) -> None:
    with pytest.raises(ReleaseInput, match=r"serving\.keep is 0"):
        publish(root, write(root), 0)


def test_a_second_writer_waits_and_then_says_who_holds(root: Path) -> None:
    with folder_lock(root), pytest.raises(ReleaseBusy, match="another command"), folder_lock(root, wait_s=0.05):
        pass


def test_a_damaged_release_is_not_published(root: Path) -> None:
    first = night(root, 20)
    second = write(root, run_date="2026-11-21")
    (root / second / "grammar.json").unlink()
    with pytest.raises(ReleaseCorrupt, match=r"grammar\.json"):
        publish(root, second, 3)
    assert current_id(root) == first and not (root / second / "VERIFIED").exists()


def test_a_night_killed_at_any_moment_leaves_only_whole_releases(root: Path) -> None:
    """kill -9 at several moments of an endless series of nights; what is there verifies, CURRENT answers."""
    code = (
        "import sys, pathlib, itertools; from tests.serving.conftest import night; root = pathlib.Path(sys.argv[1])\n"
        "print(night(root, 1), flush=True)\n"
        "for n in itertools.count(): night(root, 2 + n % 27, score=float(n), keep=3)"
    )
    for moment_s in (0.0, 0.013, 0.05, 0.11):
        process = subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline()
        time.sleep(moment_s)
        process.kill()
        process.communicate(timeout=10)
        for release_id in release_ids(root):
            verify_release(root, release_id)
        assert ReleaseReader(root, max_age_h=1e6).lookup("hello", "en-US").release_id == current_id(root)


def test_a_release_that_is_built_again_under_a_hold_is_the_latest(root: Path) -> None:
    """X, then Y, which turns out bad, then X once more: resume answers from X."""
    night(root, 20), night(root, 21)
    rollback(root)
    x, y = write(root, run_date="2026-11-22"), write(root, ENTRIES[:2], "2026-11-22")
    for release_id in (x, y, x):
        assert publish(root, release_id, 14).action == "held"
    assert resume(root) == (True, x)


def test_without_a_history_the_first_publish_still_knows_what_answered(root: Path) -> None:
    old = night(root, 20)
    (root / "HISTORY").unlink()  # a folder that was copied without it
    night(root, 21)
    assert rollback(root) == old


def test_a_resume_that_moves_nothing_ends_what_was_pending(root: Path) -> None:
    first, last = night(root, 20), night(root, 25)
    pin(root, last)
    assert publish(root, write(root, run_date="2026-11-22"), 14).action == "held"
    assert resume(root) == (True, last)
    pin(root, first)
    assert resume(root) == (True, first)


def test_a_publish_that_was_killed_before_its_line_of_history_is_noted_by_the_next(root: Path) -> None:
    night(root, 20)
    second = write(root, run_date="2026-11-21")
    (root / "CURRENT").write_text(second + "\n")
    assert publish(root, second, 14).action == "already"
    night(root, 22)
    assert rollback(root) == second


def test_a_line_of_history_that_a_crash_has_cut_takes_no_other_with_it(root: Path) -> None:
    night(root, 21)
    with (root / "HISTORY").open("a") as stream:
        stream.write("2026-11-21T02:00:00Z pub")
    second = night(root, 22)
    night(root, 23)
    assert rollback(root) == second
