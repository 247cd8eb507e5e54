"""Whether a request asks for music, and in which language it is said: by word lists, without the catalog."""

from queries.lexicon import Lexicon
from queries.normalise import language_of

_LANGUAGES = ("en", "es")
_LONG_REQUEST = 9
_LEAD = 6
"""Words in which the verb of a request is looked for."""


def language(query: str, locale: str, lexicon: Lexicon) -> str:
    """The language of a normal form, "en" or "es": by the words that only one of them uses, else the locale's."""
    words = query.split()
    votes = {name: sum(word in lexicon.languages[name] for word in words) for name in _LANGUAGES}
    own = language_of(locale)
    best = max(_LANGUAGES, key=lambda name: (votes[name], name == own))
    if own in _LANGUAGES and votes[best] < votes[own] + 2:
        return own
    return best


def signs(query: str, lexicon: Lexicon) -> tuple[str, ...]:
    """How many words speak of music, of playing and of other skills, up to two each: what words that were never seen have in common."""
    words = query.split()
    return tuple(
        f"{kind}{min(2, len(_hits(words, kind, lexicon)))}"
        for kind in ("music_nouns", "music_verbs", "not_music", "other_media")
    )


def asks_to_listen(query: str, lexicon: Lexicon) -> bool:
    """Whether one of the first words is a verb of playing or listening."""
    return any(lexicon.has("listening", word) for word in query.split()[:_LEAD])


def is_music(query: str, has_constraint: bool, lexicon: Lexicon) -> tuple[bool, str]:
    """Whether a normal form asks for music, and the reason.

    Words of other skills ("alarm", "clima", ...) speak against it, nouns and verbs of music for it; a short request
    without either is a name, as nearly all of a music service's requests are.
    """
    words = query.split()
    if not words:
        return False, "nothing was said"
    against = _hits(words, "not_music", lexicon)
    nouns = _hits(words, "music_nouns", lexicon)
    verbs = _hits(words, "music_verbs", lexicon)
    asks = any(lexicon.has("not_music_lead", " ".join(words[:size])) for size in (1, 2, 3))
    if "playlist" in words or "lista de reproduccion" in query:
        return True, "speaks of a playlist"
    if asks_to_listen(query, lexicon) and not _hits(words, "other_media", lexicon):
        return True, "asks to play or listen"
    if against and 2 * len(nouns) + len(verbs) + has_constraint <= 2 * len(against):
        return False, f"speaks of {against[0]!r}, not of music"
    if nouns or verbs:
        return True, f"speaks of music: {(nouns + verbs)[0]!r}"
    if asks and not has_constraint:
        return False, f"starts like another skill's request: {words[0]!r}"
    if len(words) > _LONG_REQUEST and not has_constraint:
        return False, "a long request without a word of music"
    return True, "nothing speaks against music"


def _hits(words: list[str], kind: str, lexicon: Lexicon) -> list[str]:
    """Phrases of up to three words of the list `kind` in the request."""
    found = []
    for size in (1, 2, 3):
        for at in range(len(words) - size + 1):
            phrase = " ".join(words[at : at + size])
            if lexicon.has(kind, phrase):
                found.append(phrase)
    return found
