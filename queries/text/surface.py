"""Maps words of the normal form back to the text of the request as it was spoken or typed."""

import re
from functools import cached_property

from queries.text.normalise import normal_form

_CHUNK = re.compile(r"\S+")
_MOST_MISSES = 8
_EDGE = " \t\n.,;:?¿¡!\"“”«»()[]'’‘"
_POSSESSIVE = re.compile(r"['’]s$", re.IGNORECASE)


class Surface:
    """Aligns the words of `query` (the normal form) with `raw_query`."""

    def __init__(self, raw_query: str, query: str, locale: str) -> None:
        self._raw, self._locale = raw_query, locale
        self._words = query.split()

    def span(self, start: int, end: int) -> str:
        """The original text of words `start` to `end` (exclusive), without punctuation at its ends.

        If the two texts cannot be aligned (a rule joined or replaced words), the words of the normal form are returned.
        """
        if self._spans is None:
            return " ".join(self._words[start:end])
        text = self._raw[self._spans[start][0] : self._spans[end - 1][1]]
        trimmed = text.strip(_EDGE) or text
        if self._words[end - 1].endswith("s") and _POSSESSIVE.search(trimmed) and not trimmed[:-2].isdigit():
            trimmed = trimmed[:-2]
        return trimmed

    @cached_property
    def _spans(self) -> list[tuple[int, int]] | None:
        """(start, end) in the raw text of every word, found by comparing the letters without blanks; None if they differ."""
        letters: list[tuple[int, int]] = []
        normal_parts: list[str] = []
        for chunk in _CHUNK.finditer(self._raw):
            parts = normal_form(chunk.group(), self._locale).split()
            if chunk.group() in ("&", "+"):
                parts = ["and" if "and" in self._words else "y"]
            if parts and not any(character.isalnum() for character in parts[0]):
                continue
            for part, place in zip(parts, self._part_bounds(parts, chunk), strict=True):
                normal_parts.append(part)
                letters += [place] * len(part)
        if "".join(normal_parts) != "".join(self._words):
            return None
        spans, at = [], 0
        for word in self._words:
            spans.append((letters[at][0], letters[at + len(word) - 1][1]))
            at += len(word)
        return spans

    @staticmethod
    def _part_bounds(parts: list[str], chunk: re.Match[str]) -> list[tuple[int, int]]:
        """(start, end) in the raw text of each part of a chunk, from left to right; the whole chunk where a part is not in it."""
        if len(parts) == 1:
            return [chunk.span()]
        text, part_spans, misses = chunk.group().lower(), list[tuple[int, int]](), 0
        after = 0
        for part in parts:
            # limited, since a search that fails reads to the end of the chunk
            at = text.find(part, after) if misses < _MOST_MISSES else -1
            if at < 0:
                misses += 1
                part_spans.append(chunk.span())
            else:
                after = at + len(part)
                part_spans.append((chunk.start() + at, chunk.start() + after))
        return part_spans
