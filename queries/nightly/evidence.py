"""Moves a wording to the reading that its plays fit best: "happy" asks for a song of that name, or for happy music.

A stated test, so that wordings do not move by chance. A person votes for the reading that most of her plays of the wording fit; a
play weighs 1 / probability that its position was examined (Joachims et al. 2017, eta = 1). Under the null hypothesis that the
reading of text and catalog is right, at most half of the people who tell two readings apart favour the other one (sign test); that no
reading is right takes more than LEAST_NONE of them, since what was served may hardly have had what was asked for.
Wordings with at least MIN_PLAYS plays by MIN_PEOPLE people are tested. Their p-values, times the number of other readings of the
wording, are cut by Benjamini & Hochberg (1995) so that at most FALSE_SHARE of the moves are expected to be false. A wording that
moved goes back only when its evidence, -log10 p, falls below half of what it took to move.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.checkpoint import checkpointed
from lake.joins import if_small
from queries.catalog.vocabulary import name_forms
from queries.grammar.lexicon import canonical_genre, mood_targets
from queries.grammar.need import Need

if TYPE_CHECKING:
    import pandas as pd

MIN_PLAYS, MIN_PEOPLE = 30, 10
FALSE_SHARE = 0.01
LEAST_NONE = 0.8  # share of the people of a wording whose plays fit no reading, above which it has none
WORDS = -1  # instead of the index of a reading: none of them fits
_MAX_WEIGHT = 10.0
_INSIDE = 0.75  # share of the audio bounds of a mood or activity within which a track must lie to fit it
_AUDIO = ("energy", "valence", "danceability", "tempo", "acousticness", "instrumentalness", "speechiness", "loudness")
_TRACK = ("title", "artists", "album", "genres", "release_year", "moods", *_AUDIO)


@dataclass(frozen=True)
class Votes:
    """How the listeners of one wording chose between its readings.

    Attributes:
        plays: Plays of the wording.
        people: People behind them.
        other: For each reading but the first, the people whose plays fit it better than the first.
        first: For each reading but the first, the people whose plays fit the first better.
        none: People none of whose plays fits any reading.
        is_named: Whether every reading names something: then plays outside of all of them say that none is right.
    """

    plays: int
    people: int
    other: tuple[int, ...]
    first: tuple[int, ...]
    none: int
    is_named: bool

    @property
    def by_reading(self) -> tuple[int, ...]:
        """The people for each reading: those who favour another one to the first, and for the first those who are left."""
        return (max(0, self.people - sum(self.other) - self.none), *self.other)


@dataclass(frozen=True)
class Choice:
    """The reading of a wording after its evidence: its index (WORDS: none), and the evidence, -log10 of the p-value."""

    at: int
    evidence: float


def evidence_of(votes: Votes) -> Choice:
    """The reading other than the first that the votes favour most, with its evidence; evidence 0 if the wording is not tested."""
    from scipy.stats import binom

    if votes.plays < MIN_PLAYS or votes.people < MIN_PEOPLE:
        return Choice(0, 0.0)
    tests = {
        at: binom.sf(a - 1, a + b, 0.5) if a + b else 1.0
        for at, (a, b) in enumerate(zip(votes.other, votes.first, strict=True), 1)
    }
    if votes.is_named:
        tests[WORDS] = binom.sf(votes.none - 1, votes.people, LEAST_NONE)
    if not tests:
        return Choice(0, 0.0)
    # a reading that fits is preferred to none: WORDS is last among equals
    at = min(tests, key=lambda at: (tests[at], at == WORDS, at))
    p = min(1.0, float(tests[at]) * len(tests))
    return Choice(at, -log10(max(p, 1e-300)))


def chosen(
    tested: Mapping[tuple[str, str], Choice], moved_before: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], Choice]:
    """The wordings that move, with the reading they move to.

    Args:
        tested: (language, wording) -> its strongest other reading, of every wording that was tested.
        moved_before: (language, wording) -> the reading that it had moved to the night before.
    """
    bar = _threshold([c.evidence for c in tested.values() if c.evidence > 0])
    moves = {}
    for wording, choice in tested.items():
        stays = moved_before.get(wording) == choice.at and choice.evidence >= bar / 2
        if choice.evidence > 0 and (choice.evidence >= bar or stays):
            moves[wording] = choice
    return moves


def _threshold(evidence: list[float]) -> float:
    """The least evidence that Benjamini and Hochberg's step-up accepts; that of a single test if it accepts none."""
    ranked = sorted(evidence, reverse=True)
    bar = -log10(FALSE_SHARE / max(len(ranked), 1))
    for at, value in enumerate(ranked, 1):
        needed = -log10(FALSE_SHARE * at / len(ranked))
        if value >= needed:
            bar = min(bar, needed)
    return bar


