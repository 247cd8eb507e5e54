"""The simulator's truth of day D; this module alone reads the folder `truth/` (formats: docs/simulator.md).

The relevance of a track for a request is not what was clicked but what the listener needed: P(need | locale, query) from the
searches of D, which the night of D did not see, times the hidden grades of that need.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from evaluation.errors import TruthUnreadable
from queries.text.normalise import normal_form

KEY = ["locale", "query"]  # of a request
ENTRY = ["locale", "need"]  # of a list: the place and the need
_ALLOWED_LATENESS_DAYS = 2


@dataclass(frozen=True)
class NightTruth:
    """What people asked on day D, and which tracks are relevant to their needs, without bots.

    Args:
        run_date: day D.
        source: where the searches come from, `unseen_searches` or `logs`.
        asked: one row per (locale, query, need_id) with `searches`; the locale as logged, the query by `normal_form`. need_id
            is "" where a person's search has no need: it counts as traffic, and no track is relevant to it.
        relevance: one row per (need_id, track_id) with `grade` 1–4, of the needs asked on D; an absent pair has grade 0.
        kinds: need_id → kind of need (title, artist, mood, …).
        wants: need_id → the same want in any locale (kind and slots). A need belongs to one locale, and the needs of several
            locales for one song are correlated.
    """

    run_date: date
    source: str
    asked: pd.DataFrame
    relevance: pd.DataFrame
    kinds: dict[str, str] = field(default_factory=dict)
    wants: dict[str, str] = field(default_factory=dict)

    @property
    def weights(self) -> pd.DataFrame:
        """One row per (locale, query) with its `searches` on D."""
        return self.asked.groupby(KEY)["searches"].sum().reset_index()

    @property
    def shares(self) -> pd.DataFrame:
        """One row per (locale, query, need_id): `share` = P(need | locale, query)."""
        return need_shares(self.asked)

    @property
    def gains(self) -> pd.DataFrame:
        """One row per (locale, query, track_id) with `gain` above 0: see `expected_gains`."""
        return expected_gains(self.shares, self.relevance)


def need_shares(asked: pd.DataFrame, key: Sequence[str] = KEY) -> pd.DataFrame:
    """P(need_id | key): one row per (key, need_id) with `searches` and `share`, shares of a key summing to 1.

    `asked` has the columns of `NightTruth.asked`. With the key of a list, the shares are the mixture over all requests that the list
    answers.
    """
    counted = asked.groupby([*key, "need_id"])["searches"].sum().reset_index()
    counted["share"] = counted["searches"] / counted.groupby(list(key))["searches"].transform("sum")
    return counted


def expected_gains(shares: pd.DataFrame, relevance: pd.DataFrame, key: Sequence[str] = KEY) -> pd.DataFrame:
    """Relevance of a track for a key: Σ over needs of P(need | key) · (2^grade − 1).

    Grain: one row per (key, track_id) with `gain` above 0; absent rows have gain 0. The gain is that of Burges et al.
    2005, the mixture over intents that of the intent-aware metrics of Agrawal et al. 2009.
    """
    gains = relevance.assign(need_gain=2.0 ** relevance["grade"].astype("float64") - 1.0)
    joined = shares[[*key, "need_id", "share"]].merge(gains[["need_id", "track_id", "need_gain"]], on="need_id")
    joined["gain"] = joined["share"] * joined["need_gain"]
    return joined.groupby([*key, "track_id"])["gain"].sum().reset_index()


def ideal_lists(gains: pd.DataFrame, k: int = 10, key: Sequence[str] = KEY) -> pd.DataFrame:
    """The best list of each key over the whole catalog: its `k` greatest gains, with `rank` from 1.

    Equal gains are ordered by track_id; their order does not change the ideal DCG.
    """
    best = gains.sort_values([*key, "gain", "track_id"], ascending=[True, True, False, True], kind="stable")
    best["rank"] = best.groupby(list(key)).cumcount() + 1
    return best[best["rank"] <= k].reset_index(drop=True)


def night_truth(simulated: Path, logs: Path, run_date: date) -> NightTruth:
    """Read the truth of day D = `run_date`.

    The searches come from `truth/unseen_searches.parquet` if its day is D. Otherwise they are those with `ts` on D in the log
    folders of D and of the days of allowed lateness after it (`searches/date=…`), each search_id once, joined with
    `truth/searches.parquet`.

    Args:
        simulated: the simulator's output folder, which contains `truth/`.
        logs: the folder of the delivered logs.
        run_date: day D.

    Raises:
        TruthUnreadable: a file is missing or invalid, or there is no search by a person on D.
    """
    truth = simulated / "truth"
    searches, source = _unseen_searches(truth, run_date), "unseen_searches"
    if searches is None:
        searches, source = _logged_searches(truth, logs, run_date), "logs"
    people = searches[~searches["is_bot"].astype(bool)]
    if people.empty:
        raise TruthUnreadable(f"{source} @ {run_date}: {len(searches)} searches and none by a person; simulate more")
    requests = people[["locale", "raw_query"]].drop_duplicates()
    requests["query"] = [normal_form(r, loc) for r, loc in zip(requests["raw_query"], requests["locale"], strict=True)]
    asked = people.merge(requests, on=["locale", "raw_query"])
    asked["need_id"] = asked["need_id"].astype("string").fillna("").astype(str)
    asked = asked.groupby([*KEY, "need_id"], as_index=False).size().rename(columns={"size": "searches"})
    relevance = _table(truth / "relevance.parquet", ["need_id", "track_id", "grade"])
    needs = _table(truth / "needs.parquet", ["need_id", "kind", "slots"])
    relevance = relevance.assign(need_id=relevance["need_id"].astype(str))
    relevance = relevance[relevance["need_id"].isin(set(asked["need_id"])) & (relevance["grade"] > 0)]
    twice = int(relevance.duplicated(["need_id", "track_id"]).sum())
    if twice:
        raise TruthUnreadable(f"{truth / 'relevance.parquet'}: {twice} rows repeat a need and track; simulate again")
    names, kind = needs["need_id"].astype(str), needs["kind"].astype(str)
    kinds = dict(zip(names, kind, strict=True))
    wants = dict(zip(names, kind + " " + needs["slots"].astype(str), strict=True))
    return NightTruth(run_date, source, asked, relevance.reset_index(drop=True), kinds, wants)


def true_needs(simulated: Path) -> pd.DataFrame:
    """(search_id, need_id) of the logged searches of people. Raises TruthUnreadable."""
    searches = _table(simulated / "truth" / "searches.parquet", ["search_id", "need_id", "is_bot"])
    people = searches[~searches["is_bot"].astype(bool) & searches["need_id"].notna()]
    return people[["search_id", "need_id"]].astype(str).reset_index(drop=True)


def knowable_gains(simulated: Path, asked: pd.DataFrame) -> pd.DataFrame:
    """(locale, need, track_id, gain): what a track is worth for a list, if its searches mean tomorrow what they meant before.

    Whoever knew every listener's past needs and every relevance, but not tomorrow's searches, could not order a list better.

    Args:
        simulated: the simulator's output folder.
        asked: (locale, need, need_id, searches): the true needs behind the searches that a list would have answered.

    Raises:
        TruthUnreadable: the relevance cannot be read.
    """
    relevance = _table(simulated / "truth" / "relevance.parquet", ["need_id", "track_id", "grade"])
    relevance = relevance.assign(need_id=relevance["need_id"].astype(str))
    relevance = relevance[relevance["need_id"].isin(set(asked["need_id"])) & (relevance["grade"] > 0)]
    return expected_gains(need_shares(asked, ENTRY), relevance, ENTRY)


def _unseen_searches(truth: Path, run_date: date) -> pd.DataFrame | None:
    """The searches of the simulator's day without a log; None if the file is missing or its day is not `run_date`."""
    path = truth / "unseen_searches.parquet"
    if not path.exists():
        return None
    searches = _table(path, ["search_id", "ts", "locale", "raw_query", "need_id", "is_bot"])
    on_day = searches[_on_day(searches["ts"], run_date)]
    return None if on_day.empty else on_day


