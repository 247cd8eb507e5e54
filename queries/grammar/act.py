"""What a request does: ask for music, or command the player, ask about what plays, or change a setting. The last three name no music."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from queries.grammar.lexicon import Lexicon

LISTEN, COMMAND, QUESTION, SETTING = "listen", "command", "question", "setting"
MOST_WORDS = 14  # of a command; longer requests ask for something else, too
_LONGEST_PHRASE = 5
_FEW_PHRASES = 3  # of which a request for a place in the queue consists, small words aside: "play | the | next song"
_PLAY = frozenset({"play", "put", "start", "begin", "pon", "ponme", "poner", "toca", "reproduce", "inicia"})
_THIS = frozenset({"this", "that", "these", "esta", "este", "esa", "ese", "esto", "eso", "current", "actual"})


def act(query: str, lexicon: Lexicon, is_name: Callable[[], bool] = lambda: False) -> str:
    """The act of a request: `listen`, `command`, `question` or `setting`. Anything that may name music is `listen`.

    A request is not `listen` only if each of its words is in the closed lists of `queries/data/acts.v1.json`: a name brings a word
    of its own ("skip to my lou"). Beyond that a command is a verb that stands alone ("pause"), a change of what plays ("cut the
    music off"), a move in the queue ("go back one", "play that one again") or an opinion of what plays; "play stop" asks for a title.

    Args:
        query: A normal form.
        lexicon: Has the closed lists.
        is_name: Whether the catalog has the request, or its stripped form, as a name ("turn up the music"): only a verb that stands
            alone is then a command. Asked only where every word is in the lists.
    """
    words = query.split()
    phrases = _phrases(words, lexicon) if len(words) <= MOST_WORDS else None
    if not phrases:
        return LISTEN
    plays = bool(_PLAY & set(words))
    kinds = frozenset().union(*phrases)
    # "play the next song", "play the song again" and "repeat the last song" are titles only by chance
    telling = [of for of in phrases if not of <= {"small_words", "polite"}]
    lead = telling[0] if telling else frozenset()
    if plays:
        is_by_chance = ("places" in kinds and len(telling) <= _FEW_PHRASES) or _asks_once_more(phrases)
    else:
        is_by_chance = "commands" in lead and "player" in kinds
    if not is_by_chance and is_name():
        is_alone = len(phrases) == 1 or (len(telling) == 1 and not plays)  # "turn it up please", but "play stop"
        return COMMAND if kinds & {"commands", "places"} and is_alone else LISTEN
    points_out = bool(_THIS & set(words)) or "playing" in words
    if not plays and "uses" in kinds and kinds & {"services", "from_now_on"}:
        return SETTING
    if kinds >= {"services", "from_now_on"}:
        return SETTING  # "from now on play music on spotify"
    if not plays and "questions" in lead and points_out:
        return QUESTION
    if plays:
        return COMMAND if _moves_queue(phrases, kinds) else LISTEN
    is_opinion = "opinions" in kinds and points_out  # "i like this", "give this one a thumbs down"
    return COMMAND if is_opinion or _is_order(phrases, lead, kinds, points_out) else LISTEN


def _asks_once_more(phrases: list[frozenset[str]]) -> bool:
    """Whether a request ends with a noun of the player and "again"."""
    return len(phrases) > 1 and "player" in phrases[-2] and phrases[-1] >= {"commands", "positions"}


def _moves_queue(phrases: list[frozenset[str]], kinds: frozenset[str]) -> bool:
    """Whether a request with a verb of playing names a place in the queue: "play that one again", "pon la anterior", "play track five"."""
    return "places" in kinds or ("positions" in kinds and ("these" in kinds or _is_in_queue(phrases)))


def _is_order(phrases: list[frozenset[str]], lead: frozenset[str], kinds: frozenset[str], points_out: bool) -> bool:
    """Whether a request without a verb of playing is an order to the player, by its first phrase that is no small word."""
    if "places" in lead or (points_out and "commands" in phrases[-1]):
        return True
    if "commands" in lead:
        after = phrases[phrases.index(lead) + 1 :]
        return not after or any(not of <= {"small_words"} for of in after)  # "next to you" is a title
    names_player = bool(kinds & {"these", "player"})
    moves = names_player or bool(kinds & {"positions", "amounts", "commands", "places"})
    return ("moves" in lead and moves) or ("changes" in lead and names_player)


def _is_in_queue(phrases: list[frozenset[str]]) -> bool:
    """Whether a position stands beside a noun of the player: "the next song", "track number five"."""
    return any(
        ("positions" in one and "player" in two) or ("player" in one and "positions" in two)
        for one, two in pairwise(phrases)
    )


def _phrases(words: list[str], lexicon: Lexicon) -> list[frozenset[str]] | None:
    """For each phrase of the request the lists that have it, the longest phrases first; None if a word is in none."""
    out: list[frozenset[str]] = []
    at = 0
    while at < len(words):
        for size in range(min(_LONGEST_PHRASE, len(words) - at), 0, -1):
            kinds = lexicon.acts.get(" ".join(words[at : at + size]))
            if kinds is not None:
                break
        else:
            size, kinds = 1, frozenset({"amounts"} if words[at].isdigit() else ())
            if words[at] not in _PLAY and not kinds:
                return None
        out.append(kinds)
        at += size
    return out
