"""One thin Hydra app per step: it reads tables, calls pure functions and writes tables.

`jobs.nightly` runs the steps in order.
"""
