"""`python -m features.explain NEED TRACK RUN_DATE [--locale L] [--only NAME …]`: how each feature value of a pair is computed.

Shows the pair's rows of `daily_engagement` by day and client, the sums that each feature asks for (level, measure, span), and the
value computed from them, beside the stored value. Needs the lake of a night and changes nothing. Exit codes: 0 on success; 2 if
the pair, the night or a name is unknown.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from events.dwell import CENTRES_S, HIGH, PACKED
from features.build.engine import asked_sums, feature_frames
from features.build.stored import catalogs_of, stored_inputs
from features.catalogue import BACK, KEYS, chosen, feature_table
from features.measures import LONGEST_DAYS, Sum
from lake.errors import MissingPartition, PlayfirstError
from lake.io import Lake
from lake.rows import frame_of
from lake.session import SessionSettings, spark_session
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import TRACKS
from lake.tables.nightly import NEEDS
from queries.nightly.by_need import distinct_needs

if TYPE_CHECKING:
    from features.spec import FeatureColumn


FITTED = ("coec", "coec_broader", "track_coec")  # features that are shrunk with fitted strengths


@dataclass(frozen=True)
class Explained:
    """One feature column of the pair: the stored value (None for null), the value computed now, and its sums by name.

    `is_stored` is false for a column that was declared after the night: nothing is stored to compare with.
    """

    column: FeatureColumn
    stored: float | None
    computed: float | None
    sums: dict[str, float]
    is_stored: bool = True

    @property
    def agrees(self) -> bool:
        """Whether the stored and the computed value are equal, within a relative 1e-9 (or an absolute 2e-9), or none is stored."""
        if not self.is_stored:
            return True
        if self.stored is None or self.computed is None:
            return self.stored is self.computed
        return math.isclose(self.stored, self.computed, rel_tol=1e-9, abs_tol=2e-9)


def explained(
    lake: Lake, need: str, track_id: str, run_date: date, locale: str, only: tuple[str, ...] = ()
) -> tuple[list[dict[str, Any]], list[Explained]]:
    """The rows of `daily_engagement` behind a pair, and how each of its feature values follows from their sums.

    Args:
        lake: the lake of the night.
        need: key of the need.
        track_id: the track.
        run_date: the snapshot.
        locale: the place of the list: a locale, a language, or `*`.
        only: families, features or columns to explain; all if empty.

    Returns:
        The pair's rows of the 90 days before `run_date`, as dictionaries, and one Explained for each column, in matrix order.

    Raises:
        MissingPartition: the pair is no candidate of that night, or a later night built the snapshot.
    """
    spark, day = lake.spark, [run_date]
    pair = frame_of(
        spark, [(run_date, locale, need, track_id)], "as_of date, locale string, need string, track_id string"
    )
    stored: dict[str, float | None] = {}
    language = "*" if locale == "*" else locale[:2]
    key = {"locale": locale, "need": need, "track_id": track_id, "language": language}
    pairs = feature_table("need_track")
    if BACK in (lake.fingerprint(pairs, run_date) or ""):
        raise MissingPartition(
            f"{pairs.name} @ {run_date}: a later night made this snapshot, for its training set, from what that night read. Give the "
            f"run_date of a night that built its own."
        )
    for grain, keys in KEYS.items():
        table = feature_table(grain)
        there = lake.stored_columns(table)  # a feature that was declared since has no column yet
        readable = replace(table, columns=tuple(c for c in table.columns if c.name in there)) if there else table
        frame = lake.read(readable, day, allow_unvalidated=True)
        for k in keys:
            frame = frame.where(F.col(k.name) == key[k.name])
        row = frame.first()
        if row is None:
            raise MissingPartition(
                f"{table.name} @ {run_date}: no row of ({locale}, {need}, {track_id}). Is {need!r} the key of a need (that of a request: "
                f"python -m queries.explain)? Else it was no candidate: try another --locale (en-US, en, *), or look into table candidates."
            )
        stored |= {c.name: row[c.name] for c in chosen(only) if c.feature.grain == grain and c.name in there}
    counted_days = lake.commits(DAILY_ENGAGEMENT)
    days = [d for i in range(1, LONGEST_DAYS + 1) if (d := str(run_date - timedelta(days=i))) in counted_days]
    daily = lake.read(DAILY_ENGAGEMENT, days, allow_unvalidated=True)
    tracks = lake.read(TRACKS, [lake.newest(TRACKS, run_date)], allow_unvalidated=True)
    has_popularity = any(v is not None for n, v in stored.items() if n.startswith("catalog_popularity"))
    known = catalogs_of(lake, day, backdate=True) if has_popularity else None
    needs = distinct_needs(lake.read(NEEDS, day, allow_unvalidated=True))
    inputs = stored_inputs(lake, pair, (run_date,), daily=daily, needs=needs, tracks=tracks, catalogs=known)
    values_of = {}
    with feature_frames(inputs, only, with_sums=True) as frames:
        for grain, frame in frames.items():
            [one] = frame.collect()
            values_of[grain] = one.asDict()
    out = []
    for column in chosen(only):
        values = values_of[column.feature.grain]
        sums: dict[str, float] = {}
        for asked in asked_sums([column])[0]:
            sums |= _named_sums(asked, values[f"{asked.level}__{asked.column}"] or 0)
        if column.feature.name in FITTED:
            sums |= {f"strength of {level}": s for level, s in inputs.strengths.get(run_date, {}).items()}
        out.append(Explained(column, stored.get(column.name), values[column.name], sums, column.name in stored))
    places = [locale] if len(locale) > 2 else None
    wordings = inputs.wordings.where(F.col("need") == need).select("language", "query")
    mine = daily.where(F.col("track_id") == track_id).withColumn("language", F.substring("locale", 1, 2))
    mine = mine.join(F.broadcast(wordings), ["language", "query"], "left_semi")
    mine = mine.where(F.col("locale").isin(places)) if places else mine
    mine = mine if locale == "*" or places else mine.where(F.col("locale").startswith(locale))
    rows = mine.orderBy("search_date", "locale", "query", "client").collect()
    return [r.asDict() for r in rows], out


def _named_sums(asked: Sum, value: int) -> dict[str, float]:
    """The sum by its name; a sum that packs two bins of listening time gives one entry for each bin that is not 0."""
    if asked.measure not in PACKED:
        return {f"{asked.level}__{asked.column}": value / asked.scale}
    first = 2 * PACKED.index(asked.measure)
    counts = {first: value % HIGH, first + 1: value // HIGH}
    return {f"{asked.level}__plays of {CENTRES_S[i]:g} s__{asked.days}d": float(n) for i, n in counts.items() if n}


def _print(partials: list[dict[str, Any]], columns: list[Explained]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 150)
    table = Table(title="the pair in daily_engagement", title_justify="left")
    names = (
        "search_date",
        "locale",
        "query",
        "client",
        "impressions",
        "clicks",
        "plays",
        "long_plays",
        "short_stops",
        "impressions_by_position",
    )
    for name in names:
        table.add_column(name, justify="left" if name in names[:4] else "right")
    for row in partials:
        table.add_row(*[str(row[n]) for n in names])
    console.print(table if partials else "the pair has no row in daily_engagement: every sum of the pair is 0")
    table = Table(title="from sums to values", title_justify="left")
    for name in ("column", "stored", "from these sums", "unit"):
        table.add_column(name, justify="right" if name == "stored" else "left", overflow="fold")
    for c in columns:
        value = "null" if c.stored is None else f"{c.stored:.6g}"
        how = ", ".join(f"{n} = {v:,.6g}" for n, v in c.sums.items()) or "the names and attributes of need and track"
        if not c.agrees:
            how += f"  [red]gives {c.computed}: the days have changed since, or the catalogue[/red]"
        table.add_row(c.column.name, value, how, c.column.feature.unit)
    console.print(table)


def main(arguments: list[str] | None = None) -> int:
    """Explain one pair on the console; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m features.explain", description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "need", help="key of the need, such as artist=adele|title=hello (`python -m queries.explain` shows it)"
    )
    parser.add_argument("track", help="track_id")
    parser.add_argument("run_date", type=date.fromisoformat)
    parser.add_argument("--locale", default="*", help="the place of the list: *, a language, or a locale such as en-US")
    parser.add_argument("--only", nargs="*", default=[], help="families, features or columns")
    parser.add_argument("--lake", type=Path, default=Path("var/lake"))
    given = parser.parse_args(arguments)
    spark: SparkSession | None = None
    try:
        chosen(given.only)
        if not given.lake.is_dir():
            raise MissingPartition(f"no lake at {given.lake}. Run `make nightly`, or give --lake.")
        spark = spark_session(SessionSettings("features.explain", memory="3g"))
        partials, columns = explained(
            Lake(spark, given.lake), given.need, given.track, given.run_date, given.locale, tuple(given.only)
        )
        _print(partials, columns)
    except PlayfirstError as error:
        print(f"features.explain: {error}", file=sys.stderr)
        return 2
    finally:
        if spark is not None:
            spark.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
