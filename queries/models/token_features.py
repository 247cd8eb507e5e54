"""The tagger's features of each word: the word, its neighbours, the grammar's reading and the catalog's names that cover it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.constraints import mentions
from queries.grammar.lexicon import Lexicon
from queries.text.spans import last_occurrence

if TYPE_CHECKING:
    from queries.grammar.interpret import Interpretation

_LONGEST_NAME = 7
_LISTS = ("fillers", "music_nouns", "music_verbs", "articles", "listening", "generic", "not_music", "other_media")
_POPULAR = (20.0, 50.0)


def token_features(
    interpretation: Interpretation, lexicon: Lexicon, vocabulary: Vocabulary | None, common: frozenset[str]
) -> list[list[str]]:
    """One list of feature names per word of the normal form. Linear in the number of words.

    Args:
        interpretation: The request as the grammar reads it.
        lexicon: Phrases and word lists.
        vocabulary: The names of the catalog; None if there is none.
        common: Words that were frequent outside of names when the tagger was fitted.
    """
    words = interpretation.query.split()
    own_features = [_of_word(word, lexicon, common) for word in words]
    for at, tag in enumerate(_grammar_tags(interpretation, len(words))):
        own_features[at].append(f"g={tag}")
    for one in mentions(interpretation.query, lexicon):
        for at in range(one.start, one.end):
            own_features[at].append(f"m={'B' if at == one.start else 'I'}-{one.field}{'?' if one.is_weak else ''}")
    for at, tag in enumerate(_carrier_tags(interpretation, words)):
        own_features[at].append(f"c={tag}")
    if vocabulary is None:
        for features_of_word in own_features:
            features_of_word.append("no-catalog")
    else:
        for kind, names in (("A", vocabulary.artists), ("T", vocabulary.titles), ("L", vocabulary.albums)):
            for at, tags in enumerate(_catalog_tags(words, names)):
                own_features[at] += [f"{kind}{tag}" for tag in tags]
    size = len(words)
    features_by_word: list[list[str]] = []
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
            f"l={interpretation.language}",
            *own_features[at],
        ]
        features += [f"-{one}" for one in own_features[at - 1]] if at else ["-<s>"]
        features += [f"+{one}" for one in own_features[at + 1]] if at + 1 < size else ["+</s>"]
        features_by_word.append(features)
    return features_by_word


def _of_word(word: str, lexicon: Lexicon, common: frozenset[str]) -> list[str]:
    features = [f"in={kind}" for kind in _LISTS if lexicon.has(kind, word)]
    features.append("common" if word in common else "rare")
    if word.isdigit():
        features.append(f"digits={min(len(word), 5)}")
    elif any(map(str.isdigit, word)):
        features.append("some-digits")
    if len(word) <= 2:
        features.append("short")
    return features


def _grammar_tags(interpretation: Interpretation, size: int) -> list[str]:
    tags = ["O"] * size
    places = [(one.start, one.end, one.field) for one in interpretation.mentions]
    places += [(name.start, name.end, kind) for kind, name in interpretation.names.items()]
    for start, end, kind in places:
        for at in range(start, min(end, size)):
            tags[at] = ("B-" if at == start else "I-") + kind
    return tags


def _carrier_tags(interpretation: Interpretation, words: Sequence[str]) -> list[str]:
    """The place of each word relative to the stripped form: lead, body or tail."""
    start, end = last_occurrence(words, interpretation.stripped.split())
    return ["lead" if at < start else "tail" if at >= end else "body" for at in range(len(words))]


def _catalog_tags(words: Sequence[str], names: Mapping[str, float]) -> list[list[str]]:
    """For each word, tags of the longest name of the catalog that covers it: position in it, its length and popularity."""
    longest: list[tuple[int, str]] = [(0, "")] * len(words)
    for start in range(len(words)):
        text = ""
        for end in range(start, min(start + _LONGEST_NAME, len(words))):
            text = f"{text} {words[end]}" if text else words[end]
            popularity = names.get(text)
            possessive = ""
            if popularity is None and text.endswith("s"):  # "adele's" is adeles in the normal form
                popularity, possessive = names.get(text[:-1]), "'"
            if popularity is None:
                continue
            size = end - start + 1
            popularity_level = sum(popularity >= bound for bound in _POPULAR)
            for at in range(start, end + 1):
                if size > longest[at][0]:
                    place = "S" if size == 1 else "B" if at == start else "E" if at == end else "I"
                    longest[at] = (size, f"{place}{min(size, 4)}{possessive}/{popularity_level}")
    return [[tag, tag.split("/")[0]] if tag else ["-"] for _, tag in longest]
