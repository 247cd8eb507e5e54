"""Ten click models on a public log, against PyClick's figures: the engine that checks the night's exposure curves.

    PLAYFIRST_DATA=DIR python -m benchmarks.click_models [--json FILE]

`DIR/clicks` has PyClick's excerpt of Yandex's relevance prediction challenge (20 pairs of query and region; 35,064 pages to fit, 21,413 to
judge) and what unmodified PyClick gives on it, 50 EM iterations. DBN and CCM repeat PyClick with its errors; `exact` has the right E
step, and EXACT_ITERATIONS of them, since there more of them make it better. Printed: log-likelihood of a result given the clicks above it
(mean over ranks, then pages), and perplexity (mean over ranks of 2 to the mean −log2 of the probability before anything is known).
Exit codes: 0 every figure that PyClick has within 1e-6 of PyClick's, 1 not so, 2 no data.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.click_em import (
    ITERATIONS,
    Bools,
    Chain,
    Expected,
    Floats,
    Pages,
    beta_mean,
    chain_em,
    examined_em,
    expected_as_pyclick,
    expected_exactly,
    of_unseen,
)

TOLERANCE = 1e-6
EXACT_ITERATIONS = 100
IMPOSSIBLE = 1e-6  # PyClick's probability of whatever the cascade model rules out
DATA = "yandex20"

# for each result, the probability of a click before anything is known, and that of what was seen given the clicks above it
Judged = tuple[Floats, Floats]
Page = tuple[str, list[str], set[str]]


def parsed(text: str) -> Iterator[Page]:
    """(query and region, documents, clicked documents) of each page: `query<TAB>d1,d2,… : clicked , clicked;`."""
    for page in text.replace("\n", ";").split(";"):
        if page.strip():
            query, _, rest = page.strip().partition("\t")
            documents, _, clicked = rest.partition(":")
            yield query, [d.strip() for d in documents.split(",")], {c.strip() for c in clicked.split(",") if c.strip()}


def pages_of(train: Sequence[Page], test: Sequence[Page]) -> tuple[Pages, Pages]:
    """Both logs by distinct page. Pages of queries that training does not know are left out of the test."""
    number: dict[tuple[str, str], int] = {}
    for query, documents, _ in train:
        for document in documents:
            number.setdefault((query, document), len(number))
    known = {query for query, _, _ in train}

    def distinct(log: Sequence[Page]) -> Pages:
        rows = [
            [number.get((q, d), len(number)) for d in docs] + [d in clicked for d in docs] for q, docs, clicked in log
        ]
        pages, weights = np.unique(np.array(rows, np.int64), axis=0, return_counts=True)
        ranks = pages.shape[1] // 2
        return Pages(pages[:, :ranks], pages[:, ranks:].astype(bool), weights.astype(float), len(number))

    return distinct(train), distinct([page for page in test if page[0] in known])


def what_was_seen(clicked: Floats, clicks: Bools) -> Floats:
    """The probability of what was seen, from that of a click."""
    return np.where(clicks, clicked, 1 - clicked)


def by_rate(by: str) -> Callable[[Pages, Pages], Judged]:
    """A click-through rate: of everything, of each rank, or of each pair."""

    def judged(train: Pages, test: Pages) -> Judged:
        clicks, shown = (
            np.asarray(v * train.weights[:, None], float) for v in (train.clicks, np.ones(train.clicks.shape))
        )
        if by == "pair":
            rate = of_unseen(beta_mean(train.by_pair(train.clicks), train.by_pair(np.ones(train.clicks.shape))))
            clicked = rate[test.pairs]
        else:
            axis = 0 if by == "rank" else None
            rate = beta_mean(clicks.sum(axis=axis), shown.sum(axis=axis))
            clicked = np.broadcast_to(rate, test.clicks.shape)
        return clicked, what_was_seen(clicked, test.clicks)

    return judged


def attraction_down_to(train: Pages, last: Any) -> Floats:
    """Attraction by pair where every result down to a rank was examined: clicks over impressions."""
    examined = np.arange(train.ranks) <= np.asarray(last)[:, None]
    return of_unseen(beta_mean(train.by_pair(train.clicks & examined), train.by_pair(examined)))


def by_cascade(train: Pages, test: Pages) -> Judged:
    """The cascade model (Craswell et al. WSDM 2008): a listener reads down to the first click, and leaves."""
    first = np.where(train.clicks.any(axis=1), train.clicks.argmax(axis=1), train.ranks)
    chain = Chain(attraction_down_to(train, first), np.ones(train.n_pairs + 1), np.array([1.0, 0.0, 0.0]))
    clicked, _ = chain.full(test)
    # PyClick takes what is known of the whole page for what is known given the clicks above
    first = np.where(test.clicks.any(axis=1), test.clicks.argmax(axis=1), test.ranks)
    is_possible = np.arange(test.ranks) <= first[:, None]
    return clicked, np.where(is_possible, what_was_seen(clicked, test.clicks), IMPOSSIBLE)


def by_simple_chain(has_satisfaction: bool) -> Callable[[Pages, Pages], Judged]:
    """All was examined down to the last click. Either a clicked result satisfies (simplified DBN), or a rank ends the reading (DCM)."""

    def judged(train: Pages, test: Pages) -> Judged:
        last = train.last_click
        attraction = attraction_down_to(train, last)[test.pairs]
        is_last = train.clicks & (np.arange(train.ranks) == last[:, None])
        if has_satisfaction:  # Chapelle & Zhang WWW 2009, §3.2
            stops = of_unseen(beta_mean(train.by_pair(is_last), train.by_pair(train.clicks)))[test.pairs]
        else:  # dependent click model, Guo, Liu & Wang WSDM 2009
            at = train.weights[:, None]
            goes_on = beta_mean(((train.clicks & ~is_last) * at).sum(axis=0), (train.clicks * at).sum(axis=0))
            stops = np.broadcast_to(1 - goes_on, attraction.shape)
        # pairs of the test are numbered anew, so that one chain serves both
        cells = np.arange(attraction.size).reshape(attraction.shape)
        chain = Chain(np.append(attraction, 0.5), np.append(stops, 0.5), np.array([1.0, 1.0, 0.0]))
        return by_chain(chain, Pages(cells, test.clicks, test.weights, attraction.size))

    return judged


def by_chain(chain: Chain, test: Pages) -> Judged:
    """The figures of a chain model with fitted parameters."""
    return chain.full(test)[0], what_was_seen(chain.conditional(test)[0], test.clicks)


def by_position(train: Pages, test: Pages) -> Judged:
    """The position-based model."""
    places = np.broadcast_to(np.arange(train.ranks), train.pairs.shape)
    attraction, examination = examined_em(train, places, train.ranks)
    clicked = attraction[test.pairs] * examination
    return clicked, what_was_seen(clicked, test.clicks)


def by_browsing(train: Pages, test: Pages) -> Judged:
    """The user-browsing model: examination depends on the rank and on that of the click before."""
    ranks = train.ranks
    attraction, examination = examined_em(train, np.arange(ranks) * ranks + train.click_before, ranks * ranks)
    examination = examination.reshape(ranks, ranks)
    a = attraction[test.pairs]
    conditional = a * examination[np.arange(ranks), test.click_before]
    full, before = np.empty(a.shape), np.zeros(a.shape)  # `before`: probability of each rank of the click before
    before[:, ranks - 1] = 1.0
    for r in range(ranks):
        clicked = before * a[:, [r]] * examination[r]
        full[:, r] = clicked.sum(axis=1)
        before = before - clicked
        before[:, r] += full[:, r]
    return full, what_was_seen(conditional, test.clicks)


def by_fitted_chain(is_click_chain: bool, expected: Expected, iterations: int) -> Callable[[Pages, Pages], Judged]:
    """Dynamic Bayesian network or click chain model, by one of the two E steps."""

    def judged(train: Pages, test: Pages) -> Judged:
        chain = chain_em(train, is_click_chain=is_click_chain, expected=expected, iterations=iterations)
        return by_chain(chain, test)

    return judged


MODELS: dict[str, Callable[[Pages, Pages], Judged]] = {
    "GCTR": by_rate("all"),
    "RCTR": by_rate("rank"),
    "DCTR": by_rate("pair"),
    "CM": by_cascade,
    "DCM": by_simple_chain(has_satisfaction=False),
    "SDBN": by_simple_chain(has_satisfaction=True),
    "PBM": by_position,
    "UBM": by_browsing,
    "DBN": by_fitted_chain(False, expected_as_pyclick, ITERATIONS),
    "CCM": by_fitted_chain(True, expected_as_pyclick, ITERATIONS),
    "DBN exact": by_fitted_chain(False, expected_exactly, EXACT_ITERATIONS),
    "CCM exact": by_fitted_chain(True, expected_exactly, EXACT_ITERATIONS),
}


def figures(judged: Judged, test: Pages) -> dict[str, Any]:
    """`ll`, `ppl`, `ppl_rank` and `cppl`, as PyClick defines them."""
    full, seen = judged
    share = test.weights / test.weights.sum()
    with np.errstate(divide="ignore"):
        of_rank = 2.0 ** -(share @ np.log2(what_was_seen(full, test.clicks)))
        conditional = 2.0 ** -(share @ np.log2(seen))
        ll = float(share @ np.log(seen).mean(axis=1))
    return {"ll": ll, "ppl": float(of_rank.mean()), "ppl_rank": of_rank.tolist(), "cppl": float(conditional.mean())}


def largest_difference(own: dict[str, Any], theirs: dict[str, Any]) -> float:
    """The largest relative difference of any figure of a model."""
    names = [n for n in own if n in theirs]
    return max(float(np.max(np.abs(np.divide(own[n], theirs[n]) - 1))) for n in names)


def print_table(results: dict[str, dict[str, Any]]) -> None:
    """Print one row per model."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"click models on {DATA}: test pages", title_justify="left")
    for column in ("model", "log-likelihood", "perplexity", "given the clicks above", "largest difference", "seconds"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for name, row in results.items():
        apart = row.get("apart")
        cells = [f"{row['ll']:.6f}", f"{row['ppl']:.6f}", f"{row['cppl']:.6f}"]
        table.add_row(name, *cells, "–" if apart is None else f"{apart:.0e}", f"{row['seconds']:.1f}")
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit all models, and compare them with PyClick's figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.click_models", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--json", type=Path, help="write every figure into this file")
    given = parser.parse_args(arguments)
    folder = Path(os.environ.get("PLAYFIRST_DATA", "")) / "clicks"
    if not (folder / "reference_numbers.json").is_file():
        parser.error(
            "PLAYFIRST_DATA names no folder with clicks/ (trainSample.gz, testSample.gz, reference_numbers.json)"
        )
    reference = json.loads((folder / "reference_numbers.json").read_text(encoding="utf-8"))
    texts = [gzip.decompress((folder / f"{part}Sample.gz").read_bytes()).decode() for part in ("train", "test")]
    logs = [list(parsed(text)) for text in texts]
    train, test = pages_of(*logs)
    print(
        f"{DATA}: {train.weights.sum():,.0f} + {test.weights.sum():,.0f} pages, {len(train.pairs):,} + {len(test.pairs):,} distinct"
    )
    results: dict[str, dict[str, Any]] = {}
    for name, model in MODELS.items():
        started = time.monotonic()
        results[name] = figures(model(train, test), test)
        results[name]["seconds"] = time.monotonic() - started
        if f"{DATA}/{name}" in reference:
            results[name]["apart"] = largest_difference(results[name], reference[f"{DATA}/{name}"])
    print_table(results)
    apart = max(row["apart"] for row in results.values() if "apart" in row)
    print(f"largest difference from PyClick, as a share: {apart:.1e} (limit {TOLERANCE:.0e})")
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return int(apart > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
