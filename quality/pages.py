"""The Data Docs as self-contained HTML pages: without scripts, and without styles or pictures from other servers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from html import escape
from urllib.parse import quote

from quality.record import Entry

STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#1d2733;margin:24px auto;max-width:1100px;padding:0 16px}
table{border-collapse:collapse;margin:4px 0 12px;width:100%} td,th{padding:3px 10px;text-align:left;vertical-align:top}
td,th{border-bottom:1px solid #e3e7ec} h5{font-size:15px;margin:14px 0 2px} h6{margin:8px 0 2px;font-size:13px}
a{color:#0b5cad;text-decoration:none} .n{text-align:right;font-variant-numeric:tabular-nums}
.bad,.text-danger{color:#b3261e;font-weight:600} .good,.text-success{color:#1b7a3d} .quiet{color:#66707c}
i{font-style:normal} .fa-times::before{content:"\\2717 broken"} .fa-check-circle::before{content:"\\2713 holds"}
.ge-section table[data-search] th:first-child{width:90px} .ge-section table[data-search] th:last-child{width:130px}
.ge-breadcrumbs{list-style:none;padding:0;display:flex;gap:12px} .nav{columns:4;list-style:none;padding:0;margin:0}
.state{font-size:18px;margin:0 0 12px} .counts{display:flex;gap:32px;margin:0 0 16px} .counts b{font-size:22px}
.steps{width:auto} .verdicts td:nth-child(n+3),.verdicts th{white-space:nowrap} .verdicts .broken td{white-space:normal}
.broken td{padding-top:0} .broken ul{margin:0 0 6px} tr:has(+.broken) td{border-bottom:0}
[data-toggle=collapse],.card.mb-3,.modal,footer,thead[hidden]{display:none} td p,td div{margin:0}
"""
FOREIGN = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<style\b.*?</style>|<img\b[^>]*>|<footer\b.*?</footer>",
    re.DOTALL | re.IGNORECASE,
)


def offline(page: str) -> str:
    """A page of Great Expectations without external resources and scripts, and with our own style.

    Some of its texts are changed: the judged values are counts, so "Observed Value" becomes "Rows that break it"; the state is
    shown only once; and the empty entry "Data asset" is removed.
    """
    page = page.replace("Observed Value", "Rows that break it").replace(" Data asset: None<br>", "")
    page = re.sub(r"(Status:</span> <i [^>]*></i>) (Succeeded|Failed)", r"\1", page)
    return FOREIGN.sub("", page).replace("</head>", f"<style>{STYLE}</style></head>", 1)


def index_page(night: str, entries: Sequence[Entry]) -> str:
    """The index page of a night: counts, which step judged when, and every current verdict, failed ones first.

    Each verdict has a link to its page, and its broken rules with their counts.

    Args:
        night: The night's run_date.
        entries: The current verdicts.
    """
    ordered = sorted(entries, key=lambda e: e.passed)
    failed = [e for e in ordered if not e.passed]
    state = (
        f'<span class="bad">✗ {_failed(failed)}: the night is held</span>'
        if failed
        else '<span class="good">✓ all passed</span>'
    )
    counts = {
        "tables": len({e.table for e in entries}),
        "partitions": sum(len(e.units) for e in entries),
        "failed": sum(len(e.units) for e in failed),
    }
    tiles = "".join(f"<div{_bad(name, n)}><b>{n:,}</b> {name}</div>" for name, n in counts.items())
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Quality gate, night of {escape(night)}</title>'
        f"<style>{STYLE}</style></head><body><h1>Quality gate, night of {escape(night)}</h1>"
        f'<p class="state">{state}</p><div class="counts">{tiles}</div>'
        f'<table class="steps"><thead><tr><th>judged by</th><th class="n">tables</th><th class="n">partitions</th>'
        f'<th class="n">failed</th><th>when (UTC)</th></tr></thead><tbody>{_steps(entries)}</tbody></table>'
        f'<table class="verdicts"><thead><tr><th>table</th><th>partitions</th><th>state</th>'
        f'<th class="n">rows</th><th>judged by</th><th>when (UTC)</th></tr></thead>'
        f"<tbody>{''.join(_row(e) for e in ordered)}</tbody></table>"
        f'<p class="quiet">The newest verdict of each partition that was judged in this night, by Great Expectations; what earlier '
        f"nights passed stands in theirs. Counts only: no page holds a value of a row.</p></body></html>\n"
    )


def _failed(failed: Sequence[Entry]) -> str:
    tables = sorted({e.table for e in failed})
    more = f" and {len(tables) - 3} more" if len(tables) > 3 else ""
    return escape(f"{', '.join(tables[:3])}{more} failed")


def _bad(name: str, count: int) -> str:
    return ' class="bad"' if name == "failed" and count else ""


def _steps(entries: Sequence[Entry]) -> str:
    """One HTML table row per step that judged, in the order of their first verdicts."""
    rows = []
    for step in dict.fromkeys(e.step for e in sorted(entries, key=lambda e: e.at)):
        own = [e for e in entries if e.step == step]
        first, last = _minute(min(e.at for e in own)), _minute(max(e.at for e in own))
        failed = sum(len(e.units) for e in own if not e.passed)
        counts = (len({e.table for e in own}), sum(len(e.units) for e in own), failed)
        cells = "".join(f'<td class="n">{n:,}</td>' for n in counts)
        when = first if first == last else f"{first} to {last if last[:10] != first[:10] else last[11:]}"
        rows.append(f"<tr><td>{escape(step)}</td>{cells}<td>{when}</td></tr>")
    return "".join(rows)


def _minute(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M}"


def _row(entry: Entry) -> str:
    """The HTML table row of a verdict; a second row below it, over the whole width, lists the broken rules."""
    state = '<span class="good">✓ passed</span>' if entry.passed else '<span class="bad">✗ failed</span>'
    name = escape(entry.table)
    cells = [f'<a href="{quote(entry.page)}">{name}</a>' if entry.page else name, _partitions(entry), state]
    row = (
        "<tr>" + "".join(f"<td>{c}</td>" for c in cells) + f'<td class="n">{entry.rows:,}</td>'
        f"<td>{escape(entry.step)}</td><td>{_minute(entry.at)}</td></tr>"
    )
    if entry.failures:
        broken = "".join(f"<li>{escape(str(f))}</li>" for f in entry.failures)
        row += f'<tr class="broken"><td colspan="6"><ul>{broken}</ul></td></tr>'
    return row


def _partitions(entry: Entry) -> str:
    """The name of one partition, or the first and the last of several, with their number."""
    units = sorted(entry.units)
    text = escape(units[0] if len(units) == 1 else f"{units[0]} … {units[-1]}")
    if len(units) < entry.judged:
        return f'{text} <span class="quiet">({len(units)} of {entry.judged}; the rows are of all)</span>'
    empty = (
        ["empty"] if entry.passed and not entry.rows else []
    )  # a table that may be empty: nothing was judged, and there is no page
    notes = ", ".join(([f"{len(units)}"] if len(units) > 1 else []) + empty)
    return f'{text} <span class="quiet">({notes})</span>' if notes else text
