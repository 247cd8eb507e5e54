"""However a log is split, ordered, doubled or delayed within the limit, it is counted the same; broken lines hurt no other."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from events.ingest import delivered_files, quarantine
from tests.events.deliveries import Delivered, as_set, by_file, daily, made_log, sorted_sides, written

LOG = made_log(seed=1, searches=160)


@pytest.fixture(scope="module")
def plain(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    root = tmp_path_factory.mktemp("plain")
    return as_set(daily(sorted_sides(spark, root, written(root, by_file(LOG)))))


@pytest.mark.parametrize("seed", range(3))
def test_any_split_order_copy_and_delay_counts_the_same(
    spark: SparkSession, tmp_path: Path, plain: set[str], seed: int
) -> None:
    draw = random.Random(seed)
    files: dict[tuple[int, str, str], list[bytes]] = defaultdict(list)
    for row in draw.sample(LOG, len(LOG)):
        # searches come on their day or the next; reactions up to two days late, and so do copies
        late = draw.choice([0, 0, 0, 1, 2]) if row.source == "events" else draw.choice([0, 0, 1])
        for _ in range(draw.choice([1, 1, 1, 2, 3])):
            name = f"part-{draw.randrange(4)}.jsonl"
            files[row.folder + late, row.source, name].append(row.text)
    sides = sorted_sides(spark, tmp_path, written(tmp_path, files), parts=draw.choice([1, 3, 7]))
    assert as_set(daily(sides)) == plain
    for account in delivered_files(sides).collect():
        assert account["received"] == account["accepted"] + account["duplicate"] + account["quarantined"]
        assert account["quarantined"] == account["duplicate_conflict"] == 0


def broken(draw: random.Random, text: bytes) -> bytes:
    """One line, broken somewhere in its fields or in its bytes."""
    way = draw.randrange(6)
    if way == 0:
        return text[: draw.randrange(1, len(text))]
    if way == 1:
        data = bytearray(text)
        for _ in range(draw.randrange(1, 6)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        return bytes(data).replace(b"\n", b" ").replace(b"\r", b" ")
    row = json.loads(text)
    field = draw.choice(sorted(row))
    odd = [
        None,
        "",
        " ",
        -1,
        0,
        2**63,
        1e308,
        float("nan"),
        True,
        [],
        {},
        [None],
        "x" * 10_000,
        "\u0000",
        "\u202eabc",
        "1970",
    ]
    if way == 2:
        del row[field]
    elif way == 3:
        row[field] = draw.choice(odd)
    elif way == 4:
        row[field] = [row[field]]
    else:
        row[field] = str(row[field])[::-1]
    return (
        json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass").replace(b"\n", b" ").replace(b"\r", b" ")
    )


def test_thousands_of_broken_lines_hurt_no_good_one(spark: SparkSession, tmp_path: Path) -> None:
    draw = random.Random(11)
    # their ids are apart from the good rows', so that what they still say counts for nobody else's search
    wrecks = made_log(seed=2, searches=900, mark="w")
    wrecks = [Delivered(w.folder, w.source, broken(draw, w.text)) for w in wrecks]
    assert len(wrecks) > 2_000
    mixed = draw.sample(LOG + wrecks, len(LOG) + len(wrecks))
    root = tmp_path / "mixed"
    sides = sorted_sides(spark, root, written(root, by_file(mixed)))
    clean = tmp_path / "clean"
    alone = sorted_sides(spark, clean, written(clean, by_file(LOG)))
    (clean / "key").write_bytes((root / "key").read_bytes())
    for both, own in zip(sides, alone, strict=True):
        ident = "search_id" if own.source == "search" else "event_id"
        wanted = {r[ident] for r in own.accepted().collect()}
        columns = [c for c in own.accepted().columns if c not in ("user_id", "source_file")]
        kept = both.accepted().where(f"{ident} rlike '^[se][0-9]'").select(*columns)
        assert wanted == {r[ident] for r in kept.collect()}
        assert as_set(kept) == as_set(own.accepted().select(*columns))
    delivered = defaultdict(int)
    for row in mixed:
        delivered[row.source] += bool(row.text.strip())
    held = quarantine(spark, sides).groupBy("source").count().collect()
    held_by = {r["source"]: r["count"] for r in held}
    for account in delivered_files(sides).groupBy("source").sum().collect():
        total = {c: account[f"sum({c})"] for c in ("received", "accepted", "duplicate", "quarantined")}
        assert total["received"] == delivered["searches" if account["source"] == "search" else "events"]
        assert total["received"] == total["accepted"] + total["duplicate"] + total["quarantined"]
        assert total["quarantined"] == held_by[account["source"]] > 100
