import os
from dataclasses import replace

import pytest
from pyspark.sql import functions as F

from lake.errors import QualityGateFailed
from quality.gate import GateContext, judge, require_passed, write_data_docs
from quality.keys import rows_sharing_a_key
from quality.pages import offline
from quality.record import NightRecord
from quality.suite import broken_rows
from tests.conftest import cached_ids
from tests.quality.rows import TOY, row, toy

POISONED = [
    row(),
    row(),
    row(user_id="PERSON-2", click_rate=float("nan"), clicks=None, client="tv", query="POISONED raw query"),
    row(user_id=None, click_rate=1.5, clicks=-4, genres=["rock", "jazz"], by_position=[-1, -2]),
    row(user_id="PERSON-3", click_rate=-0.5, genres=[None], by_position=None),
]


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    return GateContext(tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="module")
def poisoned(spark, context):
    return judge(toy(spark, POISONED), TOY, "2026-11-22", context)


@pytest.fixture(scope="module")
def empty(spark, context):
    return judge(toy(spark, []), TOY, "2026-11-24", context)


def broken(verdict):
    return {(f.column, f.rule): f.broken_rows for f in verdict.failures}


def test_every_kind_of_rule_fails_with_the_right_count(poisoned):
    assert not poisoned.passed and poisoned.rows == 5
    assert broken(poisoned) == {
        ("user_id", "not_null"): 1,
        ("click_rate", "finite"): 1,
        ("click_rate", "low"): 1,
        ("click_rate", "high"): 1,
        ("clicks", "not_null"): 1,
        ("clicks", "low"): 1,
        ("client", "values"): 1,
        ("genres", "values"): 1,
        ("genres", "no_null_elements"): 1,
        ("by_position", "not_null"): 1,
        ("by_position", "low"): 1,
        # both rows of the pair
        ("user_id, query, run_date", "keys"): 2,
    }


def test_a_clean_partition_passes_without_a_word_and_leaves_nothing_cached(spark, context, capfd):
    clean = [row(), row(query="pon rock", click_rate=None), row(user_id="PERSON-2", click_rate=0.0)]
    before = cached_ids(spark)
    verdict = judge(toy(spark, clean), TOY, "2026-11-23", context)
    assert cached_ids(spark) - before == set()
    assert verdict.passed and verdict.failures == () and verdict.rows == 3
    assert capfd.readouterr() == ("", "")


def test_the_same_key_in_two_partitions_is_no_duplicate(spark, context):
    alone = replace(TOY, name="toy_alone", keys=("user_id",), partition="query")
    two = [row(), row(query="another partition")]
    assert judge(toy(spark, two), alone, "both", context).passed
    assert broken(judge(toy(spark, [row(), row()]), replace(alone, partition=None), "*", context)) == {
        ("user_id", "keys"): 2
    }


def test_keys_are_counted_by_their_values_once_two_rows_share_a_hash(spark, monkeypatch):
    rows = spark.createDataFrame([("a", 1), ("a", 2), ("b", 1), ("b", 1), (None, 1), (None, 1)], "k string, n int")
    assert rows_sharing_a_key(rows, ("k", "n")) == 4
    assert rows_sharing_a_key(rows.limit(3), ("k", "n")) == 0
    assert rows_sharing_a_key(rows, ()) == 0
    monkeypatch.setattr("pyspark.sql.functions.xxhash64", lambda *keys: F.lit(7))
    assert rows_sharing_a_key(rows, ("k", "n")) == 4
    assert rows_sharing_a_key(rows.limit(3), ("k", "n")) == 0


def test_an_empty_partition_breaks_one_rule(empty):
    assert broken(empty) == {("whole table", "not_empty"): 0}


def test_a_lost_key_and_another_type_are_told_with_what_was_found(spark, context):
    frame = toy(spark, [row(), row(query="q")])
    verdict = judge(frame.drop("user_id").withColumn("clicks", frame.clicks.cast("string")), TOY, "2026-11-25", context)
    told = {(f.column, f.rule): f.expected for f in verdict.failures}
    assert told == {("user_id", "type"): "is string, found missing", ("clicks", "type"): "is bigint, found string"}


def test_held_in_one_line_that_names_everything_and_the_next_step(poisoned, empty, context):
    with pytest.raises(QualityGateFailed) as held:
        require_passed([poisoned, empty])
    line = str(held.value)
    assert held.value.exit_code == 3 and "\n" not in line
    assert line.startswith("toy_features @ 2026-11-22: column user_id breaks not_null (is never null) in 1 of 5 rows, ")
    assert "column click_rate breaks high (≤ 1) in 1 of 5 rows" in line
    assert "toy_features @ 2026-11-24: not_empty: expected at least one row, found 0 rows" in line
    assert line.endswith(
        f"Next: read {context.index}; mend the input or the feature and run jobs.nightly again; nothing was published."
    )
    require_passed([replace(poisoned, passed=True)])


def test_a_check_that_breaks_down_has_not_passed(spark, context, monkeypatch):
    # ask Great Expectations for a column that the frame does not have
    key = "user_id, query, run_date"
    monkeypatch.setattr("quality.gate.broken_rows", lambda *given: broken_rows(*given).drop(columns=key))
    verdict = judge(toy(spark, [row()]), TOY, "2026-11-26", context)
    assert [(f.rule, f.expected) for f in verdict.failures] == [("keys", "no two rows share it (could not be judged)")]


def test_data_docs_name_tables_and_rules_and_no_person(poisoned, context, capfd):
    record = NightRecord(context.docs_dir)
    record.add(poisoned, {"2026-11-22": "f"}, "validate", "run")
    index = write_data_docs(context, record)
    assert capfd.readouterr() == ("", "")
    pages = {p.relative_to(index.parent).as_posix(): p.read_text("utf-8") for p in index.parent.rglob("*.html")}
    front = pages.pop("index.html")
    assert index == context.index and "toy_features" in front
    assert "column click_rate breaks high (≤ 1) in 1 of 5 rows" in front
    columns = next(t for p, t in pages.items() if p.startswith("validations/toy_features/2026-11-22/"))
    assert (
        "high: ≤ 1" in columns and "; high: ≤ 1" not in columns and "Rows that break it" in columns
    )  # rule by rule: it failed
    assert "user_id, query, run_date" in columns and "keys: no two rows share it" in columns
    for where, page in [("index.html", front), *pages.items()]:
        for secret in ("PERSON", "POISONED", "play hello", "jazz"):
            assert secret not in page, where
        assert "<script" not in page and "https://" not in page, where
    linked = [part.split('"')[0] for part in front.split('href="')[1:]]
    assert linked and all((index.parent / link).is_file() for link in linked)


def test_nothing_is_sent(poisoned):
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"


def test_a_page_is_made_to_stand_alone():
    page = '<head><link rel="stylesheet" href="https://a/b.css"><script src="https://c/d.js">x</script></head>text'
    page += 'Data: <br> Data asset: None<br> <span>Status:</span> <i class="fas fa-times"></i> Failed'
    made = offline(page)
    assert "https://" not in made and "text" in made and made.count("<style>") == 1
    assert made.endswith('textData: <br> <span>Status:</span> <i class="fas fa-times"></i>')
    assert offline(made) == made  # a page that an earlier gate of the night wrote stays as it is
