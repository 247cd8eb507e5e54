"""A stretch of a request's words, and what is left of it beside its constraints."""

from dataclasses import dataclass

from queries.grammar.constraints import Mention
from queries.grammar.lexicon import Lexicon


@dataclass(frozen=True)
class Stretch:
    """Words `start` to `end` (exclusive) of a normal form, with the mentions inside."""

    words: tuple[str, ...]
    start: int
    end: int
    mentions: tuple[Mention, ...]
    lexicon: Lexicon

    @property
    def text(self) -> str:
        """The words, joined."""
        return " ".join(self.words[self.start : self.end])

    @property
    def inside(self) -> list[Mention]:
        """The mentions that lie wholly in the stretch."""
        return [one for one in self.mentions if self.start <= one.start and one.end <= self.end]

    def cut(self, start: int, end: int) -> "Stretch":
        """Another stretch of the same request."""
        return Stretch(self.words, start, end, self.mentions, self.lexicon)

    def unexplained(self) -> list[int]:
        """Words that are neither in a mention (with its lead-in) nor fillers."""
        taken = {at for one in self.inside for at in range(max(one.reach, self.start), one.end)}
        return [
            at
            for at in range(self.start, self.end)
            if at not in taken and not self.lexicon.has("fillers", self.words[at])
        ]

    def core(self) -> "Stretch | None":
        """From the first to the last unexplained word; None if every word is explained."""
        left = self.unexplained()
        return self.cut(left[0], left[-1] + 1) if left else None

    def trimmed(self) -> list["Stretch"]:
        """Readings of a name with constraints beside it, the fullest first: whole, without mentions at its ends,
        without fillers."""
        found = [self]
        start, end = self.start, self.end
        for one in reversed(self.inside):
            if one.end == end:
                end = max(one.reach, start)
        for one in self.inside:
            if one.reach <= start < one.end < end:
                start = one.end
        if start < end:
            found.append(self.cut(start, end))
            while start < end - 1 and self.lexicon.has("fillers", self.words[end - 1]):
                end -= 1
            found.append(self.cut(start, end))
        core = self.core()
        if core:
            found.append(core)
        return list({(one.start, one.end): one for one in found}.values())

    def speaks_of_music(self) -> bool:
        """Whether a noun such as "music" or "canciones" stands in the stretch."""
        return any(self.lexicon.has("music_nouns", word) for word in self.words[self.start : self.end])
