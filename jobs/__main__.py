"""`playfirst COMMAND …`: every job and serving command under one name, for an environment without the sources."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

SERVING = {"lookup": "serving.lookup", "serve": "serving.http", "release": "serving.release"}
OTHERS = {"explain": "queries.explain", "explain-feature": "features.explain", "simulate": "simulator.generate"}
NO_COMMANDS = {"__init__", "__main__", "graph"}


def commands() -> dict[str, str]:
    """Command -> module."""
    jobs = {p.stem.replace("_", "-"): f"jobs.{p.stem}" for p in Path(__file__).parent.glob("*.py")}
    return {n: m for n, m in sorted(jobs.items()) if m.removeprefix("jobs.") not in NO_COMMANDS} | SERVING | OTHERS


def main() -> int:
    """Run the command that the first word names, with the words after it; returns 2 if there is none."""
    known = commands()
    name = sys.argv[1].replace("_", "-") if len(sys.argv) > 1 else ""
    if name not in known:
        print(
            f"usage: playfirst COMMAND [key=value …], where COMMAND is one of: {', '.join(sorted(known))}",
            file=sys.stderr,
        )
        return 0 if name in ("-h", "--help") else 2
    sys.argv = [f"playfirst {name}", *sys.argv[2:]]
    runpy.run_module(known[name], run_name="__main__", alter_sys=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
