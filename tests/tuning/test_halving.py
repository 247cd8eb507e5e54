import numpy as np
import pytest

from tuning.callback import searcher
from tuning.halving import Halving, progress


@pytest.mark.parametrize("seed", range(5))
def test_it_decides_as_rays_scheduler(seed: int) -> None:
    """Ray's own bracket is the second implementation, over random reports of trials that take turns."""
    from ray.tune.schedulers.async_hyperband import _Bracket

    class Reporter:
        def __init__(self, trial_id: str) -> None:
            self.trial_id = trial_id

    rng = np.random.default_rng(seed)
    ours, rays = Halving(10, 300), _Bracket(10, 300, 3, 0)
    living = {f"t{i}": 0 for i in range(12)}
    stopped = 0
    while living:
        name = str(rng.choice(sorted(living)))
        living[name] += int(rng.choice([5, 10, 25]))
        value = float(rng.normal())
        stops = ours.stops(name, living[name], value)
        assert stops == (rays.on_result(Reporter(name), living[name], value) == "STOP")
        stopped += stops
        if stops or living[name] >= 300:
            del living[name]
    assert stopped > 0


def test_a_replayed_sweep_decides_as_one_that_was_not_interrupted() -> None:
    rng = np.random.default_rng(0)
    curves = {f"t{i}": [(10 * k, float(v)) for k, v in enumerate(rng.normal(size=12), 1)] for i in range(9)}
    whole, resumed = Halving(10, 120), Halving(10, 120)
    for name in list(curves)[:6]:
        for trees, ndcg in curves[name]:
            whole.stops(name, progress(trees, 0.1), ndcg)
        resumed.replay(name, curves[name], 0.1)
    for name in list(curves)[6:]:
        decided = [[h.stops(name, trees, ndcg) for trees, ndcg in curves[name]] for h in (whole, resumed)]
        assert decided[0] == decided[1]
    assert whole.rungs == resumed.rungs


def test_a_resumed_search_is_told_what_ray_told_the_first() -> None:
    """Ray gives a scheduler no report with which a trial ends by itself, and a searcher none with which any trial ends."""
    told: list[tuple[str, list[tuple[int, float]]]] = []

    class Told:
        def point(self, number: int) -> dict[str, float]:
            return {}

        def ended(self, trial_id: str, curve: list[tuple[int, float]], reached: object, stopped: bool) -> None:
            told.append((trial_id, curve))

    one = searcher(Told(), [7])  # type: ignore[arg-type]
    one.suggest("ray's id")
    one.on_trial_result("ray's id", {"trees": 10, "ndcg10": 0.5})
    last = {"trees": 20, "ndcg10": 0.6, "best_ndcg10": 0.6, "comparisons": 3.0, "ended": True}
    one.on_trial_complete("ray's id", last)
    assert told == [("7", [(10, 0.5), (20, 0.6)])]


def test_trials_meet_at_equal_shrinkage_not_at_equal_trees() -> None:
    assert [progress(40, rate) for rate in (0.02, 0.1, 0.2)] == [8, 40, 80]
