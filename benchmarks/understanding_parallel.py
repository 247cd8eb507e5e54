"""The same request in English and Spanish must give the same constraint key, entities and names, measured on the pairs of MTOP.

Measured are the music pairs whose gold values (of our types) are equal in both languages, including those without any value
("start music", "pon música"); the pairs with at least one value are also measured on their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.arms import Grammar
from benchmarks.figures import Figure, share
from queries.reading import Reading
from queries.text.normalise import normal_form
from queries.training.folds import cross_fitted
from queries.training.gold import Gold

_NAMES = ("artist", "title", "album")


def measured(arms: Mapping[str, Grammar], gold: Sequence[Gold], pairs: Sequence[tuple[Gold, Gold]]) -> Iterator[Figure]:
    """The shares of pairs that are read alike; both requests of a pair are read by the model of their fold."""
    equal = [(a, b) for a, b in pairs if sorted(a.slots) == sorted(b.slots)]
    flat = [one for pair in equal for one in pair]
    for name, arm in arms.items():
        readings = cross_fitted(gold, flat, arm.fit, arm.readings)
        yield from _shares(name, [(equal[at][0], readings[2 * at], readings[2 * at + 1]) for at in range(len(equal))])


def _shares(arm: str, read_pairs: Sequence[tuple[Gold, Reading, Reading]]) -> Iterator[Figure]:
    for measure, rows in (
        ("parallel_same", read_pairs),
        ("parallel_same_with_values", [row for row in read_pairs if row[0].slots]),
    ):
        same = sum(is_same(english, spanish) for _, english, spanish in rows)
        yield share("mtop", "en_es", measure, arm, same, len(rows), "pairs")
    keys = sum(english.key == spanish.key for _, english, spanish in read_pairs)
    yield share("mtop", "en_es", "parallel_same_key", arm, keys, len(read_pairs), "pairs")
    entities = sum(_entities(english) == _entities(spanish) for _, english, spanish in read_pairs)
    yield share("mtop", "en_es", "parallel_same_entities", arm, entities, len(read_pairs), "pairs")


def is_same(one: Reading, other: Reading) -> bool:
    """Whether two readings have the same constraint key, entities (kind and id) and names (artist, title, album)."""
    return one.key == other.key and _entities(one) == _entities(other) and _names(one) == _names(other)


def _entities(of: Reading) -> list[tuple[str, str]]:
    return sorted((entity["kind"], entity["id"]) for entity in of.entities)


def _names(of: Reading) -> list[tuple[str, str]]:
    return sorted((slot["type"], normal_form(slot["value"], "en")) for slot in of.slots if slot["type"] in _NAMES)
