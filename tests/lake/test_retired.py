"""A lake of the version that was keyed by wordings: its as-of tables are set aside whole, and logs stay."""

from __future__ import annotations

from pathlib import Path

from lake.retired import BY_WORDING, RETIRED, remove_retired, set_aside


def lake_of(root: Path, *tables: str) -> Path:
    for name in tables:
        (root / name / "_delta_log").mkdir(parents=True)
        (root / name / "_delta_log" / "0.json").write_text(name)
    return root


def test_only_tables_keyed_by_wordings_are_moved_and_once(tmp_path: Path) -> None:
    root = lake_of(tmp_path, *BY_WORDING, "search_log", "daily_engagement", "tracks")
    assert set_aside(root) == list(BY_WORDING)
    assert {p.name for p in root.iterdir()} == {RETIRED, "search_log", "daily_engagement", "tracks"}
    assert (root / RETIRED / "candidates" / "_delta_log" / "0.json").read_text() == "candidates"
    lake_of(root, "candidates")  # tonight's
    assert set_aside(root) == [] and (root / "candidates").is_dir()
    assert remove_retired(root) == sorted(BY_WORDING) and remove_retired(root) == []


def test_a_kill_between_two_moves_is_made_good(tmp_path: Path) -> None:
    root = lake_of(tmp_path, *BY_WORDING)
    (root / RETIRED).mkdir()
    (root / BY_WORDING[0]).rename(root / RETIRED / BY_WORDING[0])
    assert set_aside(root) == list(BY_WORDING[1:])
    assert {p.name for p in (root / RETIRED).iterdir()} == set(BY_WORDING)


def test_a_new_lake_is_left_alone(tmp_path: Path) -> None:
    assert set_aside(tmp_path) == [] and list(tmp_path.iterdir()) == []
