"""One person's rows out of the log tables: which they are, and what their going changes."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from events.privacy import with_pseudonym
from lake.errors import InputContractError
from lake.fingerprint import fingerprint
from lake.io import Lake
from lake.rows import frame_of
from lake.schema import Table
from lake.tables.logs import DELIVERED_FILES, ENGAGEMENT_EVENTS, FORGOTTEN_USERS, QUARANTINE, SEARCH_LOG
from lake.upkeep import remove_rows


def pseudonyms(lake: Lake, user_ids: Path, key: DataFrame) -> DataFrame:
    """(user_id) pseudonyms of the ids in a text file, one id a line. InputContractError if it names nobody."""
    if not user_ids.is_file():
        raise InputContractError(f"user_ids={user_ids} is no file. Give a text file with one logged user_id a line.")
    lines = lake.spark.read.text(str(user_ids)).select(F.trim("value").alias("user_id")).where("user_id != ''")
    named = with_pseudonym(lines.distinct(), key).select("user_id").localCheckpoint()
    if named.isEmpty():
        raise InputContractError(f"user_ids={user_ids} names nobody. Give a text file with one logged user_id a line.")
    return named


def remember_forgotten(lake: Lake, named: DataFrame) -> int:
    """Write the pseudonyms that `forgotten_users` does not hold yet; ingest drops them from now on. Number written."""
    if lake.exists(FORGOTTEN_USERS):
        named = named.join(lake.read(FORGOTTEN_USERS, allow_unvalidated=True), "user_id", "left_anti")
    known = sorted(str(r[0]) for r in named.collect())  # people of one request: a list that somebody wrote
    if not known:
        return 0
    asked = fingerprint(known)
    frame = frame_of(lake.spark, [(u,) for u in known], "user_id string").withColumn("asked", F.lit(asked))
    lake.write(FORGOTTEN_USERS, frame, {asked: asked})
    return len(known)


def forget(lake: Lake, named: DataFrame) -> dict[str, int]:
    """Delete the named people's searches, reactions and quarantined rows; rows deleted per table.

    The units that held some get a new fingerprint, so that everything made from them is made again; the ledger of
    deliveries moves the rows to `forgotten`. A second call finds nothing and writes nothing.
    """
    asked = fingerprint(sorted(str(r[0]) for r in named.collect()))
    searches = lake.read(SEARCH_LOG, allow_unvalidated=True)
    mine = searches.join(F.broadcast(named), "user_id").select("search_id", "user_id", "delivered_date", "source_file")
    mine = mine.localCheckpoint()
    gone: dict[str, int] = {}
    moved = [(mine, 0)]
    if lake.commits(ENGAGEMENT_EVENTS):
        events = lake.read(ENGAGEMENT_EVENTS, allow_unvalidated=True)
        theirs = events.join(mine.select("search_id"), "search_id", "left_semi")
        theirs = theirs.select("event_id", "delivered_date", "source_file").localCheckpoint()
        gone[ENGAGEMENT_EVENTS.name] = _removed(lake, ENGAGEMENT_EVENTS, theirs, "event_id", asked)
        moved.append((theirs, 0))
    if lake.commits(QUARANTINE):
        broken = _forget_quarantined(lake, named, mine, asked)
        gone[QUARANTINE.name] = broken.count()
        moved.append((broken, 1))
    gone[SEARCH_LOG.name] = _removed(lake, SEARCH_LOG, mine, "search_id", asked)
    if sum(gone.values()):
        _move_accounts(lake, moved)
    return gone


def _removed(lake: Lake, table: Table, rows: DataFrame, on: str, asked: str) -> int:
    counted = {str(r[0]): int(r[1]) for r in rows.groupBy("delivered_date").count().collect()}
    if not counted:
        return 0
    held = lake.commits(table)
    marks = {u: fingerprint([held[u].fingerprint, asked]) for u in counted}
    left = {u: held[u].rows - n for u, n in counted.items()}
    remove_rows(lake, table, rows, on, marks, left)
    return sum(counted.values())


def _forget_quarantined(lake: Lake, named: DataFrame, mine: DataFrame, asked: str) -> DataFrame:
    """The rows deleted, with source_file and line. Broken searches carry the pseudonym in their text, broken events the search's id."""
    held = lake.read(QUARANTINE, allow_unvalidated=True)
    text = F.from_json("raw_text", "user_id string, client_id string, search_id string, query_id string")
    read = held.select("source_file", "line", "delivered_date", text.alias("t"))
    person, search = F.coalesce("t.user_id", "t.client_id"), F.coalesce("t.search_id", "t.query_id")
    read = read.withColumn("user_id", person).withColumn("search_id", search)
    by_person = read.join(F.broadcast(named), "user_id", "left_semi")
    by_search = read.join(mine.select("search_id"), "search_id", "left_semi")
    theirs = by_person.unionByName(by_search).select("source_file", "line", "delivered_date").distinct()
    theirs = theirs.localCheckpoint()
    counted = {str(r[0]): int(r[1]) for r in theirs.groupBy("delivered_date").count().collect()}
    for unit in counted:  # no single column names a quarantined row: its day is written anew
        day = held.where(F.col("delivered_date").cast("string") == unit)
        rest = day.join(theirs.select("source_file", "line"), ["source_file", "line"], "left_anti").localCheckpoint()
        mark = fingerprint([lake.commits(QUARANTINE)[unit].fingerprint, asked])
        lake.write(QUARANTINE, rest.select(*[c.name for c in QUARANTINE.columns]), {unit: mark})
    return theirs


def _move_accounts(lake: Lake, moved: list[tuple[DataFrame, int]]) -> None:
    """Count the deleted rows as accepted and `forgotten` in the files that delivered them; the folders' marks stay as they are.

    `moved`: the deleted rows, with delivered_date and source_file, and 1 where they were quarantined.
    """
    from functools import reduce

    places = [rows.select("delivered_date", "source_file", F.lit(held).alias("was_held")) for rows, held in moved]
    files = (
        reduce(lambda a, b: a.unionByName(b), places)
        .groupBy("delivered_date", "source_file")
        .agg(F.count("*").alias("_n"), F.sum("was_held").alias("_held"))
    )
    files = files.localCheckpoint()
    units = sorted({str(r[0]) for r in files.select("delivered_date").distinct().collect()})
    accounts = lake.read(DELIVERED_FILES, units, allow_unvalidated=True)
    accounts = accounts.join(F.broadcast(files), ["delivered_date", "source_file"], "left")
    n, held = F.coalesce("_n", F.lit(0)), F.coalesce("_held", F.lit(0))
    changes = {"forgotten": n, "accepted": held, "quarantined": -held}
    accounts = accounts.withColumns({c: F.col(c) + by for c, by in changes.items()}).localCheckpoint()
    marks = {u: lake.commits(DELIVERED_FILES)[u].fingerprint for u in units}
    lake.write(DELIVERED_FILES, accounts.select(*[c.name for c in DELIVERED_FILES.columns]), marks)
