"""The re-rank rules, in order of application. A new rule is one file here with its RULE, and its place in RULES."""

from __future__ import annotations

from ranking.rerank import artist_spread, newest, repeats, unfit
from ranking.rerank.rule import Rule

RULES: tuple[Rule, ...] = (unfit.RULE, newest.RULE, repeats.RULE, artist_spread.RULE)
