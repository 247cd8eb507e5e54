"""Moods and decades as Alexa's own interaction models say them: every sample sentence with every value, and does our key say it?

A skill's model lists sentences ("play hits from the {decade}") and values with synonyms ("90s", "the nineties"). All are put together
and read; a decade is met where it is the only one in the constraints, a mood where the key holds one of the constraints that stand
for it in MOODS (values in the order of the models, which is one in all languages).
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

# our constraints that stand for each value of the models' type Mood
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
FILLED = {"genre": "rock"}  # a slot beside the one that is asked about


@dataclass(frozen=True)
class Asked:
    """A sentence, and which constraints it must have (one of `accepted`) of a field: `decade` or `mood`."""

    text: str
    locale: str
    kind: str
    accepted: frozenset[str]


def asked(path: Path, locale: str) -> list[Asked]:
    """Every sentence of a model's mood and decade intents with every value and synonym, each once."""
    model = json.loads(path.read_text(encoding="utf-8"))["languageModel"]
    values = {one["name"]: one["values"] for one in model["types"]}
    samples = {one["name"]: one.get("samples", []) for one in model["intents"]}
    found: dict[str, Asked] = {}
    for at, value in enumerate(values["Mood"]):
        _put_together(found, samples["PlayMoodMusicIntent"], "mood", _forms(value), locale, MOODS[at][1])
    for value in values["Decade"]:
        first = value["id"].removesuffix("s")
        decade = {f"decade={first if len(first) == 4 else f'19{first}'}"}
        _put_together(found, samples["PlayByDecadeIntent"], "decade", _forms(value), locale, decade)
    return list(found.values())


def _forms(value: dict[str, Any]) -> list[str]:
    return [value["name"]["value"], *(value["name"].get("synonyms") or [])]


def _put_together(
    found: dict[str, Asked], samples: Sequence[str], kind: str, forms: Sequence[str], locale: str, accepted: set[str]
) -> None:
    for sample in samples:
        for form in forms:
            text = sample.replace(f"{{{kind}}}", form)
            for slot, word in FILLED.items():
                text = text.replace(f"{{{slot}}}", word)
            # "from the {decade}" and "the nineties" meet in one sentence
            text = text.replace(" the the ", " the ").replace(" los los ", " los ").replace(" los años ", " los años ")
            found.setdefault(text.lower(), Asked(text, locale, kind, frozenset(accepted)))


def measured(given: Resources, models: Sequence[tuple[Path, str]]) -> Iterator[Figure]:
    """Shares of moods and decades met, by language, of the grammar alone and of what users get."""
    every: dict[str, Asked] = {}
    for path, locale in models:
        for one in asked(path, locale):
            every.setdefault(f"{locale[:2]} {one.text.lower()}", one)
    for language in sorted({one.locale[:2] for one in every.values()}):
        for kind in ("decade", "mood"):
            rows = [one for one in every.values() if one.locale[:2] == language and one.kind == kind]
            for arm in ("grammar", "shipped"):
                met = sum(is_met(one, given.read(one.text, one.locale, shipped=arm == "shipped")) for one in rows)
                yield share("alexa", language, f"{kind}_met", arm, met, len(rows), "sentences")


def is_met(one: Asked, found: Reading) -> bool:
    """Whether the reading's key says what was asked; of decades nothing else."""
    said = set(found.key.split("|"))
    if one.kind == "decade":
        return {part for part in said if part.startswith(("decade=", "year="))} == set(one.accepted)
    return bool(said & one.accepted)
