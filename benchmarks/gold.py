"""Requests with gold slots: the shared file in our slot types, each normalised text once a family.

Families are the sources, and HWU64 with SLURP as one (they share many texts); `slot_map.json` says what each gold type is.
A request is scored on the types that its family's map knows: annotators who never marked moods do not make a mood wrong.
Which requests are scored, and what the models that read them may have learned from, is said in `benchmarks.folds`.
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

from benchmarks.folds import fold_of, parallel_groups, without_wake_words
from queries.models.fit_tagger import stretches_of
from queries.text.normalise import normal_form

SCORED_TYPES = frozenset(["artist", "title", "work", "album", "playlist", "genre", "when", "sort"])
FAMILIES = {
    "mtop": ("mtop",),
    "hwu64_slurp": ("hwu64", "slurp"),
    "music_reco_ner": ("music_reco_ner",),
    "leyzer": ("leyzer",),
    "snips": ("snips",),
}
FREE_LICENCE = frozenset(
    ["snips", "hwu64", "slurp", "music_reco_ner"]
)  # CC0, CC BY and MIT: what weights may learn from
_POSSESSIVE = re.compile(r"\s?['’]\s?s$", re.IGNORECASE)
_LOCALES = {"en": "en-US", "es": "es-ES"}


class DataMissing(RuntimeError):
    """PLAYFIRST_DATA is not set, or the folder does not hold the file."""


class Slot(NamedTuple):
    """A type (ours; year and decade are `when`) and the value's normal form."""

    type: str
    value: str


@dataclass(frozen=True)
class Gold:
    """One request with its gold slots. `query`: its normal form; `fold`: None where it is never scored, only learned from."""

    source: str
    lang: str
    text: str
    query: str
    is_music: bool
    slots: tuple[Slot, ...]
    fold: int | None

    @property
    def locale(self) -> str:
        """The locale it is read in: of its language."""
        return _LOCALES[self.lang]

    @property
    def family(self) -> str:
        """The family it is scored in."""
        return next(name for name, sources in FAMILIES.items() if self.source in sources)


def data_file(name: str) -> Path:
    """A file of the shared data; raises DataMissing saying what to set."""
    root = os.environ.get("PLAYFIRST_DATA")
    if not root:
        raise DataMissing("PLAYFIRST_DATA is not set: set it to the folder of the shared data.")
    path = Path(root) / name
    if not path.exists():
        raise DataMissing(f"{path}: no such file. Set PLAYFIRST_DATA to the folder of the shared data.")
    return path


@lru_cache(maxsize=1)
def slot_map() -> dict[str, dict[str, str | None]]:
    """Source -> gold type -> our type, or None: ignored. Types that a source uses once or twice may be missing: ignored."""
    content = json.loads((Path(__file__).parent / "slot_map.json").read_bytes())
    del content["about"]
    return {source: {gold: entry["ours"] for gold, entry in types.items()} for source, types in content.items()}


def scored_types(family: str) -> frozenset[str]:
    """The types that the family's gold knows and that are scored."""
    return frozenset(
        {ours for source in FAMILIES[family] for ours in slot_map()[source].values() if ours} & SCORED_TYPES
    )


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The lines of the gold file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def gold_of(rows: Iterable[Mapping[str, Any]]) -> list[Gold]:
    """Every request in our types, with its fold; each (family, language, normal form) once.

    Where a family holds a text twice, the copy that is scored stands; of those the one with more slots, then the first.
    """
    every = _every(rows)
    kept: dict[tuple[str, str, str], Gold] = {}
    for one in every:
        key = (one.family, one.lang, one.query)
        if one.query and (key not in kept or _rank(one) > _rank(kept[key])):
            kept[key] = one
    return list(kept.values())


def parallel_pairs(rows: Iterable[Mapping[str, Any]]) -> list[tuple[Gold, Gold]]:
    """The music requests of MTOP, English beside Spanish (rows of one `pair_id`); equal pairs once."""
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
    said = [(types.get(slot["type"]), _value(slot["value"], query, lang)) for slot in row["slots"] if row["music"]]
    slots = tuple(Slot(ours, value) for ours, value in said if ours and value)
    return Gold(source, lang, row["text"], query, row["music"], slots, fold_of(source, row["split"], group))


def _value(annotated: str, query: str, lang: str) -> str:
    """The normal form of an annotated span as it stands in the request, without the possessive's ending.

    Annotators cut words that the normal form does not ("ca n't", "queen 's"): blanks do not count.
    """
    value = normal_form(_POSSESSIVE.sub("", annotated), lang)
    words = query.split()
    place = next(stretches_of(words, value), None)
    return " ".join(words[slice(*place)]) if place else value


@lru_cache(maxsize=1)
def scored_queries() -> frozenset[str]:
    """The normal forms of all requests that are ever scored: nothing made for training may equal one."""
    gold = gold_of(rows_of(data_file("queries/gold_slots.jsonl.gz")))
    return frozenset(one.query for one in gold if one.fold is not None)


def _rank(one: Gold) -> tuple[bool, int]:
    return one.fold is not None, len(one.slots)
