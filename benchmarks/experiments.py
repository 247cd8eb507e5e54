"""Benchmark: each interval and test of `evaluation` on simulated data whose truth is known, over runs with seeds fixed beforehand.

    python -m benchmarks.experiments --json var/experiments.json

Printed beside each: the share of runs in which the interval covers the truth, or in which a test errs, its nominal value, and three
binomial standard errors. A method that promises "at least" or "at most" is held to that side alone.
Exit codes: 0 every method keeps its promise, 1 one does not, 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import permutations, product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.estimate import Estimate
from evaluation.experiments.always_valid import always_valid_interval
from evaluation.experiments.interleaving import credits, interleaving_verdict, team_draft
from evaluation.experiments.ratios import Arm, adjusted_difference, ratio_difference
from evaluation.experiments.sample_ratio import sample_ratio_p_value
from evaluation.intervals import (
    Interval,
    bootstrap_interval,
    clustered_interval,
    minimum_detectable_effect,
    paired_t,
    sign_flip_p_value,
    two_way_interval,
    z_sum,
)
from evaluation.many_tests import benjamini_hochberg, holm
from evaluation.off_policy.positions import ListPolicy, item_position, list_weights, pseudo_inverse
from evaluation.off_policy.whole_lists import cell_means, clipped_ips, doubly_robust, ips, snips
from evaluation.worst_segment import ACCEPTED, VETOED, worst_segment_veto

RUNS, SEED = 4_000, 20_261_129
EQUAL, AT_LEAST, AT_MOST = "=", "≥", "≤"
Random = np.random.Generator
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Check:
    """One promise of a method.

    Args:
        name: the method and what is measured.
        nominal: the promised share.
        sense: EQUAL, AT_LEAST or AT_MOST.
        run: one simulated run → whether (or the share in which) the event happened.
    """

    name: str
    nominal: float
    sense: str
    run: Callable[[Random], float]


@dataclass(frozen=True)
class Result:
    """The measured share of one promise; `error` is its standard error if the promise is kept exactly, `seconds` are of one core."""

    name: str
    nominal: float
    sense: str
    share: float
    error: float
    runs: int
    seconds: float

    @property
    def is_kept(self) -> bool:
        """Whether the share is within three standard errors of the promise, on the sides that it promises."""
        below, above = self.share < self.nominal - 3 * self.error, self.share > self.nominal + 3 * self.error
        return not ((below and self.sense != AT_MOST) or (above and self.sense != AT_LEAST))


def measured(check: Check, runs: int, seed: int) -> Result:
    """Run one check `runs` times; its random numbers depend on the seed and its name alone."""
    rng = np.random.default_rng([seed, *check.name.encode()])
    started = time.process_time()
    values = np.array([float(check.run(rng)) for _ in range(runs)])
    error = (check.nominal * (1 - check.nominal) / runs) ** 0.5
    if not bool(np.isin(values, (0.0, 1.0)).all()):  # a share per run, such as of false discoveries
        error = float(values.std(ddof=1)) / runs**0.5
    return Result(
        check.name, check.nominal, check.sense, float(values.mean()), error, runs, time.process_time() - started
    )


def covers(interval: Interval, truth: float) -> bool:
    """Whether the truth lies in the interval."""
    return interval.low <= truth <= interval.high


# --- paired differences, clusters, many tests ---------------------------------------------------------------------------------


def differences(rng: Random, n: int, mean: float = 0.0) -> Floats:
    """Differences of NDCG: 60 % exact zeros, the others normal with sd .1, around `mean` in expectation."""
    return np.where(rng.random(n) < 0.4, rng.normal(mean / 0.4, 0.1, n), 0.0)


def of_needs_and_people(rng: Random, needs: int, people: int, rows: int) -> tuple[Floats, Ints, Ints]:
    """(differences, need, person) of searches with an effect of the need, one of the person, and noise."""
    need, person = rng.integers(0, needs, rows), rng.integers(0, people, rows)
    values = rng.normal(0, 0.1, needs)[need] + rng.normal(0, 0.1, people)[person] + rng.normal(0, 0.1, rows)
    return values, need, person


def by_need_and_person(make: Callable[[Floats, Ints, Ints], Interval]) -> Callable[[Random], float]:
    """One run of an interval for searches that share needs and people; the truth is 0."""
    return lambda rng: covers(make(*of_needs_and_people(rng, 150, 400, 1_500)), 0.0)


def of_one_side(rng: Random, clusters: int, size: float) -> tuple[Floats, Floats, Ints]:
    """(differences, weights, cluster): clusters of about `size` rows with an effect of their own, and weights of 1 to 3."""
    cluster = np.repeat(np.arange(clusters), 1 + rng.poisson(size - 1, clusters))
    values = rng.normal(0, 0.1, clusters)[cluster] + rng.normal(0, 0.1, len(cluster))
    return values, rng.integers(1, 4, len(cluster)).astype(np.float64), cluster


def bootstrap(clusters: int, size: float) -> Callable[[Random], float]:
    """One run of the Poisson bootstrap by cluster; the truth is 0."""
    return lambda rng: covers(
        bootstrap_interval(*of_one_side(rng, clusters, size), repetitions=1_000, seed=int(rng.integers(1 << 31))), 0.0
    )


def flips(rng: Random) -> float:
    """Whether the sign-flip check rejects at .05 without a difference."""
    draws = sign_flip_p_value(rng.standard_t(3, 40), repetitions=999, seed=int(rng.integers(1 << 31)))
    return draws <= 0.05


def p_values(rng: Random, effects: Sequence[float]) -> Floats:
    """Two-sided p-values of independent tests whose statistics have these means."""
    from scipy import special

    return np.asarray(2 * special.ndtr(-np.abs(rng.normal(effects))), np.float64)


def family_error(effects: Sequence[float]) -> Callable[[Random], float]:
    """Whether Holm rejects any test without an effect."""
    null = np.array([e == 0 for e in effects])
    return lambda rng: bool((holm(p_values(rng, effects))[null] <= 0.05).any())


def false_share(effects: Sequence[float]) -> Callable[[Random], float]:
    """The share of tests without an effect among those that Benjamini–Hochberg rejects."""
    null = np.array([e == 0 for e in effects])

    def run(rng: Random) -> float:
        rejected = benjamini_hochberg(p_values(rng, effects)) <= 0.05
        return float((rejected & null).sum()) / max(int(rejected.sum()), 1)

    return run


def power(rng: Random) -> float:
    """Whether a true difference of the minimal detectable size is detected."""
    effect = minimum_detectable_effect(0.1, 500)
    interval = paired_t(rng.normal(effect, 0.1, 500))
    return not covers(interval, 0.0)


def veto(means: Sequence[float], verdict: str) -> Callable[[Random], float]:
    """Whether segments with these true differences (in units of a margin of .01) get the verdict."""

    def run(rng: Random) -> float:
        segments = {}
        for i, mean in enumerate(means):
            values = rng.normal(0.01 * mean, 0.08, 1_000)
            error = float(values.std(ddof=1)) / 1_000**0.5
            segments[str(i)] = Estimate(float(values.mean()), error, 999, 1_000, "t")
        return worst_segment_veto(segments, 0.01).verdict == verdict

    return run


# --- off-policy ---------------------------------------------------------------------------------------------------------------

CONTEXTS, PEOPLE, SEARCHES = 8, 400, 2_000
PROPENSITIES = np.array([0.55, 0.15, 0.15, 0.15])  # four variants of a list, as a release with exploration serves them


@cache
def quality() -> Floats:
    """[contexts, variants] the true success of each variant for a person of mean satisfaction."""
    return np.random.default_rng(1).uniform(0.1, 0.6, (CONTEXTS, len(PROPENSITIES)))


@dataclass(frozen=True)
class Logged:
    """One simulated log of single lists: rewards, the weights of "always variant 1", and what the estimators read beside."""

    rewards: Floats
    weights: Floats
    people: Ints
    contexts: Ints
    variants: Ints


TARGET = 1
TRUTH_SINGLE = float(quality()[:, TARGET].mean())


def logged(rng: Random) -> Logged:
    """People with several searches each and a satisfaction of their own, served variants by PROPENSITIES."""
    person, context = rng.integers(0, PEOPLE, SEARCHES), rng.integers(0, CONTEXTS, SEARCHES)
    variant = rng.choice(len(PROPENSITIES), SEARCHES, p=PROPENSITIES)
    easy = rng.uniform(0.5, 1.5, PEOPLE)[person]
    rewards = (rng.random(SEARCHES) < quality()[context, variant] * easy).astype(np.float64)
    weights = np.where(variant == TARGET, 1 / PROPENSITIES[TARGET], 0.0)
    return Logged(rewards, weights, person, context, variant)


def whole_list(estimate: Callable[[Logged], Interval]) -> Callable[[Random], float]:
    """Whether an estimator of single lists covers the truth."""
    return lambda rng: covers(estimate(logged(rng)), TRUTH_SINGLE)


def robust(log: Logged) -> Interval:
    """The doubly robust interval with the means of (context, variant) as the model."""
    model = cell_means(log.rewards, log.contexts, log.variants, np.full(SEARCHES, TARGET))
    return doubly_robust(log.rewards, log.weights, log.people, model).interval


def robust_by_nonsense(log: Logged) -> Interval:
    """The doubly robust interval with a model that knows nothing: it must be right all the same."""

    def nonsense(variants: Ints) -> Floats:
        return np.abs(np.sin(log.contexts + 3.0 * variants))

    predicted = nonsense(log.variants), nonsense(np.full(SEARCHES, TARGET))
    return doubly_robust(log.rewards, log.weights, log.people, lambda _: predicted).interval


LISTS = np.array(list(permutations(range(5), 3)), np.int64)  # every list of three out of five items


@cache
def lists_world() -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """(chance of each list by context, IPM weights, PI weights, click rates by context, item and position, truth)."""
    rng = np.random.default_rng(2)
    chances, by_position, whole = [], [], []
    rates = rng.uniform(0.1, 0.6, (CONTEXTS, 5, 1)) * np.array([1.0, 0.6, 0.4])
    truth = []
    for context in range(CONTEXTS):
        strength = rng.uniform(0.5, 1.5, 5)
        chance = np.ones(len(LISTS))
        left = np.full(len(LISTS), strength.sum())
        for position in range(3):  # Plackett–Luce
            chance *= strength[LISTS[:, position]] / left
            left -= strength[LISTS[:, position]]
        best = np.argsort(-rates[context, :, 0])[:3]
        weights = list_weights(
            [0] * len(LISTS), LISTS, {0: ListPolicy(LISTS, chance)}, {0: ListPolicy(best[None, :], np.ones(1))}
        )
        chances.append(chance)
        by_position.append(weights.by_position)
        whole.append(weights.whole)
        truth.append(sum(rates[context, item, position] for position, item in enumerate(best)))
    return np.array(chances), np.array(by_position), np.array(whole), rates, np.array(truth)


def of_lists(by_position: bool) -> Callable[[Random], float]:
    """Whether the item-position or the pseudo-inverse estimate of the clicks per list covers the truth."""

    def run(rng: Random) -> float:
        chances, weights, whole, rates, truth = lists_world()
        person, context = rng.integers(0, PEOPLE, SEARCHES), rng.integers(0, CONTEXTS, SEARCHES)
        rising = np.cumsum(chances, axis=1)
        which = np.minimum((rng.random((SEARCHES, 1)) > rising[context]).sum(axis=1), len(LISTS) - 1)
        easy = rng.uniform(0.5, 1.5, PEOPLE)[person]
        rate = rates[context[:, None], LISTS[which], np.arange(3)] * easy[:, None]
        clicks = (rng.random((SEARCHES, 3)) < rate).astype(np.float64)
        if by_position:
            value = item_position(clicks, weights[context, which], person, least_effective=1)
        else:
            value = pseudo_inverse(clicks.sum(axis=1), whole[context, which], person, least_effective=1)
        return covers(value.interval, float(truth.mean()))

    return run


# --- interleaving -------------------------------------------------------------------------------------------------------------

RANKER_A, RANKER_B = ("t0", "t1", "t2", "t3", "t4"), ("t3", "t0", "t4", "t1", "t2")
LIKED = {"t0": 0.3, "t1": 0.2, "t2": 0.1, "t3": 0.5, "t4": 0.15}  # how often each track satisfies, by itself


@cache
def fair_keys() -> tuple[str, ...]:
    """16 keys of each of the four outcomes of the two coins that a list of four takes."""
    keys: dict[str, list[str]] = {}
    for i in range(1_000):
        keys.setdefault(team_draft(RANKER_A, RANKER_A, 4, f"search {i}").teams, []).append(f"search {i}")
    return tuple(key for of_outcome in keys.values() for key in of_outcome[:16])


@cache
def interleaved_lists(is_same: bool) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(teams, tracks) of the fair keys."""
    drafts = [team_draft(RANKER_A, RANKER_A if is_same else RANKER_B, 4, key) for key in fair_keys()]
    return tuple((d.teams, d.tracks) for d in drafts)


