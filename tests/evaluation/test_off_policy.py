"""Off-policy estimates: unbiased over every list that can be served, equal to hand-computed values, refused when thin."""

from itertools import permutations

import numpy as np
import pytest

from evaluation.errors import MetricInput
from evaluation.off_policy.positions import NOTHING, ListPolicy, item_position, list_weights, pseudo_inverse
from evaluation.off_policy.value import TooFewEffective, effective_sample_size, importance_weights
from evaluation.off_policy.whole_lists import cell_means, clipped_ips, doubly_robust, ips, snips

REWARDS, WEIGHTS, PEOPLE = [1.0, 0.0, 1.0, 0.0], [2.0, 0.0, 1.0, 1.0], ["a", "b", "c", "d"]


def test_four_searches_by_hand():
    assert ips(REWARDS, WEIGHTS, PEOPLE, least_effective=1).interval.mean == pytest.approx(3 / 4)
    assert snips(REWARDS, WEIGHTS, PEOPLE, least_effective=1).interval.mean == pytest.approx(3 / 4)
    assert snips(REWARDS, [4.0, 1.0, 1.0, 0.0], PEOPLE, least_effective=1).interval.mean == pytest.approx(5 / 6)
    value = ips(REWARDS, WEIGHTS, PEOPLE, least_effective=1)
    assert (value.effective, value.largest_share, value.mean_weight) == pytest.approx((16 / 6, 0.5, 1.0))
    clipped = clipped_ips(REWARDS, WEIGHTS, PEOPLE, 1.5, least_effective=1)
    assert clipped.interval.mean == pytest.approx((1.5 + 1) / 4)
    assert clipped.effective == pytest.approx(3.5**2 / (1.5**2 + 2))
    assert importance_weights([1.0, 0.0, 0.5], [0.5, 0.2, 1.0]) == pytest.approx([2.0, 0.0, 0.5])


