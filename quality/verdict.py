"""Results of the quality gate: one verdict per partition, with one failure per broken rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

WHOLE_TABLE = "whole table"


@dataclass(frozen=True)
class Failure:
    """One broken rule: `broken_rows` of `rows` rows break it; for `keys` these are all rows whose key another row has too."""

    column: str
    rule: str
    expected: str
    broken_rows: int
    rows: int

    def __str__(self) -> str:
        if self.column == WHOLE_TABLE:
            return f"{self.rule}: expected {self.expected}, found {self.rows:,} rows"
        return (
            f"column {self.column} breaks {self.rule} ({self.expected}) in {self.broken_rows:,} of {self.rows:,} rows"
        )


@dataclass(frozen=True)
class Verdict:
    """The gate's verdict on one partition; its `profile` is stored, because drift compares the profiles of several nights."""

    table: str
    partition: str
    passed: bool
    rows: int
    failures: tuple[Failure, ...]
    data_docs: Path
    profile: pd.DataFrame = field(repr=False, compare=False)
