"""Requests with gold slots: the shared file in our slot types, each normalised text once per family.

A family is a source, except HWU64 and SLURP, which are one because they share many texts; `slot_map.json` maps each gold type to
ours. A request is scored only on the types in its family's map: where annotators never marked moods, a predicted mood is not
wrong. `queries.training.folds` defines which requests are scored, and which the models that read them are trained on.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from queries.models.fit_tagger import occurrences
from queries.text.normalise import normal_form
from queries.training.folds import fold_of, parallel_groups, without_wake_words

SCORED_TYPES = frozenset(["artist", "title", "work", "album", "playlist", "genre", "when", "sort"])
FAMILIES = {
    "mtop": ("mtop",),
    "hwu64_slurp": ("hwu64", "slurp"),
    "music_reco_ner": ("music_reco_ner",),
    "leyzer": ("leyzer",),
    "snips": ("snips",),
}
# CC0, CC BY and MIT: the sources that shipped weights may be trained on
FREE_LICENCE = frozenset(["snips", "hwu64", "slurp", "music_reco_ner"])
_POSSESSIVE = re.compile(r"\s?['’]\s?s$", re.IGNORECASE)
_LOCALES = {"en": "en-US", "es": "es-ES"}


class DataMissing(RuntimeError):
    """PLAYFIRST_DATA is not set, or the folder does not hold the file."""


class Slot(NamedTuple):
    """A slot: our type (year and decade are `when`) and the normal form of its value."""

    type: str
    value: str


@dataclass(frozen=True)
class Gold:
    """One request with its gold slots. `query`: its normal form; `fold`: None if it is never scored and only trained on."""

    source: str
    lang: str
    text: str
    query: str
    is_music: bool
    slots: tuple[Slot, ...]
    fold: int | None

    @property
    def locale(self) -> str:
        """The locale that the request is read in, by its language."""
        return _LOCALES[self.lang]

    @property
    def family(self) -> str:
        """The family that the request is scored in."""
        return next(name for name, sources in FAMILIES.items() if self.source in sources)


def data_file(name: str) -> Path:
    """The path of a file of the shared data. Raises DataMissing if PLAYFIRST_DATA is not set or the file does not exist."""
    root = os.environ.get("PLAYFIRST_DATA")
    if not root:
        raise DataMissing("PLAYFIRST_DATA is not set: set it to the folder of the shared data.")
    path = Path(root) / name
    if not path.exists():
        raise DataMissing(f"{path}: no such file. Set PLAYFIRST_DATA to the folder of the shared data.")
    return path


@lru_cache(maxsize=1)
def slot_map() -> dict[str, dict[str, str | None]]:
    """Source -> gold type -> our type, or None if the type is ignored; types that a source uses once or twice may be missing."""
    content = json.loads((Path(__file__).parent / "slot_map.json").read_bytes())
    del content["about"]
    return {source: {gold: entry["ours"] for gold, entry in types.items()} for source, types in content.items()}


def scored_types(family: str) -> frozenset[str]:
    """The scored types that the annotators of the family marked."""
    return frozenset(
        {ours for source in FAMILIES[family] for ours in slot_map()[source].values() if ours} & SCORED_TYPES
    )


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a gzipped file of JSON Lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def gold_of(rows: Iterable[Mapping[str, Any]]) -> list[Gold]:
    """The requests with slots of our types and their folds; each (family, language, normal form) once.

    Of several copies of a text in a family one that is scored is kept; of those the one with the most slots, then the first.
    """
    every = _every(rows)
    kept: dict[tuple[str, str, str], Gold] = {}
    for one in every:
        key = (one.family, one.lang, one.query)
        if one.query and (key not in kept or _rank(one) > _rank(kept[key])):
            kept[key] = one
    return list(kept.values())


def parallel_pairs(rows: Iterable[Mapping[str, Any]]) -> list[tuple[Gold, Gold]]:
    """The music requests of MTOP as (English, Spanish) pairs, by `pair_id`; equal pairs once."""
    paired: dict[str, dict[str, Gold]] = {}
    asked = [row for row in rows if row.get("pair_id") is not None and row["music"]]
    for row, one in zip(asked, _every(asked), strict=True):
        paired.setdefault(row["pair_id"], {})[one.lang] = one
    both = [(of["en"], of["es"]) for of in paired.values() if "en" in of and "es" in of]
    return list({(english.query, spanish.query): (english, spanish) for english, spanish in both}.values())


def _every(rows: Iterable[Mapping[str, Any]]) -> list[Gold]:
    given = [(row, normal_form(row["text"], row["lang"])) for row in rows]
    groups = parallel_groups((row["pair_id"], query) for row, query in given if row.get("pair_id") is not None)
    return [_gold(row, query, groups.get(row.get("pair_id") or "", without_wake_words(query))) for row, query in given]


def _gold(row: Mapping[str, Any], query: str, group: str) -> Gold:
    source, lang = row["source"], row["lang"]
    types = slot_map()[source]
    mapped = [(types.get(slot["type"]), _value(slot["value"], query, lang)) for slot in row["slots"] if row["music"]]
    slots = tuple(Slot(ours, value) for ours, value in mapped if ours and value)
    return Gold(source, lang, row["text"], query, row["music"], slots, fold_of(source, row["split"], group))


def _value(annotated: str, query: str, lang: str) -> str:
    """The normal form of an annotated span as it is written in the request, without a possessive ending.

    Blanks are ignored in the search, because annotators split words that the normal form does not ("ca n't", "queen 's").
    """
    value = normal_form(_POSSESSIVE.sub("", annotated), lang)
    words = query.split()
    place = next(occurrences(words, value), None)
    return " ".join(words[slice(*place)]) if place else value


@lru_cache(maxsize=1)
def scored_queries() -> frozenset[str]:
    """The normal forms of all requests that are scored; no request that is made up for training may equal one."""
    gold = gold_of(rows_of(data_file("queries/gold_slots.jsonl.gz")))
    return frozenset(one.query for one in gold if one.fold is not None)


def _rank(one: Gold) -> tuple[bool, int]:
    return one.fold is not None, len(one.slots)
