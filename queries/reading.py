"""The reading of one request, with its reasons: the JSON of `queries.explain`."""

from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from queries.grammar.constraints import Mention, no_constraints
from queries.grammar.interpret import Interpretation
from queries.grammar.lexicon import Lexicon
from queries.grammar.music import language
from queries.grammar.need import NeedReading
from queries.models.learned import Learned
from queries.models.musicness import ASSISTANT_SHARE
from queries.models.read_need import read_need
from queries.text.normalise import MAX_CHARACTERS, is_too_long, normal_form
from queries.text.spans import TaggedSpan, last_occurrence
from queries.text.surface import Surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from queries.catalog.index import CatalogIndex
    from queries.catalog.resolve import Resolver

_SLOT_FIELDS = ("genre", "mood", "activity", "year", "decade", "sort")
_EDGE_WORDS = frozenset(
    (
        "music",
        "musica",
        "songs",
        "song",
        "canciones",
        "cancion",
        "for",
        "to",
        "the",
        "de",
        "para",
        "el",
        "la",
        "los",
        "las",
        "in",
        "en",
        "del",
        "while",
        "mientras",
        "tracks",
        "temas",
        "of",
        "a",
    )
)
_LOCALES = {"en": "en-US", "es": "es-ES"}


@dataclass(frozen=True)
class Reading:
    """How a request is read.

    Attributes:
        raw_query: The request as it was spoken or typed.
        query: Its normal form.
        stripped: The normal form without carrier phrase.
        language: "en" or "es".
        is_music: Whether it asks for music.
        intent: The intent, such as title, artist, genre or not_music.
        slots: Spans as {"type", "value"}; the value is the text of the request.
        constraints: The canonical dictionary of the constraints.
        key: The key of the constraints.
        need: The key of what is asked for, names and constraints together (`queries.grammar.need.Need`); None if not for music.
        entities: Links to the catalog as {"kind", "id", "score"}; the id of an artist or album is its folded name, of a track its
            track_id.
        answers_as: "full" if the whole request is a name, else "stripped".
        reasons: Why it is read so, for people.
    """

    raw_query: str
    query: str
    stripped: str
    language: str
    is_music: bool
    intent: str
    slots: list[dict[str, str]]
    constraints: dict[str, Any]
    key: str
    need: str | None
    entities: list[dict[str, Any]]
    answers_as: str
    reasons: list[str] = field(default_factory=list)


def likely_locale(raw_query: str, lexicon: Lexicon) -> str:
    """A locale for a request that came without one: es-ES if its words are Spanish, else en-US."""
    return _LOCALES[language(normal_form(raw_query, "*"), "*", lexicon)]


def read(
    raw_query: str,
    locale: str,
    lexicon: Lexicon,
    catalog: "CatalogIndex | None",
    learned: "Learned | None" = None,
    music_share: float = ASSISTANT_SHARE,
    resolver: "Callable[[], Resolver] | None" = None,
) -> Reading:
    """Read one request. Total: no text raises, and a blank one is `not_music` with empty forms.

    Args:
        raw_query: The request as it was spoken or typed.
        locale: Its locale or roll-up.
        lexicon: Phrases, word lists and the carrier grammar.
        catalog: The catalog in which names are looked up; None if there is none.
        learned: The models, such as `queries.models.learned.packaged()`; None uses the grammar alone.
        music_share: Prior probability that a request from this source asks for music (`queries.models.learned.read_query`).
        resolver: Gives the resolver of the catalog, which takes seconds to build.
    """
    query = normal_form(raw_query, locale)
    if not query:
        query_language = language("", locale, lexicon)
        return Reading(
            raw_query,
            "",
            "",
            query_language,
            False,
            "not_music",
            [],
            no_constraints(),
            "",
            None,
            [],
            "stripped",
            ["nothing was said"],
        )
    # ingest quarantines longer texts; reading the start only keeps the cost bounded
    head = query[:MAX_CHARACTERS].rsplit(" ", 1)[0] if is_too_long(query) else query
    names = catalog.vocabulary if catalog else None
    names_alike = resolver() if resolver is not None else None
    interpretation, need = read_need(head, locale, lexicon, names, learned, names_alike, music_share)
    names_of = _names_in_catalog(interpretation, need)
    entities = catalog.entities(*names_of) if catalog and interpretation.is_music else []
    return Reading(
        raw_query,
        query,
        interpretation.stripped,
        interpretation.language,
        interpretation.is_music,
        (need.spoken_intent if need is not None else None) or interpretation.intent,
        _slots(interpretation, need, Surface(raw_query, query, locale), query.split()),
        interpretation.constraints,
        interpretation.key,
        need.need.key if need is not None else None,
        entities,
        interpretation.answers_as,
        list(interpretation.reasons),
    )


