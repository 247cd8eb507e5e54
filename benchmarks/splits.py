"""Benchmark of wordings that plays move to another reading: how many moves are right, and how many wordings flip from night to night.

    python -m benchmarks.splits run_date=2026-10-29 [nights=7] [out=var/splits] [any key of conf/night.yaml]

Runs ingest and understand of the last nights over the logs of a simulated world, oldest first, in a lake of its own under `out`.
What a wording was meant to ask for is the simulator's need of most of its searches. Exit codes: 0 at most 1 % of the moves are
false, 1 not so, 2 bad arguments.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queries.grammar.need import Need
from queries.nightly.evidence import FALSE_SHARE, MIN_PEOPLE, MIN_PLAYS
from queries.text.normalise import normal_form

if TYPE_CHECKING:
    import pandas as pd

    from night.night import Night

# what the simulator's kinds of needs name, and what they describe; other fields of a reading must not be there
NAMED = {"title": ("title",), "artist": ("artist",), "album": ("album",), "title_artist": ("title", "artist")}
DESCRIBED = {"genre": ("genre",), "genre_decade": ("genre", "decade"), "mood": ("mood",), "activity": ("activity",)}


def is_right(key: str, kind: str, slots: Mapping[str, str], language: str) -> bool:
    """Whether a need of ours is what the simulator's listeners meant.

    Names are compared in their normal form; an artist beside a title or album may be missing or there. Genres, moods and activities
    are compared by kind alone: their names are the grammar's, and no other reading of the same kind is a rival.

    Args:
        key: the key of our need.
        kind: the kind of the simulator's need.
        slots: what it names.
        language: the language whose normal form the names have.
    """
    need = Need.from_key(key)
    if need is None:
        return False
    fields = {part.field for part in need.parts if not part.is_refused}
    if kind in NAMED:
        wanted = {field: normal_form(slots[field], language) for field in NAMED[kind]}
        beside = {"artist"} if kind != "artist" else set()
        named_right = all(name in need.values(field) for field, name in wanted.items() if field in fields)
        return named_right and fields - beside == wanted.keys() - beside
    return fields == set(DESCRIBED.get(kind, ()))


@dataclass
class Figures:
    """What one night decided: counts of wordings.

    Attributes:
        with_readings: wordings with several readings and at least MIN_PLAYS searches by MIN_PEOPLE people.
        moved: wordings that plays led to another reading.
        false: of these, those whose first reading was right and the new one is not.
        right: of these, those whose new reading is right and the first was not.
        missed: wordings of `with_readings` that stay at a wrong reading although another one is right.
        flips: wordings that lead to another need than the night before, although text and catalog read them alike.
        compared: wordings of both nights.
    """

    with_readings: int = 0
    moved: int = 0
    false: int = 0
    right: int = 0
    missed: int = 0
    flips: int = 0
    compared: int = 0


def judged(rows: pd.DataFrame, meant: Mapping[tuple[str, str], tuple[str, dict[str, str]]]) -> Figures:
    """The counts of one night, without those that need the night before.

    Args:
        rows: (language, query, need, text_need, how, readings, searches_28d, people_28d), one row per wording of a language.
        meant: kind and slots of the simulator's need, by (language, query).
    """
    out = Figures()
    for row in rows.to_dict("records"):
        language, need, text_need, readings = row["language"], row["need"], row["text_need"], list(row["readings"])
        truth = meant.get((language, row["query"]))
        if truth is None:
            continue
        is_judged = {r: is_right(r, *truth, language) for r in {need, text_need, *readings}}
        if row["how"] == "evidence":
            out.moved += 1
            out.false += is_judged[text_need] and not is_judged[need]
            out.right += is_judged[need] and not is_judged[text_need]
        if len(readings) > 1 and row["searches_28d"] >= MIN_PLAYS and row["people_28d"] >= MIN_PEOPLE:
            out.with_readings += 1
            out.missed += not is_judged[need] and any(is_judged.values())
    return out


def flips(before: pd.DataFrame, now: pd.DataFrame) -> tuple[int, int]:
    """(wordings that changed their need although they are read alike, wordings of both nights)."""
    both = before.merge(now, on=["language", "query"], suffixes=("_before", ""))
    alike = both["text_need_before"] == both["text_need"]
    return int((alike & (both["need_before"] != both["need"])).sum()), len(both)


def meant_by_wording(this: Night, truth: Path) -> dict[tuple[str, str], tuple[str, dict[str, str]]]:
    """Kind and slots of the simulator's need of most searches of a wording, by (language, query)."""
    import pandas as pd
    from pyspark.sql import functions as F

    from lake.tables.logs import SEARCH_LOG

    log = this.lake.read(SEARCH_LOG, allow_unvalidated=True)
    asked = log.select("search_id", F.substring("locale", 1, 2).alias("language"), "query").toPandas()
    searches = pd.read_parquet(truth / "searches.parquet")
    needs = pd.read_parquet(truth / "needs.parquet").set_index("need_id")
    what = asked.merge(searches[~searches["is_bot"]], on="search_id").dropna(subset=["need_id"])
    what = what.join(needs[["kind", "slots"]], on="need_id")
    counts: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for row in what.to_dict("records"):
        counts.setdefault((row["language"], row["query"]), Counter())[row["kind"], row["slots"]] += 1
    return {wording: _parsed(max(c.items(), key=lambda item: (item[1], item[0]))[0]) for wording, c in counts.items()}


