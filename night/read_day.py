"""What the lists of a night could answer on day D if every wording that can be read reached its need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from evaluation.all_searches import AllSearches, over_all_searches
from evaluation.judge import NDCG_K
from lake.rows import frame_of
from lake.tables.daily import DAILY_ENGAGEMENT
from night.night import Night
from night.released import wider_places
from night.truth import asked_before
from queries.nightly.names import with_name_forms
from queries.nightly.understand import readings
from ranking.candidates import with_strength
from ranking.short_lists import short_lists

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.truth import NightTruth


def read_searches(night: Night, truth: NightTruth, rankings: pd.DataFrame) -> AllSearches:
    """The figures over all music searches of D, with each wording read by catalog and grammar as the night reads it.

    A name with so few tracks that it has no list is answered by all of them, the strongest first.

    Args:
        night: the night.
        truth: the truth of D.
        rankings: the released lists: locale, need, track_id, rank.
    """
    import pandas as pd

    wordings = sorted({(x[:2], q) for x, q in truth.asked[["locale", "query"]].itertuples(index=False, name=None)})
    asked = frame_of(night.spark, wordings, "language string, query string")
    tracks = night.tracks(allow_unvalidated=False)
    read = readings(asked, tracks).where("is_music")
    first = read.select("language", "query", F.get("needs", F.lit(0))["need"].alias("need")).toPandas()
    wordings_of = zip(first["language"], first["query"], strict=True)
    need_of = dict(zip(wordings_of, first["need"], strict=True))
    ranked = set(zip(rankings["locale"], rankings["need"], strict=True))
    named = read.select(F.explode("needs").alias("n")).select("n.*").dropDuplicates(["need"])
    named = named.where(F.coalesce("title_name", "artist_name").isNotNull()).withColumn("locale", F.lit("*"))
    daily = night.lake.read(DAILY_ENGAGEMENT, night.window(night.settings.candidates.window_days))
    short = short_lists(named, with_name_forms(with_strength(tracks, daily)), NDCG_K).toPandas()
    lists = rankings.loc[rankings["rank"] <= NDCG_K, ["locale", "need", "track_id", "rank"]]
    is_new = [key not in ranked for key in zip(short["locale"], short["need"], strict=True)]
    lists = pd.concat([lists, short[is_new]], ignore_index=True)
    known = set(zip(lists["locale"], lists["need"], strict=True))
    answers = {}
    for locale, query in set(truth.asked[["locale", "query"]].itertuples(index=False, name=None)):
        need = need_of.get((locale[:2], query))
        place = next((p for p in wider_places(locale) if (p, need) in known), None)
        if need is not None and place is not None:
            answers[locale, query] = (place, need)
    return over_all_searches(truth, lists, answers, asked_before(night))
