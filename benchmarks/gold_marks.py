"""Marks gold requests whose annotation is garbled or wrong, by rules in two passes; neither sees what any reading of ours gives.

The first pass compares the annotation with the request, the second with what the sources' guidelines ask for and with the names of the
catalog. A request is marked if either pass marks it. A figure without the marked requests stands beside the one with all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from queries.catalog.vocabulary import Vocabulary
from queries.text.normalise import normal_form
from queries.training.gold import Gold

NAMED = frozenset({"artist", "title", "album", "work"})
LONGEST = 6  # words of a name that is looked for around an annotated one
_BY = {"en": "by", "es": "de"}
_FUNCTION_WORDS = {
    "en": frozenset(
        {"the", "a", "of", "to", "and", "in", "is", "it", "for", "on", "with", "my", "i", "you", "want", "that"}
    ),
    "es": frozenset(
        {"el", "la", "los", "las", "de", "que", "y", "en", "un", "una", "por", "para", "con", "mi", "quiero"}
    ),
}
_NO_NAMES = frozenset(
    {"play", "plays", "playing", "put", "song", "songs", "music", "track", "tracks", "album", "artist"}
)
_NO_NAMES |= {
    "by",
    "of",
    "to",
    "in",
    "on",
    "from",
    "and",
    "or",
    "pon",
    "toca",
    "cancion",
    "canciones",
    "musica",
    "tema",
}
_NO_NAMES |= {"disco", "de", "del", "en", "y", "o"}
_LEAST_FOREIGN = 3  # words of the other language, and none of its own, in a request of another language than is stated


def text_pass(one: Gold, names: Vocabulary) -> str | None:
    """Why an annotation does not fit its request, or the request its language; None if it does. The catalog is not looked at."""
    words = one.query.split()
    values = [slot.value for slot in one.slots]
    if any(not _places(words, value) for value in values):
        return "an annotated name is not in the request"
    if len(set(values)) < len(values):
        return "the same words are annotated twice"
    if any(_is_inside(a, b) for at, a in enumerate(values) for b in values[:at] + values[at + 1 :]):
        return "one annotated name lies in another"
    other = "es" if one.lang == "en" else "en"
    outside = _words_outside(words, values)
    if (
        sum(word in _FUNCTION_WORDS[other] for word in outside) >= _LEAST_FOREIGN
        and not set(outside) & _FUNCTION_WORDS[one.lang]
    ):
        return "the request is in another language"
    return None


def guideline_pass(one: Gold, names: Vocabulary) -> str | None:
    """Why an annotation is not what the guidelines ask for: a name is cut, is no name, or is missing; None if nothing speaks against it."""
    words = one.query.split()
    named = [(slot.type, slot.value) for slot in one.slots if slot.type in NAMED]
    if any(set(value.split()) <= _NO_NAMES for _, value in named):
        return "what is annotated is no name"
    for kind, value in named:
        known = names.artist(value) if kind == "artist" else value in names.titles or value in names.albums
        if not known and _is_cut(words, value, names):
            return "a name of the catalog goes on beyond what is annotated"
    by = _BY[one.lang]
    if one.is_music and named and by in words:
        after = " ".join(words[len(words) - words[::-1].index(by) :])
        is_named = any(_is_inside(after, value) or _is_inside(value, after) for _, value in named)
        if after in names.artists and not is_named and not any(slot.value in after for slot in one.slots):
            return "an artist is not annotated"
    return None


PASSES: Mapping[str, Callable[[Gold, Vocabulary], str | None]] = {"text": text_pass, "guideline": guideline_pass}


def marks(one: Gold, names: Vocabulary) -> dict[str, str]:
    """Name of the pass -> why it marks a request; empty for an unmarked one.

    Args:
        one: The request with its annotation.
        names: The names of the catalog.
    """
    reasons = {name: judge(one, names) for name, judge in PASSES.items()}
    return {name: why for name, why in reasons.items() if why is not None}


def _places(words: list[str], value: str) -> list[int]:
    """Where a name stands in a request, also as an owner ("dave seamans ep") or as decades are written ("00s")."""
    parts = normal_form(value, "*").split()
    forms = (parts, [*parts[:-1], f"{parts[-1]}s"]) if parts else ()
    return [at for at in range(len(words) - len(parts) + 1) if words[at : at + len(parts)] in forms]


def _is_inside(part: str, whole: str) -> bool:
    return f" {part} " in f" {whole} "


def _words_outside(words: list[str], values: list[str]) -> list[str]:
    inside = {at + n for value in values for at in _places(words, value) for n in range(len(value.split()))}
    return [word for at, word in enumerate(words) if at not in inside]


def _is_cut(words: list[str], value: str, names: Vocabulary) -> bool:
    """Whether words around an annotated name make it a longer title or artist of the catalog ("gaga" of "radio gaga")."""
    size = len(value.split())
    for at in _places(words, value):
        for start in range(max(0, at - LONGEST), at + 1):
            for end in range(at + size, min(len(words), at + size + LONGEST) + 1):
                longer = " ".join(words[start:end])
                is_longer = end - start > size and not set(words[start:at] + words[at + size : end]) & _NO_NAMES
                if is_longer and (longer in names.titles or longer in names.artists):
                    return True
    return False
