"""The one reading of requests: `queries.explain`, the night and the reader of releases call it."""

from __future__ import annotations

from dataclasses import replace

from queries.catalog.resolve import Resolver
from queries.catalog.vocabulary import Vocabulary
from queries.grammar.act import LISTEN
from queries.grammar.correct import HEARD_AS, corrected
from queries.grammar.interpret import Interpretation
from queries.grammar.lexicon import Lexicon
from queries.grammar.music import asks_for_music, speaks_of_other_things
from queries.grammar.need import NeedReading, need_reading
from queries.grammar.remarks import after_feeling, without_clause, without_remark, without_service
from queries.models.learned import CERTAIN_ARTIST, CERTAIN_TITLE, MUSIC_SERVICE_SHARE, Learned, read_query

_BEFORE_ARTIST = ("by", "de", "del", "from")
CORRECTED = 0.95  # confidence of a reading with corrected words, of 1
LEAST_CORRECTED = 0.9  # confidence of a reading by corrected words, before CORRECTED
KNOWN_WORD = 20.0  # popularity from which a title of one word is no slip
LEAST_FOR_MUSIC = 0.88
"""Confidence from which a name that is alike, or what comes before a remark, makes a request one for music."""


def read_need(
    query: str,
    locale: str,
    lexicon: Lexicon,
    names: Vocabulary | None,
    learned: Learned | None,
    resolver: Resolver | None,
    music_share: float,
) -> tuple[Interpretation, NeedReading | None]:
    """Read a normal form: how it is interpreted, and the need that it leads to (None if it is not for music).

    `query` of the interpretation is the form that was read: that of the request, or one with words left out or corrected.

    If the reading leaves words unexplained, it is read again without what people add to a request, then with corrected words; the
    most confident reading is taken.

    Args:
        query: A normal form.
        locale: Its locale or language.
        lexicon: Phrases, word lists and carrier grammar.
        names: The names of the catalog; None if there is none.
        learned: The models; None reads by grammar and catalog alone.
        resolver: Finds names that are like what was said; None leaves them unresolved.
        music_share: See `queries.models.learned.read_query`.
    """

    def read(text: str, share: float = music_share) -> tuple[Interpretation, NeedReading | None]:
        interpreted = read_query(text, locale, lexicon, names, learned, share)
        return interpreted, need_reading(interpreted, lexicon, names, resolver)

    interpretation, reading = read(after_feeling(query, lexicon) or query)
    if names is None or interpretation.act != LISTEN or (reading is not None and reading.confidence == 1.0):
        return interpretation, reading
    if reading is None and asks_for_music(query, lexicon) and not speaks_of_other_things(query, lexicon):
        again, second = read(query, MUSIC_SERVICE_SHARE)
        if second is not None and _is_famous(second, names):
            interpretation, reading = again, second  # "play blink one eighty two"
    for shorter, is_clause in _shorter_forms(query, lexicon):
        again, second = read(shorter)
        least = reading.confidence if reading is not None else LEAST_FOR_MUSIC
        if second is None or second.how == "words" or second.confidence <= least:
            continue
        if is_clause and (second.how != "grammar" or second.confidence < 1.0 or not again.mentions):
            continue
        if not is_clause or reading is not None or not speaks_of_other_things(query, lexicon):
            interpretation, reading = again, second
    is_misheard = not HEARD_AS.keys().isdisjoint(query.split())  # "hello bye adele": a word, and no letter of the names
    if reading is None or reading.confidence == 1.0 or (reading.how == "near" and not is_misheard):
        return interpretation, reading
    best = interpretation, reading
    for other in corrected(
        interpretation.query, _words_of_names(interpretation, names, reading.how != "words"), lexicon
    ):
        again, second = read(other)
        if second is None or second.how == "words" or second.confidence < LEAST_CORRECTED:
            continue
        if CORRECTED * second.confidence <= best[1].confidence:
            continue
        how = "sound" if second.how == "sound" else "near"
        best = again, replace(second, how=how, confidence=round(CORRECTED * second.confidence, 6))
    return best


def _shorter_forms(query: str, lexicon: Lexicon) -> list[tuple[str, bool]]:
    """The request without a service, without a remark, without both, and up to a clause of one's own; the last is marked True."""
    without = [without_service(query, lexicon)]
    without += [without_remark(form, lexicon) for form in (query, without[0]) if form is not None]
    clause = without_clause(query)
    return [(form, False) for form in dict.fromkeys(without) if form] + ([(clause, True)] if clause else [])


def _words_of_names(interpretation: Interpretation, names: Vocabulary, is_understood: bool) -> set[int]:
    """Indexes of the words of names: of those that the catalog has, and of those that the words around them call an artist.

    Where nothing was understood (`is_understood` false), only a word such as "by" before it calls one an artist: "musik" is a slip.

    A word that is a known title of itself is a word of a language and no slip ("crime" is not "grime").
    """
    words = interpretation.query.split()
    spans = {(kind, name.start, name.end) for kind, name in interpretation.names.items() if kind in ("artist", "title")}
    tagged = {(one.kind, one.start, one.end) for one in interpretation.tagged or ()}
    kept = {
        (kind, start, end)
        for kind, start, end in tagged
        if kind == "artist" and (is_understood or (start > 0 and words[start - 1] in _BEFORE_ARTIST))
    }
    for kind, start, end in spans | tagged:
        text = " ".join(words[start:end])
        if text in names.titles or (kind == "artist" and names.artist(text)):
            kept.add((kind, start, end))
    known = {at for at, word in enumerate(words) if word not in HEARD_AS and names.titles.get(word, -1.0) >= KNOWN_WORD}
    return known | {at for _, start, end in kept for at in range(start, end)}


def _is_famous(reading: NeedReading, names: Vocabulary) -> bool:
    """Whether a reading names an artist or title so popular that a request to play it is one for music."""
    named = [
        (reading.need.first("artist"), names.artists, CERTAIN_ARTIST),
        (reading.need.first("title"), names.titles, CERTAIN_TITLE),
    ]
    return reading.is_sure(LEAST_FOR_MUSIC) and any(of.get(name or "", -1.0) >= least for name, of, least in named)