@cache
def true_preference(is_same: bool) -> float:
    """Δ by enumeration: every key, every pattern of reactions to the four tracks."""
    won, reacted = 0.0, 0.0
    for teams, tracks in interleaved_lists(is_same):
        for pattern in product((0, 1), repeat=4):
            chance = float(np.prod([LIKED[t] if x else 1 - LIKED[t] for t, x in zip(tracks, pattern, strict=True)]))
            a, b = credits(teams, [i + 1 for i, x in enumerate(pattern) if x])
            if a + b:
                won, reacted = won + chance * (0.5 * (a == b) + (b > a)), reacted + chance
    return won / reacted - 0.5


def interleaved(rng: Random, is_same: bool) -> tuple[Interval, float]:
    """Interval of the preference and p-value of the sign flips, of 600 searches by 200 people."""
    lists = interleaved_lists(is_same)
    teams = np.array([[1.0 if t == "B" else 0.0 for t in names] for names, _ in lists])
    rates = np.array([[LIKED[t] for t in tracks] for _, tracks in lists])
    key, person = rng.integers(0, len(lists), 600), rng.integers(0, 200, 600)
    reacted = (rng.random((600, 4)) < rates[key]).astype(np.float64)
    b = (reacted * teams[key]).sum(axis=1)
    verdict = interleaving_verdict(reacted.sum(axis=1) - b, b, person, seed=int(rng.integers(1 << 31)))
    return verdict.preference, verdict.sign_flip_p


