"""Bot detection: a verdict per (user, day) from the trailing seven days, by four documented rules.

Three rules judge one account: it searches faster than anyone can listen, as evenly as a clock, or one request over and over.
The fourth judges a crowd. An account at a human pace is no evidence by itself, but many accounts that choose one artist and
nothing else are evidence, where that artist has next to no listeners who also choose others.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from events.engagement import LONG_PLAY_MS, SEARCH
from lake.joins import if_small

TRAILING_DAYS = 7
CHOSEN_KINDS = ("click", "complete", "save", "add", "like")
# shrinkage strength, in accounts: the base rate of a band of artist sizes is shrunk to that of all artists
PRIOR_ACCOUNTS = 20
KEYS = ["user_id", "search_date"]


@dataclass
class BotRules:
    """Thresholds of the rules, in the order in which they are applied; the first rule that applies is the verdict.

    scraper: `burst_searches` searches within less than `burst_s` seconds on the day. With 15 s between searches nothing is
    listened to, and a listener who rephrases does so a few times, not twenty.
    clockwork: at least `min_gaps` gaps between searches of the same day in the trailing week, with a coefficient of variation
    (standard deviation / mean) of at most `max_gap_cv`. It is 1 for a Poisson process, above 1 for people, who come in bursts,
    and small for timers. Source: the regularity test of Gianvecchio et al. 2008 and Chu et al. 2012, with the second moment in
    place of the entropy.
    replay: at least `min_replays` searches in the trailing week, of which the most frequent (query, client) of the day has the
    share `max_one_query_share` or more. Searches for it count only on days on which it was the most frequent one.
    farm: the account is devoted to a pushed artist (`pushed_artists`): at least the share `min_devotion` of its choices is that
    artist.

    A fan is kept unless the artist has hardly any other kind of listener. A household speaker is kept because it searches much,
    but for many things and artists, in bursts, and not faster than anyone can listen.
    """

    burst_searches: int
    burst_s: int
    min_gaps: int
    max_gap_cv: float
    min_replays: int
    max_one_query_share: float
    min_devotion: float
    min_crowd: int
    max_fan_share: float


def bot_days(searches: DataFrame, choices: DataFrame, rules: BotRules) -> DataFrame:
    """One row per (user_id, search_date) of a bot, with the first `rule` that applies to it.

    A verdict uses the `TRAILING_DAYS` days that end with its day, and never a later day, so it does not change afterwards. Give
    the rows of all users of the wanted days and of the six days before them; the verdicts of those six days are based on a
    shorter week.

    Args:
        searches: search_id, user_id, ts, client, query and search_date.
        choices: (search_id, search_date, artist), see `chosen_artists`.
        rules: Thresholds.
    """
    week = _trailing_paces(_daily_paces(searches, rules))
    n, total, squares = (F.col(c).cast("double") for c in ("gaps", "gap_ds", "gap_ds2"))
    # cv² = n·Σg² / (Σg)² − 1, without a division
    is_even = (total > 0) & (n * squares <= total * total * (1 + rules.max_gap_cv**2))
    farmed = _farmed_days(searches, choices, rules).withColumn("is_farmed", F.lit(True))
    rule = (
        F.when(F.col("is_burst"), F.lit("scraper"))
        .when((F.col("gaps") >= rules.min_gaps) & is_even, F.lit("clockwork"))
        .when(
            (F.col("asked") >= rules.min_replays)
            & (F.col("replayed") >= rules.max_one_query_share * F.col("asked").cast("double")),
            F.lit("replay"),
        )
        .when(F.col("is_farmed"), F.lit("farm"))
    )
    judged = week.join(farmed, KEYS, "left").select(*KEYS, rule.alias("rule"))
    return judged.where(F.col("rule").isNotNull())


def excluded_days(tagged: DataFrame) -> DataFrame:
    """One row per (search_date, user_id, rule) of a bot, for the table `bot_days` and the examples in the summary.

    Args:
        tagged: Searches with `rule` (null for people), user_id, search_date, query and ts.
    """
    by_bots = tagged.where(F.col("rule").isNotNull()).groupBy("search_date", "user_id", "rule")
    span_s = (F.unix_millis(F.max("ts")) - F.unix_millis(F.min("ts"))) / 1000
    return by_bots.agg(
        F.count("*").alias("searches"), F.count_distinct("query").alias("queries"), span_s.alias("span_s")
    )


@dataclass(frozen=True)
class LeftOut:
    """The searches excluded by one rule, with its busiest account-day as an example without a user id."""

    rule: str
    searches: int
    example: str


def left_out(days: DataFrame) -> list[LeftOut]:
    """The rows of `excluded_days` summed by rule, in alphabetical order of the rules."""
    busiest = F.max(F.struct("searches", "queries", "span_s", "search_date")).alias("top")
    rows = days.groupBy("rule").agg(F.sum("searches").alias("searches"), F.count("*").alias("days"), busiest).collect()
    return [
        LeftOut(
            row["rule"],
            row["searches"],
            f"account-days {row['days']:,}; the busiest: searches {top['searches']:,}, distinct {top['queries']:,}, within "
            f"{top['span_s'] / 60:,.0f} min, on {top['search_date']}",
        )
        for row in sorted(rows, key=lambda r: str(r["rule"]))
        for top in [row["top"]]
    ]


def chosen_artists(events: DataFrame, artists: DataFrame) -> DataFrame:
    """One row per (search_id, search_date, artist) that the user chose: clicked, saved, added, liked, or heard to the end or for 30 s.

    A track that began to sound and was skipped is no choice. On voice, skipped tracks of other artists would hide a farm's
    devotion to its artist.

    Args:
        events: search_id, search_date, track_id, kind and dwell_ms.
        artists: One row per track_id with its main `artist`.
    """
    is_chosen = F.col("kind").isin(*CHOSEN_KINDS) | (F.coalesce("dwell_ms", F.lit(0)) >= LONG_PLAY_MS)
    chosen = events.where(is_chosen).select(*SEARCH, "track_id")
    return chosen.join(if_small(artists), "track_id").select(*SEARCH, "artist").dropna().distinct()


def pushed_artists(devotion: DataFrame, rules: BotRules) -> DataFrame:
    """One row per (search_date, artist) that a crowd pushes, with the devoted accounts as `members` (user_id, is_again).

    Consider the accounts active on the day that chose the artist repeatedly (`is_again`: for two queries or more). Of these N
    accounts, D are devoted to the artist and N − D are not. The accounts that are not devoted tell how many devoted ones are
    real fans: (N − D + 1) · p / (1 − p), where p is the share of devoted accounts among those of the *other* artists of the
    day: of all of them, or of those of similar size (a band of factor 2), whichever is greater. The artist is pushed if D ≥
    `min_crowd` and these fans are at most the share `max_fan_share` of D (at a share of one tenth, D is ten times what the base
    rate lets expect), and only if the other artists have at least as many such accounts as this one, so that p is well
    estimated.
    `with_single_choices`: the same test also holds when accounts that chose the artist for one query only are included.
    Source: this is the false discovery rate as estimated from decoys; the + 1 corrects small counts (Elias & Gygi 2007; Barber &
    Candès 2015).

    Args:
        devotion: See `_devotion`.
        rules: Thresholds.
    """
    from pyspark.sql import Window

    again = F.col("is_again")
    sizes = devotion.groupBy("search_date", "artist").agg(
        F.count_if(again).alias("n_again"),
        F.count_if(again & F.col("is_devoted")).alias("d_again"),
        F.count("*").alias("n_any"),
        F.count_if("is_devoted").alias("d_any"),
        # collected here, so that the weekly frame is computed once; devoted accounts are a few per cent of all
        F.collect_list(F.when(F.col("is_devoted"), F.struct("user_id", "is_again"))).alias("members"),
    )
    lake = Window.partitionBy("search_date")
    measured = sizes
    for kind in ("again", "any"):
        n, d = F.col(f"n_{kind}"), F.col(f"d_{kind}")
        peers = Window.partitionBy("search_date", F.floor(F.log2(n + F.lit(1))))
        usual = (F.sum(d).over(lake) - d + 1) / (F.sum(n).over(lake) - n + 2)
        peer = (F.sum(d).over(peers) - d + usual * PRIOR_ACCOUNTS) / (F.sum(n).over(peers) - n + PRIOR_ACCOUNTS)
        measured = measured.withColumn(f"p_{kind}", F.greatest(usual, peer))
        measured = measured.withColumn(f"others_{kind}", F.sum(n).over(lake) - n)
    is_pushed = (F.col("others_again") >= F.col("n_again")) & _few_fans("again", rules)
    return measured.where(is_pushed).select(
        "search_date", "artist", "members", _few_fans("any", rules).alias("with_single_choices")
    )


def _few_fans(kind: str, rules: BotRules) -> Column:
    """Whether the crowd is large enough and at most `max_fan_share` of it can be fans: (N − D + 1) · p / (1 − p) against D.

    Args:
        kind: "again" for the accounts that chose the artist for two queries or more, "any" for all.
        rules: Thresholds.
    """
    n, d, p = F.col(f"n_{kind}"), F.col(f"d_{kind}"), F.col(f"p_{kind}")
    return (d >= rules.min_crowd) & ((n - d + 1) * p <= d * rules.max_fan_share * (1 - p))


def _farmed_days(searches: DataFrame, choices: DataFrame, rules: BotRules) -> DataFrame:
    """One row per (user_id, search_date) of an account devoted to an artist that is pushed on that day."""
    pushed = pushed_artists(_devotion(searches, choices, rules), rules)
    farmed = pushed.select("search_date", "with_single_choices", F.inline("members"))
    return farmed.where(F.col("is_again") | F.col("with_single_choices")).select(*KEYS).distinct()


def _devotion(searches: DataFrame, choices: DataFrame, rules: BotRules) -> DataFrame:
    """One row per (user_id, search_date, artist): the account searched on that day and chose the artist in the trailing week.

    `is_devoted`: the artist is at least the share `min_devotion` of all the account's choices. `is_again`: the artist was
    chosen for two queries or more; a bedroom speaker that plays one lullaby by one request is no sign of a farm. Days without a
    search have no row, so trailing weeks are summed only for days that need a verdict.
    """
    from pyspark.sql import Window

    asked = searches.select("search_id", *KEYS, F.xxhash64("query").alias("asked"))
    daily = (
        asked.join(choices, [*SEARCH])
        .groupBy("user_id", F.col("search_date").alias("chosen_date"), "artist")
        .agg(F.count("*").alias("n"), F.min("asked").alias("low"), F.max("asked").alias("high"))
    )
    age = F.date_diff("search_date", "chosen_date")
    weekly = searches.select(*KEYS).distinct().join(daily, "user_id").where(age.between(0, TRAILING_DAYS - 1))
    weekly = weekly.groupBy(*KEYS, "artist").agg(
        F.sum("n").alias("n"), F.min("low").alias("low"), F.max("high").alias("high")
    )
    everything = F.sum("n").over(Window.partitionBy(*KEYS)).cast("double")
    return weekly.select(
        *KEYS,
        "artist",
        (F.col("n") >= everything * rules.min_devotion).alias("is_devoted"),
        (F.col("low") != F.col("high")).alias("is_again"),
    )


def _daily_paces(searches: DataFrame, rules: BotRules) -> DataFrame:
    """One row per (user_id, search_date): searches, whether there was a burst, sums of the gaps within the day, top request."""
    from pyspark.sql import Window

    order = Window.partitionBy(*KEYS).orderBy("at_ds", "search_id")
    at = searches.select(
        "search_id",
        *KEYS,
        F.floor(F.unix_micros("ts") / 100_000).alias(
            "at_ds"
        ),  # integer tenths of a second: sums do not depend on order
        F.xxhash64("client", "query").alias("item"),
    )
    burst_ds = F.col("at_ds") - F.lag("at_ds", rules.burst_searches - 1).over(order)
    paced = at.select(
        *KEYS, "item", (F.col("at_ds") - F.lag("at_ds").over(order)).alias("gap"), burst_ds.alias("burst_ds")
    )
    by_item = paced.groupBy(*KEYS, "item").agg(
        F.count("*").alias("n"),
        F.min("burst_ds").alias("burst_ds"),
        F.count("gap").alias("gaps"),
        F.sum("gap").alias("gap_ds"),
        F.sum(F.col("gap") * F.col("gap")).alias("gap_ds2"),
    )
    return (
        by_item.groupBy(*KEYS)
        .agg(
            F.sum("n").alias("asked"),
            F.min("burst_ds").alias("burst_ds"),
            F.max(F.struct("n", "item")).alias("top"),
            *[F.sum(c).alias(c) for c in ("gaps", "gap_ds", "gap_ds2")],
        )
        .withColumn("is_burst", F.coalesce(F.col("burst_ds") < rules.burst_s * 10, F.lit(False)))
    )


def _trailing_paces(daily: DataFrame) -> DataFrame:
    """The rows of `_daily_paces` with the sums of the trailing week instead of the day's.

    `replayed`: searches for the day's top request on those days of the week on which it was the top request.
    """
    from pyspark.sql import Window

    week = Window.partitionBy("user_id").orderBy(F.unix_date("search_date")).rangeBetween(1 - TRAILING_DAYS, 0)
    sums = [F.sum(c).over(week).alias(c) for c in ("asked", "gaps", "gap_ds", "gap_ds2")]
    weekly = daily.select(*KEYS, "is_burst", "top", *sums, F.collect_list("top").over(week).alias("tops"))
    same = F.filter("tops", lambda top: top["item"] == F.col("top")["item"])
    replayed = F.aggregate(same, F.lit(0).cast("bigint"), lambda total, top: total + top["n"])
    return weekly.withColumn("replayed", replayed).drop("top", "tops")
