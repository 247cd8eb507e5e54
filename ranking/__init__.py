"""Candidates, training sets, the ranker, scoring, re-ranking, head selection. The only room that imports LightGBM."""
