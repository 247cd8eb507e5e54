"""Moods and decades of Alexa's interaction models: whether our constraint key has the value of every sample sentence.

A skill's model lists sentences ("play hits from the {decade}") and values with synonyms ("90s", "the nineties"). Every sentence
is read with every value. A decade is recognised if it is the only one in the constraint key, a mood if the key has one of the
constraints that MOODS lists for it. MOODS has the values in the order of the models, which is the same in all languages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.arms import Resources
from benchmarks.figures import Figure, share
from queries.reading import Reading

# value of the models' type Mood -> our constraints that count as recognised
MOODS = (
    ("relaxing", {"mood=calm", "mood=chill", "activity=relax"}),
    ("chill", {"mood=chill", "mood=calm", "activity=relax"}),
    ("upbeat", {"mood=uplifting", "mood=energetic", "mood=happy", "mood=fun"}),
    ("energetic", {"mood=energetic"}),
    ("focus", {"activity=focus", "activity=study", "activity=work"}),
    ("romantic", {"mood=romantic"}),
    ("happy", {"mood=happy"}),
    ("sad", {"mood=sad"}),
    ("party", {"activity=party"}),
    ("workout", {"activity=workout"}),
    ("morning", {"activity=wake up"}),
    ("evening", {"mood=calm", "mood=chill", "activity=sleep", "activity=relax", "activity=dinner"}),
    ("dinner", {"activity=dinner"}),
    ("sleep", {"activity=sleep"}),
)
FILLED = {"genre": "rock"}  # values of the other slots of a sentence


@dataclass(frozen=True)
class Asked:
    """A sentence, the kind of its value (`decade` or `mood`), and the constraints of which its reading must have one."""

    text: str
    locale: str
    kind: str
    accepted: frozenset[str]


def asked(path: Path, locale: str) -> list[Asked]:
    """Every sentence of the mood and decade intents of a model, filled with every value and synonym; each text once."""
    model = json.loads(path.read_text(encoding="utf-8"))["languageModel"]
    values = {one["name"]: one["values"] for one in model["types"]}
    samples = {one["name"]: one.get("samples", []) for one in model["intents"]}
    sentences: dict[str, Asked] = {}
    for at, value in enumerate(values["Mood"]):
        _add_sentences(sentences, samples["PlayMoodMusicIntent"], "mood", _forms(value), locale, MOODS[at][1])
    for value in values["Decade"]:
        first = value["id"].removesuffix("s")
        decade = {f"decade={first if len(first) == 4 else f'19{first}'}"}
        _add_sentences(sentences, samples["PlayByDecadeIntent"], "decade", _forms(value), locale, decade)
    return list(sentences.values())


def _forms(value: dict[str, Any]) -> list[str]:
    return [value["name"]["value"], *(value["name"].get("synonyms") or [])]


def _add_sentences(
    sentences: dict[str, Asked],
    samples: Sequence[str],
    kind: str,
    forms: Sequence[str],
    locale: str,
    accepted: set[str],
) -> None:
    for sample in samples:
        for form in forms:
            text = sample.replace(f"{{{kind}}}", form)
            for slot, word in FILLED.items():
                text = text.replace(f"{{{slot}}}", word)
            # "from the {decade}" with "the nineties" would have two articles
            text = text.replace(" the the ", " the ").replace(" los los ", " los ").replace(" los años ", " los años ")
            sentences.setdefault(text.lower(), Asked(text, locale, kind, frozenset(accepted)))


def measured(given: Resources, models: Sequence[tuple[Path, str]]) -> Iterator[Figure]:
    """Shares of moods and decades recognised, by language, for the grammar alone and for the shipped models.

    Args:
        given: catalog and lexicon.
        models: the interaction models as (file, locale).
    """
    every: dict[str, Asked] = {}
    for path, locale in models:
        for one in asked(path, locale):
            every.setdefault(f"{locale[:2]} {one.text.lower()}", one)
    for language in sorted({one.locale[:2] for one in every.values()}):
        for kind in ("decade", "mood"):
            rows = [one for one in every.values() if one.locale[:2] == language and one.kind == kind]
            for arm in ("grammar", "shipped"):
                hits = sum(
                    is_recognised(one, given.read(one.text, one.locale, shipped=arm == "shipped")) for one in rows
                )
                yield share("alexa", language, f"{kind}_met", arm, hits, len(rows), "sentences")


def is_recognised(one: Asked, reading: Reading) -> bool:
    """Whether the reading's constraint key has an accepted constraint, and for a decade no other decade or year."""
    constraints = set(reading.key.split("|"))
    if one.kind == "decade":
        return {part for part in constraints if part.startswith(("decade=", "year="))} == set(one.accepted)
    return bool(constraints & one.accepted)