# --- A/B ----------------------------------------------------------------------------------------------------------------------

UNITS = 600  # people of an arm


def arm(rng: Random, effect: float, days: int = 1, people: tuple[Floats, Floats] | None = None) -> Arm:
    """People whose searches and satisfaction differ, with a history that tells something of both."""
    rate, activity = drawn_people(rng) if people is None else people
    searches = rng.poisson(activity * days) + (people is None)
    history = rng.poisson(activity * 7)
    successes = rng.binomial(searches, np.clip(rate + effect, 0, 1)).astype(np.float64)
    before = rng.binomial(history, rate) - history * 0.4  # any rate, as long as it is the same for both arms
    return Arm.of(successes, searches.astype(np.float64), np.stack([history > 0, before], axis=1))


def drawn_people(rng: Random) -> tuple[Floats, Floats]:
    """(success rate, searches per day) of UNITS people: .2 to .6, and 1 to 10 with a long tail; the active succeed more."""
    activity = np.minimum(1 + rng.pareto(1.8, UNITS), 20.0)
    return rng.beta(4, 6, UNITS) * 0.9 + 0.01 * np.minimum(activity, 10.0), activity


@cache
def true_ratio(effect: float) -> float:
    """E[successes] / E[searches] of an arm: E[(rate + effect)·searches] / E[searches], by a fixed sample of two million people."""
    rng = np.random.default_rng(3)
    activity = np.minimum(1 + rng.pareto(1.8, 2_000_000), 20.0)
    rate = 0.36 + 0.01 * np.minimum(activity, 10.0)
    return float(((rate + effect) * (activity + 1)).sum() / (activity + 1).sum())


