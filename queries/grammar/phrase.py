"""A span of a request's words, and the words in it that its constraints do not explain."""

from dataclasses import dataclass

from queries.grammar.constraints import Mention
from queries.grammar.lexicon import Lexicon


@dataclass(frozen=True)
class Span:
    """Words `start` to `end` (exclusive) of a normal form; `mentions` are the constraints of the whole normal form."""

    words: tuple[str, ...]
    start: int
    end: int
    mentions: tuple[Mention, ...]
    lexicon: Lexicon

    @property
    def text(self) -> str:
        """The words, joined by blanks."""
        return " ".join(self.words[self.start : self.end])

    @property
    def inside(self) -> list[Mention]:
        """The mentions that are entirely in the span."""
        return [one for one in self.mentions if self.start <= one.start and one.end <= self.end]

    def cut(self, start: int, end: int) -> "Span":
        """Another span of the same request."""
        return Span(self.words, start, end, self.mentions, self.lexicon)

    def unexplained(self) -> list[int]:
        """Indexes of the words that are neither fillers nor part of a mention or its lead-in."""
        taken = {at for one in self.inside for at in range(max(one.reach, self.start), one.end)}
        return [
            at
            for at in range(self.start, self.end)
            if at not in taken and not self.lexicon.has("fillers", self.words[at])
        ]

    def core(self) -> "Span | None":
        """From the first to the last unexplained word; None if every word is explained."""
        left = self.unexplained()
        return self.cut(left[0], left[-1] + 1) if left else None

    def trimmed(self) -> list["Span"]:
        """The spans that may be a name with constraints beside it, the longest first and without duplicates.

        These are: the whole span, without the mentions at its ends, without the fillers after that, and `core`.
        """
        variants = [self]
        start, end = self.start, self.end
        for one in reversed(self.inside):
            if one.end == end:
                end = max(one.reach, start)
                variants += [self.cut(start, end)] if end > start else []
        for one in self.inside:
            if one.reach <= start < one.end < end:
                start = one.end
        if start < end:
            variants.append(self.cut(start, end))
            while start < end - 1 and self.lexicon.has("fillers", self.words[end - 1]):
                end -= 1
            variants.append(self.cut(start, end))
        core = self.core()
        if core:
            variants.append(core)
        return list({(one.start, one.end): one for one in variants}.values())

    def has_music_noun(self) -> bool:
        """Whether the span contains a noun such as "music" or "canciones"."""
        return any(self.lexicon.has("music_nouns", word) for word in self.words[self.start : self.end])
