"""Delete the rows of people who asked to be forgotten from the log tables, and keep the accounts of delivered files balanced."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.engagement import SEARCH
from events.privacy import with_pseudonym
from lake.checkpoint import checkpointed
from lake.errors import InputContractError
from lake.fingerprint import fingerprint
from lake.io import Lake
from lake.rows import frame_of
from lake.schema import Table
from lake.tables.logs import DELIVERED_FILES, ENGAGEMENT_EVENTS, FORGOTTEN_USERS, QUARANTINE, SEARCH_LOG
from lake.upkeep import purge, remove_rows


def pseudonyms(lake: Lake, user_ids: Path, key: DataFrame) -> DataFrame:
    """(user_id): the pseudonyms of the people in a text file.

    Args:
        lake: The lake.
        user_ids: Text file with one logged user_id a line.
        key: The frame of `events.privacy.key_frame`.

    Raises:
        InputContractError: There is no such file, or it names nobody.
    """
    if not user_ids.is_file():
        raise InputContractError(f"user_ids={user_ids} is no file. Give a text file with one logged user_id a line.")
    lines = lake.spark.read.text(str(user_ids)).select(F.trim("value").alias("user_id")).where("user_id != ''")
    named = checkpointed(with_pseudonym(lines.distinct(), key).select("user_id"))
    if named.isEmpty():
        raise InputContractError(f"user_ids={user_ids} names nobody. Give a text file with one logged user_id a line.")
    return named


def remember_forgotten(lake: Lake, named: DataFrame) -> int:
    """Add pseudonyms to `forgotten_users`, so that ingest drops these people's rows from now on.

    Args:
        lake: The lake.
        named: (user_id) pseudonyms; those that the table has already are not written again.

    Returns:
        The number of pseudonyms written.
    """
    if lake.exists(FORGOTTEN_USERS):
        named = named.join(lake.read(FORGOTTEN_USERS, allow_unvalidated=True), "user_id", "left_anti")
    new = sorted(str(r[0]) for r in named.collect())  # few: the people of a list that somebody wrote
    if not new:
        return 0
    asked = fingerprint(new)
    frame = frame_of(lake.spark, [(u,) for u in new], "user_id string").withColumn("asked", F.lit(asked))
    lake.write(FORGOTTEN_USERS, frame, {asked: asked})
    return len(new)


def forget(lake: Lake, named: DataFrame) -> dict[str, int]:
    """Delete the searches, events and quarantined rows of the people with the pseudonyms `named` (user_id).

    Units that lose rows get a new fingerprint, so that everything computed from them is computed again. DELIVERED_FILES counts
    the deleted rows as `forgotten`. A second call deletes nothing, and completes what a first one that was killed left undone:
    rows in data files, and accounts.

    Returns:
        Table name -> number of rows deleted.
    """
    asked = fingerprint(sorted(str(r[0]) for r in named.collect()))
    searches = lake.read(SEARCH_LOG, allow_unvalidated=True)
    their_searches = searches.join(F.broadcast(named), "user_id")
    their_searches = checkpointed(their_searches.select("search_id", "search_date", "delivered_date"))
    deleted: dict[str, int] = {}
    if lake.commits(ENGAGEMENT_EVENTS):
        events = lake.read(ENGAGEMENT_EVENTS, allow_unvalidated=True)
        # an id may name another person's search of another week
        their_events = events.join(their_searches.select(*SEARCH), [*SEARCH], "left_semi")
        their_events = checkpointed(their_events.select("event_id", "delivered_date"))
        deleted[ENGAGEMENT_EVENTS.name] = _remove(lake, ENGAGEMENT_EVENTS, their_events, "event_id", asked)
    if lake.commits(QUARANTINE):
        deleted[QUARANTINE.name] = _remove_quarantined(lake, named, their_searches, asked)
    deleted[SEARCH_LOG.name] = _remove(lake, SEARCH_LOG, their_searches, "search_id", asked)
    for table in (SEARCH_LOG, ENGAGEMENT_EVENTS):
        if lake.commits(table):
            purge(lake, table)
    _balance_accounts(lake)
    return deleted


def _remove(lake: Lake, table: Table, rows: DataFrame, on: str, asked: str) -> int:
    """Delete `rows` from a table whose unit is the delivered date; the number of rows deleted.

    Args:
        lake: The lake.
        table: The table.
        rows: The rows to delete, with `on` and delivered_date.
        on: The column that names a row of a delivered day.
        asked: Fingerprint of the request, which the new marks contain.
    """
    counts = {str(r[0]): int(r[1]) for r in rows.groupBy("delivered_date").count().collect()}
    if not counts:
        return 0
    commits = lake.commits(table)
    marks = {u: fingerprint([commits[u].fingerprint, asked]) for u in counts}
    rows_left = {u: commits[u].rows - n for u, n in counts.items()}
    remove_rows(lake, table, rows, (on, "delivered_date"), marks, rows_left)
    return sum(counts.values())


def _remove_quarantined(lake: Lake, named: DataFrame, their_searches: DataFrame, asked: str) -> int:
    """Delete people's rows from quarantine; the number of rows deleted.

    The text of a broken search contains the pseudonym, that of a broken event the id of its search.

    Args:
        lake: The lake.
        named: (user_id) pseudonyms.
        their_searches: Their accepted searches, with search_id.
        asked: Fingerprint of the request, which the new marks contain.
    """
    quarantined = lake.read(QUARANTINE, allow_unvalidated=True)
    text = F.from_json("raw_text", "user_id string, client_id string, search_id string, query_id string")
    read = quarantined.select("source_file", "line", "delivered_date", text.alias("t"))
    person, search = F.coalesce("t.user_id", "t.client_id"), F.coalesce("t.search_id", "t.query_id")
    read = read.withColumn("user_id", person).withColumn("search_id", search)
    by_person = read.join(F.broadcast(named), "user_id", "left_semi")
    by_search = read.join(their_searches.select("search_id"), "search_id", "left_semi")
    theirs = by_person.unionByName(by_search).select("source_file", "line", "delivered_date").distinct()
    theirs = checkpointed(theirs)
    counts = {str(r[0]): int(r[1]) for r in theirs.groupBy("delivered_date").count().collect()}
    for unit in counts:  # no single column names a quarantined row, so its whole day is written again
        day = quarantined.where(F.col("delivered_date").cast("string") == unit)
        rest = checkpointed(day.join(theirs.select("source_file", "line"), ["source_file", "line"], "left_anti"))
        mark = fingerprint([lake.commits(QUARANTINE)[unit].fingerprint, asked])
        lake.write(QUARANTINE, rest.select(*[c.name for c in QUARANTINE.columns]), {unit: mark})
    return sum(counts.values())


def _balance_accounts(lake: Lake) -> None:
    """Count rows that an account in DELIVERED_FILES has and its tables have not as accepted and `forgotten`; marks stay the same.

    The counts come from the tables, not from the rows that one call deleted, so that a call after one that was killed in between
    counts the rows of both. Days whose rows have expired keep their accounts.
    """
    if not lake.commits(DELIVERED_FILES):
        return
    kept = {t.name: sorted(lake.commits(t)) for t in (SEARCH_LOG, ENGAGEMENT_EVENTS, QUARANTINE)}

    def has_rows_in(table: Table) -> Column:
        return F.col("delivered_date").cast("string").isin(kept[table.name])

    parts = [
        lake.read(table, kept[table.name], allow_unvalidated=True).select(
            "source_file", F.lit(table is not QUARANTINE).alias("_is_stored")
        )
        for table in (SEARCH_LOG, ENGAGEMENT_EVENTS, QUARANTINE)
        if kept[table.name]
    ]
    stored, broken = F.count_if("_is_stored").alias("_stored"), F.count_if(~F.col("_is_stored")).alias("_broken")
    rows = reduce(DataFrame.unionByName, parts).groupBy("source_file").agg(stored, broken)
    accounts = lake.read(DELIVERED_FILES, allow_unvalidated=True).join(rows, "source_file", "left")
    accounts = accounts.na.fill(0, ["_stored", "_broken"])
    is_kept = F.when(F.col("source") == "search", has_rows_in(SEARCH_LOG)).otherwise(has_rows_in(ENGAGEMENT_EVENTS))
    moved = F.when(has_rows_in(QUARANTINE), F.greatest(F.col("quarantined") - F.col("_broken"), F.lit(0))).otherwise(0)
    accounts = accounts.withColumn("_moved", moved)
    missing = F.col("accepted") + F.col("_moved") - F.col("_stored") - F.col("forgotten")
    # rows that left quarantine and are stored now were accepted, not deleted
    deleted = F.when(is_kept, F.greatest(missing, F.lit(0))).otherwise(F.col("_moved"))
    accounts = checkpointed(accounts.withColumn("_deleted", deleted))
    units = sorted(
        str(r[0]) for r in accounts.where("_deleted > 0 OR _moved > 0").select("delivered_date").distinct().collect()
    )
    if not units:
        return
    changes = {"forgotten": "_deleted", "accepted": "_moved"}
    changed = accounts.where(F.col("delivered_date").cast("string").isin(units))
    changed = changed.withColumns({c: F.col(c) + F.col(by) for c, by in changes.items()})
    changed = changed.withColumn("quarantined", F.col("quarantined") - F.col("_moved"))
    marks = {u: lake.commits(DELIVERED_FILES)[u].fingerprint for u in units}
    lake.write(DELIVERED_FILES, changed.select(*[c.name for c in DELIVERED_FILES.columns]), marks)