def compared(rng: Random, effect: float, estimate: Callable[[Arm, Arm], Estimate]) -> float:
    """Whether the interval of the difference covers the truth."""
    interval = estimate(arm(rng, effect), arm(rng, 0.0)).interval()
    return covers(interval, true_ratio(effect) - true_ratio(0.0))


def lost_people(alpha: float) -> Callable[[Random], float]:
    """Whether the sample-ratio check alarms at α although people fall into three variants as planned."""
    shares = {"a": 0.5, "b": 0.3, "c": 0.2}

    def run(rng: Random) -> float:
        counts = dict(zip(shares, rng.multinomial(5_000, list(shares.values())).tolist(), strict=True))
        return sample_ratio_p_value(counts, shares) <= alpha

    return run


LOOKS = np.unique(np.geomspace(10, 20_000, 100).astype(int))


def watched(rng: Random, is_exact: bool) -> float:
    """Whether all of 100 looks at a mean of 10 to 20,000 values cover the truth, by the exact bound or the estimated error."""
    values = (rng.random(LOOKS[-1]) < 0.2).astype(np.float64)
    means = np.cumsum(values)[LOOKS - 1] / LOOKS
    for n, mean in zip(LOOKS.tolist(), means.tolist(), strict=True):
        if not is_exact and n < 100:
            continue
        spread = 0.5 if is_exact else (max(mean * (1 - mean), 1 / n) * n / (n - 1)) ** 0.5
        if not covers(always_valid_interval(mean, spread / n**0.5, n, 0.005), 0.2):
            return False
    return True


