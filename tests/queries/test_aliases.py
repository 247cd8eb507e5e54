"""Pairs mined from a handful of searches: who asked again and then played, and what is played alike."""

from datetime import datetime, timedelta

from queries.nightly.aliases import AliasRules, asked_again, played_alike

START = datetime(2026, 3, 2, 10)
SEARCHES = "search_id string, user_id string, ts timestamp, locale string, query string, release_id string"


def asked(spark, rows):
    """Rows (user, seconds, query, pleased?, release) in order; gives searches and the pleased ones."""
    searches = [
        (f"s{i}", user, START + timedelta(seconds=second), "en-US", query, release)
        for i, (user, second, query, _, release) in enumerate(rows)
    ]
    pleased = [(f"s{i}",) for i, row in enumerate(rows) if row[3]]
    return spark.createDataFrame(searches, SEARCHES), spark.createDataFrame(pleased, "search_id string")


def steps(user, first, then, *, gap=30, first_pleased=False, then_pleased=True, release=None):
    return [(user, 0, first, first_pleased, release), (user, gap, then, then_pleased, release)]


def test_a_failure_asked_again_and_played_by_enough_people(spark):
    rows = [row for i in range(4) for row in steps(f"u{i}", "skillrex", "skrillex")]
    rows += steps("u9", "skillrex", "queen")  # one person only
    rows += [row for i in range(3) for row in steps(f"a{i}", "hello", "adele", first_pleased=True)]  # no failure
    rows += [row for i in range(3) for row in steps(f"b{i}", "halo", "hello", gap=300)]  # another wish
    rows += [row for i in range(3) for row in steps(f"c{i}", "halo", "hola", then_pleased=False)]  # no better
    rows += [row for i in range(3) for row in steps(f"d{i}", "rare", "usual")]
    rows += [row for i in range(40) for row in steps(f"e{i}", "rare", f"other {i}")]  # 3 of 43: below the share
    found = asked_again(*asked(spark, rows), None, AliasRules()).collect()
    assert [(r["query"], r["other"], r["people"], r["strength"], r["is_served"]) for r in found] == [
        ("skillrex", "skrillex", 4, 0.8, False)
    ]


def test_a_rewrite_that_we_served_is_marked(spark):
    rows = [row for i in range(3) for row in steps(f"u{i}", "skillrex", "skrillex", release="2026-03-01-abc")]
    known = [("en", "skillrex", "c1"), ("en", "skrillex", "c1")]
    previous = spark.createDataFrame(known, "language string, query string, cluster_id string")
    (row,) = asked_again(*asked(spark, rows), previous, AliasRules()).collect()
    assert row["is_served"]
    rows += steps("u7", "skillrex", "skrillex")  # somebody found it without us
    (row,) = asked_again(*asked(spark, rows), previous, AliasRules()).collect()
    assert not row["is_served"] and row["people"] == 4


def test_played_alike_needs_plays_texts_and_people_alike(spark):
    plays = []
    for i in range(4):
        for query, track, position in [
            ("bohemian rapsody", "t1", 1),
            ("bohemian rhapsody", "t1", 2),
            ("bohemian rhapsody", "t2", 1),
            ("something by queen", "t1", 1),
            ("bohemian rapsodi", "t9", 1),
            ("rock", "t1", 1),
        ]:
            plays.append(("en-US", query, f"u{i}", track, position))
    plays.append(("en-US", "bohemian rhapsodie", "u1", "t1", 1))  # one person
    frame = spark.createDataFrame(plays, "locale string, query string, user_id string, track_id string, position int")
    queries = sorted({row[1] for row in plays})
    readings = spark.createDataFrame(
        [("en", q, q, "broad" if q == "rock" else "known_item") for q in queries],
        "language string, query string, stripped string, intent_group string",
    )
    (row,) = played_alike(frame, readings, AliasRules()).collect()
    assert (row["query"], row["other"], row["people"]) == ("bohemian rapsody", "bohemian rhapsody", 4)
    assert abs(row["strength"] - 2 / 5**0.5) < 1e-9  # (1, 0) against (2, 1): plays at rank 2 weigh twice