def votes_of(plays: DataFrame, read: DataFrame, tracks: DataFrame) -> pd.DataFrame:
    """One row per wording that can be tested: language, query, plays, people, other1 … first3, none, readings, is_named.

    Args:
        plays: `events.engagement.pleased_plays` of the last 28 days.
        read: `queries.nightly.understand.readings`.
        tracks: The catalog.
    """
    of_language = plays.withColumn("language", F.substring("locale", 1, 2))
    weight = F.least(F.col("position").cast("double"), F.lit(_MAX_WEIGHT))
    heard = of_language.groupBy("language", "query", "user_id", "track_id").agg(
        F.round(F.sum(weight), 6).alias("w"), F.count("*").alias("n")
    )
    enough = heard.groupBy("language", "query").agg(
        F.sum("n").alias("plays"), F.count_distinct("user_id").alias("people")
    )
    enough = enough.where((F.col("plays") >= MIN_PLAYS) & (F.col("people") >= MIN_PEOPLE))
    contested = enough.join(read.where("is_music").select("language", "query", "needs"), ["language", "query"])
    contested = checkpointed(contested.where(F.col("needs")[0]["need"] != "open"))
    pairs = heard.join(if_small(contested.select("language", "query", "needs")), ["language", "query"])
    distinct = pairs.groupBy("language", "query", "track_id").agg(F.first("needs").alias("needs"))
    known = distinct.join(tracks.select("track_id", *_TRACK), "track_id")
    fits = known.mapInPandas(_fits, "language string, query string, track_id string, fits array<boolean>")
    voted = heard.join(fits, ["language", "query", "track_id"])
    sums = [F.sum(F.when(F.element_at("fits", i + 1), F.col("w")).otherwise(0.0)).alias(f"w{i}") for i in range(4)]
    per_person = voted.groupBy("language", "query", "user_id").agg(*sums)
    better = [F.sum((F.col(f"w{i}") > F.col("w0")).cast("int")).alias(f"other{i}") for i in range(1, 4)]
    worse = [F.sum((F.col(f"w{i}") < F.col("w0")).cast("int")).alias(f"first{i}") for i in range(1, 4)]
    nothing = F.sum((F.greatest(*[F.col(f"w{i}") for i in range(4)]) == 0).cast("int")).alias("none")
    counted = per_person.groupBy("language", "query").agg(*better, *worse, nothing)
    named = ~F.exists("needs", lambda n: n["intent_group"].isin("broad", "open"))
    return (
        contested.select(
            "language", "query", "plays", "people", F.size("needs").alias("readings"), named.alias("is_named")
        )
        .join(counted, ["language", "query"])
        .orderBy("language", "query")
        .toPandas()
    )


def votes_by_wording(counted: pd.DataFrame) -> dict[tuple[str, str], Votes]:
    """The rows of `votes_of` by (language, wording)."""
    out = {}
    for row in counted.to_dict("records"):
        others = range(1, int(row["readings"]))
        out[str(row["language"]), str(row["query"])] = Votes(
            int(row["plays"]),
            int(row["people"]),
            tuple(int(row[f"other{i}"]) for i in others),
            tuple(int(row[f"first{i}"]) for i in others),
            int(row["none"]),
            bool(row["is_named"]),
        )
    return out


def _fits(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        rows: list[dict[str, Any]] = batch.to_dict("records")  # type: ignore[assignment]  # columns have names
        fits = [[fits_need(need, row) for need in row["needs"]] + [False] * (4 - len(row["needs"])) for row in rows]
        kept = batch[["language", "query", "track_id"]].copy()
        kept["fits"] = fits
        yield kept


def fits_need(need: Mapping[str, Any], track: Mapping[str, Any]) -> bool:
    """Whether a track is an answer to a need as far as names, genre, time, mood and activity go.

    Args:
        need: Columns of NEED_COLUMNS.
        track: The track's names, genres, year, moods and audio features.
    """
    if need["intent"] == "other":
        return False
    forms = name_forms(track["album"] if need["intent"] == "album" else track["title"])
    if need["title_name"] is not None and need["title_name"] not in forms:
        return False
    if need["artist_name"] is not None:
        singers = {form for name in track["artists"] for form in name_forms(name)}
        if need["artist_name"] not in singers and not singers.intersection(_all_artists(need["need"])):
            return False
    if len(need["genre"]) and not {canonical_genre(g) for g in track["genres"]} & set(need["genre"]):
        return False
    year = track["release_year"]
    known_year = None if year is None or year != year else int(year)
    if len(need["decade"]) and (known_year is None or known_year // 10 * 10 not in set(need["decade"])):
        return False
    first, last = need["first_year"], need["last_year"]
    for bound, side in ((first, -1), (last, 1)):
        if bound is not None and bound == bound and (known_year is None or (known_year - int(bound)) * side > 0):
            return False
    return all(
        value is None or value in set(track["moods"] if track["moods"] is not None else ()) or _inside(value, track)
        for value in (need["mood"], need["activity"])
    )


def _all_artists(key: str) -> list[str]:
    """The artists of a need that asks for several ("drake and rihanna"), whose tracks all fit; [] of others."""
    need = Need.from_key(key) if key.count("artist=") > 1 else None
    return need.values("artist") if need is not None else []


def _inside(feeling: str, track: Mapping[str, Any]) -> bool:
    """Whether a track lies inside _INSIDE of the audio bounds of a mood or activity."""
    checks = []
    for name, (low, high) in mood_targets(feeling).items():
        value = track.get(name)
        if value is not None and value == value:
            checks.append((low is None or value >= low) and (high is None or value <= high))
    return bool(checks) and sum(checks) >= _INSIDE * len(checks)
