"""Answers of a release of format 2: a wording leads to a need, by the release or by reading it, and the need to a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Protocol, TypeVar

from queries.catalog.resolve import Resolver
from queries.catalog.vocabulary import Vocabulary, pair_id
from queries.grammar.bundle import Bundle
from queries.grammar.need import Need, NeedReading, Part
from queries.models.learned import MUSIC_SERVICE_SHARE
from queries.models.read_need import read_need
from queries.text.carrier import stripped
from queries.text.normalise import language_of, normal_form
from serving.mapped import MappedRankings, stored_track, value_of
from serving.matched import Matched, MatchedBy, Tried
from serving.refused import ENFORCED, ORIGINAL, REMASTER, title_versions
from serving.stored_names import StoredNames
from serving.values import entry_key, ranking, texts

if TYPE_CHECKING:
    from serving.mapped import Txn

_Track = TypeVar("_Track", covariant=True)
_AnyTrack = TypeVar("_AnyTrack")
_NAMES = ("artist", "title", "album", "similar_to", "playlist", "personal", "words")  # parts that are never given up
_BY_HOW: dict[str, MatchedBy] = {"near": "near", "sound": "sound"}
NOT_MUSIC = "not_music"  # stands for a need in `wordings` where the wording does not ask for music
NAMES_PLACE = "names"  # where the list of a name with few tracks is said to stand


@dataclass(frozen=True, slots=True)
class _Request:
    """What one request is answered from: its transaction, the places to look at, the names, and what was tried so far."""

    txn: Txn
    chain: tuple[str, ...]
    names: StoredNames
    tried: Tried


class NeedAnswers:
    """Finds the list of a request. See docs/release-format.md for the order in which it looks."""

    def __init__(self, rankings: MappedRankings, bundle: Bundle) -> None:
        self._tables, self._bundle = rankings.tables, bundle

    def matched(self, txn: Txn, query: str, chain: tuple[str, ...], tried: Tried) -> Matched | None:
        """The list that answers a normal form, or None if the request is not understood with enough confidence.

        A need without a list gives a match without tracks.

        Args:
            txn: a read transaction.
            query: a normal form.
            chain: the places to look at.
            tried: gets a step for each look-up.
        """
        request = _Request(txn, chain, StoredNames(txn, self._tables), tried)
        asked = self._by_wording(request, query)
        if asked is None:  # stripping takes longer than a look-up
            short = stripped(query, chain[0], self._bundle.lexicon.grammar)
            asked = self._by_wording(request, short) if short != query else None
        if asked == NOT_MUSIC:
            return None
        if asked is not None:
            return self._listed(request, asked, None, "wording", 1.0)
        names = request.names
        resolver = Resolver(names.vocabulary, self._bundle.lexicon.works, names)
        reading = reading_of(query, language_of(chain[0]), self._bundle, names.vocabulary, resolver)
        if reading is None:
            tried.append(("reading: not for music",))
            return None
        tried.append(("reading {} ({}, confidence {:.2f})", reading.need.key, reading.how, reading.confidence))
        if not reading.is_sure(self._bundle.least_confidence):
            return None
        by = _BY_HOW.get(reading.how, "reading")
        return self._listed(request, reading.need.key, reading.need, by, reading.confidence)

    def _by_wording(self, request: _Request, form: str) -> str | None:
        """The key of the need to which the release leads a wording, or NOT_MUSIC; None if it does not have the wording."""
        stored = self._first(request, "wordings", form, "wording ({}, {})")
        return None if stored is None else texts(*stored[1:])[0]

    def _first(
        self, request: _Request, table: str, text: str, step: str | None = None
    ) -> tuple[str, bytes, memoryview] | None:
        """(place, key, value) of a text in the first place of the chain that has it; None if none does. `step` tells what is tried."""
        for place in request.chain:
            if step is not None:
                request.tried.append((step, place, text))
            key = entry_key(place, text)
            value = value_of(request.txn, self._tables[table], key)
            if value is not None:
                return place, key, value
        return None

    def _listed(self, request: _Request, asked: str, need: Need | None, by: MatchedBy, confidence: float) -> Matched:
        """The list of a need, else of what is left when parts are given up.

        `need` is None if only its key is known: the key is parsed where the need has no list, since that takes as long as a look-up.
        """
        wanted = asked
        dropped: tuple[str, ...] = ()
        while True:
            how: MatchedBy = "backoff" if dropped else by
            stored = self._first(request, "needs", wanted, "need ({}, {})")
            if stored is not None:
                place, key, value = stored
                listed = ranking(key, value)
                lists = (listed.ordinals, listed.scores, listed.propensity)
                return Matched(how, asked, confidence, dropped, (place, wanted), *lists)
            if need is None:
                need = Need.from_key(asked)
            ordinals = self._short_list(request, need) if need is not None else ()
            if ordinals:
                request.tried.append(("names ({})", wanted))
                scores = tuple(1.0 / rank for rank in range(1, len(ordinals) + 1))
                return Matched(how, asked, confidence, dropped, (NAMES_PLACE, wanted), ordinals, scores)
            if need is not None and _is_several(need):
                return self._mixed(request, asked, need, dropped, by, confidence)
            given_up = self._given_up(request, need, dropped) if need is not None else None
            if given_up is None:
                return Matched(by, asked, confidence)
            part, need = given_up
            dropped = (*dropped, part.text)
            wanted = need.key

    def _mixed(
        self, request: _Request, asked: str, need: Need, given_up: tuple[str, ...], by: MatchedBy, confidence: float
    ) -> Matched:
        """The lists of several artists, or of all that music is to be like, track by track in turns.

        In place of a list that the release lacks stand an artist's own tracks, and for a recording what is like its artist.
        """
        lists: list[tuple[int, ...]] = []
        dropped = list(given_up)
        for part in need.parts:
            stored = self._first(request, "needs", Need((part,)).key, "need ({}, {})")
            ordinals = tuple(short_list(Need((part,)), request.names)) if stored is None else ()
            if ordinals:
                lists.append(ordinals)
            elif stored is None:
                dropped.append(part.text)
                if part.field != "similar_to":
                    continue
                artist = self._artist_of(request, part.value)
                like = Part("similar_to", Need((Part("artist", artist),)).key) if artist is not None else None
                stored = self._first(request, "needs", Need((like,)).key, "need ({}, {})") if like is not None else None
            if stored is not None:
                lists.append(ranking(*stored[1:]).ordinals)
        if not lists:
            return Matched(by, asked, confidence)
        turns = (one for turn in zip_longest(*lists) for one in turn if one is not None)
        ordinals = tuple(islice(dict.fromkeys(turns), max(map(len, lists))))
        scores = tuple(1.0 / rank for rank in range(1, len(ordinals) + 1))
        how: MatchedBy = "backoff" if dropped else by
        return Matched(how, asked, confidence, tuple(dropped), (NAMES_PLACE, need.key), ordinals, scores)

    def _artist_of(self, request: _Request, like: str) -> str | None:
        """The artist of a recording, or of the first track of a title or album, by the key of its need; None of an artist itself."""
        need = Need.from_key(like)
        if need is None or {part.field for part in need.parts} == {"artist"}:
            return None
        artist = need.first("artist")
        if artist is not None:
            return artist
        ordinals = short_list(need, request.names)
        artists = stored_track(request.txn, self._tables["tracks"], ordinals[0]).artists if ordinals else ()
        return normal_form(artists[0], "en") if artists else None

    def _short_list(self, request: _Request, need: Need) -> tuple[int, ...]:
        """The first tracks of a name; if a version of it is asked for, those whose title has the version, or none for the original."""
        versions = [part for part in need.parts if part.field == "version" and not part.is_refused]
        ordinals = tuple(short_list(Need(tuple(one for one in need.parts if one not in versions)), request.names))
        if not versions or not ordinals:
            return ordinals
        wanted = {part.value for part in versions}
        titles = {one: stored_track(request.txn, self._tables["tracks"], one).title for one in ordinals}
        of_track = {one: title_versions(title, self._bundle.lexicon) for one, title in titles.items()}
        if wanted == {ORIGINAL}:
            return tuple(one for one in ordinals if not of_track[one] - {REMASTER})
        return tuple(one for one in ordinals if wanted <= of_track[one])

    def _given_up(self, request: _Request, need: Need, dropped: tuple[str, ...]) -> tuple[Part, Need] | None:
        """What is given up of a need without a list, and the need that is left; None if nothing may be given up.

        A genre of which the release has no list becomes the wider genre that its name ends or begins with ("heavy metal" is metal);
        else the weakest part goes, if it is no name and not the last one. A genre does not become one that the request refuses, also
        if that part was given up before.
        """
        for part in need.parts:
            if (
                part.field == "genre"
                and not part.is_refused
                and self._first(request, "needs", Need((part,)).key) is None
            ):
                wider = self._wider_genre(part.value)
                if wider is not None and not _refuses_genre(wider, need, dropped):
                    return part, Need.of([Part("genre", wider), *(one for one in need.parts if one != part)])
        weakest = need.weakest
        if len(need.parts) == 1 and need.parts[0].is_refused and need.parts[0].field in ENFORCED:
            return need.parts[0], Need()  # "anything but bad bunny": anything, and the answer leaves him out
        if weakest is None or (weakest.field in _NAMES and not weakest.is_refused):
            return None
        return weakest, need.broader

    def _wider_genre(self, genre: str) -> str | None:
        words = genre.split()
        for name in (words[-1], words[0]) if len(words) > 1 else ():
            phrase = self._bundle.lexicon.phrases.get(name)
            # fewer words: what is given up only ever gets wider, so it ends
            if phrase is not None and phrase.field == "genre" and len(phrase.value.split()) < len(words):
                return phrase.value
        return None


def _refuses_genre(genre: str, need: Need, dropped: tuple[str, ...]) -> bool:
    part = Part("genre", genre, True)
    return part in need.parts or part.text in dropped


def reading_of(query: str, language: str, bundle: Bundle, names: Vocabulary, resolver: Resolver) -> NeedReading | None:
    """How a reader reads a normal form: with a release's grammar and names, without models; None if it is not for music.

    Args:
        query: a normal form.
        language: its language.
        bundle: the grammar of the release.
        names: the names of the release.
        resolver: finds names of the release that are like what was said.
    """
    return read_need(query, language, bundle.lexicon, names, None, resolver, MUSIC_SERVICE_SHARE)[1]


def _is_several(need: Need) -> bool:
    """Whether a need is of artists alone, several of them, or of what music is to be like."""
    fields = {"!" if part.is_refused else part.field for part in need.parts}
    return fields == {"similar_to"} or (fields == {"artist"} and len(need.parts) > 1)


class NameTracks(Protocol[_Track]):
    """The first tracks of names and recordings: ordinals in a release, ids before it is written."""

    def tracks(self, kind: str, name: str) -> Sequence[_Track]:
        """The first tracks of a name of a kind (artist, title, album, newest); none if the catalog lacks it."""
        ...

    def pair_tracks(self, pair: int) -> Sequence[_Track]:
        """The first tracks of a recording by an artist (`queries.catalog.vocabulary.pair_id`); none if there is none."""
        ...


def short_list(need: Need, names: NameTracks[_AnyTrack]) -> Sequence[_AnyTrack]:
    """The first tracks of a name, or of a recording by an artist, in the night's order; of an artist's newest, by date."""
    if any(part.is_refused for part in need.parts):
        return ()
    values = {part.field: part.value for part in need.parts}
    fields = frozenset(values)
    if len(values) < len(need.parts):
        return ()
    if fields in ({"artist"}, {"title"}, {"album"}):
        kind = next(iter(fields))
        return names.tracks(kind, values[kind])
    if fields == {"artist", "sort"} and values["sort"] == "newest":
        return names.tracks("newest", values["artist"])
    for kind in ("title", "album"):
        if fields == {"artist", kind}:
            return names.pair_tracks(pair_id(values[kind], values["artist"], is_album=kind == "album"))
    return ()
