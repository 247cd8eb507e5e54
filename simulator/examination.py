"""The true position curve of each screen: how much less a track is clicked at a lower rank, measured on the simulated listeners.

    python -m simulator.examination out=var/simulated        (prints JSON: client -> rate at ranks 1 … 10 over that at rank 1)

A track drawn at random from a served list is put at rank r, the others keep their order, and the listeners react. The curve is what
clicks follow, with everything that makes them fall besides examination: trust, and leaving after a good track.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from simulator.arrays import Floats, Ints
from simulator.behaviour import CLIENTS, Behaviour
from simulator.listeners import on_screens
from simulator.policy import SHOWN
from simulator.settings import BadSimulation

DRAWS = 8  # of a track for each list and rank
MOST_LISTS = 60_000  # of a client
Grades = npt.NDArray[np.int8]


def stored_behaviour(folder: Path) -> Behaviour:
    """What the listeners of a simulation follow, as its `truth/behaviour.json` keeps it; without the policies."""
    stored = json.loads((folder / "truth" / "behaviour.json").read_text(encoding="utf-8"))
    arrays = ("client_share", "locale_share", "examination_power", "attraction", "satisfied")
    return Behaviour(
        world=stored["world"],
        number=stored["number"],
        policies=(),
        **{name: np.array(stored[name]) for name in arrays},
    )


def served_grades(folder: Path) -> dict[str, Grades]:
    """Client -> true grades of the tracks of its served lists, [lists, SHOWN], -1 after the last; searches of bots are left out."""
    import pandas as pd
    import pyarrow.dataset as ds

    def frame(path: Path, columns: list[str]) -> pd.DataFrame:
        table = ds.dataset(path, format="parquet", exclude_invalid_files=True).to_table(columns=columns)
        rows: pd.DataFrame = table.to_pandas()
        return rows

    truth = frame(folder / "truth" / "searches.parquet", ["search_id", "need_id", "is_bot"])
    logs = frame(folder / "logs" / "searches", ["search_id", "client", "results"])
    relevance = frame(folder / "truth" / "relevance.parquet", ["need_id", "track_id", "grade"])
    asked = logs.drop_duplicates("search_id").merge(truth[~truth["is_bot"]], on="search_id")
    out = {}
    for client in CLIENTS[1:]:
        own = asked[(asked["client"] == client) & (asked["results"].str.len() > 1)].sort_values("search_id")
        own = own.iloc[:: max(1, len(own) // MOST_LISTS)].reset_index(drop=True)
        flat = own.assign(row=np.arange(len(own))).explode("results").rename(columns={"results": "track_id"})
        flat["rank"] = flat.groupby("row").cumcount()
        flat = flat.merge(relevance, on=["need_id", "track_id"], how="left")
        out[client] = np.full((len(own), SHOWN), -1, dtype=np.int8)
        out[client][flat["row"].to_numpy(int), flat["rank"].to_numpy(int)] = flat["grade"].fillna(0).to_numpy(np.int8)
    return out


def true_curve(grades: Grades, client: int, behaviour: Behaviour, rng: np.random.Generator) -> Floats:
    """Rate of clicks on a track drawn from its list and put at rank r, over the rate at rank 1, r = 1 … SHOWN.

    Args:
        grades: lists of the client, as `served_grades` gives them.
        client: the client's place in CLIENTS.
        behaviour: the simulation's parameters.
        rng: source of the draws and of the listeners.
    """
    size = (grades >= 0).sum(axis=1)
    curve = np.ones(SHOWN)
    for rank in range(1, SHOWN):
        lists, sizes = grades[size > rank], size[size > rank]
        clicks = np.zeros(2)
        for _ in range(DRAWS):
            drawn = rng.integers(0, sizes)
            clicks += [_clicks(moved(lists, drawn, to), to, client, behaviour, rng) for to in (0, rank)]
        curve[rank] = clicks[1] / clicks[0]
    return curve


def moved(lists: Grades, drawn: Ints, to: int) -> Grades:
    """The lists with the track at the 0-based rank `drawn` moved to the rank `to`, the others in their order."""
    rows = np.arange(len(lists))
    place = np.tile(np.arange(lists.shape[1], dtype=np.float64), (len(lists), 1))
    place[rows, drawn] = np.where(drawn > to, to - 0.5, to + 0.5)
    place[rows[drawn == to], to] = to
    return np.take_along_axis(lists, np.argsort(place, axis=1, kind="stable"), axis=1)


def _clicks(lists: Grades, rank: int, client: int, behaviour: Behaviour, rng: np.random.Generator) -> int:
    clients, duration = np.full(len(lists), client), np.full(lists.shape, 200_000)
    all_of_it = np.ones(lists.shape)
    outcome = on_screens(np.maximum(lists, 0), lists >= 0, duration, clients, all_of_it, behaviour, rng)
    return int((outcome.plays.rank == rank).sum())


def main(words: Sequence[str]) -> int:
    """Print the curves of the simulation in a folder as JSON."""
    if len(words) != 1 or not words[0].startswith("out="):
        raise BadSimulation("expected one argument, out=FOLDER, the folder that simulator.generate wrote.")
    folder = Path(words[0].removeprefix("out="))
    if not (folder / "truth" / "behaviour.json").exists():
        raise BadSimulation(f"{folder}: holds no truth/behaviour.json. Run simulator.generate out={folder} first.")
    behaviour, rng = stored_behaviour(folder), np.random.default_rng(20261129)
    curves = {
        client: true_curve(grades, CLIENTS.index(client), behaviour, rng).round(6).tolist()
        for client, grades in served_grades(folder).items()
        if len(grades)
    }
    print(json.dumps(curves))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BadSimulation as error:
        print(f"simulator.examination: {error}", file=sys.stderr)
        sys.exit(2)
