"""Tables that each night computes anew from data of before its run_date."""

from __future__ import annotations

from lake.columns import CLIENT, LEVEL, QUERY, RUN_DATE, TRACK_ID
from lake.schema import Column, Table, count

QUERIES = Table(
    "queries",
    "one row per (locale or roll-up, query) asked in the 28 days before D",
    ("locale", "query"),
    "run_date",
    (
        RUN_DATE,
        LEVEL,
        QUERY,
        Column("stripped", "string", "the query without wake word, politeness and carrier phrase"),
        Column("language", "string", "language of the locale", values=("en", "es", "*")),
        Column("is_music", "boolean", "whether it asks for music at all"),
        Column(
            "intent",
            "string",
            "what kind of thing is asked for",
            values=(
                "title",
                "artist",
                "title_artist",
                "album",
                "playlist",
                "genre",
                "mood",
                "activity",
                "era",
                "mixed",
                "open",
                "other",
                "not_music",
            ),
        ),
        Column(
            "intent_group",
            "string",
            "intents that share an exposure curve",
            values=("known_item", "artist", "broad", "open"),
        ),
        Column("constraint_key", "string", "canonical constraints shared by wordings and languages; '' if none"),
        Column("genre", "array<string>", "genres asked for"),
        Column("decade", "array<int>", "decades asked for, first year"),
        Column("mood", "string", "mood asked for", nullable=True),
        Column("activity", "string", "activity asked for", nullable=True),
        Column("sort_by", "string", "order asked for", nullable=True),
        Column("version", "string", "version asked for: live, acoustic, remix …, or original", nullable=True),
        Column("music_language", "string", "language that is to be sung in, ISO 639-1", nullable=True),
        Column("is_explicit_wanted", "boolean", "explicit or clean lyrics asked for", nullable=True),
        Column("first_year", "int", "first year of release asked for; null: open", "year", nullable=True),
        Column("last_year", "int", "last year of release asked for; null: open", "year", nullable=True),
        Column("unwanted_genres", "array<string>", "genres refused"),
        Column("unwanted_artists", "array<string>", "artists refused, folded"),
        Column("unwanted_titles", "array<string>", "titles refused, folded"),
        Column("unwanted_decades", "array<int>", "decades refused, first year"),
        Column("unwanted_first_years", "array<int>", "first year of each span of years refused; null: open"),
        Column("unwanted_last_years", "array<int>", "last year of each span of years refused; null: open"),
        Column("unwanted_versions", "array<string>", "versions refused"),
        Column("unwanted_languages", "array<string>", "languages of the music refused"),
        Column("unwanted_moods", "array<string>", "moods refused"),
        Column("artist_name", "string", "folded artist asked for", nullable=True),
        Column("title_name", "string", "folded title or album asked for", nullable=True),
        Column("answers_as", "string", "which form of the query names what is asked for", values=("full", "stripped")),
        Column("cluster_id", "string", "alias cluster: wordings that ask for the same"),
        Column(
            "text_cluster_id",
            "string",
            "alias cluster from wording and catalog alone, without the aliases learned from logs",
        ),
        Column("reasons", "array<string>", "reasons for this reading of the query"),
        count("searches_28d", "searches in the 28 days before D", "searches"),
        count("people_28d", "distinct pseudonyms in the 28 days before D", "people"),
        Column("is_public", "boolean", "asked by at least privacy.k people: may leave the restricted tables"),
        Column(
            "traffic_tier",
            "string",
            "part of the locale's traffic that it belongs to, with hysteresis",
            values=("head", "torso", "tail"),
        ),
        Column(
            "play_entropy",
            "double",
            "how many answers it has: entropy of the tracks played long",
            "bits",
            nullable=True,
            low=0,
        ),
        Column(
            "play_volatility",
            "double",
            "how much its answers change: Jensen-Shannon divergence of the last 7 days of plays from those before",
            nullable=True,
            low=0,
            high=1,
        ),
    ),
    "understand",
    restricted=True,
    sort_by=("locale", "query"),
    gate="validate",
    expires="as_of",
)


ALIAS_PAIRS = Table(
    "alias_pairs",
    "one row per (language, query, other, evidence): wordings that listeners treat alike",
    ("language", "query", "other", "evidence"),
    "run_date",
    (
        RUN_DATE,
        Column("language", "string", "language of the locales asked in"),
        QUERY,
        Column("other", "string", "the other wording, in normal form"),
        Column(
            "evidence",
            "string",
            "asked again in other words and then played, or played alike",
            values=("asked_again", "played_alike"),
        ),
        Column("people", "bigint", "distinct pseudonyms behind it", "people", low=1),
        Column("strength", "double", "share of those who asked again, or cosine of the plays", low=0, high=1.000000001),
        Column("is_served", "boolean", "our own release made this rewrite: recorded, but not learned from again"),
    ),
    "understand",
    restricted=True,
    sort_by=("language", "query"),
    may_be_empty=True,
    gate="validate",
    expires="as_of",
)


