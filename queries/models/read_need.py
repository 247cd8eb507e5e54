"""The one reading of requests: `queries.explain`, the night and the reader of releases call it."""

from __future__ import annotations

from dataclasses import replace

from queries.catalog.resolve import Resolver
from queries.catalog.vocabulary import Vocabulary
from queries.grammar.correct import corrected
from queries.grammar.interpret import Interpretation
from queries.grammar.lexicon import Lexicon
from queries.grammar.need import NeedReading, need_reading
from queries.models.learned import Learned, read_query

CORRECTED = 0.95  # confidence of a reading with corrected words, of 1


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

    If the reading leaves words unexplained, it is read again with corrected words; the more confident reading is taken.

    Args:
        query: A normal form.
        locale: Its locale or language.
        lexicon: Phrases, word lists and carrier grammar.
        names: The names of the catalog; None if there is none.
        learned: The models; None reads by grammar and catalog alone.
        resolver: Finds names that are like what was said; None leaves them unresolved.
        music_share: See `queries.models.learned.read_query`.
    """
    interpretation = read_query(query, locale, lexicon, names, learned, music_share)
    reading = need_reading(interpretation, lexicon, names, resolver)
    if names is None or reading is None or reading.confidence == 1.0 or reading.how == "near":
        return interpretation, reading
    kept = {
        at
        for kind, name in interpretation.names.items()
        if (kind == "artist" and names.artist(name.text)) or name.text in names.titles
        for at in range(name.start, name.end)
    }
    best = interpretation, reading
    for other in corrected(query, kept, lexicon):
        again = read_query(other, locale, lexicon, names, learned, music_share)
        second = need_reading(again, lexicon, names, resolver)
        if second is None or second.how == "words" or CORRECTED * second.confidence <= best[1].confidence:
            continue
        how = "sound" if second.how == "sound" else "near"
        best = again, replace(second, how=how, confidence=round(CORRECTED * second.confidence, 6))
    return best
