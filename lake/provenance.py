"""What a lake's logs are: simulated or somebody's own. A lake never holds both, since nothing in a row says which it is."""

from __future__ import annotations

import json
from pathlib import Path

from lake.errors import MixedLogs

MARK = "provenance.json"
PLACES = "lake.root=DIR/lake releases=DIR/releases rankers=DIR/rankers reports=DIR/reports tuning.sweeps=DIR/sweeps"


def ensure_provenance(lake_root: Path, logs: Path, simulated: dict[str, object] | None) -> None:
    """Note on a first night what the lake is made of; `simulated`: what the simulator's marker says, None for own logs.

    Raises MixedLogs where the lake holds the other kind, or another simulated world or seed: windows of 28 to 365 days would hold
    days of both, and a simulated day would take the place of a delivered one.
    """
    wanted = {"simulated": simulated is not None} | {k: (simulated or {}).get(k) for k in ("world", "seed")}
    held = provenance(lake_root)
    if held is None:
        lake_root.mkdir(parents=True, exist_ok=True)
        (lake_root / MARK).write_text(json.dumps(wanted, sort_keys=True) + "\n")
    elif held != wanted:
        raise MixedLogs(
            f"{lake_root} holds nights over {_named(held)}, but {logs} are {_named(wanted)}. Give them a place "
            f"of their own: {PLACES}."
        )


def provenance(lake_root: Path) -> dict[str, object] | None:
    """What the lake is made of; None where no night has said it yet."""
    mark = lake_root / MARK
    return dict(json.loads(mark.read_text())) if mark.exists() else None


def _named(said: dict[str, object]) -> str:
    if not said["simulated"]:
        return "your own logs"
    told = [f"{name} {said[name]}" for name in ("world", "seed") if said.get(name) is not None]
    return f"simulated logs ({', '.join(told)})" if told else "simulated logs"
