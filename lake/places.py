"""The levels at which an event of a locale is counted: the locale, its language, and all locales together."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def language_of(locale: str = "locale") -> Column:
    """The language of a locale or roll-up: its first two letters, `*` for all of them."""
    return F.substring(locale, 1, 2)


def places(locale: str = "locale") -> Column:
    """The locale, its language (first two letters) and `*` (all locales), without repetition, as an array of strings to explode.

    Repetition arises where the locale of a request is a language alone.
    """
    return F.array_distinct(F.array(F.col(locale), F.substring(locale, 1, 2), F.lit("*")))
