"""From words of the normal form back to the span of the request as it was said or typed."""

import re

from queries.normalise import normal_form

_CHUNK = re.compile(r"\S+")
_EDGE = " \t\n.,;:?¿¡!\"“”«»()[]'’‘"
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)


class Surface:
    """Aligns the words of `query` (the normal form) with `raw_query`."""

    def __init__(self, raw_query: str, query: str, locale: str) -> None:
        self._raw = raw_query
        self._words = query.split()
        self._spans = self._aligned(locale)

    def span(self, start: int, end: int) -> str:
        """The request's own text for words `start` to `end` (exclusive), without punctuation at its ends.

        Where the two cannot be aligned (a rule that joined or replaced words), the normal form's words.
        """
        if self._spans is None:
            return " ".join(self._words[start:end])
        text = self._raw[self._spans[start][0] : self._spans[end - 1][1]]
        trimmed = text.strip(_EDGE) or text
        if self._words[end - 1].endswith("s") and _POSSESSIVE.search(trimmed) and not trimmed[:-2].isdigit():
            trimmed = trimmed[:-2]
        return trimmed

    def _aligned(self, locale: str) -> list[tuple[int, int]] | None:
        """(start, end) in the raw text of every word, by matching the letters without blanks."""
        letters: list[tuple[int, int]] = []
        said: list[str] = []
        for chunk in _CHUNK.finditer(self._raw):
            parts = normal_form(chunk.group(), locale).split()
            if chunk.group() in ("&", "+"):
                parts = ["and" if "and" in self._words else "y"]
            if parts and not any(character.isalnum() for character in parts[0]):
                continue
            for part in parts:
                place = self._place(part, chunk) if len(parts) > 1 else chunk.span()
                said.append(part)
                letters += [place] * len(part)
        if "".join(said) != "".join(self._words):
            return None
        spans, at = [], 0
        for word in self._words:
            spans.append((letters[at][0], letters[at + len(word) - 1][1]))
            at += len(word)
        return spans

    @staticmethod
    def _place(part: str, chunk: re.Match[str]) -> tuple[int, int]:
        at = chunk.group().lower().find(part)
        return (chunk.start() + at, chunk.start() + at + len(part)) if at >= 0 else chunk.span()