def _logged_searches(truth: Path, logs: Path, run_date: date) -> pd.DataFrame:
    """Searches with `ts` on `run_date`, from the folders of that day and of the days of allowed lateness after it."""
    days = [run_date + timedelta(days=late) for late in range(_ALLOWED_LATENESS_DAYS + 1)]
    folders = [folder for day in days if (folder := logs / "searches" / f"date={day}").is_dir()]
    if not folders or folders[0].name != f"date={run_date}":
        raise TruthUnreadable(
            f"{truth / 'unseen_searches.parquet'}: no search of {run_date}, and no folder "
            f"{logs / 'searches' / f'date={run_date}'}; judge the day after the last folder"
        )
    rows = pd.concat(
        [
            _log_file(path)
            for folder in folders
            for path in sorted(folder.iterdir())
            if not path.name.startswith(("_", "."))
        ],
        ignore_index=True,
    )
    rows = rows[_on_day(rows["ts"], run_date)].drop_duplicates("search_id")
    known = _table(truth / "searches.parquet", ["search_id", "need_id", "is_bot"])
    joined = rows.merge(known, on="search_id", how="left", indicator=True)
    unknown = int((joined["_merge"] == "left_only").sum())
    if unknown:
        raise TruthUnreadable(
            f"{truth / 'searches.parquet'}: lacks {unknown} of the {len(joined)} searches logged on "
            f"{run_date}; logs and truth are of two simulations: simulate again into one folder"
        )
    return joined


def _log_file(path: Path) -> pd.DataFrame:
    columns = ["search_id", "ts", "locale", "raw_query"]
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        try:
            rows = pd.read_json(path, lines=True, dtype=False)
        except ValueError as broken:
            raise TruthUnreadable(f"{path}: not JSON Lines ({broken}); the simulator's own log was changed") from broken
        return _with_columns(path, rows, columns)
    return _table(path, columns)


def _table(path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.exists():
        raise TruthUnreadable(f"{path}: missing, expected a table of the simulator; run python -m simulator.generate")
    try:
        rows = pd.read_parquet(path)
    except (OSError, ValueError) as broken:  # pyarrow's ArrowInvalid is a ValueError
        raise TruthUnreadable(f"{path}: not a Parquet file ({broken}); simulate again") from broken
    return _with_columns(path, rows, columns)


def _with_columns(path: Path, rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        raise TruthUnreadable(f"{path}: has {sorted(map(str, rows.columns))}, missing {missing}")
    return rows[columns]


def _on_day(ts: "pd.Series[str]", day: date) -> "pd.Series[bool]":
    """Whether each UTC time stamp (text or timestamp) lies on `day`."""
    return pd.to_datetime(ts, utc=True, format="ISO8601").dt.date == day
