"""Marks of files are made of content: size and time of change only decide whether a file is read again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lake import fingerprint
from lake.fingerprint import FileHashes, file_hash


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read to be hashed."""
    names: list[str] = []

    def hashed(path: Path) -> str:
        names.append(path.name)
        return file_hash(path)

    monkeypatch.setattr(fingerprint, "file_hash", hashed)
    return names


def test_a_file_is_read_again_only_where_its_size_or_time_is_another(tmp_path: Path, read: list[str]) -> None:
    file, store = tmp_path / "part.jsonl", tmp_path / "hashes.json"
    file.write_text("one\n")
    first = FileHashes(store)
    assert first.of(file) == first.of(file) == file_hash(file) and read == ["part.jsonl"]
    first.save()
    assert FileHashes(store).of(file) == file_hash(file) and len(read) == 1
    os.utime(file, ns=(1, 1))  # copied, or restored from a backup: read again, and the same
    touched = FileHashes(store)
    assert touched.of(file) == file_hash(file) and len(read) == 2
    touched.save()
    file.write_text("two\n")
    os.utime(file, ns=(2, 2))
    assert FileHashes(store).of(file) == file_hash(file) and len(read) == 3


def test_a_store_that_is_damaged_or_gone_is_an_empty_one(tmp_path: Path, read: list[str]) -> None:
    file, store = tmp_path / "part.jsonl", tmp_path / "hashes.json"
    file.write_text("one\n")
    for content in ("{", "[]", '{"a": 1}', f'{{"{file}": "x"}}'):
        store.write_text(content)
        assert FileHashes(store).of(file) == file_hash(file)
    assert len(read) == 4
