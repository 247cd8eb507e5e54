"""Evaluation: metrics, intervals, the simulator's truth, baselines and the report of a night.

numpy, pandas and scipy only; no Spark. `truth.py` is the only reader of the simulator's `truth/`.
"""
