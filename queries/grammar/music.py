"""Decides by word lists, without the catalog, whether a request asks for music and in which language it is."""

from dataclasses import dataclass

from queries.grammar.lexicon import Lexicon
from queries.grammar.similar import likened
from queries.text.normalise import language_of

_LANGUAGES = ("en", "es")
_LONG_REQUEST = 9
_LEAD = 6
"""Number of words at the start in which the verb of a request is looked for."""
_SOME_OF = (" algo de ", " lo mejor de ", " something by ", " anything by ", " stuff by ")
"""Words between a verb of playing and a name: "ponme algo de X" is no request for coffee, whatever the name."""


def language(query: str, locale: str, lexicon: Lexicon) -> str:
    """The language of a normal form, "en" or "es".

    The locale's language, unless the query has at least two more words that only the other language uses. For the roll-up `*`
    the language with more such words (ties: "en").
    """
    words = query.split()
    votes = {name: sum(word in lexicon.languages[name] for word in words) for name in _LANGUAGES}
    own = language_of(locale)
    best = max(_LANGUAGES, key=lambda name: (votes[name], name == own))
    if own in _LANGUAGES and votes[best] < votes[own] + 2:
        return own
    return best


@dataclass(frozen=True)
class TopicWords:
    """Phrases of a request that are about music (nouns, verbs), about other skills, or about other media."""

    music_nouns: tuple[str, ...] = ()
    music_verbs: tuple[str, ...] = ()
    not_music: tuple[str, ...] = ()
    other_media: tuple[str, ...] = ()

    def features(self) -> tuple[str, ...]:
        """The number of phrases of each kind, at most two: features that also cover words the model never saw."""
        return tuple(f"{kind}{min(2, len(phrases))}" for kind, phrases in vars(self).items())


def topic_words(query: str, lexicon: Lexicon) -> TopicWords:
    """The phrases of a normal form that are in the word lists named like the fields of TopicWords."""
    words = query.split()
    phrases = [" ".join(words[at : at + size]) for size in (1, 2, 3) for at in range(len(words) - size + 1)]
    return TopicWords(*(tuple(filter(lexicon.words[kind].__contains__, phrases)) for kind in vars(TopicWords())))


def asks_to_listen(query: str, lexicon: Lexicon) -> bool:
    """Whether one of the first words is a verb of playing or listening."""
    return any(lexicon.has("listening", word) for word in query.split()[:_LEAD])


def asks_for_music(query: str, lexicon: Lexicon) -> bool:
    """Whether one of the first words is a verb of playing, listening or, in Spanish, putting on."""
    return asks_to_listen(query, lexicon) or any(lexicon.has("music_verbs", word) for word in query.split()[:_LEAD])


def speaks_of_other_things(query: str, lexicon: Lexicon) -> bool:
    """Whether a normal form has a phrase of another skill ("alarm") or another medium ("podcast")."""
    topics = topic_words(query, lexicon)
    return bool(topics.not_music or topics.other_media)


def is_music(
    query: str,
    topics: TopicWords,
    has_constraint: bool,
    lexicon: Lexicon,
    is_name: bool = False,
    is_pair: bool = False,
    stripped: int = 0,
) -> tuple[bool, str]:
    """Whether a normal form asks for music, and the reason.

    Words of other skills ("alarm", "clima", ...) count against music, nouns and verbs of music for it. A short request with
    neither counts as a name, as nearly all requests to a music service are.

    Args:
        query: A normal form.
        topics: Its topic words.
        has_constraint: Whether it has a constraint or a name of the catalog.
        lexicon: The word lists.
        is_name: Whether it consists of names of the catalog of two words or more: "my distant light" is no lamp.
        is_pair: Whether these are a title and its artist: "call me maybe carly rae jepsen" calls nobody.
        stripped: How many words before the names only ask for them: "puedes poner lluvia de sueño" is no question.
    """
    words = query.split()
    if not words:
        return False, "nothing was said"
    against, nouns, verbs = topics.not_music, topics.music_nouns, topics.music_verbs
    leads = [size for size in (1, 2, 3) if lexicon.has("not_music_lead", " ".join(words[:size]))]
    if "playlist" in words or "lista de reproduccion" in query:
        return True, "speaks of a playlist"
    if asks_to_listen(query, lexicon) and not topics.other_media:
        return True, "asks to play or listen"
    if is_name and (is_pair or all(size <= stripped for size in leads)):
        return True, "consists of names of the catalog"
    if verbs and not topics.other_media and any(phrase in query for phrase in _SOME_OF):
        return True, "asks for some of somebody's"
    if not topics.other_media and likened(query) is not None:
        return True, "asks for what is like something"
    if against and 2 * len(nouns) + len(verbs) + has_constraint <= 2 * len(against):
        return False, f"speaks of {against[0]!r}, not of music"
    if nouns or verbs:
        return True, f"speaks of music: {(nouns + verbs)[0]!r}"
    if leads and not has_constraint:
        return False, f"starts like another skill's request: {words[0]!r}"
    if len(words) > _LONG_REQUEST and not has_constraint:
        return False, "a long request without a word of music"
    return True, "nothing speaks against music"
