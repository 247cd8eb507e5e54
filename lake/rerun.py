"""The lake for a past night that is run again after later nights.

Daily counts that have changed since are counted again as they were on that night, and stored apart; the lake's own stay
unchanged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from lake.commits import Commit
from lake.io import Lake
from lake.schema import Table
from lake.store import remove_tree

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

RERUNS = "reruns"  # folder beside the tables, with one folder per run_date; its content can be computed again


class RerunLake(Lake):
    """A lake that keeps this night's units of `own_tables` under `reruns/<run_date>/`, and reads them from there.

    A day is counted first without its late rows, and again once they have arrived. A night that is run again must see the first
    count. Written over the second count in the lake itself, the first would make the day pending again for the next night.

    Args:
        lake: The lake that later nights have already written to.
        run_date: The night that is run again.
        own_tables: Tables whose units this night writes apart.
    """

    def __init__(self, lake: Lake, run_date: str, own_tables: Collection[Table]) -> None:
        super().__init__(lake._spark, lake.root, lake.run_id, lake._may_write)
        self._cache = lake._cache  # shared, so that the run appends all verdicts to one ledger
        self.base, self.run_date = lake, run_date
        self._own = Lake(lake._spark, lake.root / RERUNS / run_date, lake.run_id, lake._may_write)
        self._own_tables = {table.name for table in own_tables}

    def _is_own(self, table: Table) -> bool:
        return table.name in self._own_tables

    def exists(self, table: Table) -> bool:
        """Whether the lake or this night has a commit of the table."""
        return super().exists(table) or (self._is_own(table) and self._own.exists(table))

    def stored_columns(self, table: Table) -> frozenset[str]:
        """Names of the columns of the stored table, of this night's own if it has one."""
        if self._is_own(table) and self._own.exists(table):
            return self._own.stored_columns(table)
        return super().stored_columns(table)

    def commits(self, table: Table) -> dict[str, Commit]:
        """Newest commit per unit; this night's own commit takes precedence."""
        stored = super().commits(table)
        return {**stored, **self._own.commits(table)} if self._is_own(table) else stored

    def read(
        self, table: Table, units: Iterable[object] | None = None, *, allow_unvalidated: bool = False
    ) -> DataFrame:
        """Like `Lake.read`, but units that this night wrote come from its own tables."""
        if not self._is_own(table) or not self._own.commits(table):
            return super().read(table, units, allow_unvalidated=allow_unvalidated)
        wanted = {str(u) for u in (self.commits(table) if units is None else units)}
        if units is None and not allow_unvalidated:
            wanted = set(self.passed(table))
        self._check_readable(table, sorted(wanted), allow_unvalidated=allow_unvalidated)
        self._note_use("read", table, wanted)
        own = sorted(wanted & set(self._own.commits(table)))
        others = sorted(wanted - set(own))
        if not own:
            return super().read(table, others, allow_unvalidated=True)
        frame = self._own.read(table, own, allow_unvalidated=True)
        return frame.unionByName(super().read(table, others, allow_unvalidated=True)) if others else frame

    def write(
        self,
        table: Table,
        frame: DataFrame,
        units: Mapping[str, str] | Mapping[date, str],
        rows: Mapping[str, int] | None = None,
    ) -> dict[str, int]:
        """Like `Lake.write`, but units of `own_tables` are written to this night's own tables."""
        if not self._is_own(table):
            return super().write(table, frame, units, rows)
        written = self._own.write(table, frame, units, rows)
        for unit in written:
            self._note(table, unit, "built")
        self._note_use("written", table, written)
        return written


def remove_reruns(lake_root: Path, before: str | None = None) -> int:
    """Remove the stored tables of nights that were run again, and return how many nights' folders were removed.

    Args:
        lake_root: The lake's folder.
        before: Remove only nights with a run_date before this one; None for all.
    """
    folders = [f for f in sorted((lake_root / RERUNS).glob("*")) if f.is_dir() and (before is None or f.name < before)]
    for folder in folders:
        remove_tree(folder)
    return len(folders)
