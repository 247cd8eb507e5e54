"""Evaluation: metrics, intervals, the simulator's truth, baselines and the report of a night.

It uses numpy, pandas and scipy, no Spark. `truth.py` is the only module that reads the simulator's folder `truth/`.
"""
