"""Spans of words that are names, and their encoding as one BIO tag per word."""

from collections.abc import Sequence
from dataclasses import dataclass

KINDS = ("artist", "title", "album", "playlist", "genre", "when", "sort")


@dataclass(frozen=True)
class TaggedSpan:
    """Words `start` to `end` (exclusive) of a normal form that were tagged as `kind` (one of KINDS)."""

    kind: str
    start: int
    end: int

    def overlaps(self, start: int, end: int) -> bool:
        """Whether the span shares a word with words `start` to `end` (exclusive)."""
        return self.start < end and start < self.end


def last_occurrence(words: Sequence[str], part: Sequence[str]) -> tuple[int, int]:
    """(start, end) of the last occurrence of `part` in `words`; (0, number of words) if it does not occur."""
    for start in range(len(words) - len(part), -1, -1):
        if list(words[start : start + len(part)]) == list(part):
            return start, start + len(part)
    return 0, len(words)


def spans(tags: Sequence[str]) -> list[TaggedSpan]:
    """Decode BIO tags to spans; an I tag without a preceding B of its kind begins a new span."""
    decoded: list[TaggedSpan] = []
    for at, tag in enumerate(tags):
        if tag == "O":
            continue
        place, kind = tag.split("-", 1)
        if place == "I" and decoded and decoded[-1].end == at and decoded[-1].kind == kind:
            decoded[-1] = TaggedSpan(kind, decoded[-1].start, at + 1)
        else:
            decoded.append(TaggedSpan(kind, at, at + 1))
    return decoded


def bio(size: int, names: Sequence[TaggedSpan]) -> list[str]:
    """Encode `names` as BIO tags of `size` words; the inverse of `spans`."""
    tags = ["O"] * size
    for name in names:
        tags[name.start : name.end] = [f"B-{name.kind}"] + [f"I-{name.kind}"] * (name.end - name.start - 1)
    return tags