def test_the_clipped_interval_holds_the_lost_weight():
    """Without noise the truth lies between the clipped mean and that plus the lost weight."""
    n = 200
    weights = np.tile([4.0, 0.0, 0.0, 0.0], n // 4)
    rewards = np.where(weights > 0, 0.6, 0.1)  # always the target: .6
    value = clipped_ips(rewards, weights, np.arange(n), 2.0, least_effective=1)
    assert value.interval.mean == pytest.approx(0.3)
    lost = 1 - np.minimum(weights, 2.0).mean()
    assert (
        value.interval.low < 0.3 and value.interval.high > 0.3 + lost and value.interval.low < 0.6 < value.interval.high
    )


def test_below_the_floor_an_estimate_is_refused():
    weights = np.array([50.0, *[0.01] * 499])
    people, rewards = np.arange(500), np.ones(500)
    for estimate in (ips, snips):
        with pytest.raises(
            TooFewEffective, match=r"effective sample size 1\.2 of 500 logged searches, expected 100 or more"
        ):
            estimate(rewards, weights, people)
    with pytest.raises(TooFewEffective, match="doubly robust"):
        doubly_robust(rewards, weights, people, lambda _: (rewards, rewards))
    assert clipped_ips(rewards, weights, people, 1.0, least_effective=2).effective == pytest.approx(
        effective_sample_size(np.minimum(weights, 1.0))
    )
    for floor in (0.0, 100.0):
        with pytest.raises(TooFewEffective, match=r"effective sample size 0\.0"):
            snips(rewards, np.zeros(500), people, least_effective=floor)
    with pytest.raises(TooFewEffective, match="item-position"):
        item_position(np.ones((500, 1)), weights[:, None], people)
    even = np.stack(
        [np.ones(500), np.zeros(500)], axis=1
    )  # at the second position the log never served the target's item
    with pytest.raises(TooFewEffective, match="item-position"):
        item_position(np.ones((500, 2)), even, people)
    shorter = item_position(np.ones((500, 2)), even, people, reached=[True, False])  # the target's lists have one track
    assert shorter.interval.mean == 1 and shorter.effective == 500
    with pytest.raises(TooFewEffective, match="pseudo-inverse"):
        pseudo_inverse(rewards, weights, people)


def test_wrong_input_names_the_search():
    with pytest.raises(MetricInput, match=r"search 1 \(from 0\) has target 1.0 and propensity 0.0"):
        importance_weights([0.0, 1.0], [0.5, 0.0])
    with pytest.raises(MetricInput, match="equal lengths"):
        importance_weights([0.0, 1.0], [0.5])
    with pytest.raises(MetricInput, match="not finite or below 0"):
        ips([1.0, 0.0], [1.0, -1.0], ["a", "b"])
    with pytest.raises(MetricInput, match=r"rewards in \[0, 1\]"):
        clipped_ips([2.0, 0.0], [1.0, 1.0], ["a", "b"], 10.0)
    with pytest.raises(MetricInput, match="2 folds or more"):
        doubly_robust(REWARDS, WEIGHTS, ["a", "a", "b", "b"], lambda _: (np.zeros(4), np.zeros(4)), folds=3)


LISTS = np.array(list(permutations(range(4), 2)))  # all twelve lists of two out of four items


def world(seed):
    """How often each list is served of 100 searches, a target over lists, click rates by (item, position), and the lists' rewards."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(100 - len(LISTS), rng.dirichlet(np.ones(len(LISTS)))) + 1
    target = rng.dirichlet(np.full(len(LISTS), 0.4))
    clicks = rng.uniform(size=(4, 2))
    return counts, target, clicks, clicks[LISTS, np.arange(2)]


def every_list(counts, *columns):
    """The log in which each list is served exactly as often as its propensity says: a mean over it is an expectation."""
    return [np.repeat(column, counts, axis=0) for column in columns]


@pytest.mark.parametrize("seed", range(5))
def test_over_every_list_the_estimates_are_the_truth(seed):
    counts, target, _, by_position = world(seed)
    logging, truth = counts / counts.sum(), float(target @ by_position.sum(axis=1))
    served, rewards, ratio = every_list(counts, LISTS, by_position, target / logging)
    people = np.arange(len(served))
    policies = {"q": ListPolicy(LISTS, logging)}, {"q": ListPolicy(LISTS, target)}
    weights = list_weights(["q"] * len(served), served, *policies)
    assert weights.is_covered.all() and weights.is_spanned.all()
    whole = rewards.sum(axis=1)

    def mean(value):
        return value.interval.mean

    assert mean(ips(whole, ratio, people, least_effective=1)) == pytest.approx(truth)
    assert mean(snips(whole, ratio, people, least_effective=1)) == pytest.approx(truth)
    assert mean(item_position(rewards, weights.by_position, people, least_effective=1)) == pytest.approx(truth)
    assert mean(pseudo_inverse(whole, weights.whole, people, least_effective=1)) == pytest.approx(truth)
    assert weights.whole.mean() == pytest.approx(1.0)
    # a model that is wrong, but one function of the list, changes nothing
    guess = np.random.default_rng(seed).uniform(size=len(LISTS))
    [guessed] = every_list(counts, guess)
    model = lambda _: (guessed, np.full(len(served), guess @ target))  # noqa: E731
    assert mean(doubly_robust(whole, ratio, people, model, least_effective=1)) == pytest.approx(truth)


def test_weights_by_position_are_ratios_of_marginals():
    """A plain loop over lists."""
    counts, target, _, _ = world(3)
    logging = counts / counts.sum()
    weights = list_weights(
        ["q"] * len(LISTS), LISTS, {"q": ListPolicy(LISTS, logging)}, {"q": ListPolicy(LISTS, target)}
    )
    for row, served in enumerate(LISTS.tolist()):
        for position, item in enumerate(served):
            here = [i for i, other in enumerate(LISTS.tolist()) if other[position] == item]
            wanted = sum(target[i] for i in here) / sum(logging[i] for i in here)
            assert weights.by_position[row, position] == pytest.approx(wanted)


def test_of_one_position_the_pseudo_inverse_is_ips():
    lists, logging, target = np.array([[0], [1], [2]]), np.array([0.5, 0.3, 0.2]), np.array([0.0, 0.1, 0.9])
    weights = list_weights(["q"] * 3, lists, {"q": ListPolicy(lists, logging)}, {"q": ListPolicy(lists, target)})
    assert weights.whole == pytest.approx(target / logging)
    assert weights.by_position[:, 0] == pytest.approx(target / logging)


def test_the_pseudo_inverse_reaches_lists_that_were_never_logged():
    """Four lists logged; the target is a fifth that recombines them: 1_AB = 1_AD + 1_CB − 1_CD."""
    logged = np.array([[0, 3], [2, 1], [2, 3]])
    policies = {"q": ListPolicy(logged, np.full(3, 1 / 3))}, {"q": ListPolicy(np.array([[0, 1]]), np.ones(1))}
    weights = list_weights(["q"] * 3, logged, *policies)
    assert weights.is_spanned.all() and weights.is_covered.all()
    assert weights.whole == pytest.approx([3.0, 3.0, -3.0])


def test_what_the_log_cannot_tell_is_marked():
    logged = np.array([[0, 1], [1, 0]])
    both = {"q": ListPolicy(logged, np.array([0.5, 0.5]))}
    unseen = list_weights(["q"], [[0, 1]], both, {"q": ListPolicy(np.array([[2, 1]]), np.ones(1))})
    assert not unseen.is_covered[0] and not unseen.is_spanned[0]
    # each item at each position was logged, but never apart: 0 with 2 is no combination
    four = {"q": ListPolicy(np.array([[0, 1], [3, 2]]), np.array([0.5, 0.5]))}
    apart = list_weights(["q"], [[0, 1]], four, {"q": ListPolicy(np.array([[0, 2]]), np.ones(1))})
    assert apart.is_covered[0] and not apart.is_spanned[0]


def test_short_lists_have_no_item_at_their_end():
    lists = np.array([[0, NOTHING], [0, 1]])
    logging = {"q": ListPolicy(lists, np.array([0.25, 0.75]))}
    target = {"q": ListPolicy(lists, np.array([1.0, 0.0]))}
    weights = list_weights(["q", "q"], lists, logging, target)
    assert weights.by_position.tolist() == [[1.0, 0.0], [1.0, 0.0]]
    assert weights.whole == pytest.approx([4.0, 0.0])  # two lists, two (item, position) pairs: nothing to share, as IPS


def test_policies_that_do_not_fit_are_refused():
    pair = np.array([[0, 1], [1, 0]])
    with pytest.raises(MetricInput, match=r"probabilities sum to 0\.900000"):
        ListPolicy(pair, np.array([0.5, 0.4]))
    one = ListPolicy(pair, np.array([1.0, 0.0]))
    with pytest.raises(MetricInput, match=r"context 'q' served \[1, 0\], which its logging policy could not serve"):
        list_weights(["q"], [[1, 0]], {"q": one}, {"q": one})
    with pytest.raises(MetricInput, match=r"context 'r' of search 0 \(from 0\) has no logging or no target policy"):
        list_weights(["r"], [[0, 1]], {"q": one}, {"q": one})


def test_no_search_is_predicted_by_its_own_person():
    people = np.array(list("aabbccdde"))
    seen = []

    def model(rows):
        seen.append(set(people[~rows]) & set(people[rows]))
        return np.zeros(9), np.zeros(9)

    doubly_robust(np.ones(9), np.ones(9), people, model, folds=3, least_effective=1)
    assert seen == [set(), set(), set()]


def test_the_model_shrinks_a_list_to_its_context_and_that_to_all():
    rewards, contexts, served = [1.0, 1.0, 0.0, 0.0], ["q", "q", "q", "r"], ["x", "x", "y", "x"]
    model = cell_means(rewards, contexts, served, ["x", "x", "z", "x"], strength=2.0)
    of_served, of_target = model(np.array([True, True, True, True]))
    of_q = (2 + 2 * 0.5) / (3 + 2)
    assert of_served[0] == pytest.approx((2 + 2 * of_q) / (2 + 2))
    assert of_served[2] == pytest.approx((0 + 2 * of_q) / (1 + 2))
    assert of_target[2] == pytest.approx(of_q)  # never served in q
    of_r = (0 + 2 * 0.5) / (1 + 2)
    assert of_served[3] == of_target[3] == pytest.approx((0 + 2 * of_r) / (1 + 2))
    assert model(np.array([True, True, True, False]))[0][3] == pytest.approx(2 / 3)  # r unknown: the mean of the rest
