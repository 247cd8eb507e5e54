"""Checks of the accounts of delivered files: the rows of each file add up, and no delivered day ends with nothing accepted."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from events.delivery import SOURCES
from events.ingest import ACCEPTED, QUARANTINED, ClassifiedRows
from events.reading import documents_left_out
from events.ubi import UbiSettings
from lake.errors import IncompleteDelivery, RowsUnaccounted

BLANK = b" \t\r\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def check_balanced(accounts: Sequence[Row]) -> None:
    """Raise RowsUnaccounted unless received = accepted + duplicate + quarantined in every row of `accounts`.

    Args:
        accounts: Rows of DELIVERED_FILES.
    """
    wrong = [a for a in accounts if a["received"] != a["accepted"] + a["duplicate"] + a["quarantined"]]
    if wrong:
        one = min(wrong, key=lambda a: a["source_file"])
        raise RowsUnaccounted(
            f"{one['source_file']}: {one['received']:,} rows received, but {one['accepted']:,} accepted, {one['duplicate']:,} duplicate "
            f"and {one['quarantined']:,} quarantined ({len(wrong)} such files in all). Nothing was written; run jobs.ingest again."
        )


def check_something_accepted(
    spark: SparkSession,
    delivered: Mapping[tuple[str, str], Sequence[Path]],
    accounts: Sequence[Row],
    sides: Sequence[ClassifiedRows],
    ubi: UbiSettings,
) -> None:
    """Raise IncompleteDelivery if a source of a delivered day has content but no accepted row, or a file that was not counted.

    A file has content if it holds more than white space; an empty one reports that nothing happened. A UBI file may hold only
    documents that are no rows of the source: that is an error only if no other file of the day and source has an accepted row.
    The error names the folder, the counts and the most frequent reason.

    Args:
        spark: The session.
        delivered: (day, source) -> files, with the sources "search" and "event".
        accounts: Rows of DELIVERED_FILES.
        sides: The classified rows of each source.
        ubi: How UBI documents are read.
    """
    empty: list[tuple[str, str, str]] = []  # (folder, what it holds, reason)
    by_cause = sorted(
        delivered.items(), key=lambda d: (d[0][0], d[0][1] != "search")
    )  # events without searches follow from them
    for (day, source), files in by_cause:
        folder = f"{SOURCES[source]}/date={day}"
        here = [a for a in accounts if str(a["delivered_date"]) == day and a["source"] == source]
        received, accepted = (sum(a[c] for a in here) for c in ("received", "accepted"))
        counted = {a["source_file"] for a in here}
        lost = [f for f in files if f"{folder}/{f.name}" not in counted]
        lost = [f for f in lost if not (accepted and ".ndjson" in f.name) and _has_content(f)]
        if received and not accepted:
            [side] = [s for s in sides if s.source == source]
            empty.append((folder, f"{received:,} rows", most_frequent_reason(side, day)))
        elif lost:
            reason = _reason_without_rows(spark, lost, SOURCES[source], ubi)
            if reason is not None:
                empty.append((folder, f"{len(lost)} files with content, the first {lost[0].name}", reason))
    if empty:
        folder, what, reason = empty[0]
        raise IncompleteDelivery(
            f"{folder}: of {what}, none was accepted; most frequent reason: {reason} ({len(empty)} such folders in all). Look at the "
            f'producer; no log was written. To go on all the same: ingest.accept_incomplete="reason".'
        )


def most_frequent_reason(side: ClassifiedRows, day: str) -> str:
    """The most frequent reason why rows of a delivered day were not accepted, with their number.

    Reasons are those of quarantine, and the outcomes of repeated ids.
    """
    of_day = side.rows.where((F.col("delivered_date").cast("string") == day) & (F.col("outcome") != ACCEPTED))
    why = F.when(F.col("outcome") == QUARANTINED, F.col("reasons")).otherwise(F.array("outcome"))
    counted = of_day.select(F.explode(why).alias("why")).groupBy("why").count()
    first = counted.orderBy(F.desc("count"), "why").limit(1).collect()
    return f"{first[0]['why']} ({first[0]['count']:,} rows)" if first else "none"


def _reason_without_rows(spark: SparkSession, files: Sequence[Path], source: str, ubi: UbiSettings) -> str | None:
    """Why files with content gave no row; None if they hold only action lines of UBI's bulk format, which are no documents.

    Args:
        spark: The session.
        files: Delivered files of one source and day that have content but no counted row.
        source: Folder of the source, "searches" or "events".
        ubi: How UBI documents are read.
    """
    documents = [f for f in files if ".ndjson" in f.name]
    if len(documents) < len(files):
        return "its rows were lost on the way"
    left_out = documents_left_out(spark, documents, source, ubi)
    rows = [] if left_out is None else left_out.collect()
    if not rows:
        return None
    most = min(rows, key=lambda r: (-r["document_count"], r["left_out_as"]))
    return f"left out as {most['left_out_as']} ({most['document_count']:,} documents; what is read: section ubi of conf/night.yaml)"


def _has_content(file: Path) -> bool:
    """Whether a Parquet file has a row, or a text file anything but white space."""
    if file.name.endswith(".parquet"):
        import pyarrow.parquet as pq

        return bool(pq.read_metadata(file).num_rows)
    with file.open("rb") as stored, gzip.open(stored) if file.name.endswith(".gz") else stored as stream:
        if (chunk := stream.read(1 << 16).removeprefix(BYTE_ORDER_MARK)).strip(BLANK):
            return True
        while chunk:
            if (chunk := stream.read(1 << 16)).strip(BLANK):
                return True
    return False
