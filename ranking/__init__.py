"""Candidates, training sets, the ranker, scoring, re-ranking and head selection. The only root package that imports LightGBM."""