EXPOSURE_CURVES = Table(
    "exposure_curves",
    "one row per (client, intent group, position)",
    ("client", "intent_group", "position"),
    "run_date",
    (
        RUN_DATE,
        CLIENT,
        Column(
            "intent_group",
            "string",
            "intent group, or `all` pooled",
            values=("known_item", "artist", "broad", "open", "all"),
        ),
        Column("position", "int", "rank 1–10, 11 is the tail", low=1, high=11),
        count("impressions", "impressions at the position", "impressions"),
        count("clicks", "clicks (screens) or long plays (voice) at the position"),
        Column(
            "propensity",
            "double",
            "probability of being examined (screens) or reached (voice), rank 1 = 1",
            low=0,
            high=1,
        ),
        Column(
            "expected_rate",
            "double",
            "expected clicks (screens) or long plays (voice) of one impression there",
            "events/impression",
            low=0,
            high=1,
        ),
    ),
    "fit_exposure",
    gate="validate",
    expires="as_of",
)


BACKOFF_STRENGTHS = Table(
    "backoff_strengths",
    "one row per level of the COEC back-off",
    ("level",),
    "run_date",
    (
        RUN_DATE,
        Column(
            "level",
            "string",
            "the level that is shrunk to the one above it",
            values=("track", "cluster_pair", "language_pair", "pair"),
        ),
        Column(
            "strength",
            "double",
            "expected responses at which its own data weigh as much as the level above, by maximum likelihood",
            "responses",
            low=0,
        ),
        count("units", "units of the level it was fitted on; 0 where they were too few, and the default stands"),
    ),
    "build_features",
    gate="validate",
    expires="as_of",
)


VECTORS = Table(
    "vectors",
    "one row per query of a language, or track, with two long plays in the 28 days before",
    ("kind", "language", "key"),
    "run_date",
    (
        RUN_DATE,
        Column("kind", "string", "what the key is", values=("query", "track")),
        Column("language", "string", "language of the query; tracks are shared by all (`*`)", values=("en", "es", "*")),
        Column("key", "string", "the query, or the track_id"),
        Column(
            "vector",
            "array<double>",
            "latent vector by alternating least squares (features/build/vectors.py)",
        ),
        Column(
            "company",
            "array<double>",
            "co-play context: Σ ln(1 + long plays) · unit vector, over what it was played with",
            nullable=True,
        ),
        Column("company_weight", "double", "Σ ln(1 + long plays) over the same", "plays", nullable=True, low=0),
    ),
    "build_features",
    restricted=True,
    sort_by=("kind", "language", "key"),
    may_be_empty=True,
    gate="validate",
    expires="as_of",
)


CANDIDATES = Table(
    "candidates",
    "one row per (locale, query, track) considered",
    ("locale", "query", "track_id"),
    "run_date",
    (
        RUN_DATE,
        LEVEL,
        QUERY,
        TRACK_ID,
        Column("sources", "array<string>", "candidate sources that proposed it (listed below)"),
        Column("source_rank", "int", "best rank that any source gave it, by which the cap on candidates cuts", low=1),
    ),
    "candidates",
    sort_by=("locale", "query"),
    gate="validate",
    expires="as_of",
)


JUDGEMENTS = Table(
    "judgements",
    "one row per (as_of, locale, query, track) shown in the 7 days from as_of, and sampled pairs that were not",
    ("as_of", "locale", "query", "track_id"),
    "run_date",
    (
        RUN_DATE,
        Column("as_of", "date", "snapshot the label belongs to: reactions of [as_of, as_of + 7)"),
        LEVEL,
        QUERY,
        TRACK_ID,
        Column(
            "exposure",
            "double",
            "examined impressions: Σ propensity (screens) + tracks heard (voice)",
            "impressions",
            low=0,
        ),
        Column("successes", "double", "long plays, saves and likes", "events", low=0),
        Column(
            "is_shown",
            "boolean",
            "false: proposed for a named song or artist and not shown; grade 0 is assumed",
            nullable=True,
        ),
        Column("relevance", "double", "exposure-corrected success rate, shrunk to the query's mean", low=0, high=1),
        Column("grade", "int", "label 0–4", low=0, high=4),
    ),
    "grade",
    sort_by=("locale", "query"),
    gate="publish",
    expires="as_of",
)


HEAD_RANKINGS = Table(
    "head_rankings",
    "one row per (locale, query, rank)",
    ("locale", "query", "rank"),
    "run_date",
    (
        RUN_DATE,
        LEVEL,
        QUERY,
        Column("rank", "int", "1-based place in the answer", low=1),
        TRACK_ID,
        Column("score", "double", "the ranker's score after re-ranking, rounded to 1e-9"),
        Column("model_score", "double", "the ranker's score, rounded to 1e-9"),
        Column("propensity", "double", "probability of this list among those the release could hold", low=0, high=1),
        Column("moved_by", "array<string>", "re-rank rules that moved it (ranking/rerank), in order of application"),
        Column("reason", "string", "the sources that proposed it, and the model's rank where re-ranking moved it"),
    ),
    "rank_head",
    sort_by=("locale", "query", "rank"),
    gate="publish",
    expires="as_of",
)
