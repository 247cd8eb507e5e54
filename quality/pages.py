"""The Data Docs as pages that stand alone: no script, no style, no picture from another server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from urllib.parse import quote

from quality.verdict import Verdict

STYLE = """
body{font:14px/1.45 system-ui,sans-serif;color:#1d2733;margin:24px auto;max-width:1100px;padding:0 16px}
table{border-collapse:collapse;margin:4px 0 12px;width:100%} td,th{padding:3px 10px;text-align:left;vertical-align:top}
td,th{border-bottom:1px solid #e3e7ec} h5{font-size:15px;margin:14px 0 2px} h6{margin:8px 0 2px;font-size:13px}
a{color:#0b5cad;text-decoration:none} .n{text-align:right;font-variant-numeric:tabular-nums}
.bad,.text-danger{color:#b3261e;font-weight:600} .good,.text-success{color:#1b7a3d} .quiet{color:#66707c}
i{font-style:normal} .fa-times::before{content:"\\2717 broken"} .fa-check-circle::before{content:"\\2713 holds"}
.ge-section table[data-search] th:first-child{width:90px} .ge-section table[data-search] th:last-child{width:130px}
.ge-breadcrumbs{list-style:none;padding:0;display:flex;gap:12px} .nav{columns:4;list-style:none;padding:0;margin:0}
[data-toggle=collapse],.card.mb-3,.modal,footer,thead[hidden]{display:none} td p,td div{margin:0}
"""
FOREIGN = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<style\b.*?</style>|<img\b[^>]*>|<footer\b.*?</footer>",
    re.DOTALL | re.IGNORECASE,
)


def offline(page: str) -> str:
    """A page of Great Expectations without what it loads from elsewhere (and without scripts), in our own style.

    What is judged are counts, so "Observed Value" is said in plain words.
    """
    page = page.replace("Observed Value", "Rows that break it")
    return FOREIGN.sub("", page).replace("</head>", f"<style>{STYLE}</style></head>", 1)


def index_page(verdicts: Iterable[Verdict], links: Mapping[tuple[str, str], str], started: datetime) -> str:
    """The first page: every table judged, the failed ones first, each with its page and its broken rules with their counts."""
    ordered = sorted(verdicts, key=lambda v: v.passed)
    failed = sum(not v.passed for v in ordered)
    said = f"{failed} of {len(ordered)} failed: the night is held" if failed else f"all {len(ordered)} passed"
    body = "".join(_row(v, links.get((v.table, v.partition))) for v in ordered)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>playfirst gate</title>'
        f"<style>{STYLE}</style></head><body><h1>The gate: {escape(said)}</h1>"
        f'<p class="quiet">Judged from {started:%Y-%m-%d %H:%M} UTC by Great Expectations. Counts only: no page holds '
        f"a value of a row.</p><table><thead><tr><th>table</th><th>partition</th><th>state</th>"
        f'<th class="n">rows</th><th>broken rules</th></tr></thead><tbody>{body}</tbody></table>'
        f"</body></html>\n"
    )


def _row(verdict: Verdict, page: str | None) -> str:
    state = '<span class="good">✓ passed</span>' if verdict.passed else '<span class="bad">✗ failed</span>'
    broken = "<br>".join(escape(str(f)) for f in verdict.failures)
    name = escape(verdict.table)
    cells = [f'<a href="{quote(page)}">{name}</a>' if page else name, escape(verdict.partition), state]
    return (
        "<tr>" + "".join(f"<td>{c}</td>" for c in cells)
        + f'<td class="n">{verdict.rows:,}</td><td>{broken}</td></tr>'
    )  # fmt: skip
