"""Read and write partitions of the lake: schema check, idempotent replacement, write-audit-publish.

A *unit* is the smallest part of a table that one write replaces: one value of its partition column (or of its `write_unit`
column). Every commit carries `userMetadata` {run_id, units: {unit: {fingerprint, rows}}}. A unit is done when the newest commit
that names it has the wanted fingerprint; no other record of finished work exists. The quality gate's verdicts are stored in the
`ledger` table.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.commits import Commit, apply_commit, commit_infos
from lake.errors import CommitLost, EmptyPartition, MissingPartition, RowsOutOfBounds, SchemaMismatch
from lake.layout import (
    add_check,
    arrange_rows,
    creation_options,
    drop_old_check,
    ensure_log_retention,
    out_of_bounds,
    partition_values,
    properties_fingerprint,
)
from lake.ledger import append_verdicts, data_files, stored_verdicts
from lake.schema import Table, check_schema, struct
from lake.session import LazySession
from lake.store import absolute
from lake.upkeep import expire


@dataclass
class LakeCache:
    """What a run has read from the Delta logs and the ledger, and the verdicts that it has not yet appended to the ledger."""

    commits: dict[str, dict[str, Commit]] = field(default_factory=dict)  # table -> unit -> its newest commit
    verdicts: dict[tuple[str, str, str], str] | None = None  # as from `stored_verdicts`; None until read
    unsaved: list[tuple[object, ...]] = field(default_factory=list)  # rows of LEDGER
    # table -> its `properties_fingerprint` at the newest commit
    properties: dict[str, str] = field(default_factory=dict)
    used: dict[str, dict[str, set[tuple[str, str]]]] = field(default_factory=dict)  # as `Lake.used`
    step: str = ""  # the step that is running


class Lake:
    """The lake under `root`, as one run sees it. It is not safe for several writers: a writer must hold `lake.lock.night_lock`.

    Commits, states and newest units are read from files without Spark, so these calls do not start a lazy session.

    Args:
        spark: The session, or a lazy one that starts when it is first needed.
        root: The lake's folder.
        run_id: Id of the run, recorded in every commit; a random one if empty.
        may_write: Called before each commit; raises NightLocked if this run has lost the lock.
    """

    def __init__(
        self,
        spark: SparkSession | LazySession,
        root: Path,
        run_id: str = "",
        may_write: Callable[[], None] = lambda: None,
    ) -> None:
        self._spark = spark
        self.root = absolute(root)
        self._may_write = may_write
        self.run_id = run_id or uuid.uuid4().hex[:12]
        self._cache = LakeCache()

    @property
    def spark(self) -> SparkSession:
        """The Spark session; the first access starts a lazy one."""
        return self._spark.session if isinstance(self._spark, LazySession) else self._spark

    @property
    def started(self) -> SparkSession | None:
        """The session if it has been started, else None; this access never starts it."""
        return self._spark.started if isinstance(self._spark, LazySession) else self._spark

    @property
    def used(self) -> Mapping[str, Mapping[str, set[tuple[str, str]]]]:
        """Step -> {"read", "written"} -> (table, unit) of what this run has read and written so far."""
        return self._cache.used

    def begin_step(self, name: str) -> None:
        """Count what is read and written from now on for this step in `used`."""
        self._cache.step = name

    def _note_use(self, verb: str, table: Table, units: Iterable[str]) -> None:
        of_step = self._cache.used.setdefault(self._cache.step, {"read": set(), "written": set()})
        of_step[verb].update((table.name, unit) for unit in units)

    def path(self, table: Table) -> str:
        """Path of the table's folder."""
        return str(self.root / table.name)

    def exists(self, table: Table) -> bool:
        """Whether the table has at least one commit; a first write that was killed leaves an empty log folder."""
        log = self.root / table.name / "_delta_log"
        return any(not p.name.startswith(".") for p in (*log.glob("*.json"), *log.glob("*.parquet")))

    # -- stored units -------------------------------------------------------------------------------------------

    def commits(self, table: Table) -> dict[str, Commit]:
        """Newest commit per unit, from the Delta log."""
        if table.name not in self._cache.commits:
            commits: dict[str, Commit] = {}
            for info in commit_infos(self.root / table.name):
                metadata = json.loads(info.get("userMetadata") or "{}")
                if "check" in metadata:  # other commits leave the table properties unchanged
                    self._cache.properties[table.name] = metadata["check"]
                apply_commit(commits, metadata)
            self._cache.commits[table.name] = commits
        return self._cache.commits[table.name]

    def partitions(self, table: Table) -> list[str]:
        """Values of the partition column that have data files, sorted; read from the paths of the files."""
        if not self.exists(table):
            return []
        return partition_values(data_files(self, table), str(table.partition))

    def stored_columns(self, table: Table) -> frozenset[str]:
        """Names of the columns of the stored table, whether they are still declared or not; empty if it was never written."""
        return frozenset(self.spark.read.format("delta").load(self.path(table)).columns if self.exists(table) else ())

    def forget_cache(self, table: Table) -> None:
        """Drop the cached commits of a table after somebody else's commit, so that its log is read again at the next access."""
        self._cache.commits.pop(table.name, None)

    def fingerprint(self, table: Table, unit: object) -> str | None:
        """Fingerprint of the newest commit of a unit; None if it was never written."""
        commit = self.commits(table).get(str(unit))
        return commit.fingerprint if commit else None

    def state(self, table: Table, unit: object) -> str | None:
        """`built`, `passed` or `failed` for the unit's newest commit; None if it was never written."""
        mark = self.fingerprint(table, unit)
        if mark is None:
            return None
        return self._ledger().get((table.name, str(unit), mark), "built")

    def newest(self, table: Table, day: date) -> str | None:
        """The newest unit on or before `day` of a table whose units are dates; None if there is none."""
        return max((unit for unit in self.commits(table) if unit <= str(day)), default=None)

    def passed(self, table: Table) -> list[str]:
        """Units whose newest commit passed its quality gate, sorted."""
        return sorted(unit for unit in self.commits(table) if self.state(table, unit) == "passed")

    # -- reading ------------------------------------------------------------------------------------------------

    def read(
        self, table: Table, units: Iterable[object] | None = None, *, allow_unvalidated: bool = False
    ) -> DataFrame:
        """Read the declared columns of a table.

        Args:
            table: The declaration.
            units: The units to read; None for all that are readable.
            allow_unvalidated: Read units too that have not passed their quality gate.

        Raises:
            MissingPartition: The table or one of `units` was never written, or a unit has not passed its gate, or `units` is
                empty.
            SchemaMismatch: The stored table lacks a declared column, or has it with another type.
        """
        readable = sorted(self.commits(table)) if allow_unvalidated else self.passed(table)
        wanted = readable if units is None else sorted({str(u) for u in units})
        self._check_readable(table, wanted, allow_unvalidated=allow_unvalidated, is_any=units is None)
        self._note_use("read", table, wanted)
        frame = self.spark.read.format("delta").load(self.path(table))
        check_schema(table, frame, f"{table.name} in {self.root}", extra_allowed=True)
        frame = frame.select(*[c.name for c in table.columns])
        unit_column = table.unit_column
        if unit_column is None or (units is None and allow_unvalidated):  # every stored row belongs to a readable unit
            return frame
        # values of the column's type, so that Delta skips partitions and files by its log alone
        typed: list[object] = list(wanted)
        if table.column(unit_column).type == "date":
            typed = [date.fromisoformat(u) for u in wanted]
        return frame.where(F.col(unit_column).isin(typed)) if wanted else frame.limit(0)

    def _check_readable(self, table: Table, units: list[str], *, allow_unvalidated: bool, is_any: bool = False) -> None:
        """Raise MissingPartition unless the table exists and all `units` are readable.

        An empty `units` is refused too, unless `is_any` says that the caller asked for all readable units.
        """
        readable = self.commits(table) if allow_unvalidated else set(self.passed(table))
        missing = [u for u in units if u not in readable]
        if missing or not self.exists(table) or not (units or is_any):
            self._refuse(table, missing)

    def _refuse(self, table: Table, missing: list[str]) -> None:
        states = {u: self.state(table, u) for u in missing[:3]}
        described = ", ".join(f"{u} ({s or 'never written'})" for u, s in states.items()) or "no partition at all"
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        step = "jobs.validate" if "built" in states.values() else f"jobs.{table.written_by}"
        if "failed" in states.values():
            raise MissingPartition(
                f"{table.name}: {described}{more} failed its gate and can't be read; read the Data Docs, mend the cause, "
                f"run jobs.nightly again."
            )
        raise MissingPartition(f"{table.name}: needed {described}{more}. Run {step} first.")

    # -- writing ------------------------------------------------------------------------------------------------

    def write(
        self,
        table: Table,
        frame: DataFrame,
        units: Mapping[str, str] | Mapping[date, str],
        rows: Mapping[str, int] | None = None,
    ) -> dict[str, int]:
        """Replace the given units by the frame's rows, in one commit; repeating the same write gives the same table.

        Args:
            table: The declaration.
            frame: The new rows of exactly these units.
            units: Unit -> fingerprint of the inputs that its rows were computed from.
            rows: Unit -> number of rows in the frame, if the caller has counted them. Otherwise the frame is persisted and
                counted here.

        Returns:
            Unit -> number of rows written.

        Raises:
            SchemaMismatch: The frame's columns differ from the declared ones, or it holds rows of other units.
            EmptyPartition: A unit has no rows, and the table is not declared `may_be_empty`.
            RowsOutOfBounds: Rows break the declared bounds; nothing was written.
            CommitLost: The newest commit is not this one; or the commit holds another number of rows than was counted, and its
                units were removed again, as if never written.
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
            written = {u: counted.get(u, 0) for u in marks}
            metadata = {
                "run_id": self.run_id,
                "nonce": uuid.uuid4().hex,
                "units": {u: {"fingerprint": marks[u], "rows": written[u]} for u in sorted(marks)},
            }
            self._commit(table, frame, column, written, metadata)
        finally:
            if rows is None:
                frame.unpersist()
        commits = self.commits(table)
        for unit, mark in marks.items():
            commits[unit] = Commit(mark, written[unit], self.run_id)
            self._note(table, unit, "built")
        self._note_use("written", table, marks)
        return written

    def _commit(
        self, table: Table, frame: DataFrame, column: str, rows: Mapping[str, int], metadata: Mapping[str, object]
    ) -> None:
        """Write the units in `rows` as one commit with `metadata` as its userMetadata, and check what the log says of it."""
        is_date = table.column(column).type == "date"
        listed = ", ".join((f"DATE'{u}'" if is_date else f"'{u}'") for u in sorted(rows))
        column_metadata = {f.name: f.metadata for f in struct(table).fields}
        described = frame.select(*[F.col(n).alias(n, metadata=m) for n, m in column_metadata.items()])
        ordered = arrange_rows(table, described, rows)
        self.commits(table)  # fill the cache before the write, not from an unfinished table
        exists, has_check = self.exists(table), True
        outdated = exists and self._cache.properties.get(table.name) != properties_fingerprint(table)
        if outdated:
            ensure_log_retention(self.spark, self.path(table))
            has_check = drop_old_check(self.spark, self.path(table), table)
        # recorded only if the table has them already: if the run is killed before `add_check`, the next write adds the CHECK
        properties = {"check": properties_fingerprint(table)} if has_check else {}
        user_metadata = json.dumps({**metadata, **properties}, sort_keys=True)
        writer = ordered.write.format("delta").mode("overwrite").option("userMetadata", user_metadata)
        if table.partition:
            writer = writer.partitionBy(table.partition)
        if exists:
            writer = writer.option("replaceWhere", f"{column} IN ({listed})").option("mergeSchema", "true")
        else:
            writer = writer.options(**creation_options(table))
        # without a CHECK that would refuse them, rows out of bounds are searched before the write
        broken = out_of_bounds(table, frame) if not has_check else []
        refused = bool(broken)
        try:
            if not refused:
                self._may_write()
                writer.save(self.path(table))
        except Exception as error:
            if "DELTA_VIOLATE_CONSTRAINT" not in str(error):
                raise
            refused, broken = True, out_of_bounds(table, frame)
        if refused:  # raised outside of `except`: Delta's message shows the values of a row, and must not be chained
            why = ", ".join(broken) or "rows that the stored CHECK refuses, and that the declaration does not"
            raise RowsOutOfBounds(
                f"{table.name} @ {', '.join(sorted(rows)[:3])}: {why}. Nothing was written. Look at the step's input: "
                f"jobs.{table.written_by}."
            )
        newest = next(commit_infos(self.root / table.name, newest=1), {})
        if newest.get("userMetadata") != user_metadata:
            raise CommitLost(f"{table.name}: the newest commit is not run {self.run_id}'s. Run the step again.")
        metrics = newest.get("operationMetrics", {})
        # Delta rewrites rows of other units that share a file, and counts them in numCopiedRows
        written = int(metrics.get("numOutputRows", sum(rows.values()))) - int(metrics.get("numCopiedRows", 0))
        if written != sum(rows.values()):
            expire(self, table, rows)  # the commit marks its units as done, which must be undone
            raise CommitLost(
                f"{table.name}: {sum(rows.values()):,} rows counted, {written:,} written: the frame gives another result each "
                f"time. Run jobs.{table.written_by} again; if it stays, look for an order that is not fixed."
            )
        if has_check or add_check(self.spark, self.path(table), table):
            self._cache.properties[table.name] = properties_fingerprint(table)

    # -- the gate's verdicts ------------------------------------------------------------------------------------

    def mark(self, table: Table, unit: object, state: str) -> None:
        """Record that the unit's newest commit `passed` or `failed` its quality gate; stored by the next `flush_ledger`.

        Args:
            table: The declaration.
            unit: The unit that was judged.
            state: `passed` or `failed`.
        """
        self._note(table, str(unit), state)

    def flush_ledger(self) -> None:
        """Append the verdicts recorded since the last flush to the ledger, in one commit."""
        if not self._cache.unsaved:
            return
        self._may_write()
        rows, self._cache.unsaved = self._cache.unsaved, []
        append_verdicts(self, rows)

    def _note(self, table: Table, unit: str, state: str) -> None:
        commit = self.commits(table)[unit]
        self._ledger()[(table.name, unit, commit.fingerprint)] = state
        at = datetime.now(UTC)
        self._cache.unsaved.append((table.name, unit, commit.fingerprint, state, commit.rows, self.run_id, at))

    def _ledger(self) -> dict[tuple[str, str, str], str]:
        if self._cache.verdicts is None:
            self._cache.verdicts = stored_verdicts(self)
        return self._cache.verdicts


def _check_units(table: Table, marks: Mapping[str, str], counted: Mapping[str, int]) -> None:
    """Raise unless the frame has rows of the wanted units only, and of each of them where the table may not be empty."""
    foreign = sorted(set(counted) - set(marks))
    if foreign:
        raise SchemaMismatch(
            f"the frame for {table.name} holds {table.unit_column} {', '.join(foreign[:3])}, expected only "
            f"{', '.join(sorted(marks)[:3])}: a step computed rows of another partition; nothing was written."
        )
    empty = sorted(u for u in marks if not counted.get(u))
    if empty and not table.may_be_empty:
        raise EmptyPartition(
            f"{table.name} @ {', '.join(empty[:3])}: 0 rows computed; writing them would wipe what is there. "
            f"Look at the step's input: jobs.{table.written_by}."
        )
