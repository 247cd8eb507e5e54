"""Read and write partitions of the lake: the schema check, idempotent replacement, write-audit-publish.

A *unit* is what one write replaces: values of the table's partition column (or of its `write_unit`). Every commit
carries `userMetadata` {run_id, units: {unit: {fingerprint, rows}}}; a unit is done when the newest commit that names
it has the wanted fingerprint, whatever anybody remembers. Verdicts of the gate stand in the `ledger` table.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.commits import Commit, commit_infos, take_in
from lake.errors import CommitLost, EmptyPartition, MissingPartition, RowsOutOfBounds, SchemaMismatch
from lake.layout import (
    drop_old_check,
    first_options,
    hold_check,
    keep_log,
    out_of_bounds,
    partition_values,
    placed,
    properties_mark,
)
from lake.ledger import append_verdicts, data_files, stored_verdicts
from lake.schema import Table, check_schema, struct
from lake.session import LazySession
from lake.upkeep import expire


@dataclass
class Known:
    """What a run has read of a lake's logs and ledger, and the verdicts that it has yet to write there."""

    commits: dict[str, dict[str, Commit]] = field(default_factory=dict)
    verdicts: dict[tuple[str, str, str], str] | None = None
    unsaved: list[tuple[object, ...]] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)


class Lake:
    """The lake under `root`, as one run sees it. Not safe for several writers: hold `lake.lock.night_lock`.

    What is done is read without Spark: commits, states and newest units need no session, and a lazy one is not started for them.
    """

    def __init__(self, spark: SparkSession | LazySession, root: Path, run_id: str = "") -> None:
        self._spark = spark
        self.root = root.resolve()
        self.run_id = run_id or uuid.uuid4().hex[:12]
        self._known = Known()

    @property
    def spark(self) -> SparkSession:
        """The session; a lazy one starts here."""
        return self._spark.session if isinstance(self._spark, LazySession) else self._spark

    @property
    def started(self) -> SparkSession | None:
        """The session if something needed it already; asking starts none."""
        return self._spark.started if isinstance(self._spark, LazySession) else self._spark

    def path(self, table: Table) -> str:
        """Where the table's files lie."""
        return str(self.root / table.name)

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written: has a commit. A killed first write leaves the log's folder empty."""
        log = self.root / table.name / "_delta_log"
        return any(not p.name.startswith(".") for p in (*log.glob("*.json"), *log.glob("*.parquet")))

    # -- what is there ------------------------------------------------------------------------------------------

    def commits(self, table: Table) -> dict[str, Commit]:
        """Newest commit per unit, from the Delta log."""
        if table.name not in self._known.commits:
            found: dict[str, Commit] = {}
            for info in commit_infos(self.root / table.name):
                said = json.loads(info.get("userMetadata") or "{}")
                if "check" in said:  # else of a command that leaves the properties as they are
                    self._known.properties[table.name] = said["check"]
                take_in(found, said)
            self._known.commits[table.name] = found
        return self._known.commits[table.name]

    def partitions(self, table: Table) -> list[str]:
        """Values of the partition column of which the table holds rows, sorted; from the names of its files."""
        if not self.exists(table):
            return []
        return partition_values(data_files(self, table), str(table.partition))

    def held_columns(self, table: Table) -> frozenset[str]:
        """The columns that the stored table has, declared today or not; none if it was never written."""
        return frozenset(self.spark.read.format("delta").load(self.path(table)).columns if self.exists(table) else ())

    def forget_cache(self, table: Table) -> None:
        """Read the table's log anew when next asked: somebody else has committed."""
        self._known.commits.pop(table.name, None)

    def fingerprint(self, table: Table, unit: object) -> str | None:
        """Fingerprint of the newest commit of a unit, None if it was never written."""
        commit = self.commits(table).get(str(unit))
        return commit.fingerprint if commit else None

    def state(self, table: Table, unit: object) -> str | None:
        """`built`, `passed` or `failed` for the unit's newest commit; None if it was never written."""
        mark = self.fingerprint(table, unit)
        if mark is None:
            return None
        return self._ledger().get((table.name, str(unit), mark), "built")

    def newest(self, table: Table, day: date) -> str | None:
        """The newest unit of a table of dated snapshots that is not after `day`; None if there is none."""
        return max((unit for unit in self.commits(table) if unit <= str(day)), default=None)

    def passed(self, table: Table) -> list[str]:
        """Units whose newest commit passed its gate, in order."""
        return sorted(unit for unit in self.commits(table) if self.state(table, unit) == "passed")

    # -- reading ------------------------------------------------------------------------------------------------

    def read(
        self, table: Table, units: Iterable[object] | None = None, *, allow_unvalidated: bool = False
    ) -> DataFrame:
        """The declared columns of the table, of `units` or of all units there are.

        Only passed units are read unless `allow_unvalidated`. Raises MissingPartition for a unit that was never
        written or has not passed, SchemaMismatch if the stored columns are not the declared ones.
        """
        readable = sorted(self.commits(table)) if allow_unvalidated else self.passed(table)
        wanted = readable if units is None else sorted({str(u) for u in units})
        self._check_readable(table, wanted, allow_unvalidated=allow_unvalidated, is_any=units is None)
        frame = self.spark.read.format("delta").load(self.path(table))
        check_schema(table, frame, f"{table.name} in {self.root}", extra_allowed=True)
        frame = frame.select(*[c.name for c in table.columns])
        unit_column = table.unit_column
        if unit_column is None or (units is None and allow_unvalidated):  # whatever lies there was written whole
            return frame
        # typed values, so that partitions and files are skipped by the log alone
        typed: list[object] = list(wanted)
        if table.column(unit_column).type == "date":
            typed = [date.fromisoformat(u) for u in wanted]
        return frame.where(F.col(unit_column).isin(typed)) if wanted else frame.limit(0)

    def _check_readable(self, table: Table, units: list[str], *, allow_unvalidated: bool, is_any: bool = False) -> None:
        """Raise MissingPartition where a unit, or the table, was never written or has not passed, or where no unit is asked for."""
        readable = self.commits(table) if allow_unvalidated else set(self.passed(table))
        missing = [u for u in units if u not in readable]
        if missing or not self.exists(table) or not (units or is_any):
            self._refuse(table, missing)

    def _refuse(self, table: Table, missing: list[str]) -> None:
        states = {u: self.state(table, u) for u in missing[:3]}
        said = ", ".join(f"{u} ({s or 'never written'})" for u, s in states.items()) or "no partition at all"
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        step = "jobs.validate" if "built" in states.values() else f"jobs.{table.written_by}"
        if "failed" in states.values():
            raise MissingPartition(
                f"{table.name}: {said}{more} failed its gate and can't be read; read the Data Docs, mend the cause, "
                f"run jobs.nightly again."
            )
        raise MissingPartition(f"{table.name}: needed {said}{more}. Run {step} first.")

    # -- writing ------------------------------------------------------------------------------------------------

    def write(
        self,
        table: Table,
        frame: DataFrame,
        units: Mapping[str, str] | Mapping[date, str],
        rows: Mapping[str, int] | None = None,
    ) -> dict[str, int]:
        """Replace the given units (unit -> fingerprint) by the frame's rows, in one commit; rows per unit.

        `rows`: the frame's rows per unit where the caller has counted them (it is counted here otherwise, and kept in
        memory meanwhile). Raises SchemaMismatch for other columns than declared, EmptyPartition for a unit without a row
        (unless the table may be empty), CommitLost if the newest commit is not ours, or holds another number of rows:
        then the units are removed again, as if never written.
        Running it again gives the same table.
        """
        check_schema(table, frame, f"the frame for {table.name}")
        column = table.unit_column
        if column is None or not units:
            raise ValueError(f"{table.name} has no write unit, or none was given")
        marks = {str(u): f for u, f in units.items()}
        frame = frame.select(*[c.name for c in table.columns])
        counted = dict(rows or {})
        if rows is None:
            frame = frame.persist()
        try:
            if rows is None:
                by_unit = frame.groupBy(F.col(column).cast("string")).count().collect()
                counted = {str(r[0]): int(r[1]) for r in by_unit}
            _check_units(table, marks, counted)
            found = {u: counted.get(u, 0) for u in marks}
            said = {
                "run_id": self.run_id,
                "nonce": uuid.uuid4().hex,
                "units": {u: {"fingerprint": marks[u], "rows": found[u]} for u in sorted(marks)},
            }
            self._commit(table, frame, column, found, said)
        finally:
            if rows is None:
                frame.unpersist()
        known = self.commits(table)
        for unit, mark in marks.items():
            known[unit] = Commit(mark, found[unit], self.run_id)
            self._note(table, unit, "built")
        return found

    def _commit(
        self, table: Table, frame: DataFrame, column: str, rows: Mapping[str, int], told_of: Mapping[str, object]
    ) -> None:
        is_date = table.column(column).type == "date"
        listed = ", ".join((f"DATE'{u}'" if is_date else f"'{u}'") for u in sorted(rows))
        told = {f.name: f.metadata for f in struct(table).fields}
        ordered = placed(table, frame.select(*[F.col(n).alias(n, metadata=m) for n, m in told.items()]), rows)
        self.commits(table)  # known before the write, so that the cache is not read from a half-made table
        older, holds_check = self.exists(table), True
        outdated = older and self._known.properties.get(table.name) != properties_mark(table)
        if outdated:
            keep_log(self.spark, self.path(table))
            holds_check = drop_old_check(self.spark, self.path(table), table)
        # a commit says what the table holds as it is made: what is killed before the CHECK is held is found so the next time
        known = {"check": properties_mark(table)} if holds_check else {}
        said = json.dumps({**told_of, **known}, sort_keys=True)
        writer = ordered.write.format("delta").mode("overwrite").option("userMetadata", said)
        if table.partition:
            writer = writer.partitionBy(table.partition)
        if older:
            writer = writer.option("replaceWhere", f"{column} IN ({listed})").option("mergeSchema", "true")
        else:
            writer = writer.options(**first_options(table))
        # with no CHECK to refuse them, rows out of bounds are looked for before
        broken = out_of_bounds(table, frame) if not holds_check else []
        refused = bool(broken)
        try:
            if not refused:
                writer.save(self.path(table))
        except Exception as error:
            if "DELTA_VIOLATE_CONSTRAINT" not in str(error):
                raise
            refused, broken = True, out_of_bounds(table, frame)
        if refused:  # raised here: Delta's own message shows the values of a row, and must not be chained
            why = ", ".join(broken) or "rows that the stored CHECK refuses, and that the declaration does not"
            raise RowsOutOfBounds(
                f"{table.name} @ {', '.join(sorted(rows)[:3])}: {why}. Nothing was written. Look at the step's input: "
                f"jobs.{table.written_by}."
            )
        newest = next(commit_infos(self.root / table.name, newest=1), {})
        if newest.get("userMetadata") != said:
            raise CommitLost(f"{table.name}: the newest commit is not run {self.run_id}'s. Run the step again.")
        metrics = newest.get("operationMetrics", {})
        # rows of other units that lay in the same files are written again, and counted apart
        wrote = int(metrics.get("numOutputRows", sum(rows.values()))) - int(metrics.get("numCopiedRows", 0))
        if wrote != sum(rows.values()):
            expire(self, table, rows)  # it carries the marks of work that is done: they must not stand
            raise CommitLost(
                f"{table.name}: {sum(rows.values()):,} rows counted, {wrote:,} written: the frame gives another result each "
                f"time. Run jobs.{table.written_by} again; if it stays, look for an order that is not fixed."
            )
        if holds_check or hold_check(self.spark, self.path(table), table):
            self._known.properties[table.name] = properties_mark(table)

    # -- the gate's verdicts ------------------------------------------------------------------------------------

    def mark(self, table: Table, unit: object, state: str) -> None:
        """Say that the unit's newest commit `passed` or `failed` its gate; `flush_ledger` makes it last."""
        self._note(table, str(unit), state)

    def flush_ledger(self) -> None:
        """Append what was noted since the last flush to the ledger, in one commit."""
        if not self._known.unsaved:
            return
        rows, self._known.unsaved = self._known.unsaved, []
        append_verdicts(self, rows)

    def _note(self, table: Table, unit: str, state: str) -> None:
        commit = self.commits(table)[unit]
        self._ledger()[(table.name, unit, commit.fingerprint)] = state
        at = datetime.now(UTC)
        self._known.unsaved.append((table.name, unit, commit.fingerprint, state, commit.rows, self.run_id, at))

    def _ledger(self) -> dict[tuple[str, str, str], str]:
        if self._known.verdicts is None:
            self._known.verdicts = stored_verdicts(self)
        return self._known.verdicts


def _check_units(table: Table, marks: Mapping[str, str], counted: Mapping[str, int]) -> None:
    strangers = sorted(set(counted) - set(marks))
    if strangers:
        raise SchemaMismatch(
            f"the frame for {table.name} holds {table.unit_column} {', '.join(strangers[:3])}, expected only "
            f"{', '.join(sorted(marks)[:3])}: a step computed rows of another partition; nothing was written."
        )
    empty = sorted(u for u in marks if not counted.get(u))
    if empty and not table.may_be_empty:
        raise EmptyPartition(
            f"{table.name} @ {', '.join(empty[:3])}: 0 rows computed; writing them would wipe what is there. "
            f"Look at the step's input: jobs.{table.written_by}."
        )
