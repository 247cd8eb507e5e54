"""Requests made from our own sentences and given names: what teaches the tagger where no free data does (Spanish)."""

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
    """A made request and the names in it, as (kind, value) in the order in which they stand."""

    text: str
    names: tuple[tuple[str, str], ...]


def music_requests(language: str, names: Mapping[str, Sequence[str]], count: int, seed: int) -> list[OwnRequest]:
    """`count` requests for music; `names`: kind (artist, title, …) -> values. The same seed gives the same requests."""
    told = _sentences(language)
    draw = random.Random(seed)
    weights = [rule[0] for rule in told["music"]]
    rules = draw.choices(told["music"], weights, k=count)
    return [_filled(rule[1], dict(rule[2]) if len(rule) > 2 else {}, told["lists"], names, draw) for rule in rules]


def other_requests(language: str, count: int, seed: int) -> list[str]:
    """`count` requests for anything but music; KeyError for a language without such sentences."""
    told = _sentences(language)
    draw = random.Random(seed)
    return [_filled(draw.choice(told["other"]), {}, told["lists"], told["fill"], draw).text for _ in range(count)]


def _filled(
    rule: str,
    said: Mapping[str, str],
    lists: Mapping[str, Sequence[str]],
    names: Mapping[str, Sequence[str]],
    draw: random.Random,
) -> OwnRequest:
    text = _LIST.sub(lambda gap: draw.choice(lists[gap.group(1)]), rule)
    found = [(kind, word) for word, kind in said.items()]

    def named(gap: re.Match[str]) -> str:
        value = draw.choice(names[gap.group(1)])
        found.append((gap.group(1), value))
        return value

    return OwnRequest(" ".join(_GAP.sub(named, text).split()), tuple(found))


def _sentences(language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_SENTENCES.read_bytes())[language]
    return found
