"""Tiny simulated worlds, made once per test session in temporary folders."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from simulator.generate import simulate
from simulator.settings import settings_from


@dataclass(frozen=True)
class Simulated:
    out: Path

    def log(self, kind: str) -> pd.DataFrame:
        """Every delivered row, duplicates too, with the folder it lies in."""
        parts = []
        for folder in sorted((self.out / "logs" / kind).iterdir()):
            for file in folder.glob("part-*"):
                part = (
                    pq.read_table(file, partitioning=None).to_pandas()
                    if file.suffix == ".parquet"
                    else pd.read_json(file, lines=True, convert_dates=False)
                )
                parts.append(part.assign(folder=folder.name.removeprefix("date=")))
        return pd.concat(parts, ignore_index=True)

    def truth(self, name: str) -> pd.DataFrame:
        return pq.read_table(self.out / "truth" / f"{name}.parquet").to_pandas()

    def catalog(self) -> list[dict]:
        text = gzip.decompress((self.out / "catalog.jsonl.gz").read_bytes()).decode("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def behaviour(self) -> dict:
        return json.loads((self.out / "truth" / "behaviour.json").read_text())

    def impressions(self) -> pd.DataFrame:
        """One row per (person's search, position) with its grade and whether it was clicked."""
        searches = self.log("searches").drop_duplicates("search_id").merge(self.truth("searches"), on="search_id")
        shown = searches[~searches.is_bot][["search_id", "client", "need_id", "results"]].explode("results")
        shown = shown.rename(columns={"results": "track_id"}).dropna(subset="track_id")
        shown["position"] = shown.groupby("search_id").cumcount() + 1
        clicks = (
            self.log("events").query("kind == 'click'")[["search_id", "position"]].drop_duplicates().assign(clicked=1)
        )
        out = shown.merge(clicks, how="left", on=["search_id", "position"])
        out = out.merge(self.truth("relevance"), how="left", on=["need_id", "track_id"])
        return out.fillna({"clicked": 0, "grade": 0})


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Simulated]:
    """simulated("days=4", …): the world of these settings, made once."""

    @cache
    def made(*words: str) -> Simulated:
        out = tmp_path_factory.mktemp("simulated")
        simulate(settings_from([f"out={out}", *words]))
        return Simulated(out)

    return made
