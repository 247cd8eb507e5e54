"""The behaviour of people and of the logging policy in one simulation, drawn per seed from the ranges of a world."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import yaml

from simulator.arrays import Floats
from simulator.settings import WORLDS, BadSimulation

CLIENTS = ("alexa", "mobile", "web", "firetv")
LOCALES = ("en-US", "en-GB", "es-ES", "es-MX", "es-US")
GRADES = np.arange(5)


@dataclass(frozen=True)
class Policy:
    """One variant of the logging policy: its weights, and the 0-based day from which it serves."""

    variant: str
    first_day: int
    text: float
    popularity: float
    noise: float


@dataclass(frozen=True)
class Behaviour:
    """All drawn parameters; `number` maps the names of the YAML file to the drawn scalars.

    `examination_power` is per client, `attraction` and `satisfied` are probabilities per grade 0–4.
    """

    world: str
    number: dict[str, float]
    client_share: Floats
    locale_share: Floats
    examination_power: Floats
    attraction: Floats
    satisfied: Floats
    policies: tuple[Policy, ...]

    def __getitem__(self, name: str) -> float:
        return self.number[name]

    def as_json(self) -> dict[str, Any]:
        """Plain values for truth/behaviour.json."""
        plain = asdict(self)
        return {k: np.round(v, 9).tolist() if isinstance(v, np.ndarray) else v for k, v in plain.items()} | {
            "clients": list(CLIENTS),
            "locales": list(LOCALES),
        }


def world_ranges(name: str) -> dict[str, Any]:
    """The ranges of a world: `default.yaml` overridden by the world's own file. Raises BadSimulation for an unknown field."""
    base: dict[str, Any] = yaml.safe_load((WORLDS / "default.yaml").read_text(encoding="utf-8"))
    own: dict[str, Any] = yaml.safe_load((WORLDS / f"{name}.yaml").read_text(encoding="utf-8"))
    unknown = sorted(own.keys() - base.keys())
    if unknown:
        raise BadSimulation(f"world {name}: unknown fields {' '.join(unknown)}. Fields are those of default.yaml.")
    return base | own


def drawn_behaviour(name: str, days: int, rng: np.random.Generator) -> Behaviour:
    """Draw every parameter of the world for this seed."""
    ranges = world_ranges(name)
    number = {k: float(rng.uniform(*v)) for k, v in ranges.items() if isinstance(v, list) and k != "examination_power"}
    number |= {k: float(v) for k, v in ranges.items() if isinstance(v, int | float)}  # not drawn
    locale = np.array([ranges["locales"].get(x, 0.0) for x in LOCALES]) * rng.uniform(0.85, 1.15, len(LOCALES))
    client = np.array([ranges["clients"].get(x, 0.0) for x in CLIENTS])
    gain = (2.0**GRADES - 1) / 15
    low, high = ranges["examination_power"]
    none, best = number["attraction_none"], number["attraction_best"]
    return Behaviour(
        world=name,
        number={k: round(v, 9) for k, v in number.items()},
        client_share=client / client.sum(),
        locale_share=locale / locale.sum(),
        examination_power=rng.uniform(low, high, len(CLIENTS)),
        attraction=none + (best - none) * gain ** number["attraction_shape"],
        satisfied=number["satisfied_none"] + (number["satisfied_best"] - number["satisfied_none"]) * gain**0.7,
        policies=_policies(days, rng),
    )


def _policies(days: int, rng: np.random.Generator) -> tuple[Policy, ...]:
    """Three variants; the second and third begin on days drawn inside the simulation (with fewer than 3 days, not all serve)."""
    second = int(np.clip(round(days * rng.uniform(0.25, 0.45)), 1, max(1, days - 2)))
    third = int(np.clip(round(days * rng.uniform(0.55, 0.8)), second + 1, max(second + 1, days - 1)))
    out = []
    for variant, first in (("policy_a", 0), ("policy_b", second), ("policy_c", third)):
        weights = [round(float(x), 6) for x in (rng.uniform(0.7, 1.4), rng.uniform(0.2, 1.0), rng.uniform(0.4, 0.9))]
        out.append(Policy(variant, first, *weights))
    return tuple(out)
