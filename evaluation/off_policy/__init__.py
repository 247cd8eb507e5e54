"""Off-policy estimates: what a policy would have earned, from the logs of another one that logged its propensities.

Each estimate comes with its effective sample size and is refused below a floor.
"""
