"""Cuts what people add to a request and what names nothing: reasons, opinions, limits, moods of their own, services.

Each cut gives a shorter form of the request. Names may contain such words ("the one that i love"): a caller takes the reading of a
shorter form only where it is the better one.
"""

from __future__ import annotations

from queries.grammar.act import COMMAND, act
from queries.grammar.lexicon import Lexicon

_LONGEST_LEAD = 4
_LEAST_LEFT = 2  # words that must be left: "because the night" and "i love rock n roll" are names
_LONGEST_SERVICE = 4
_AND = frozenset({"and", "y"})
_ON = frozenset({"on", "in", "from", "with", "using", "via", "through", "en", "con", "desde", "por", "usando"})
_MY = frozenset({"my", "the", "mi", "el", "la"})
_USE = frozenset({"use", "using", "open", "launch", "start", "access", "usa", "usando", "abre", "utiliza", "entra"})
_TO = frozenset({"to", "and", "y", "para"})
_FEELS = (
    "im ",
    "i am ",
    "i feel ",
    "ive had ",
    "i had ",
    "i dont know ",
    "i have no idea ",
    "no se ",
    "estoy ",
    "ando ",
    "me siento ",
    "hoy me siento ",
    "hoy estoy ",
)
_REFUSES = frozenset({"not", "dont", "no"})
_CLAUSE = frozenset({"i", "im", "ive", "we", "were", "weve", "estoy", "tengo", "vamos", "que"})


def without_remark(query: str, lexicon: Lexicon) -> str | None:
    """The request up to its first remark; None if it has none.

    A remark is a command after "and" ("… and turn it up"), begins with a phrase of the list `remarks` of `queries/data/words.v1.json`
    and goes to the end of the request, or is one of `last_words` ("now") at its end.

    Args:
        query: A normal form.
        lexicon: Has the list.
    """
    words = query.split()
    for at in range(_LEAST_LEFT, len(words)):
        if words[at] in _AND and act(" ".join(words[at + 1 :]), lexicon) == COMMAND:
            return " ".join(words[:at])
        if words[at] not in lexicon.remark_starts:
            continue
        is_last = lexicon.has("last_words", " ".join(words[at:]))
        leads = (" ".join(words[at : at + size]) for size in range(1, min(_LONGEST_LEAD, len(words) - at) + 1))
        if is_last or any(lexicon.has("remarks", lead) for lead in leads):
            return " ".join(words[:at])
    return None


def without_service(query: str, lexicon: Lexicon) -> str | None:
    """The request without a music service or a room that it names before its end, or a service to begin with; None without them.

    Such as "play yellow on google music by coldplay", "pon en la sala a juanes" and "use spotify to play yellow". What ends a request is
    the carrier grammar's.

    Args:
        query: A normal form.
        lexicon: Has the names of the services (`acts`).
    """
    words = query.split()
    if words and words[0] in _USE:
        end = _after_service(words, 1, lexicon)
        if end is not None and end < len(words) - 1:
            if words[end] in _TO:
                return " ".join(words[end + 1 :])
            if lexicon.has("music_verbs", words[end]) and words[end] in lexicon.grammar.merged.prefixes:
                return " ".join(words[end:])  # "open spotify play hello"
    for at in range(1, len(words) - 1):
        end = _after_place(words, at, lexicon) if words[at] in _ON else None
        if end is not None and end < len(words):
            return " ".join(words[:at] + words[end:])
    return None


def _after_place(words: list[str], at: int, lexicon: Lexicon) -> int | None:
    """The word after "on" and a service, or after a room that the carrier grammar knows ("en la sala"); None if neither begins there."""
    rooms = (at + size for size in (4, 3) if " ".join(words[at : at + size]) in lexicon.grammar.merged.suffixes)
    return _after_service(words, at + 1, lexicon) or next(rooms, None)


def _after_service(words: list[str], at: int, lexicon: Lexicon) -> int | None:
    """The word after the service that begins at a word, or after "my" there; None if none does. The longest name is taken."""
    at += at < len(words) and words[at] in _MY
    for size in range(min(_LONGEST_SERVICE, len(words) - at), 0, -1):
        if "services" in lexicon.acts.get(" ".join(words[at : at + size]), ()):
            return at + size
    return None


def after_feeling(query: str, lexicon: Lexicon) -> str | None:
    """The request that follows a statement of one's own mood: "i am sad play something to cheer me up"; None without a statement.

    Args:
        query: A normal form.
        lexicon: Has the verbs of playing.
    """
    if not query.startswith(_FEELS):
        return None
    words, prefixes = query.split(), lexicon.grammar.merged.prefixes
    for at in range(_LEAST_LEFT, len(words) - 1):
        if words[at] in _REFUSES:
            return None
        if lexicon.has("music_verbs", words[at]) and words[at] in prefixes:
            return " ".join(words[at:])
    return None


def without_clause(query: str) -> str | None:
    """The request up to the first clause of one's own after it: "something calm | i cant sleep"; None without one.

    Many names have such a clause: a caller takes the shorter form only where it names nothing.

    Args:
        query: A normal form.
    """
    words = query.split()
    at = next((at for at in range(_LEAST_LEFT, len(words) - 1) if words[at] in _CLAUSE), None)
    return None if at is None else " ".join(words[:at])
