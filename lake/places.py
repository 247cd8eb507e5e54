"""Where what happened in a locale counts: there, in its language, and everywhere."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def places(locale: str = "locale") -> Column:
    """The locale, its language and `*`, each once: a request may come with a language alone. Array of strings, to be exploded."""
    return F.array_distinct(F.array(F.col(locale), F.substring(locale, 1, 2), F.lit("*")))
