"""Requests generated from our own sentences and given names, to train models where there is no free data (Spanish)."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SENTENCES = Path(__file__).parent / "own_requests.v1.json"
_GAP = re.compile(r"\{([a-z]+)\}")
_LIST = re.compile(r"<([a-z]+)>")


@dataclass(frozen=True)
class OwnRequest:
    """A generated request and the names in it as (kind, value): the fixed ones of its sentence, then those filled in."""

    text: str
    names: tuple[tuple[str, str], ...]


def music_requests(language: str, names: Mapping[str, Sequence[str]], count: int, seed: int) -> list[OwnRequest]:
    """Generate `count` requests for music; the same seed gives the same requests.

    Args:
        language: en or es.
        names: kind (artist, title, …) -> values to fill in.
        count: how many requests.
        seed: of the random generator.
    """
    sentences = _sentences(language)
    draw = random.Random(seed)
    weights = [rule[0] for rule in sentences["music"]]
    rules = draw.choices(sentences["music"], weights, k=count)
    return [_filled(rule[1], dict(rule[2]) if len(rule) > 2 else {}, sentences["lists"], names, draw) for rule in rules]


def other_requests(language: str, count: int, seed: int) -> list[str]:
    """Generate `count` requests for anything but music. Raises KeyError for a language without such sentences."""
    sentences = _sentences(language)
    draw = random.Random(seed)
    return [
        _filled(draw.choice(sentences["other"]), {}, sentences["lists"], sentences["fill"], draw).text
        for _ in range(count)
    ]


def _filled(
    rule: str,
    fixed: Mapping[str, str],
    lists: Mapping[str, Sequence[str]],
    names: Mapping[str, Sequence[str]],
    draw: random.Random,
) -> OwnRequest:
    text = _LIST.sub(lambda gap: draw.choice(lists[gap.group(1)]), rule)
    used = [(kind, word) for word, kind in fixed.items()]

    def named(gap: re.Match[str]) -> str:
        value = draw.choice(names[gap.group(1)])
        used.append((gap.group(1), value))
        return value

    return OwnRequest(" ".join(_GAP.sub(named, text).split()), tuple(used))


def _sentences(language: str) -> dict[str, Any]:
    rules: dict[str, Any] = json.loads(_SENTENCES.read_bytes())[language]
    return rules