def _names_in_catalog(
    interpretation: Interpretation, need: NeedReading | None
) -> tuple[str | None, str | None, str | None]:
    """Artist, title and album as the catalog has them."""
    if need is not None and need.names_anything:
        return need.need.first("artist"), need.need.first("title"), need.need.first("album")
    album = interpretation.album if "album" in interpretation.names else None
    return interpretation.artist, interpretation.title, album


def _slots(
    interpretation: Interpretation, need: NeedReading | None, surface: Surface, asked: list[str]
) -> list[dict[str, str]]:
    """The spans with their text in the request; `asked` has the words of its normal form, of which some may not have been read."""
    tagged = interpretation.tagged
    words = interpretation.query.split()
    if need is not None and need.spoken:
        tagged = tuple(TaggedSpan(kind, *last_occurrence(words, name.split())) for kind, name in need.spoken)
    if tagged is None:
        places = [(name.start, name.end, kind) for kind, name in interpretation.names.items()]
    else:
        places = [
            (one.start, one.end, _era_type(one, interpretation) if one.kind == "when" else one.kind) for one in tagged
        ]
    slot_mentions = [one for one in interpretation.mentions if one.field in _SLOT_FIELDS]
    if tagged is not None:
        slot_mentions = [one for one in slot_mentions if not any(name.overlaps(one.start, one.end) for name in tagged)]
    places += [(*_without_edge_words(one, interpretation), one.field) for one in slot_mentions]
    at = _places(words, asked)
    in_request = sorted((at[start], at[end - 1] + 1, kind) for start, end, kind in places)
    return [{"type": kind, "value": surface.span(start, end)} for start, end, kind in in_request]


def _places(read_words: list[str], asked: list[str]) -> list[int]:
    """For each word that was read its index among the words of the request, some of which were left out or corrected."""
    if len(read_words) == len(asked):
        return list(range(len(asked)))
    indexes = list(range(len(read_words)))
    for _, start, end, first, last in SequenceMatcher(None, read_words, asked, autojunk=False).get_opcodes():
        indexes[start:end] = [min(first + n, max(first, last - 1)) for n in range(end - start)]
    return indexes


def _era_type(tagged: TaggedSpan, interpretation: Interpretation) -> str:
    """Whether a span that the tagger calls a time is a decade or a year: as the grammar reads it, else by its digits."""
    for one in interpretation.mentions:
        if one.field in ("decade", "year") and tagged.overlaps(one.start, one.end):
            return one.field
    words = interpretation.query.split()[tagged.start : tagged.end]
    return "year" if any(word.isdigit() and len(word) == 4 and not word.endswith("0") for word in words) else "decade"


def _without_edge_words(one: Mention, interpretation: Interpretation) -> tuple[int, int]:
    words, start, end = interpretation.query.split(), one.start, one.end
    while end - start > 1 and words[start] in _EDGE_WORDS:
        start += 1
    while end - start > 1 and words[end - 1] in _EDGE_WORDS:
        end -= 1
    return start, end
