"""What the lists of a night are evaluated by: the entries that people asked for, their candidates and the candidates' gains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaluation.answers import Answers, answered
from evaluation.baselines import skyline_scores
from evaluation.errors import RankingsUnfit
from evaluation.metrics import dcg_by_group, mean_over_groups, ndcg_by_group
from evaluation.truth import ENTRY, KEY, NightTruth, expected_gains, ideal_lists, need_shares

Floats = npt.NDArray[np.float64]
NDCG_K = 10


@dataclass(frozen=True)
class Judge:
    """The asked entries of a night and their candidates; `ndcg` evaluates any scores of the candidates.

    Args:
        entries: one row per asked entry, with `searches`, `need_id`, `kind` and `ideal` (DCG@10 over the whole catalog; 0
            without a relevant track, and for a list without candidates).
        rows: the candidates of those entries, ordered by `entry` and track_id.
        gain: the expected gain of each row of `rows`.
        sizes: candidates per entry.
        shares: P(need | entry), as of `need_shares`.
        gains: the expected gain of every track of the catalog, as of `expected_gains`.
        searches: all searches of the day, answered or not.
        hits: the searches that an entry answers, by what was asked and by the list (entry_locale, entry_need).
    """

    entries: pd.DataFrame
    rows: pd.DataFrame
    gain: Floats
    sizes: npt.NDArray[np.integer[Any]]
    shares: pd.DataFrame
    gains: pd.DataFrame
    searches: float
    hits: pd.DataFrame

    @property
    def weight(self) -> Floats:
        """The searches that each entry answers."""
        return self.entries["searches"].to_numpy(dtype=np.float64)

    @property
    def ideal(self) -> Floats:
        """DCG@10 of each entry's ideal list over the whole catalog."""
        return self.entries["ideal"].to_numpy(dtype=np.float64)

    def ndcg(self, scores: Floats) -> Floats:
        """NDCG@10 of each entry with its candidates ordered by `scores` (one per row of `rows`); linear in the expected gain."""
        return self.ndcg_of(self.gain, scores)

    def ndcg_of(self, gain: Floats, scores: Floats) -> Floats:
        """As `ndcg`, with other gains of the rows; the ideal list stays that of the whole catalog."""
        return ndcg_by_group(gain, scores, self.sizes, NDCG_K, gain="linear", ideal=self.ideal)

    def ndcg_by_request(self, truth: NightTruth, arms: Mapping[str, Floats]) -> dict[str, float]:
        """Mean NDCG@10 of each arm over the requests as they were asked, weighted by their searches.

        Each request (locale, query) has the gains and the ideal list of its own needs; only the list is that of the entry that
        answers it. A wrong alias, or one list for locales that want different tracks, therefore lowers the value as it does for
        the listener.

        Args:
            truth: the truth of the day.
            arms: arm → its score of each row of `rows`.
        """
        shares = need_shares(self.hits)
        gains = expected_gains(shares, truth.relevance)
        requests = _entries(shares, gains, truth.kinds, KEY).rename(columns={"entry": "request"})
        answers = self.hits[[*KEY, "entry_locale", "entry_need"]].drop_duplicates()
        lists = self.rows[[*ENTRY, "track_id"]].rename(columns={"locale": "entry_locale", "need": "entry_need"})
        lists = lists.assign(place=np.arange(len(lists)))
        rows = requests.merge(answers, on=KEY).merge(lists, on=["entry_locale", "entry_need"])
        rows = rows.sort_values(["request", "place"], kind="stable").reset_index(drop=True)
        sizes = _sizes(rows["request"], len(requests))
        gain, place = skyline_scores(rows, gains, KEY), rows["place"].to_numpy()
        ideal, weight = (requests[c].to_numpy(dtype=np.float64) for c in ("ideal", "searches"))
        ndcg = {a: ndcg_by_group(gain, s[place], sizes, NDCG_K, gain="linear", ideal=ideal) for a, s in arms.items()}
        return {arm: mean_over_groups(values, weight) for arm, values in ndcg.items()}

    @classmethod
    def of(
        cls,
        truth: NightTruth,
        answers: Answers,
        candidates: pd.DataFrame,
        catalog: pd.DataFrame,
    ) -> Judge:
        """The judge of one night; the arguments are those of `evaluation.night.evaluate_night`.

        `rows` gets the popularity of the catalog, not the feature of that name: the feature is null while no catalog snapshot
        may be back-dated, and a baseline must not suffer from that.

        Args:
            truth: the truth of the day.
            answers: (place, wording) → (place, need) of the list that the release gives for it.
            candidates: the rows that the night ranked.
            catalog: track_id and popularity of the whole catalog.

        Raises:
            RankingsUnfit: no entry answers a search of the day.
        """
        asked = answered(truth.asked, answers)
        hits = asked[asked["entry_need"].notna()]
        if hits.empty:
            raise RankingsUnfit(
                f"rankings @ {truth.run_date}: {len(answers)} released wordings answer none of the day's "
                f"{int(asked['searches'].sum())} searches; is it the release of this run_date and world?"
            )
        mixed = hits[["entry_locale", "entry_need", "need_id", "searches"]]
        shares = need_shares(mixed.rename(columns={"entry_locale": "locale", "entry_need": "need"}), ENTRY)
        gains = expected_gains(shares, truth.relevance, ENTRY)
        entries = _entries(shares, gains, truth.kinds, ENTRY)
        kept = candidates.drop(columns=["popularity", "entry"], errors="ignore")
        rows = kept.merge(entries[[*ENTRY, "entry"]], on=ENTRY)
        rows = rows.merge(catalog[["track_id", "popularity"]], on="track_id", how="left")
        rows = rows.sort_values(["entry", "track_id"], kind="stable").reset_index(drop=True)
        sizes = _sizes(rows["entry"], len(entries))
        # a list that the night did not rank, such as one of what is like an artist, compares no arms
        entries.loc[sizes == 0, "ideal"] = 0.0
        searches = float(asked["searches"].sum())
        return cls(entries, rows, skyline_scores(rows, gains), sizes, shares, gains, searches, hits)


def _sizes(groups: pd.Series[int], count: int) -> npt.NDArray[np.integer[Any]]:
    """The number of rows of each of the groups 0 … count − 1."""
    return np.bincount(groups.to_numpy(dtype=np.int64), minlength=count)


def _entries(shares: pd.DataFrame, gains: pd.DataFrame, kinds: dict[str, str], key: list[str]) -> pd.DataFrame:
    """One row per key that was asked (a list or a request).

    Columns: its `searches`, its most probable `need_id` with that need's `kind`, and its `ideal` DCG@10.
    """
    ordered = shares.sort_values([*key, "searches", "need_id"], ascending=[True, True, False, True], kind="stable")
    entries = ordered.drop_duplicates(key)[[*key, "need_id"]]
    entries = entries.merge(shares.groupby(key)["searches"].sum().reset_index(), on=key)
    best = ideal_lists(gains, NDCG_K, key)
    sizes = best.groupby(key, sort=False).size()
    ideal = dcg_by_group(best["gain"], -best["rank"], sizes, NDCG_K, gain="linear")
    entries = entries.merge(pd.DataFrame({"ideal": ideal}, index=sizes.index).reset_index(), on=key, how="left")
    entries["ideal"] = entries["ideal"].fillna(0.0)
    entries["kind"] = [kinds.get(need, "unknown") for need in entries["need_id"]]
    entries["entry"] = np.arange(len(entries))
    return entries
