"""The re-rank rules, in order of application. A new rule is one file here with its RULE, and its place in RULES."""

from __future__ import annotations

from ranking.rerank import artist_spread, exploration
from ranking.rerank.rule import Rule

RULES: tuple[Rule, ...] = (artist_spread.RULE, exploration.RULE)
