"""The gate of a night: the newest commit of each unit passes or fails, and a failure ends the night."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from lake.columns import RUN_DATE
from lake.schema import Table
from night.night import Done, Night
from night.tables import all_tables
from quality.drift import JUDGED_FROM_NIGHTS, drift, shifts, with_shifts
from quality.engine import GateContext, import_ahead, write_data_docs, write_index
from quality.gate import Verdict, judge, require_passed
from quality.record import NightRecord


def gate(night: Night, tables: Sequence[Table], step: str) -> Done:
    """Judge the units of `tables` that this night reads and that have not passed yet; raise QualityGateFailed if one fails.

    Units of a table are judged together; if they fail, one by one, so that the good ones can be read. All verdicts are in the
    ledger before the error is raised. A verdict is added to the night's record before it is added to the ledger: a unit that has
    passed is never judged again, so its page in the Data Docs could not be written later.

    Args:
        night: the night.
        tables: the tables to judge.
        step: the name of the step that calls the gate, for the record.
    """
    lake = night.lake
    record = _record(night)
    todo = _not_passed(night, tables)
    if not todo:
        if record.entries:
            write_index(record)  # an interrupted run may not have written it
        return Done(skipped=True)
    import_ahead()
    context = GateContext(record.folder)
    verdicts: list[Verdict] = []

    def keep(verdict: Verdict, table: Table, units: Sequence[str]) -> None:
        record.add(verdict, {u: lake.commits(table)[u].fingerprint for u in units}, step, lake.run_id)

    # seconds for feature tables, reported apart: judging them may cost only a share of what building them costs
    of_features = 0.0
    for table, units in todo.values():
        begun, is_features = time.perf_counter(), table.name.endswith("_features")
        tonight = [u for u in units if u == night.settings.run_date and len(units) > 1 and is_features]
        for batch in (tonight, [u for u in units if u not in tonight]):  # the drift profile covers this night alone
            verdicts += _judged(night, table, batch, context, keep) if batch else []
        of_features += time.perf_counter() - begun if is_features else 0.0
    page = write_data_docs(context, record)
    lake.flush_ledger()
    require_passed(verdicts)
    passed = sum(len(units) for _, units in todo.values())
    spent = f"counting {context.counting_s:.0f} s, Great Expectations {context.expectations_s:.0f} s"
    spent += f"; of features {of_features:.0f} s" if of_features else ""
    return Done(
        sum(v.rows for v in verdicts), passed, f"{len(todo)} tables, {passed} partitions passed; {spent}; {page}"
    )


def to_judge(night: Night, tables: Sequence[Table]) -> str:
    """Which units `gate` would judge, in words; "" if all have passed."""
    todo = _not_passed(night, tables)
    return f"{sum(len(u) for _, u in todo.values()):,} units of {', '.join(todo)} have not passed" if todo else ""


def _not_passed(night: Night, tables: Sequence[Table]) -> dict[str, tuple[Table, list[str]]]:
    """Table name -> (table, its units that this night reads and that have not passed); without tables that have none."""
    todo = {t.name: (t, [u for u in _read_tonight(night, t) if night.lake.state(t, u) != "passed"]) for t in tables}
    return {name: (table, sorted(units)) for name, (table, units) in todo.items() if units}


def _read_tonight(night: Night, table: Table) -> list[str]:
    """The units of a table that this night judges.

    Of a table with one partition per night: this night's, the catalog snapshot that it uses, and its training snapshots. Of any
    other table (logs and daily counts): all units. A partition that another night built is judged by that night: one of D - 1
    that failed must not stop D, and one that failed there for another reason (an audit) must not pass here.
    """
    units = night.lake.commits(table)
    if table.unit_column != RUN_DATE.name:
        return list(units)
    own = {night.settings.run_date, night.tracks_unit, *map(str, night.as_of)}
    return [u for u in units if u in own]


def _record(night: Night) -> NightRecord:
    """The verdicts of this night so far, without those on commits that the lake has replaced since."""
    record = NightRecord(Path(night.settings.quality.docs_dir) / night.settings.run_date)
    if record.unreadable is not None:
        night.notes.append(
            f"the night's earlier verdicts could not be read: the index of the Data Docs begins anew ({record.unreadable})"
        )
    known = {t.name: t for t in all_tables()}
    record.keep_current(lambda name, unit: night.lake.fingerprint(known[name], unit) if name in known else None)
    return record


Keep = Callable[[Verdict, Table, Sequence[str]], None]


def _judged(night: Night, table: Table, units: list[str], context: GateContext, keep: Keep) -> list[Verdict]:
    """Judge the units together, or one by one if they fail together; mark each in the ledger as passed or failed."""
    lake = night.lake
    if table.may_be_empty:  # an empty partition of such a table has nothing to judge
        empty = [u for u in units if lake.commits(table)[u].rows == 0]
        if empty:
            import pandas as pd

            keep(Verdict(table.name, _label(empty), True, 0, (), context.index, pd.DataFrame()), table, empty)
            for unit in empty:
                lake.mark(table, unit, "passed")
        units = [u for u in units if u not in empty]
        if not units:
            return []
    verdict = judge(lake.read(table, units, allow_unvalidated=True), table, _label(units), context)
    if not verdict.passed and len(units) > 1:
        return [v for unit in units for v in _judged(night, table, [unit], context, keep)]
    keep(verdict, table, units)
    for unit in units:
        lake.mark(table, unit, "passed" if verdict.passed else "failed")
    if table.name.endswith("_features") and units == [night.settings.run_date]:
        night.notes.extend(_drift(night, table, verdict))
    return [verdict]


def _label(units: Sequence[str]) -> str:
    return units[0] if len(units) == 1 else f"{units[0]} … {units[-1]}"


def _drift(night: Night, table: Table, verdict: Verdict) -> list[str]:
    """Notes on the columns that drifted against the profiles of the last seven passed nights.

    Drift is reported from the third night on; it never fails a table. The profile of a table that passed is stored.
    """
    import pandas as pd

    folder = Path(night.settings.reports) / "profiles" / table.name
    folder.mkdir(parents=True, exist_ok=True)
    before, messages = [], []
    for path in [p for p in sorted(folder.glob("*.parquet")) if _night_of(p) < night.run_date][-7:]:
        try:
            before.append(pd.read_parquet(path))
        except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
            messages.append(f"{path} cannot be read and was passed over ({type(error).__name__}); remove it")
    column_shifts = shifts(verdict.profile, before)
    if len(before) >= JUDGED_FROM_NIGHTS:
        messages += drift(column_shifts, len(before))
    if verdict.passed:
        partial = folder / f"{night.settings.run_date}.partial"
        with_shifts(verdict.profile, column_shifts, len(before)).to_parquet(partial)
        partial.rename(partial.with_suffix(".parquet"))
    return [f"drift in {table.name}: {line}" for line in messages]


def _night_of(path: Path) -> date:
    return date.fromisoformat(path.stem)
