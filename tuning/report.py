"""The report of a sweep: one HTML file that needs nothing else, with its leaderboard and charts."""

from __future__ import annotations

from html import escape
from pathlib import Path

from lake.store import write_file
from tuning.charts import Line, bars, parallel, xy
from tuning.importance import LEAST_TRIALS, importance
from tuning.leaderboard import differences, remarks
from tuning.ledger import LEDGER, Curve, Ledger, Trial
from tuning.screen import cost, duration
from tuning.settings import SearchSettings
from tuning.space import dimensions, point
from tuning.winner import DEFAULT_TRIAL, EARLIER_TRIAL, Winner, ranked

REPORT = "report.html"
ROWS = 200  # of the leaderboard
DRAWN = (
    200  # best trials that are drawn as lines, and as many of the rest, evenly spread: more lines would be one surface
)

STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#5a6472;--page:#fff;--card:#f5f6f8;--rule:#dde1e6;--accent:#1a66d6;--best:#d9480f}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#9aa4b2;--page:#15181c;--card:#1e2228;--rule:#333a43;--accent:#6ea8ff;--best:#ff922b}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1060px;margin:0 auto;padding:24px 20px 60px}h1{font-size:24px;margin:0 0 2px}h2{font-size:18px;margin:36px 0 8px}
p{margin:4px 0 10px;color:var(--soft);max-width:78ch}ul{margin:6px 0;padding-left:20px;max-width:88ch}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:18px 0}
.tile{background:var(--card);border-radius:8px;padding:10px 14px}.tile b{display:block;font-size:21px;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}.scroll{overflow-x:auto}.long{max-height:460px;overflow:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px}th,td{padding:4px 10px;border-bottom:1px solid var(--rule);text-align:left}
th{position:sticky;top:0;background:var(--page);color:var(--soft);font-weight:600}
td.n{text-align:right;font-variant-numeric:tabular-nums}tr.first td{color:var(--best);font-weight:600}
td{vertical-align:top}td.what{min-width:420px}
svg{display:block;width:100%;height:auto;min-width:640px}svg.small{min-width:0;max-width:680px}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}
svg .name{fill:var(--ink)}svg .title{font-weight:600}.grid{stroke:var(--rule);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1.2}
.halo{paint-order:stroke;stroke:var(--page);stroke-width:3px}.bar{fill:var(--accent)}.line{fill:none;stroke:var(--accent);stroke-width:1}
.dots{fill:none;stroke:var(--accent);stroke-width:5;stroke-linecap:round}
.s0{opacity:.10}.s1{opacity:.16}.s2{opacity:.24}.s3{opacity:.34}.s4{opacity:.48}.s5{opacity:.85}
.best{fill:var(--best)}.hover{fill:transparent}.hover:hover{fill:var(--accent)}.best-line{fill:none;stroke:var(--best);stroke-width:2.5}
.hover-line{fill:none;stroke:transparent;stroke-width:7}.hover-line:hover{stroke:var(--best);stroke-opacity:.55;stroke-width:3}
"""


def write_report(folder: Path, settings: SearchSettings, winner: Winner) -> Path:
    """Write `report.html` into the sweep's folder from its ledger and winner; returns the file."""
    ledger = Ledger(folder / LEDGER)
    file = folder / REPORT
    write_file(file, report(settings, winner, ledger.curves).encode())
    return file


