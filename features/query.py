"""The query by itself: how much it is asked, how listeners fare with it, what kind it is. Grain: query.

These let the trees treat a volatile broad query and a steady known item differently (Walmart, arXiv 2409.17456:
windows of different length hurt without them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.inputs import Window, share
from features.spec import feature

if TYPE_CHECKING:
    from pyspark.sql import Column

GRAIN = "query"


@feature(unit="log1p(impressions)", bounds=(0, 40), windows=(7, 28))
def query_impressions_log1p(window: Window) -> Column:
    """ln(1 + impressions of the query)."""
    from pyspark.sql import functions as F

    return F.log1p(window.sum("impressions", "query").cast("double"))


@feature(unit="plays/impression", bounds=(0, 1), windows=(28,), null="the query had no impression in the window")
def query_long_play_rate(window: Window) -> Column:
    """Long plays per impression of the query over all tracks."""
    return share(window.sum("long_plays", "query"), window.sum("impressions", "query"))


@feature(unit="share", bounds=(0, 1), windows=(28,), null="the query had no impression in the window")
def query_voice_share(window: Window) -> Column:
    """Share of the query's impressions that sounded on a voice surface."""
    return share(window.sum("voice_impressions", "query"), window.sum("impressions", "query"))


@feature(unit="words", bounds=(0, 200), oracle="exact")
def query_words_count(window: Window) -> Column:
    """Words of the stripped query."""
    from pyspark.sql import functions as F

    return F.size(window.col("query_tokens")).cast("double")


@feature(unit="0/1", bounds=(0, 1), oracle="exact")
def is_known_item(window: Window) -> Column:
    """The query names a title or an album."""
    return (window.col("intent_group") == "known_item").cast("double")


@feature(unit="0/1", bounds=(0, 1), oracle="exact")
def is_artist_query(window: Window) -> Column:
    """The query names an artist."""
    return (window.col("intent_group") == "artist").cast("double")


@feature(unit="0/1", bounds=(0, 1), oracle="exact")
def is_broad_query(window: Window) -> Column:
    """The query asks for a genre, mood, activity, era or playlist."""
    return (window.col("intent_group") == "broad").cast("double")
