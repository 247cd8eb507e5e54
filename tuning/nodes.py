"""The nodes of an existing Ray cluster: each must have our code, the same LightGBM, and see the data, before a trial is sent there."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from lake.code import code_fingerprint, library_versions
from tuning.errors import SweepFailed

LIMIT_S = 120.0
LIBRARIES = ("lightgbm", "numpy")  # another version may grow other trees


@dataclass(frozen=True)
class Facts:
    """What must be equal on all nodes."""

    python: str
    libraries: str
    code: str
    sees_data: bool


def facts_here(bins: str) -> Facts:
    """The facts of the machine that this runs on; `bins` is the folder of the binned data."""
    python = ".".join(map(str, sys.version_info[:2]))
    return Facts(python, str(library_versions(*LIBRARIES)), code_fingerprint("tuning.trial"), Path(bins).is_dir())


def check_nodes(sweep: str, bins: str) -> None:
    """Ask every living node for its facts.

    Raises:
        SweepFailed: a node lacks our code or does not answer, has another Python, LightGBM or code, or does not see the data; the
            message names the first such node and what to do.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}  # type: ignore[no-untyped-call]
    asked = ray.remote(num_cpus=0)(facts_here)
    answers = {
        node: asked.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(bins)
        for node in nodes
    }
    here = facts_here(bins)
    for node, answer in answers.items():
        where = f"sweep {sweep}: node {nodes[node]} ({node[:8]})"
        try:
            there = ray.get(answer, timeout=LIMIT_S)
        except Exception as error:  # a task's own error comes as one of many classes
            last = [line for line in str(error).splitlines() if line.strip()][-1]
            raise SweepFailed(f"{where} cannot run our code: {last.strip()}. Install the same wheel there") from error
        if not there.sees_data:
            raise SweepFailed(f"{where} does not see {bins}: set tuning.sweeps to a disk that all nodes mount")
        if there != here:
            raise SweepFailed(f"{where} has {there}, this machine {here}. Install the same wheel there")
