"""The reading of one request: the JSON of `queries.explain`, with the reasons."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from queries.grammar.constraints import Mention, no_constraints
from queries.grammar.interpret import Interpretation
from queries.grammar.lexicon import Lexicon
from queries.grammar.music import language
from queries.models.learned import Learned, read_query
from queries.models.musicness import ASSISTANT_SHARE
from queries.text.normalise import MAX_CHARACTERS, is_too_long, normal_form
from queries.text.spans import Tagged
from queries.text.surface import Surface

if TYPE_CHECKING:
    from queries.catalog.index import CatalogIndex

_SLOT_FIELDS = ("genre", "mood", "activity", "year", "decade", "sort")
_SLOT_EDGES = frozenset(
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
    """How a request is read; the JSON's fields, plus `answers_as` ("full" or "stripped") and `reasons`.

    `slots` hold the span as in the request; `constraints` the canonical values; `key` their shared key;
    `entities` what the catalog links them to: kind artist (id: folded name), track (track_id), album (folded name).
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
    entities: list[dict[str, Any]]
    answers_as: str
    reasons: list[str] = field(default_factory=list)


def likely_locale(raw_query: str, lexicon: Lexicon) -> str:
    """The locale of a request given without one: es-ES if its words are Spanish, else en-US."""
    return _LOCALES[language(normal_form(raw_query, "*"), "*", lexicon)]


def read(
    raw_query: str,
    locale: str,
    lexicon: Lexicon,
    catalog: "CatalogIndex | None",
    learned: "Learned | None" = None,
    music_share: float = ASSISTANT_SHARE,
) -> Reading:
    """Read one request. Total: no text raises; a blank one is `not_music` with empty forms. Without `learned`
    (`queries.models.learned.packaged()`) by the grammar alone; `music_share`: see `queries.models.learned.read_query`."""
    query = normal_form(raw_query, locale)
    if not query:
        said_in = language("", locale, lexicon)
        return Reading(
            raw_query,
            "",
            "",
            said_in,
            False,
            "not_music",
            [],
            no_constraints(),
            "",
            [],
            "stripped",
            ["nothing was said"],
        )
    # a longer text is no key (ingest quarantines it): its start is read, so that the cost stays that of a request
    head = query[:MAX_CHARACTERS].rsplit(" ", 1)[0] if is_too_long(query) else query
    found = read_query(head, locale, lexicon, catalog.vocabulary if catalog else None, learned, music_share)
    entities = catalog.entities(found.artist, found.title, _album(found)) if catalog and found.is_music else []
    return Reading(
        raw_query,
        query,
        found.stripped,
        found.language,
        found.is_music,
        found.intent,
        _slots(found, Surface(raw_query, query, locale)),
        found.constraints,
        found.key,
        entities,
        found.answers_as,
        list(found.reasons),
    )


def _album(found: Interpretation) -> str | None:
    return found.names["album"].text if "album" in found.names else None


def _slots(found: Interpretation, surface: Surface) -> list[dict[str, str]]:
    tagged = found.tagged
    if tagged is None:
        places = [(name.start, name.end, kind) for kind, name in found.names.items()]
    else:
        places = [(one.start, one.end, _when(one, found) if one.kind == "when" else one.kind) for one in tagged]
    beside = [one for one in found.mentions if one.field in _SLOT_FIELDS]
    if tagged is not None:
        beside = [one for one in beside if not any(name.overlaps(one.start, one.end) for name in tagged)]
    places += [(*_without_edges(one, found), one.field) for one in beside]
    return [{"type": kind, "value": surface.span(start, end)} for start, end, kind in sorted(places)]


def _when(tagged: Tagged, found: Interpretation) -> str:
    """Whether a time that the tagger found is a decade or a year: as the grammar reads it, else by its digits."""
    for one in found.mentions:
        if one.field in ("decade", "year") and tagged.overlaps(one.start, one.end):
            return one.field
    words = found.query.split()[tagged.start : tagged.end]
    return "year" if any(word.isdigit() and len(word) == 4 and not word.endswith("0") for word in words) else "decade"


def _without_edges(one: Mention, found: Interpretation) -> tuple[int, int]:
    words, start, end = found.query.split(), one.start, one.end
    while end - start > 1 and words[start] in _SLOT_EDGES:
        start += 1
    while end - start > 1 and words[end - 1] in _SLOT_EDGES:
        end -= 1
    return start, end
