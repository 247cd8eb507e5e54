"""A verdict as plain values for JSON."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any


def as_plain(value: Any) -> Any:
    """Dataclasses as objects, tuples as lists, dates as YYYY-MM-DD, and numbers that are not finite as null.

    Numbers keep 9 significant digits: the order in which Spark hands over the rows must not show.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): as_plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(inner) for inner in value]
    if isinstance(value, date):
        return str(value)
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else None
    return value
