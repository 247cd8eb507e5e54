"""The names of the catalog as a release has them, and the wordings that its reader would read otherwise than the night."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from zlib import crc32

from pyspark.sql import functions as F

from lake.checkpoint import checkpointed
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.nightly import VECTORS
from night.night import Night
from queries.catalog.near import KINDS
from queries.catalog.resolve import Resolver
from queries.catalog.vocabulary import Vocabulary, joined_artists, pair_id
from queries.grammar.bundle import read_bundle
from queries.grammar.need import Need, NeedReading, Part
from queries.nightly.names import with_name_forms
from queries.text.carrier import stripped
from ranking.candidates import with_strength
from ranking.short_lists import name_lists, pair_lists
from ranking.similar import TrackGenres, TrackVectors, similar_tracks
from serving.by_need import NOT_MUSIC, reading_of
from serving.content import Entry, Key, Name, Names, RankedTrack, stored_score
from serving.layout import SHORT_LIST, locale_chain

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

DISAGREEMENT_OF = 1_000
SIMILAR_NAMES = 2_000
SIMILAR, SAME_GENRES = "played by the same listeners", "of the same genres"
LANGUAGES = ("en", "es")  # in which a wording of place `*` may be asked


def named_tracks(night: Night) -> DataFrame:
    """The night's catalog with `strength` and all forms of its names; computed once, and read by `names_of` and `similar_lists`."""
    daily = night.lake.read(DAILY_ENGAGEMENT, night.window(night.settings.candidates.window_days))
    return checkpointed(with_name_forms(with_strength(night.tracks(allow_unvalidated=False), daily)))


def names_of(tracks: DataFrame) -> Names:
    """The names of the catalog with their first tracks, in the order of the tracks' strength.

    Args:
        tracks: `named_tracks`.
    """
    by_kind: dict[str, dict[str, Name]] = {kind: {} for kind in (*KINDS, "newest")}
    rows = name_lists(tracks, SHORT_LIST).select("kind", "name", "popularity", "tracks").toPandas()
    for kind, name, popularity, listed in rows.itertuples(index=False, name=None):
        by_kind[kind][name] = Name(float(popularity), tuple(listed))
    pairs = pair_lists(tracks, SHORT_LIST).select("is_album", "name", "artist", "tracks").toPandas()
    return Names(
        by_kind,
        {
            pair_id(name, artist, is_album=bool(is_album)): tuple(listed)
            for is_album, name, artist, listed in pairs.itertuples(index=False, name=None)
        },
    )


def similar_lists(night: Night, tracks: DataFrame, names: Names) -> Iterator[Entry]:
    """The lists of `similar_to=…` for the SIMILAR_NAMES most popular artists, and as many titles, in place `*`.

    What is like an artist is not by it; what is like a title is like its strongest recording.

    Args:
        night: the night; its vectors are read.
        tracks: `named_tracks`.
        names: the names of the release.
    """
    vectors = (
        night.lake.read(VECTORS, [night.run_date])
        .where("kind = 'track'")
        .select(F.col("key").alias("track_id"), "vector")
    )
    artist = F.coalesce(F.col("artists_normal")[0], F.lit("")).alias("artist")
    rows = tracks.select("track_id", artist, "genres", "strength").join(vectors, "track_id", "left").collect()
    given = TrackVectors.of([(r["track_id"], r["vector"], r["artist"]) for r in rows if r["vector"] is not None])
    genres = TrackGenres.from_rows([(r["track_id"], r["artist"], r["genres"] or (), r["strength"]) for r in rows])
    for kind in ("artist", "title"):
        known = names.by_kind.get(kind, {})
        for name in sorted(known, key=lambda one: (-known[one].popularity, one))[:SIMILAR_NAMES]:
            seeds = known[name].tracks if kind == "artist" else known[name].tracks[:1]
            listed = similar_tracks(seeds, {name} if kind == "artist" else (), given, genres)
            if listed:
                need = Need.of([Part("similar_to", Need.of([Part(kind, name)]).key)])
                reasons = tuple(SIMILAR if score > 1.0 else SAME_GENRES for _, score in listed[:10])
                yield Entry("*", need.key, tuple(RankedTrack(*one) for one in listed), reasons=reasons)


