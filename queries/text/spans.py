"""Stretches of words that are names, and their tagging word by word."""

from collections.abc import Sequence
from dataclasses import dataclass

KINDS = ("artist", "title", "album", "playlist", "genre", "when", "sort")


@dataclass(frozen=True)
class Tagged:
    """Words `start` to `end` (exclusive) of a normal form taken for a name of `kind` (one of KINDS)."""

    kind: str
    start: int
    end: int

    def overlaps(self, start: int, end: int) -> bool:
        """Whether it shares a word with the stretch from `start` to `end`."""
        return self.start < end and start < self.end


def last_place(words: Sequence[str], part: Sequence[str]) -> tuple[int, int]:
    """Where `part` stands last in `words` (start, end); all of them if it does not."""
    for start in range(len(words) - len(part), -1, -1):
        if list(words[start : start + len(part)]) == list(part):
            return start, start + len(part)
    return 0, len(words)


def spans(tags: Sequence[str]) -> list[Tagged]:
    """The stretches of a BIO tagging; an I without its B begins a stretch of its own."""
    found: list[Tagged] = []
    for at, tag in enumerate(tags):
        if tag == "O":
            continue
        place, kind = tag.split("-", 1)
        if place == "I" and found and found[-1].end == at and found[-1].kind == kind:
            found[-1] = Tagged(kind, found[-1].start, at + 1)
        else:
            found.append(Tagged(kind, at, at + 1))
    return found


def bio(size: int, names: Sequence[Tagged]) -> list[str]:
    """The BIO tagging of `size` words with these names; the inverse of `spans`."""
    tags = ["O"] * size
    for name in names:
        tags[name.start : name.end] = [f"B-{name.kind}"] + [f"I-{name.kind}"] * (name.end - name.start - 1)
    return tags
