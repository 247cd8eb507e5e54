"""Team-draft interleaving against every possible draft, and its verdict."""

from itertools import product

import numpy as np
import pytest

from evaluation.errors import MetricInput
from evaluation.experiments.interleaving import credits, interleaving_verdict, team_draft, teams_of

A, B = ("s", "t", "u", "v"), ("u", "s", "w", "t")


def drafts(a, b, length, coins):
    """A draft with given coins, written from the paper."""
    out, teams = [], ""
    for coin in coins:
        for team in "AB" if coin == 0 else "BA":
            left = [x for x in (a if team == "A" else b) if x not in out]
            if left and len(out) < length:
                out.append(left[0])
                teams += team
    return tuple(out), teams


@pytest.mark.parametrize("length", [1, 3, 4, 5])
def test_every_draft_and_no_other_is_made(length):
    possible = {drafts(A, B, length, coins) for coins in product((0, 1), repeat=4)}
    drafted = {(d.tracks, d.teams) for d in (team_draft(A, B, length, f"k{i}") for i in range(400))}
    assert drafted == possible


def test_a_key_gives_the_same_list_and_coins_are_fair():
    assert team_draft(A, B, 4, "s1") == team_draft(A, B, 4, "s1")
    first = [team_draft(A, B, 4, f"k{i}").teams[0] for i in range(2_000)]
    assert abs(first.count("A") - 1_000) < 4 * 500**0.5  # four standard deviations; the keys are fixed


def test_the_longer_list_goes_on_alone_and_repeats_are_skipped():
    draft = team_draft(["s", "s"], ["t", "u", "v"], 9, "k")
    assert sorted(draft.tracks) == ["s", "t", "u", "v"] and draft.teams.count("A") == 1
    assert team_draft([], [], 4, "k").tracks == ()


def test_equal_rankers_are_served_as_they_are():
    for i in range(20):
        draft = team_draft(A, A, 4, f"k{i}")
        assert draft.tracks == A and draft.teams.count("A") == 2


def test_the_variant_tells_the_teams():
    draft = team_draft(A, B, 4, "k")
    assert teams_of(draft.variant("old", "new")) == ("old", "new", draft.teams)
    assert teams_of("policy_a") is None and teams_of("interleaved/a/b/") is None
    with pytest.raises(MetricInput, match="without a slash"):
        draft.variant("old/2", "new")


def test_credits_by_hand():
    assert credits("ABBA", [1, 3, 3, 4]) == (2, 1)
    assert credits("AB", [5]) == (0, 0)


def test_a_verdict_by_hand():
    """B wins two searches, A one, one is a tie, one has no reaction: (2 + ½) / 4 − ½."""
    verdict = interleaving_verdict([0, 0, 2, 1, 0], [1, 2, 0, 1, 0], ["a", "b", "c", "d", "e"])
    assert verdict.preference.mean == pytest.approx(2.5 / 4 - 0.5)
    assert (verdict.wins_a, verdict.wins_b, verdict.ties, verdict.preference.n) == (1, 2, 1, 4)
    # signs 1, 1, −1, 0: of 16 flips only those with all three alike are above the observed sum of 1, the others reach it
    assert verdict.sign_flip_p == 1.0


def test_a_person_counts_once_however_often_they_search():
    signs = np.random.default_rng(1).integers(0, 2, 40)
    once = interleaving_verdict(1 - signs, signs, np.arange(40))
    often = interleaving_verdict(np.repeat(1 - signs, 5), np.repeat(signs, 5), np.repeat(np.arange(40), 5))
    assert (once.preference.low, once.sign_flip_p) == pytest.approx((often.preference.low, often.sign_flip_p))


def test_too_few_reactions_are_refused():
    with pytest.raises(MetricInput, match="1 of 2 searches have a reaction, by 1 people"):
        interleaving_verdict([1, 0], [0, 0], ["a", "b"])