def report(settings: SearchSettings, winner: Winner, curves: dict[str, Curve]) -> str:
    """The text of the report.

    Args:
        settings: settings of the sweep.
        winner: its result.
        curves: (trees, NDCG@10) of the reports of each trial.
    """
    base, space = settings.base_params().to_dict(), dimensions(settings.space)
    trials = ranked(winner)
    labels = {t.trial_id: _label(t, base) for t in trials}
    shown = [*trials[:DRAWN], *trials[DRAWN :: max(len(trials) // DRAWN, 1)]]
    place = {t.trial_id: i for i, t in enumerate(trials, 1)}
    learning = [Line(place[t.trial_id], labels[t.trial_id], curves.get(t.trial_id, [])) for t in shown]
    cost = [
        Line(place[t.trial_id], labels[t.trial_id], [(max(t.seconds * settings.threads, 0.01), t.valid_ndcg10)])
        for t in trials
    ]
    scoring = [
        Line(place[t.trial_id], labels[t.trial_id], [(t.comparisons, t.valid_ndcg10)]) for t in trials if t.comparisons
    ]
    points = [(t, at) for t in shown if (at := point(space, t.params, base)) is not None]
    coordinates = [(place[t.trial_id], labels[t.trial_id], at, t.valid_ndcg10) for t, at in points]
    rest = len(shown) - DRAWN
    some = f"Drawn are the best {DRAWN} trials and {rest} of the other {len(trials) - DRAWN}." if rest > 0 else ""
    shares = importance(space, base, trials)
    sections = [
        _section(
            "Leaderboard", f"The best {min(ROWS, len(trials))} of {len(trials)} trials.", _table(trials, base), "long"
        ),
        _section(
            "Parameter importance",
            "What sets the best tenth of the trials apart (PED-ANOVA, Watanabe et al. 2023)."
            if shares
            else f"Not estimated: it takes {LEAST_TRIALS} trials in the search space.",
            bars(shares) if shares else "",
        ),
        _section(
            "Parallel coordinates",
            f"One line for each trial; darker is better, the best one stands out. Rest on a good one for its numbers. {some}",
            parallel(space, coordinates),
        ),
        _section(
            "Learning curves",
            f"NDCG@10 on the held-out needs while the trees grow. A line that ends early was stopped, or stopped rising. {some}",
            xy(learning, "trees", "validation NDCG@10", is_scatter=False),
        ),
        _section(
            "Worth against cost",
            "Each dot is a trial: what it reached, and the core seconds that it took.",
            xy(cost, "core seconds", "validation NDCG@10", is_scatter=True),
        ),
        _section(
            "Worth against the cost of scoring",
            "Each dot is a trial: what it reached, and the comparisons that its model makes for one row.",
            xy(scoring, "comparisons for one row", "validation NDCG@10", is_scatter=True),
        ),
    ]
    facts = winner.data
    about = (
        f"{facts['rows']:,} rows, {facts['needs']:,} groups; judged on {facts['judged_needs']:,} needs"
        f"{' of the snapshot ' + facts['judged_on'] if facts['judged_on'] else ''}"
        f"{'; the snapshot ' + facts['held_back'] + ' was not read' if facts['held_back'] else ''}."
        if facts
        else ""
    )
    notes = "".join(f"<li>{escape(remark)}</li>" for remark in remarks(winner))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Sweep {escape(winner.sweep)}</title><style>{STYLE}</style><main><h1>Sweep {escape(winner.sweep)}</h1>"
        f"<p>{escape(about)}</p>{_tiles(settings, winner)}<ul>{notes}</ul>{''.join(sections)}</main></html>\n"
    )


def _tiles(settings: SearchSettings, winner: Winner) -> str:
    stopped = sum(trial.state == "stopped" for trial in winner.rows)
    hours = sum(trial.seconds for trial in winner.rows) * settings.threads / 3600
    tiles = [(f"{winner.valid_ndcg10:.4f}", f"best NDCG@10, ± {winner.valid_se:.4f} SE")]
    if winner.default:
        tiles.append((f"{winner.valid_ndcg10 - winner.default.valid_ndcg10:+.4f}", "over the default parameters"))
    if winner.optimism is not None:
        tiles.append((f"{winner.optimism:.4f}", f"optimism of the best of {len(winner.rows)}"))
    if winner.data:
        tiles.append((f"{winner.data['chance']:.4f}", "NDCG@10 of a random order"))
    tiles.append((f"{len(winner.rows)}", f"trials, {stopped} pruned, {len(winner.failures)} failed"))
    tiles.append((duration(winner.seconds), f"wall time; {cost(hours)}"))
    inner = "".join(f'<div class="tile"><b>{escape(v)}</b><span>{escape(what)}</span></div>' for v, what in tiles)
    return f'<div class="tiles">{inner}</div>'


def _section(title: str, text: str, inner: str, kind: str = "") -> str:
    return f'<h2>{escape(title)}</h2><p>{escape(text)}</p><div class="scroll {kind}">{inner}</div>'


def _table(trials: list[Trial], base: dict[str, object]) -> str:
    head = "".join(
        f"<th>{name}</th>"
        for name in ("#", "trial", "NDCG@10", "± SE", "trees", "comparisons", "s", "state", "differs from the default")
    )
    rows = []
    for place, trial in enumerate(trials[:ROWS], 1):
        cost = f"{trial.comparisons:,.0f}" if trial.comparisons else "–"
        numbers = (
            f"{trial.valid_ndcg10:.4f}",
            f"{trial.valid_se:.4f}",
            str(trial.trees),
            cost,
            f"{trial.seconds:.1f}",
        )
        cells = "".join(f'<td class="n">{number}</td>' for number in numbers)
        what = escape(differences(trial.params, base) or "the default")
        rows.append(
            f'<tr{" class=first" if place == 1 else ""}><td class="n">{place}</td><td>{escape(trial.trial_id)}</td>{cells}'
            f'<td>{trial.state}</td><td class="what">{what}</td></tr>'
        )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _label(trial: Trial, base: dict[str, object]) -> str:
    kinds = {DEFAULT_TRIAL: "the default", EARLIER_TRIAL: "an earlier winner"}
    what = differences(trial.params, base)
    name = kinds.get(trial.trial_id, f"trial {trial.trial_id}")
    return f"{name}: NDCG@10 {trial.valid_ndcg10:.4f}, {trial.trees} trees, {trial.seconds:.0f} s\n{what}"
