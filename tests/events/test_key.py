"""A pseudonym key that is no key is refused by name, on the driver and inside Spark; no search is ever lost to it."""

from __future__ import annotations

import hmac
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from events.privacy import check_key, ensure_key, key_frame, read_key, with_pseudonym
from lake.errors import KeyMismatch, KeyUnusable

GOOD = "0123456789abcdef" * 4
BAD = {
    "empty": "",
    "blank": " \n\n",
    "short": GOOD[:62],
    "odd": GOOD + "0",
    "no hex": "z" * 64,
    "two keys": f"{GOOD}\n{GOOD}\n",
    "longer than a block": GOOD * 3,
    "a passphrase": "correct horse battery staple " * 3,
    "inner space": f"{GOOD[:32]} {GOOD[:32]}",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_key_that_is_none_is_refused_where_it_is_read(spark: SparkSession, tmp_path: Path, text: str) -> None:
    key = tmp_path / "key"
    key.write_text(text)
    for read in (lambda: read_key(key), lambda: ensure_key(key, tmp_path / "lake"), lambda: key_frame(spark, key)):
        with pytest.raises(KeyUnusable, match=r"key: .* Put .* back") as caught:
            read()
        assert caught.value.exit_code == 2 and not (text.strip() and text.strip() in str(caught.value))
    assert not (tmp_path / "lake").exists()  # no lake is bound to it


def test_the_key_goes_to_executors_and_into_no_plan(as_shipped: SparkSession, tmp_path: Path) -> None:
    """They have no file of it. Spark's event log and run log show what `explain` shows, generated code too."""
    spark = as_shipped
    key = tmp_path / "key"
    key.write_text(GOOD + "\n")
    people = spark.range(3, numPartitions=2).select(F.concat(F.lit("u"), "id").alias("user_id"))
    frame = with_pseudonym(people, key_frame(spark, key)).groupBy("user_id").count()
    key.unlink()  # after the plan was made, before it runs
    wanted = {hmac.new(bytes.fromhex(GOOD), f"u{i}".encode(), "sha256").hexdigest() for i in range(3)}
    assert {r["user_id"] for r in frame.collect()} == wanted
    inner = bytes(b ^ 0x36 for b in bytes.fromhex(GOOD)).hex()
    for mode in ("extended", "formatted", "codegen", "cost"):
        with redirect_stdout(StringIO()) as shown:
            frame.explain(mode)
        text = shown.getvalue().lower().replace(" ", "")
        assert "local" in text or mode == "codegen"
        assert not any(part in text for part in (GOOD.lower(), GOOD.lower()[:16], inner, inner[:16])), mode


def test_a_key_without_a_line_end_or_with_more_bytes_is_one(spark: SparkSession, tmp_path: Path) -> None:
    people = spark.createDataFrame([("u1",)], "user_id string")
    for text in (GOOD, GOOD.upper() + "\r\n", f"  {GOOD}{GOOD}\n\n"):
        (tmp_path / "key").write_text(text)
        wanted = hmac.new(bytes.fromhex(text.strip()), b"u1", "sha256").hexdigest()
        assert [r["user_id"] for r in with_pseudonym(people, key_frame(spark, tmp_path / "key")).collect()] == [wanted]


def test_a_key_that_is_not_there_or_another_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    key, lake = tmp_path / "key", tmp_path / "lake"
    with pytest.raises(KeyUnusable, match="is not there"):
        key_frame(spark, key)
    ensure_key(key, lake)
    check_key(key, lake)
    key.write_text(GOOD)
    with pytest.raises(KeyMismatch, match="another key"):
        check_key(key, lake)  # as jobs.forget does: another key would find nobody


def test_a_first_night_that_is_killed_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        ensure_key(tmp_path / "keys" / "key", tmp_path / "lake")
    assert not (tmp_path / "keys" / "key").exists()
    monkeypatch.undo()
    assert ensure_key(tmp_path / "keys" / "key", tmp_path / "lake")
    assert [p.name for p in (tmp_path / "keys").iterdir()] == ["key"]


def test_simulated_logs_have_one_key_everywhere_and_others_never_have_it(tmp_path: Path) -> None:
    """Sketches of listeners follow from the pseudonyms: with a key of its own, each clone published another release."""
    keys = [tmp_path / clone / "key" for clone in ("a", "b")]
    for key in keys:
        assert ensure_key(key, key.parent / "lake", is_simulated=True)
    assert read_key(keys[0]) == read_key(keys[1])
    with pytest.raises(KeyUnusable, match="which everybody knows"):
        ensure_key(keys[0], tmp_path / "another")
    own = [tmp_path / clone / "own" for clone in ("a", "b")]
    assert all(ensure_key(key, key.parent / "own_lake") for key in own) and read_key(own[0]) != read_key(own[1])


def test_no_key_is_made_where_it_would_be_lost_with_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lake in an object store outlives the machine that runs the night."""
    monkeypatch.setattr("events.privacy.is_local", lambda _: False)
    with pytest.raises(KeyUnusable, match="openssl rand -hex 32"):
        ensure_key(tmp_path / "key", tmp_path / "lake")
    assert not (tmp_path / "key").exists()
    assert ensure_key(tmp_path / "key", tmp_path / "lake", is_simulated=True)  # the key that everybody knows
