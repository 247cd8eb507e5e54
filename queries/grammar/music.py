"""Whether a request asks for music, and in which language it is said: by word lists, without the catalog."""

from dataclasses import dataclass

from queries.grammar.lexicon import Lexicon
from queries.text.normalise import language_of

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


@dataclass(frozen=True)
class Spoken:
    """Phrases of a request that speak of music (nouns, verbs), of other skills, and of other media."""

    music_nouns: tuple[str, ...] = ()
    music_verbs: tuple[str, ...] = ()
    not_music: tuple[str, ...] = ()
    other_media: tuple[str, ...] = ()

    def signs(self) -> tuple[str, ...]:
        """How many of each, up to two: what requests have in common whose words were never seen."""
        return tuple(f"{kind}{min(2, len(said))}" for kind, said in vars(self).items())


def spoken(query: str, lexicon: Lexicon) -> Spoken:
    """What a normal form speaks of, by the word lists of the same names."""
    words = query.split()
    return Spoken(*(tuple(_hits(words, kind, lexicon)) for kind in vars(Spoken())))


def asks_to_listen(query: str, lexicon: Lexicon) -> bool:
    """Whether one of the first words is a verb of playing or listening."""
    return any(lexicon.has("listening", word) for word in query.split()[:_LEAD])


def is_music(query: str, said: Spoken, has_constraint: bool, lexicon: Lexicon) -> tuple[bool, str]:
    """Whether a normal form, which speaks of what is `said`, asks for music, and the reason.

    Words of other skills ("alarm", "clima", ...) speak against it, nouns and verbs of music for it; a short request
    without either is a name, as nearly all of a music service's requests are.
    """
    words = query.split()
    if not words:
        return False, "nothing was said"
    against, nouns, verbs = said.not_music, said.music_nouns, said.music_verbs
    asks = any(lexicon.has("not_music_lead", " ".join(words[:size])) for size in (1, 2, 3))
    if "playlist" in words or "lista de reproduccion" in query:
        return True, "speaks of a playlist"
    if asks_to_listen(query, lexicon) and not said.other_media:
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
