"""Experiments on people: A/B comparisons and interleaving, from an experiment's log to its verdict (docs/experiments.md)."""
