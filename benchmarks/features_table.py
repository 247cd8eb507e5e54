"""The one table that `benchmarks.features` prints, from what it also writes as JSON."""

from __future__ import annotations

import sys
from typing import Any


def print_report(told: dict[str, Any]) -> None:
    """Nights beside each other, then everything against DuckDB, then families."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 150)
    nights = told["nights"]
    table = Table(title="the feature engine on two cores; seconds, session start aside", title_justify="left")
    for name in (
        "",
        "28 nearly empty days",
        f"{told['days']} such days",
        "28 days",
        "28 larger days",
        "… with shorter lists",
        f"{told['days']} days",
        f"{told['days']} days, all anew",
    ):
        table.add_column(name, justify="left" if not name else "right")
    runs = [
        nights["empty"],
        nights["empty_long"],
        nights["short"],
        nights["larger"],
        nights["fewer"],
        nights["long"],
        told["full"] | {"total_s": told["full_s"]},
    ]
    for label, key in (("counting", "count"), ("features of D", "build")):
        table.add_row(label, *[f"{r['seconds'][key]:,.1f}" for r in runs])
    table.add_row("in all", *[f"{r['total_s']:,.1f}" for r in runs])
    for label, key in (
        ("impressions held", "impressions"), ("candidates", "candidates"), ("active pairs, 90 days", "active_pairs"),
        ("partials read", "partials_read"), ("bytes written", "bytes_written"),
    ):  # fmt: skip
        table.add_row(label, *[f"{r[key]:,}" for r in runs])
    table.add_section()
    days = told["days"]
    for label, value, bar in (
        (f"all anew / night, {days} days", f"{told['incremental_speedup_365']:.2f}", "≥ 5"),
        ("… in a JVM that has just started, predicted", f"{told['incremental_speedup_365_cold']:.2f}", "≥ 5"),
        (f"night {days} / night 28", f"{told['night_365_over_28']:.2f}", "≤ 1.3"),
        ("… without the fixed cost", f"{told['night_365_over_28_without_fixed']:.2f}", "≤ 1.5"),
        (
            f"fixed seconds of a night: a JVM's first; of 28 days; of {days}",
            f"{told['fixed_cold_s']:.1f}; {told['fixed_s']:.1f}; {told['fixed_long_s']:.1f}",
            "",
        ),
        ("fixed seconds of all anew", f"{told['full_fixed_s']:.1f}", ""),
        ("microseconds an impression, all anew", f"{told['us_per_impression']:.2f}", ""),
        ("days of 20 million: all anew / night, predicted", f"{told['predicted_speedup_20m_day']:.1f}", "≥ 20"),
        ("… were the head set not bounded", f"{told['predicted_speedup_20m_day_unbounded']:.1f}", ""),
        ("microseconds of a night for a candidate", f"{told['predicted']['us_per_candidate']:.1f}", ""),
        ("… for an impression of a day", f"{told['predicted']['us_per_impression']:.1f}", ""),
        ("peak memory, GB", f"{told['peak_rss_gb']:.1f}", ""),
    ):
        table.add_row(label, value, bar)
    table.add_section()
    for one in told["against_duckdb"]:
        table.add_row(
            f"{one['searches']:,} searches in 28 days", f"ours {one['ours_s']:,.1f}", f"DuckDB {one['duckdb_s']:,.1f}",
            f"{one['ours_s'] / one['duckdb_s']:.2f}×", f"{one['mismatches']:,} values apart",
        )  # fmt: skip
    table.add_row("exponent of cost against size", f"{told['cost_exponent']:.2f}", "≤ 1.1")
    table.add_section()
    for name, seconds in told["families_s"].items():
        table.add_row(f"family {name} alone", f"{seconds:,.1f}")
    console.print(table)
