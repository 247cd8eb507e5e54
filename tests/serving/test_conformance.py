"""Our reader gives what the conformance vectors of the release format expect, and their file has them all."""

import json
from pathlib import Path

from serving.in_memory import rows_in_memory
from serving.reader import ReleaseReader
from serving.writer import publish, write_release
from tests.serving.conformance import FILE, release, vectors


def test_the_file_has_the_vectors() -> None:
    rows = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
    assert rows == list(vectors()) and len(rows) >= 300


def test_our_reader_conforms(root: Path) -> None:
    publish(root, write_release(root, rows_in_memory(release())), 1)
    reader = ReleaseReader(root, max_age_h=1e6)
    apart = []
    for row in vectors():
        answer = reader.lookup(str(row["request"]), str(row["locale"]))
        if (answer.need, answer.matched_by) != (row["need"], row["matched_by"]):
            apart.append((row, answer.need, answer.matched_by, answer.confidence))
    assert not apart, "\n".join(map(str, apart[:40]))
