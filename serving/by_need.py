"""Answers of a release of format 2: a wording leads to a need, by the release or by reading it, and the need to a list."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from queries.catalog.resolve import Resolver
from queries.catalog.vocabulary import pair_id
from queries.grammar.bundle import Bundle
from queries.grammar.need import Need, NeedReading
from queries.models.learned import MUSIC_SERVICE_SHARE
from queries.models.read_need import read_need
from queries.text.carrier import stripped
from queries.text.normalise import language_of
from serving.layout import MAX_KEY_BYTES
from serving.mapped import MappedRankings
from serving.matched import Matched, MatchedBy
from serving.stored_names import StoredNames
from serving.values import entry_key, ranking, texts

if TYPE_CHECKING:
    import lmdb

    Txn = lmdb.Transaction[memoryview]

_Track = TypeVar("_Track", covariant=True)
_AnyTrack = TypeVar("_AnyTrack")
_NAMES = ("artist", "title", "album", "similar_to", "playlist", "personal", "words")  # parts that are never given up
_BY_HOW: dict[str, MatchedBy] = {"near": "near", "sound": "sound"}
NOT_MUSIC = "not_music"  # stands for a need in `wordings` where the wording does not ask for music
NAMES_PLACE = "names"  # where the list of a name with few tracks is said to stand


class NeedAnswers:
    """Finds the list of a request. See docs/release-format.md for the order in which it looks."""

    def __init__(self, rankings: MappedRankings, bundle: Bundle) -> None:
        self._tables, self._bundle = rankings.tables, bundle

    def matched(self, txn: "Txn", query: str, chain: tuple[str, ...], tried: list[str]) -> Matched | None:
        """The list that answers a normal form, or None if the request is not understood with enough confidence.

        A need without a list gives a match without tracks.

        Args:
            txn: a read transaction.
            query: a normal form.
            chain: the places to look at.
            tried: gets a line for each look-up.
        """
        names = StoredNames(txn, self._tables)
        asked = self._by_wording(txn, query, chain, tried)
        if asked is None:  # stripping takes longer than a look-up
            short = stripped(query, chain[0], self._bundle.lexicon.grammar)
            asked = self._by_wording(txn, short, chain, tried) if short != query else None
        if asked == NOT_MUSIC:
            return None
        if asked is not None:
            return self._listed(txn, asked, Need.from_key(asked), chain, names, "wording", 1.0, tried)
        reading = self.reading(query, chain[0], names)
        if reading is None:
            tried.append("reading: not for music")
            return None
        tried.append(f"reading {reading.need.key} ({reading.how}, confidence {reading.confidence:.2f})")
        if reading.how == "words" or reading.confidence < self._bundle.least_confidence:
            return None
        by = _BY_HOW.get(reading.how, "reading")
        return self._listed(txn, reading.need.key, reading.need, chain, names, by, reading.confidence, tried)

    def _by_wording(self, txn: "Txn", form: str, chain: tuple[str, ...], tried: list[str]) -> str | None:
        """The key of the need to which the release leads a wording, or NOT_MUSIC; None if it does not have the wording."""
        for place in chain:
            tried.append(f"wording ({place}, {form})")
            key = entry_key(place, form)
            value = txn.get(key, db=self._tables["wordings"]) if len(key) <= MAX_KEY_BYTES else None
            if value is not None:
                return texts(key, value)[0]
        return None

    def reading(self, query: str, place: str, names: StoredNames) -> NeedReading | None:
        """How a normal form is read with the release's grammar and names; None if it does not ask for music."""
        lexicon, language = self._bundle.lexicon, language_of(place)
        resolver = Resolver(names.vocabulary, lexicon.works, names)
        return read_need(query, language, lexicon, names.vocabulary, None, resolver, MUSIC_SERVICE_SHARE)[1]

    def _listed(
        self,
        txn: "Txn",
        asked: str,
        need: Need | None,
        chain: tuple[str, ...],
        names: StoredNames,
        by: MatchedBy,
        confidence: float,
        tried: list[str],
    ) -> Matched:
        """The list of a need, else that of the need without its weakest constraints; `need` is None if only its key is known."""
        wanted = asked
        dropped: tuple[str, ...] = ()
        while True:
            how: MatchedBy = "backoff" if dropped else by
            for place in chain:
                tried.append(f"need ({place}, {wanted})")
                key = entry_key(place, wanted)
                value = txn.get(key, db=self._tables["needs"]) if len(key) <= MAX_KEY_BYTES else None
                if value is not None:
                    stored = ranking(key, value)
                    lists = (stored.ordinals, stored.scores, stored.propensity)
                    return Matched(how, asked, confidence, dropped, (place, wanted), *lists)
            ordinals = tuple(short_list(need, names)) if need is not None else ()
            if ordinals:
                tried.append(f"names ({wanted})")
                scores = tuple(1.0 / rank for rank in range(1, len(ordinals) + 1))
                return Matched(how, asked, confidence, dropped, (NAMES_PLACE, wanted), ordinals, scores)
            weakest = need.weakest if need is not None else None
            if need is None or weakest is None or (weakest.field in _NAMES and not weakest.is_refused):
                return Matched(by, asked, confidence)
            dropped = (*dropped, weakest.text)
            need = need.broader
            wanted = need.key


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
