"""What the tagger sees of each word: itself and its neighbours, the grammar's reading, and the catalog's names over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.constraints import mentions
from queries.grammar.lexicon import Lexicon
from queries.text.spans import last_place

if TYPE_CHECKING:
    from queries.grammar.interpret import Interpretation

_LONGEST_NAME = 7
_LISTS = ("fillers", "music_nouns", "music_verbs", "articles", "listening", "generic", "not_music", "other_media")
_POPULAR = (20.0, 50.0)


def token_features(
    found: Interpretation, lexicon: Lexicon, vocabulary: Vocabulary | None, common: frozenset[str]
) -> list[list[str]]:
    """One list of feature names per word of the normal form. `common`: words that were frequent outside of names when the
    tagger was fitted. Linear in the number of words."""
    words = found.query.split()
    seen = [_of_word(word, lexicon, common) for word in words]
    for at, tag in enumerate(_grammar_tags(found, len(words))):
        seen[at].append(f"g={tag}")
    for one in mentions(found.query, lexicon):
        for at in range(one.start, one.end):
            seen[at].append(f"m={'B' if at == one.start else 'I'}-{one.field}{'?' if one.is_weak else ''}")
    for at, tag in enumerate(_carrier_tags(found, words)):
        seen[at].append(f"c={tag}")
    if vocabulary is None:
        for features_of_word in seen:
            features_of_word.append("no-catalog")
    else:
        for kind, names in (("A", vocabulary.artists), ("T", vocabulary.titles), ("L", vocabulary.albums)):
            for at, tags in enumerate(_catalog_tags(words, names)):
                seen[at] += [f"{kind}{tag}" for tag in tags]
    size = len(words)
    out: list[list[str]] = []
    for at, word in enumerate(words):
        before = words[at - 1] if at else "<s>"
        after = words[at + 1] if at + 1 < size else "</s>"
        features = [
            "b",
            f"w={word}",
            f"w-1={before}",
            f"w+1={after}",
            f"w-2={words[at - 2] if at > 1 else '<s>'}",
            f"w+2={words[at + 2] if at + 2 < size else '</s>'}",
            f"w-1w={before} {word}",
            f"ww+1={word} {after}",
            f"s3={word[-3:]}",
            f"s2={word[-2:]}",
            f"p3={word[:3]}",
            f"l={found.language}",
            *seen[at],
        ]
        features += [f"-{one}" for one in seen[at - 1]] if at else ["-<s>"]
        features += [f"+{one}" for one in seen[at + 1]] if at + 1 < size else ["+</s>"]
        out.append(features)
    return out


def _of_word(word: str, lexicon: Lexicon, common: frozenset[str]) -> list[str]:
    said = [f"in={kind}" for kind in _LISTS if lexicon.has(kind, word)]
    said.append("common" if word in common else "rare")
    if word.isdigit():
        said.append(f"digits={min(len(word), 5)}")
    elif any(map(str.isdigit, word)):
        said.append("some-digits")
    if len(word) <= 2:
        said.append("short")
    return said


def _grammar_tags(found: Interpretation, size: int) -> list[str]:
    tags = ["O"] * size
    places = [(one.start, one.end, one.field) for one in found.mentions]
    places += [(name.start, name.end, kind) for kind, name in found.names.items()]
    for start, end, kind in places:
        for at in range(start, min(end, size)):
            tags[at] = ("B-" if at == start else "I-") + kind
    return tags


def _carrier_tags(found: Interpretation, words: Sequence[str]) -> list[str]:
    """Where each word stands against the stripped form: lead, body or tail."""
    start, end = last_place(words, found.stripped.split())
    return ["lead" if at < start else "tail" if at >= end else "body" for at in range(len(words))]


def _catalog_tags(words: Sequence[str], names: Mapping[str, float]) -> list[list[str]]:
    """For each word the longest name of the catalog that covers it: its place in the name, length and popularity."""
    best: list[tuple[int, str]] = [(0, "")] * len(words)
    for start in range(len(words)):
        text = ""
        for end in range(start, min(start + _LONGEST_NAME, len(words))):
            text = f"{text} {words[end]}" if text else words[end]
            popularity = names.get(text)
            owner = ""
            if popularity is None and text.endswith("s"):  # "adele's" is adeles in the normal form
                popularity, owner = names.get(text[:-1]), "'"
            if popularity is None:
                continue
            size = end - start + 1
            known = sum(popularity >= bound for bound in _POPULAR)
            for at in range(start, end + 1):
                if size > best[at][0]:
                    place = "S" if size == 1 else "B" if at == start else "E" if at == end else "I"
                    best[at] = (size, f"{place}{min(size, 4)}{owner}/{known}")
    return [[tag, tag.split("/")[0]] if tag else ["-"] for _, tag in best]
