"""From words of the normal form back to the span of the request as it was said or typed."""

import re

from queries.text.normalise import normal_form

_CHUNK = re.compile(r"\S+")
_MOST_MISSES = 8
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
            for part, place in zip(parts, self._places(parts, chunk), strict=True):
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
    def _places(parts: list[str], chunk: re.Match[str]) -> list[tuple[int, int]]:
        """Where each part of a chunk stands in it, from left to right; the whole chunk where that cannot be seen."""
        if len(parts) == 1:
            return [chunk.span()]
        text, found, misses = chunk.group().lower(), list[tuple[int, int]](), 0
        after = 0
        for part in parts:
            at = (
                text.find(part, after) if misses < _MOST_MISSES else -1
            )  # bounded: a search that fails reads to the end
            if at < 0:
                misses += 1
                found.append(chunk.span())
            else:
                after = at + len(part)
                found.append((chunk.start() + at, chunk.start() + after))
        return found
