"""The table that `benchmarks.ingest` prints, made of the content of its JSON file."""

from __future__ import annotations

import platform
import statistics
import sys
from typing import Any

from benchmarks.compare import SHOWN
from benchmarks.tasks import Action, by_action, worst_ratio

MOST_ACTIONS = 12


def print_report(report: dict[str, Any]) -> None:
    """Print seconds by step, rates and ratios; then where our time went; then examples of rows that differ."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 160)
    formats: dict[str, dict[str, Any]] = report["formats"]
    day = report["day"]
    hot = f", {day['hot_share']:.0%} of them one head query" if day["hot_share"] else ""
    table = Table(
        title=f"one delivered day of {day['searches']:,} searches{hot}; {_versions(formats)}", title_justify="left"
    )
    table.add_column("")
    for name in formats:
        table.add_column(f"{name}: ours", justify="right")
        table.add_column(f"{name}: DuckDB", justify="right")
    for label, values in _rows(formats):
        if label == "-":
            table.add_section()
        else:
            table.add_row(label, *values)
    for name, result in formats.items():
        _where(table, name, result, list(formats))
    console.print(table)
    for name, result in formats.items():
        for difference in result["differences"]:
            if difference["mismatches"]:
                console.print(
                    f"{name}: {difference['table']}: {difference['mismatches']:,} rows without an equal", style="red"
                )
                for example in difference["examples"][:: SHOWN // 2]:  # all are in the JSON
                    console.print(f"  {example}", highlight=False, soft_wrap=True, markup=False)
    console.print(
        "Not in the times: the session's start, and the normal forms that DuckDB is handed ready-made. Longest/median: "
        "the worst of the stages that hold 3 % of all task time or more."
    )


def _rows(formats: dict[str, dict[str, Any]]) -> list[tuple[str, list[str]]]:
    def both(ours: str, theirs: str) -> list[str]:
        return [cell for result in formats.values() for cell in (_cell(result, ours), _cell(result, theirs))]

    rows: list[tuple[str, list[str]]] = [("session start, s (left out)", both("session", ""))]
    first = next(iter(formats.values()))
    rows += [(f"{step}, s", both(f"ours {step}", "")) for step in first["ours"]["seconds"]]
    rows += [(f"{step}, s", both("", f"duckdb {step}")) for step in first["duckdb"]["seconds"]]
    rows += [
        ("-", []),
        ("total, s", both("ours total", "duckdb total")),
        ("ours / DuckDB", both("ratio", "")),
        ("impressions/s", both("ours rate", "duckdb rate")),
        ("peak memory, GB", both("ours peak", "duckdb peak")),
        ("input, MB", both("input", "input")),
        ("longest task / median", both("longest", "")),
        ("rows that differ", both("mismatches", "")),
        ("daily_engagement, rows", both("counts", "")),
        ("-", []),
    ]
    return rows


def _cell(result: dict[str, Any], what: str) -> str:
    side, _, item = what.partition(" ")
    if side in ("ours", "duckdb") and item:
        of = result[side]
        seconds = of["seconds"]
        rate = result["impressions"] / sum(seconds.values())
        named = {
            "total": f"{sum(seconds.values()):,.1f}",
            "rate": f"{rate:,.0f}",
            "peak": f"{of['peak_rss'] / 1e9:.2f}",
        }
        return named[item] if item in named else f"{seconds[item]:,.1f}"
    by_table = {d["table"]: d for d in result["differences"]}
    ours, theirs = (sum(result[s]["seconds"].values()) for s in ("ours", "duckdb"))
    return {
        "": "",
        "session": f"{result['ours']['told']['session_s']:,.1f}",
        "ratio": f"{ours / theirs:.2f}",
        "input": f"{result['input_bytes'] / 1e6:,.0f}",
        "longest": f"{worst_ratio(result['ours']['told']['stages']):.2f}",
        "mismatches": f"{sum(d['mismatches'] for d in by_table.values()):,}",
        "counts": f"{by_table['daily_engagement']['rows']:,}",
    }[what]


def _where(table: Any, name: str, result: dict[str, Any], formats: list[str]) -> None:
    """Add rows for the longest actions and the heaviest stages of one format, in the column of our side."""

    def row(label: str, value: str) -> None:
        cells = [""] * (2 * len(formats))
        cells[2 * formats.index(name)] = value
        table.add_row(label, *cells)

    details = result["ours"]["told"]
    actions = [Action(**a) for a in details["actions"]]
    for label, seconds in by_action(actions)[:MOST_ACTIONS]:
        row(label, f"{seconds:,.1f}")
    idle = sum(result["ours"]["seconds"].values()) - sum(a.seconds for a in actions)
    row("between actions: plans, commits, file hashes", f"{idle:,.1f}")
    for stage in details["stages"]:
        s = stage["seconds"]
        spilled = f", {stage['spilled'] / 1e9:.1f} GB spilled" if stage["spilled"] else ""
        row(
            f"  stage of {stage['action']} [{stage['name'][:24].strip()}…]",
            f"{len(s)} tasks of {statistics.median(s):.1f} s, longest {max(s):.1f}{spilled}",
        )
    table.add_section()


def _versions(formats: dict[str, dict[str, Any]]) -> str:
    import duckdb

    spark = next(iter(formats.values()))["ours"]["told"]["spark"]
    return f"Spark {spark}, DuckDB {duckdb.__version__}, Python {platform.python_version()}, 2 cores"
