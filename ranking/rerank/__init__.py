"""The re-rank rules, in order of application. A new rule is one file here with its RULE, and its place in RULES."""

from __future__ import annotations

from ranking.rerank import artist_spread, newest, repeats, unfit, variety
from ranking.rerank.rule import Rule

# `variety` first: it orders by score, and would undo what the others did. `unfit` after `newest`, whose order would else bring noise and
# other titles of the newest year to the front again
RULES: tuple[Rule, ...] = (variety.RULE, newest.RULE, unfit.RULE, repeats.RULE, artist_spread.RULE)
