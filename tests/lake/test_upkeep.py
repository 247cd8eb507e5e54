"""The scan that proves a removal looks everywhere: old data files, logs, and the structs of a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lake.upkeep import files_containing


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("log/part.parquet", {"user_id": "abc123", "n": 1}),
        ("log/_delta_log/1.checkpoint.parquet", {"add": {"path": "x", "more": {"stats": '{"max": "abc123"}'}}}),
        ("log/_delta_log/1.json", None),
    ],
)
def test_a_word_is_found_wherever_it_lies(tmp_path: Path, name: str, row: dict[str, object] | None) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    if row is None:
        file.write_text('{"add": {"stats": "abc123"}}')
    else:
        pq.write_table(pa.Table.from_pylist([row]), file)
    assert files_containing(tmp_path, ["abc123"]) == [file]
    assert files_containing(tmp_path, ["abc124"]) == [] == files_containing(tmp_path, ["abc123"], exclude=("log",))