def watched_experiment(rng: Random, interval: Callable[[Estimate], Interval]) -> float:
    """Whether 14 daily looks at an A/A experiment, whose people come back, all cover 0."""
    sides = [drawn_people(rng), drawn_people(rng)]
    histories = [rng.poisson(activity * 7) for _, activity in sides]
    known = [rng.binomial(h, rate) - h * 0.4 for h, (rate, _) in zip(histories, sides, strict=True)]
    totals = [np.zeros((2, UNITS)), np.zeros((2, UNITS))]
    for _ in range(14):
        for total, (rate, activity) in zip(totals, sides, strict=True):
            searches = rng.poisson(activity / 3)
            total += [rng.binomial(searches, rate), searches]
        arms = []
        for total, before in zip(totals, known, strict=True):
            came = total[1] > 0
            arms.append(Arm.of(total[0][came], total[1][came], before[came]))
        if not covers(interval(adjusted_difference(*arms)), 0.0):
            return False
    return True


def at_every_look(estimate: Estimate) -> Interval:
    """The always-valid interval of an experiment planned to detect a difference of .03."""
    return always_valid_interval(estimate.mean, estimate.error, estimate.n, 0.03 / z_sum(0.05, 0.8))


CHECKS = (
    Check("paired t, coverage", 0.95, EQUAL, lambda rng: covers(paired_t(differences(rng, 300, 0.01)), 0.01)),
    Check("paired t, A/A", 0.05, EQUAL, lambda rng: not covers(paired_t(differences(rng, 300)), 0.0)),
    Check("sign flips, A/A", 0.05, EQUAL, flips),
    Check("clustered t, coverage", 0.95, EQUAL, lambda rng: covers(clustered_interval(*of_one_side(rng, 300, 4)), 0.0)),
    Check("Poisson bootstrap by need, coverage", 0.95, EQUAL, bootstrap(300, 4)),
    Check("Poisson bootstrap by person, coverage", 0.95, EQUAL, bootstrap(400, 1.5)),
    Check(
        "t by need and person, coverage",
        0.95,
        EQUAL,
        by_need_and_person(lambda v, need, person: two_way_interval(v, np.ones(len(v)), need, person)),
    ),
    Check(
        "Poisson bootstrap by need and person, coverage",
        0.95,
        AT_LEAST,
        by_need_and_person(
            lambda v, need, person: bootstrap_interval(v, np.ones(len(v)), need, people=person, repetitions=400)
        ),
    ),
    Check("Holm, 10 tests without effect, any error", 0.05, EQUAL, family_error([0.0] * 10)),
    Check("Holm, 5 of 10 without effect, any error", 0.05, EQUAL, family_error([0.0] * 5 + [6.0] * 5)),
    Check("Benjamini–Hochberg, 10 without effect, false share", 0.05, EQUAL, false_share([0.0] * 10)),
    Check("Benjamini–Hochberg, 5 of 10 without, false share", 0.025, EQUAL, false_share([0.0] * 5 + [3.0] * 5)),
    Check("minimal detectable effect, power", 0.8, EQUAL, power),
    Check("non-inferiority, worst segment at the margin, accepted", 0.05, EQUAL, veto([-1, 1, 1, 1, 1], ACCEPTED)),
    Check("non-inferiority, five segments at the margin, vetoed", 0.05, EQUAL, veto([-1] * 5, VETOED)),
    Check("IPS, coverage", 0.95, EQUAL, whole_list(lambda log: ips(log.rewards, log.weights, log.people).interval)),
    Check("SNIPS, coverage", 0.95, EQUAL, whole_list(lambda log: snips(log.rewards, log.weights, log.people).interval)),
    Check(
        "clipped IPS at 5 with its bias, coverage",
        0.95,
        AT_LEAST,
        whole_list(lambda log: clipped_ips(log.rewards, log.weights, log.people, 5.0).interval),
    ),
    Check("doubly robust, cross-fitted, coverage", 0.95, EQUAL, whole_list(robust)),
    Check("doubly robust, wrong model, coverage", 0.95, EQUAL, whole_list(robust_by_nonsense)),
    Check("item-position, coverage", 0.95, EQUAL, of_lists(by_position=True)),
    Check("pseudo-inverse, coverage", 0.95, EQUAL, of_lists(by_position=False)),
    Check(
        "interleaving, one ranker twice, preference shown",
        0.05,
        EQUAL,
        lambda rng: not covers(interleaved(rng, True)[0], 0),
    ),
    Check("interleaving, one ranker twice, by sign flips", 0.05, EQUAL, lambda rng: interleaved(rng, True)[1] <= 0.05),
    Check(
        "interleaving, two rankers, coverage",
        0.95,
        EQUAL,
        lambda rng: covers(interleaved(rng, False)[0], true_preference(False)),
    ),
    Check("delta method, A/A", 0.05, EQUAL, lambda rng: 1.0 - compared(rng, 0.0, ratio_difference)),
    Check("delta method, coverage", 0.95, EQUAL, lambda rng: compared(rng, 0.05, ratio_difference)),
    Check("CUPED, A/A", 0.05, EQUAL, lambda rng: 1.0 - compared(rng, 0.0, adjusted_difference)),
    Check("CUPED, coverage", 0.95, EQUAL, lambda rng: compared(rng, 0.05, adjusted_difference)),
    Check("sample-ratio mismatch at .05, false alarm", 0.05, EQUAL, lost_people(0.05)),
    Check("sample-ratio mismatch at .001, false alarm", 0.001, EQUAL, lost_people(0.001)),
    Check("always valid, exact bound, 100 looks, coverage", 0.95, AT_LEAST, lambda rng: watched(rng, True)),
    Check(
        "always valid, estimated error, looks from 100 on, coverage", 0.95, AT_LEAST, lambda rng: watched(rng, False)
    ),
    Check(
        "always valid, A/A watched for 14 days, coverage",
        0.95,
        AT_LEAST,
        lambda rng: watched_experiment(rng, at_every_look),
    ),
)


def printed(results: Sequence[Result]) -> str:
    """The table in Markdown."""
    lines = ["| method | promised | measured | within | seconds | |", "|---|---|---|---|---|---|"]
    for r in results:
        kept = "kept" if r.is_kept else "**broken**"
        lines.append(
            f"| {r.name} | {r.sense} {r.nominal:g} | {r.share:.4f} | ± {3 * r.error:.4f} | {r.seconds:.0f} | {kept} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Run the checks, print the table, and say whether every promise is kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.experiments", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", default="", help="a part of the names to run")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    chosen = [check for check in CHECKS if options.only in check.name]
    if options.runs < 2 or not chosen:
        print(
            f"--runs is {options.runs}, expected 2 or more; --only {options.only!r} names {len(chosen)} checks, expected one or more",
            file=sys.stderr,
        )
        return 2
    results = []
    for check in chosen:
        results.append(measured(check, options.runs, options.seed))
        print(printed(results).splitlines()[-1], file=sys.stderr, flush=True)
    print(printed(results))
    if options.json:
        content = {
            "runs": options.runs,
            "seed": options.seed,
            "checks": [asdict(r) | {"kept": r.is_kept} for r in results],
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(r.is_kept for r in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