def _parsed(need: tuple[str, str]) -> tuple[str, dict[str, str]]:
    return need[0], json.loads(need[1])


def nights(run_dates: Sequence[date], words: Sequence[str], home: Path, truth: Path) -> list[tuple[date, Figures]]:
    """Run ingest and understand of each night, and judge what its wordings lead to."""
    from pyspark.sql import functions as F

    from jobs import count_engagement, ingest, understand
    from lake.tables.nightly import WORDINGS
    from night.command import settings_from_words
    from night.night import night

    out: list[tuple[date, Figures]] = []
    before: pd.DataFrame | None = None
    for day in run_dates:
        here = [f"lake.root={home}/lake", f"reports={home}/reports", f"privacy.key_file={home}/key", f"run_date={day}"]
        with night(settings_from_words([*words, *here])) as this:
            for step in (ingest, count_engagement, understand):
                step.run(this)
            rows = this.lake.read(WORDINGS, [day], allow_unvalidated=True).where(F.length("locale") == 2)
            rows = rows.where("need is not null and text_need is not null")  # the others ask for no music
            columns = ("query", "need", "text_need", "how", "readings", "searches_28d", "people_28d")
            now = rows.select(F.col("locale").alias("language"), *columns).toPandas()
            figures = judged(now, meant_by_wording(this, truth))
        if before is not None:
            figures.flips, figures.compared = flips(before, now)
        before = now
        out.append((day, figures))
        print(f"{day}: {figures}", flush=True)
    return out


def print_table(results: Sequence[tuple[date, Figures]]) -> None:
    """Print one row per night."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="wordings that plays move to another reading", title_justify="left")
    names = ("several readings, tested", "moved", "false", "right", "missed", "flips", "of wordings")
    for column in ("night", *names):
        table.add_column(column, justify="left" if column == "night" else "right")
    for day, f in results:
        values = (f.with_readings, f.moved, f.false, f.right, f.missed, f.flips, f.compared)
        table.add_row(str(day), *[f"{v:,}" for v in values])
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def main(arguments: list[str]) -> int:
    """Run the nights, print their table."""
    given: dict[str, Any] = {"nights": "7", "out": "var/splits", "logs": "var/logs"}
    given |= dict(word.split("=", 1) for word in arguments if "=" in word)
    try:
        last, how_many = date.fromisoformat(given["run_date"]), int(given["nights"])
    except (KeyError, ValueError) as bad:
        print(f"run_date=YYYY-MM-DD and nights=NUMBER are needed: {bad!r}", file=sys.stderr)
        return 2
    truth = Path(given["logs"]).parent / "truth"
    if not (truth / "searches.parquet").exists():
        print(f"{truth}: no simulated truth; a night over simulated logs is needed (make nightly)", file=sys.stderr)
        return 2
    home = Path(given["out"]).resolve()
    words = [w for w in arguments if w.split("=")[0] not in ("run_date", "nights", "out")]
    results = nights([last - timedelta(days=back) for back in range(how_many - 1, -1, -1)], words, home, truth)
    print_table(results)
    moved, false = (sum(getattr(f, name) for _, f in results) for name in ("moved", "false"))
    return int(false > FALSE_SHARE * moved)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
