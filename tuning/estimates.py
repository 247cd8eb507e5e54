"""What is estimated of a winner from the ledger of its sweep: its gain over the default, and how much of it is optimism."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tuning.ledger import Ledger
from tuning.optimism import optimism, paired_gain
from tuning.winner import DEFAULT_TRIAL, Winner

FACTS = "data.json"  # in the folder of a sweep: `tuning.data.SweepData.facts` of its data


def with_estimates(winner: Winner, ledger: Ledger, facts: Mapping[str, Any], seed: int) -> Winner:
    """The winner with its data, its NDCG@10 with other seeds, its paired gain over the default and its optimism.

    Args:
        winner: the winner.
        ledger: the ledger of its sweep.
        facts: `tuning.data.SweepData.facts` of its data.
        seed: the seed of the sweep.
    """
    best, default = (ledger.parts.get(trial, ()) for trial in (winner.best.trial_id, DEFAULT_TRIAL))
    return replace(
        winner,
        data=dict(facts),
        seeds={trial_id: [values[one] for one in sorted(values)] for trial_id, values in ledger.seeds.items()},
        gain=paired_gain(best, default, facts["part_needs"]),
        optimism=optimism(ledger.parts, facts["part_needs"], seed),
    )
