"""Clicks over expected clicks, with back-off. Grain: need-track.

A response is a click on a screen and a long play on voice. The responses expected of an impression follow from its position,
client and intent group (table `exposure_curves`). Source: COEC, Zhang & Jones 2007; curves by intervention harvesting, Agarwal et
al. 2019. Each level is shrunk to the next, pair → language → broader need → track → 1, with strengths that are fitted by maximum
likelihood for each snapshot (`features.build.backoff`). A ratio of which nothing was expected is null: what was never shown is
unknown, and shrunk to its parents it would stand above what is known to be bad.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from features.expressions import capped, share, shrunk
from features.spec import feature
from features.window import Window

GRAIN = "need_track"
NOTHING_EXPECTED = "the track was not shown for the need in the span"
STRENGTH = 3.0  # shrinkage strength, in expected responses, of the features that are shrunk to 1 without a chain
TOP = 1_000.0  # largest value of the ratios


def _where_expected(expected: Column, ratio: Column) -> Column:
    """The ratio, null where no response was expected."""
    return F.when(expected > 0, ratio)


def _track(window: Window) -> Column:
    return shrunk(window.sum("responses", "track"), window.expected("track"), F.lit(1.0), window.strength("track"))


def _cluster(window: Window) -> Column:
    hits, exposure = window.sum("responses", "broader_pair"), window.expected("broader_pair")
    return shrunk(hits, exposure, _track(window), window.strength("broader_pair"))


def _language(window: Window) -> Column:
    hits, exposure = window.sum("responses", "language_pair"), window.expected("language_pair")
    return shrunk(hits, exposure, _cluster(window), window.strength("language_pair"))


@feature(
    unit="responses/expected",
    bounds=(0, TOP),
    windows=(7, 28),
    half_lives=(3, 14, 60),
    monotone=+1,
    null=NOTHING_EXPECTED,
)
def coec(window: Window) -> Column:
    """Responses over expected responses of the pair, shrunk along the whole back-off chain; 1 is average."""
    ratio = shrunk(window.sum("responses"), window.expected(), _language(window), window.strength("pair"))
    return _where_expected(window.expected(), ratio)


@feature(unit="0/1", bounds=(0, 1), windows=(28,), oracle="exact")
def is_shown(window: Window) -> Column:
    """1 if the track had an impression for the need, 0 where it is unknown what people would do with it."""
    return (window.sum("impressions") > 0).cast("double")


@feature(
    unit="responses/expected",
    bounds=(0, TOP),
    windows=(28,),
    monotone=+1,
    null="the track was shown for no need with the same broader need",
)
def coec_broader(window: Window) -> Column:
    """Responses over expected responses of the track over all needs with the same broader need, shrunk to the track's own ratio."""
    return _where_expected(window.expected("broader_pair"), _cluster(window))


@feature(
    unit="plays/expected",
    bounds=(0, TOP),
    windows=(28,),
    monotone=+1,
    null="the track did not sound for the need on voice",
)
def voice_success(window: Window) -> Column:
    """Long plays over expected long plays on voice alone, shrunk to 1 with strength 3.

    On voice one track sounds at a time, so the exposure of a rank is the probability that the listener gets that far.
    """
    expected = window.expected(measure="voice_expected_micro")
    return _where_expected(expected, shrunk(window.sum("voice_long_plays"), expected, F.lit(1.0), STRENGTH))


@feature(
    unit="clicks/expected",
    bounds=(0, TOP),
    windows=(28,),
    monotone=+1,
    null="the track was not shown for the need on a screen",
)
def screen_coec(window: Window) -> Column:
    """Clicks over expected clicks on screens alone, shrunk to 1 with strength 3."""
    clicks = window.sum("responses") - window.sum("voice_long_plays")
    expected = window.expected() - window.expected(measure="voice_expected_micro")
    return _where_expected(expected, shrunk(clicks, expected, F.lit(1.0), STRENGTH))


@feature(unit="responses/expected", bounds=(0, TOP), windows=(28,), monotone=+1, null=NOTHING_EXPECTED)
def coec_raw(window: Window) -> Column:
    """Responses over expected responses of the pair without shrinkage, for comparison and to recognise thin data."""
    return capped(share(window.sum("responses"), window.expected()), TOP)


@feature(unit="log1p(responses)", bounds=(0, 40), windows=(28,))
def expected_log1p(window: Window) -> Column:
    """ln(1 + expected responses of the pair): how far its ratio can be trusted."""
    return F.log1p(window.expected())


@feature(unit="log1p(responses)", bounds=(0, 40), windows=(28,))
def broader_expected_log1p(window: Window) -> Column:
    """ln(1 + expected responses of the track over all needs with the same broader need)."""
    return F.log1p(window.expected("broader_pair"))
