"""Team-draft interleaving: two rankers answer each search together, and the reactions say whose tracks people prefer.

Far fewer searches than an A/B comparison needs, for the question "which ranker is preferred"; it does not say by how much a
metric would change.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput
from evaluation.intervals import Interval, clustered_interval, sign_flip_p_value

TEAMS = ("A", "B")
VARIANT = re.compile(r"interleaved/([^/]+)/([^/]+)/([AB]+)")


@dataclass(frozen=True)
class Interleaved:
    """One interleaved list.

    Args:
        tracks: the list to serve.
        teams: the team of each position, "A" or "B".
    """

    tracks: tuple[str, ...]
    teams: str

    def variant(self, a: str, b: str) -> str:
        """What the search log's `variant` says of it: `interleaved/a/b/ABBA…`; `a` and `b` name the rankers and hold no slash."""
        text = f"interleaved/{a}/{b}/{self.teams}"
        if not VARIANT.fullmatch(text):
            raise MetricInput(
                f"interleaving: {text!r} is no variant; a list needs a track, and a ranker a name without a slash"
            )
        return text


def team_draft(a: Sequence[str], b: Sequence[str], length: int, key: str) -> Interleaved:
    """Interleave two lists: as in a draft of teams, each ranker in turn picks its best track that is not yet picked.

    In each round a coin decides who picks first. When one list has no more tracks, the other goes on alone.
    Source: Radlinski, Kurup & Joachims 2008, "How does clickthrough data reflect retrieval quality?".

    Args:
        a: the list of ranker A, best first.
        b: the list of ranker B.
        length: tracks to serve at most.
        key: what the coins are made of (SHA-256), such as the search's id: the same key gives the same list.
    """
    lists = {"A": list(dict.fromkeys(a)), "B": list(dict.fromkeys(b))}
    digest = hashlib.sha256(key.encode()).digest()
    tracks: list[str] = []
    teams: list[str] = []
    picked: set[str] = set()
    turn = 0
    while len(tracks) < length and any(lists.values()):
        coin = (digest[turn // 8 % len(digest)] >> (turn % 8)) & 1
        turn += 1
        for team in (TEAMS[coin], TEAMS[1 - coin]):
            lists[team] = [track for track in lists[team] if track not in picked]
            if lists[team] and len(tracks) < length:
                tracks.append(lists[team][0])
                teams.append(team)
                picked.add(lists[team][0])
        lists = {team: [track for track in rest if track not in picked] for team, rest in lists.items()}
    return Interleaved(tuple(tracks), "".join(teams))


def teams_of(variant: str) -> tuple[str, str, str] | None:
    """(A, B, team of each position) of a search log's `variant`; None if it names no interleaved list."""
    match = VARIANT.fullmatch(variant)
    return (match[1], match[2], match[3]) if match else None


def credits(teams: str, satisfied: Sequence[int]) -> tuple[int, int]:
    """(A, B): how many of the satisfied positions, from 1, are of each team; positions beyond the teams count for nobody."""
    owners = [teams[position - 1] for position in set(satisfied) if position <= len(teams)]
    return owners.count("A"), owners.count("B")


@dataclass(frozen=True)
class Preference:
    """The verdict of an interleaving experiment.

    Args:
        preference: Δ = (searches won by B + half of the ties) / searches with a reaction − ½, from −½ (A always) to ½ (B always).
        sign_flip_p: check of its p-value: under equal rankers a person's wins may as well have been losses.
        wins_a: searches in which A's tracks got more reactions.
        wins_b: searches in which B's did.
        ties: searches with equal numbers of reactions, above 0.
    """

    preference: Interval
    sign_flip_p: float
    wins_a: int
    wins_b: int
    ties: int


def interleaving_verdict(
    credit_a: npt.ArrayLike, credit_b: npt.ArrayLike, people: npt.ArrayLike, *, level: float = 0.95, seed: int = 0
) -> Preference:
    """Which ranker is preferred: per search the one with more credited reactions wins; searches without any do not count.

    The interval is clustered by person. Source: Chapelle, Joachims, Radlinski & Yue 2012, "Large-scale validation and analysis of
    interleaved search evaluation" (Δ_AB).

    Args:
        credit_a: per search, reactions on the positions of team A, such as satisfied plays.
        credit_b: the same for team B.
        people: the person of each search.
        level: the level of the interval.
        seed: of the sign flips.

    Raises:
        MetricInput: the arrays differ in length, or fewer than two people reacted.
    """
    a, b, person = np.asarray(credit_a, np.float64), np.asarray(credit_b, np.float64), np.asarray(people)
    if a.shape != b.shape or a.shape != person.shape or a.ndim != 1:
        raise MetricInput(
            f"interleaving_verdict: credits {a.shape} and {b.shape} of people {person.shape}, expected equal lengths"
        )
    counts = (a + b) > 0
    if len(np.unique(person[counts])) < 2:
        raise MetricInput(
            f"interleaving_verdict: {int(counts.sum())} of {len(a)} searches have a reaction, by {len(np.unique(person[counts]))} people; "
            "expected two people or more: run the experiment longer"
        )
    signs = np.sign(b - a)[counts]
    preference = clustered_interval(signs / 2, np.ones(len(signs)), person[counts], level=level)
    p_value = sign_flip_p_value(signs, clusters=person[counts], repetitions=2_000, seed=seed)
    return Preference(preference, p_value, int((signs < 0).sum()), int((signs > 0).sum()), int((signs == 0).sum()))