class ReleaseReading:
    """Reads wordings as the reader of a release will, before the release is written.

    Args:
        names: the names of the release.
        grammar: the bytes of its grammar bundle.
    """

    def __init__(self, names: Names, grammar: bytes) -> None:
        known = {
            kind: {name: stored_score(one.popularity) for name, one in names.by_kind.get(kind, {}).items()}
            for kind in KINDS
        }
        self._names = Vocabulary(
            known["title"],
            known["artist"],
            known["album"],
            frozenset(),
            names.pairs.keys(),
            joined_artists(known["artist"]),
        )
        self._bundle = read_bundle(grammar, "grammar.json")
        self._resolver = Resolver(self._names, self._bundle.lexicon.works)

    def reading(self, query: str, language: str) -> NeedReading | None:
        """What the reader reads, however confident it is; None if the request is not for music."""
        return reading_of(query, language, self._bundle, self._names, self._resolver)

    def need(self, query: str, language: str) -> str | None:
        """The key of the need that the reader reads; None if it would abstain."""
        reading = self.reading(query, language)
        if reading is None or not reading.is_sure(self._bundle.least_confidence):
            return None
        return reading.need.key

    def stripped(self, query: str, place: str) -> str:
        """The stripped form of a normal form."""
        return stripped(query, place, self._bundle.lexicon.grammar)


def differing_wordings(public: pd.DataFrame, reading: ReleaseReading) -> dict[Key, str]:
    """(place, wording) -> need, for the public wordings that the reader would lead to another need, or to none.

    A wording that does not ask for music stands for NOT_MUSIC, if the reader would answer it.

    Args:
        public: the rows of `wordings` that may be published: locale, query, need (null: not for music).
        reading: reads wordings as the reader will.
    """
    rows = sorted(
        (len(place) > 2, len(place) > 1, place, query, _need_of(need))
        for place, query, need in zip(public["locale"], public["query"], public["need"], strict=True)
    )
    read: dict[Key, str] = {}
    for *_, place, query, _ in rows:
        for language in LANGUAGES if place == "*" else (place[:2],):
            if (language, query) not in read:
                read[language, query] = reading.need(query, language) or NOT_MUSIC
    stored: dict[Key, str] = {}
    is_settled = False
    while not is_settled:  # a stored wording also answers requests of which it is the stripped form
        is_settled = True
        for *_, place, query, need in rows:
            places = [locale_chain(one) for one in (LANGUAGES if place == "*" else (place,))]
            if any(_led(stored, read, chain, query, reading) != need for chain in places):
                if stored.get((place, query)) == need:
                    continue  # a narrower place leads elsewhere
                stored[place, query] = need
                is_settled = False
    return stored


def disagreement(others: pd.DataFrame, reading: ReleaseReading) -> tuple[float, int]:
    """(share of wordings that are not published which the reader reads otherwise than the night, their number).

    They are the wordings of a language, at most DISAGREEMENT_OF, the first by a hash. A reader that abstains reads otherwise.

    Args:
        others: rows of `wordings`: locale, query, need (null: not for music).
        reading: reads wordings as the reader will.
    """
    rows = others[others["locale"].isin(LANGUAGES)][["locale", "query", "need"]].itertuples(index=False, name=None)
    first = sorted(rows, key=lambda row: (crc32(f"{row[0]} {row[1]}".encode(errors="replace")), row[0], row[1]))
    chosen = first[:DISAGREEMENT_OF]
    apart = sum((reading.need(query, place) or NOT_MUSIC) != _need_of(need) for place, query, need in chosen)
    return apart / max(len(chosen), 1), len(chosen)


def _need_of(need: object) -> str:
    return need if isinstance(need, str) else NOT_MUSIC


def _led(
    stored: Mapping[Key, str], read: Mapping[Key, str], chain: tuple[str, ...], query: str, reading: ReleaseReading
) -> str:
    """The need that the reader comes to for a wording in the places of `chain`."""
    for form in dict.fromkeys((query, reading.stripped(query, chain[0]))):
        for place in chain:
            if (place, form) in stored:
                return stored[place, form]
    return read[chain[0][:2], query]
