"""Candidate source: tracks that meet the constraints of the request."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from events.contract import AUDIO
from features.build.attributes import with_ranges
from features.expressions import in_years, range_fit
from queries.grammar.constraints import TYPED
from ranking.misfits import OF_TRACK, misfits
from ranking.sources.source import KEYS, Source, SourceInputs, by_year, top


def constraint(given: SourceInputs) -> DataFrame:
    """Tracks that meet the constraints of the request; computed once for each need, not for each place.

    The tracks considered are those of the genre asked for; without a genre those of the decade; without either all tracks, but
    only those of the years asked for if there are years and neither mood nor activity. They are ordered by the number of other
    constraints that they violate (`ranking.misfits`), then by whether they fit mood and activity, then by release year if the newest
    or oldest are asked for, then by strength.
    """
    # a constraint beside a name, such as all live tracks for "adele live", would not answer the request
    keyed = given.needs.where((F.col("intent_group") == "broad") & (F.col("intent") != "playlist"))
    asked_for = ("genre", "decade", "mood", "activity", "sort_by", *TYPED)
    keys = with_ranges(keyed.groupBy("need").agg(*[F.min(c).alias(c) for c in asked_for]))
    year = F.col("release_year")
    of_track = given.tracks.withColumn("track_decade", (year - F.pmod(year, F.lit(10))).cast("int"))
    has_genre, has_decade = F.size("genre") > 0, F.size("decade") > 0
    has_feel = F.coalesce("mood", "activity").isNotNull()
    has_years = F.coalesce("first_year", "last_year").isNotNull()
    keys = keys.withColumn("is_rest", ~has_genre & ~has_decade & ~has_feel & ~has_years)
    by_genre = keys.where(has_genre).withColumn("one", F.explode("genre")).drop("genre")
    by_genre = (
        by_genre.join(of_track.withColumn("one", F.explode("genres")), "one")
        .drop("one")
        .dropDuplicates(["need", "track_id"])
    )
    by_decade = keys.where(~has_genre & has_decade).drop("genre").withColumn("track_decade", F.explode("decade"))
    by_decade = by_decade.join(of_track, "track_decade")
    others = keys.where(~has_genre & ~has_decade).drop("genre")
    by_feel = others.where(has_feel).crossJoin(of_track)
    inside = year.isNotNull() & in_years(year, F.col("first_year"), F.col("last_year"))
    by_years = others.where(~has_feel & has_years).crossJoin(of_track).where(inside)
    by_rest = others.where("is_rest").crossJoin(of_track)
    of_tracks = ["track_id", "strength", *dict.fromkeys((*AUDIO, *OF_TRACK))]
    of_keys = ["need", "decade", "mood", "sort_by", "mood_range", "activity_range", *TYPED]
    wanted = of_keys + of_tracks
    by_each = (by_genre, by_decade, by_feel, by_years, by_rest)
    matches = reduce(lambda a, b: a.unionByName(b), [f.select(*wanted) for f in by_each])
    tagged = F.coalesce(F.array_contains("moods", F.col("mood")), F.lit(False))
    fit = F.least(
        *[
            F.when(F.col(asked).isNull(), F.lit(1.0)).otherwise(F.coalesce(range_fit(asked), F.lit(0.0)))
            for asked in ("mood_range", "activity_range")
        ]
    )
    matches = matches.withColumn("misfit", misfits()).withColumn(
        "fits", (tagged | (fit >= given.settings.min_fit)).cast("int")
    )
    order = [
        F.col("misfit"),
        F.desc("fits"),
        by_year("sort_by", "release_year"),
        F.desc("strength"),
        F.col("track_id"),
    ]
    best = top(matches, ["need"], order, given.settings.cap).select("need", "track_id", "_rank")
    asked = best.join(F.broadcast(keyed.select(*KEYS)), "need")
    return asked.withColumn("source_rank", F.col("_rank"))


SOURCE = Source("constraint", constraint, "meets the genre, years, mood, version … that are asked for")
