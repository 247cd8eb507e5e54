"""The tables that `benchmarks.features` prints, made of the content of its JSON file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


def print_report(report: dict[str, Any]) -> None:
    """Print the nights side by side, the measured values with their bars, the comparison with DuckDB, and the families."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 150)
    for table in (_nights(report), _bars(report), _against_duckdb(report), _families(report)):
        console.print(table)


def _table(title: str, *headings: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name in headings:
        table.add_column(name, justify="right" if table.columns else "left")
    return table


def _nights(report: dict[str, Any]) -> Table:
    nights, days = report["nights"], report["days"]
    table = _table(
        "nights on two cores; seconds, session start aside",
        "",
        "28 nearly empty days",
        f"{days} such days",
        "28 days",
        "28 larger days",
        "… with shorter lists",
        f"{days} days",
        f"{days} days, all anew",
    )
    runs = [nights[name] for name in ("empty", "empty_long", "short", "larger", "fewer", "long")]
    runs.append(report["full"] | {"total_s": report["full_s"]})
    for label, key in (("counting", "count"), ("features of D", "build")):
        table.add_row(label, *[f"{r['seconds'][key]:,.1f}" for r in runs])
    table.add_row("in all", *[f"{r['total_s']:,.1f}" for r in runs])
    for label, key in (
        ("impressions held", "impressions"),
        ("candidates", "candidates"),
        ("active pairs, 90 d", "active_pairs"),
        ("partials read", "partials_read"),
        ("bytes written", "bytes_written"),
    ):
        table.add_row(label, *[f"{r[key]:,}" for r in runs])
    return table


def _bars(report: dict[str, Any]) -> Table:
    table, days, big = _table("what they are held to", "", "measured", "wanted"), report["days"], report["predicted"]
    fixed = " / ".join(f"{report[name]:.1f}" for name in ("fixed_cold_s", "fixed_s", "fixed_long_s"))
    for row in (
        (f"all anew / night, {days} days", f"{report['incremental_speedup_365']:.2f}", "≥ 5"),
        ("… in a JVM that has just started, predicted", f"{report['incremental_speedup_365_cold']:.2f}", "≥ 5"),
        (f"night of {days} / night of 28 days", f"{report['night_365_over_28']:.2f}", "≤ 1.3"),
        ("… without the fixed cost", f"{report['night_365_over_28_without_fixed']:.2f}", "≤ 1.5"),
        (f"fixed seconds of a night: a JVM's first / of 28 / of {days} days", fixed, ""),
        ("fixed seconds of all anew", f"{report['full_fixed_s']:.1f}", ""),
        ("microseconds an impression, all anew", f"{report['us_per_impression']:.2f}", ""),
        ("microseconds of a night for a candidate", f"{big['us_per_candidate']:.1f}", ""),
        ("… for an impression of a day", f"{big['us_per_impression']:.1f}", ""),
        ("days of 20 million: all anew, s", f"{big['full_s']:,.0f}", ""),
        ("… a night, s", f"{big['night_s']:,.0f}", ""),
        ("… all anew / night, predicted", f"{report['predicted_speedup_20m_day']:.1f}", "≥ 20"),
        ("… were the head set not bounded", f"{report['predicted_speedup_20m_day_unbounded']:.1f}", ""),
        ("peak memory, GB", f"{report['peak_rss_gb']:.1f}", ""),
        ("all anew / DuckDB, the largest size below", f"{report['full_over_duckdb']:.2f}", "≤ 5"),
        ("exponent of cost against size", f"{report['cost_exponent']:.2f}", "≤ 1.1"),
        ("values apart from DuckDB's", f"{report['oracle_mismatches']:,}", "0"),
    ):
        table.add_row(*row)
    return table


def _against_duckdb(report: dict[str, Any]) -> Table:
    table = _table(
        "everything anew from the logs of 28 days", "searches", "ours, s", "DuckDB, s", "ratio", "values apart"
    )
    for one in report["against_duckdb"]:
        table.add_row(
            f"{one['searches']:,}",
            f"{one['ours_s']:,.1f}",
            f"{one['duckdb_s']:,.1f}",
            f"{one['ours_s'] / one['duckdb_s']:.2f}",
            f"{one['mismatches']:,}",
        )
    return table


def _families(report: dict[str, Any]) -> Table:
    table = _table("one family alone", "family", "s")
    for name, seconds in report["families_s"].items():
        table.add_row(name, f"{seconds:,.1f}")
    return table
