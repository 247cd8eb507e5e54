"""Provenance of a lake's logs: simulated, or real logs of the operator.

A lake never holds both, because nothing in a row tells which kind it is.
"""

from __future__ import annotations

import json
from pathlib import Path

from lake.errors import MixedLogs
from lake.store import write_file

MARK = "provenance.json"
PLACES = "lake.root=DIR/lake releases=DIR/releases rankers=DIR/rankers reports=DIR/reports tuning.sweeps=DIR/sweeps"


def ensure_provenance(lake_root: Path, logs: Path, simulated: dict[str, object] | None) -> None:
    """Record the provenance of the logs on the lake's first night, and check it on every later night.

    Args:
        lake_root: The lake's folder.
        logs: The folder of delivered logs, for the error message.
        simulated: The content of the simulator's marker file; None for real logs.

    Raises:
        MixedLogs: The lake holds the other kind of logs, or another simulated world or seed. Windows of 28 to 365 days would
            mix days of both, and a simulated day would replace a delivered one.
    """
    wanted = {"simulated": simulated is not None} | {k: (simulated or {}).get(k) for k in ("world", "seed")}
    stored = provenance(lake_root)
    if stored is None:
        write_file(lake_root / MARK, (json.dumps(wanted, sort_keys=True) + "\n").encode())
    elif stored != wanted:
        raise MixedLogs(
            f"{lake_root} holds nights over {_described(stored)}, but {logs} are {_described(wanted)}. Give them a place "
            f"of their own: {PLACES}."
        )


def provenance(lake_root: Path) -> dict[str, object] | None:
    """The recorded provenance: `simulated` (whether), `world` and `seed`; None if no night has recorded it yet."""
    mark = lake_root / MARK
    return dict(json.loads(mark.read_text())) if mark.exists() else None


def _described(origin: dict[str, object]) -> str:
    if not origin["simulated"]:
        return "your own logs"
    details = [f"{name} {origin[name]}" for name in ("world", "seed") if origin.get(name) is not None]
    return f"simulated logs ({', '.join(details)})" if details else "simulated logs"
