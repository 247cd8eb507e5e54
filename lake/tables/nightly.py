"""Tables that each night computes anew from data of before its run_date."""

from __future__ import annotations

from dataclasses import replace

from lake.columns import CLIENT, LEVEL, NEED, QUERY, RUN_DATE, TRACK_ID
from lake.schema import Column, Table, count

PLACE = replace(LEVEL, meaning="a locale, its language (`en`, `es`), or `*`")

WORDINGS = Table(
    "wordings",
    "one row per (place, wording) asked in the 28 days before D; in its language also those of the 90 days before D",
    ("locale", "query"),
    "run_date",
    (
        RUN_DATE,
        PLACE,
        QUERY,
        Column("stripped", "string", "the wording without wake word, politeness and carrier phrase"),
        Column("is_music", "boolean", "whether it asks for music to be played; a command to the player does not"),
        Column("need", "string", "the need it leads to; null if it asks for other things", nullable=True),
        Column("text_need", "string", "the need by text and catalog alone, without plays", nullable=True),
        Column(
            "how",
            "string",
            "what the need rests on: names of the catalog, the grammar alone, names resolved by their spelling or sound, nothing but its "
            "words, or the plays of its listeners",
            values=("catalog", "grammar", "near", "sound", "words", "evidence", "not_music"),
        ),
        Column(
            "confidence",
            "double",
            "the share of the wording that the reading explains, times the likeness of resolved names",
            low=0,
            high=1,
        ),
        Column(
            "readings", "array<string>", "the needs that it may mean, the one of text and catalog first; at most four"
        ),
        Column(
            "weights", "array<double>", "weight of each reading, by popularity and by its listeners; they add up to 1"
        ),
        Column("evidence", "double", "-log10 p of its plays for another reading; 0 if not tested", low=0),
        Column("reasons", "array<string>", "reasons for this reading of the wording"),
        count("searches_28d", "searches in the 28 days before D", "searches"),
        count("people_28d", "distinct pseudonyms in the 28 days before D", "people"),
        Column("is_public", "boolean", "asked by at least privacy.k people: may leave the restricted tables"),
    ),
    "understand",
    restricted=True,
    sort_by=("locale", "query"),
    gate="validate",
    expires="as_of",
)


NEEDS = Table(
    "needs",
    "one row per (place, need) asked in the 28 days before D, or that catalog and grammar suggest (conf: closure)",
    ("locale", "need"),
    "run_date",
    (
        RUN_DATE,
        PLACE,
        NEED,
        Column("language", "string", "language of the place", values=("en", "es", "*")),
        Column("broader", "string", "the need without its weakest constraint; itself if it has only one"),
        Column("fold_key", "string", "the need without version and order: folds never split one"),
        Column(
            "text", "string", "its names and values as words, to be matched with titles and artists; '' if it has none"
        ),
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
            ),
        ),
        Column(
            "intent_group",
            "string",
            "intents that share an exposure curve",
            values=("known_item", "artist", "broad", "open"),
        ),
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
        Column("is_suggested", "boolean", "whether catalog and grammar suggest it, asked or not"),
        Column("demand", "double", "popularity of the tracks behind a suggested need; 0 for others", low=0),
        count("searches_28d", "searches in the 28 days before D, in any wording", "searches"),
        count("people_28d", "distinct pseudonyms in the 28 days before D", "people"),
        Column(
            "is_public", "boolean", "asked by at least privacy.k people: its engagement may propose and rank tracks"
        ),
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
    sort_by=("locale", "need"),
    gate="validate",
    expires="as_of",
)


# columns of NEEDS that follow from the need alone, the same in every place
OF_NEED = (
    "need",
    "broader",
    "fold_key",
    "text",
    "intent",
    "intent_group",
    "genre",
    "decade",
    "mood",
    "activity",
    "sort_by",
    "version",
    "music_language",
    "is_explicit_wanted",
    "first_year",
    "last_year",
    "unwanted_genres",
    "unwanted_artists",
    "unwanted_titles",
    "unwanted_decades",
    "unwanted_first_years",
    "unwanted_last_years",
    "unwanted_versions",
    "unwanted_languages",
    "unwanted_moods",
    "artist_name",
    "title_name",
)

HEARD = Table(
    "heard",
    "one row per (place, need, track) heard long, saved or liked in the 28 days before D",
    ("locale", "need", "track_id"),
    "run_date",
    (
        RUN_DATE,
        PLACE,
        NEED,
        TRACK_ID,
        count("plays", "plays heard long, saved or liked", "plays"),
        count("listeners", "distinct pseudonyms behind them", "people"),
    ),
    "understand",
    restricted=True,
    sort_by=("locale", "need"),
    may_be_empty=True,
    gate="validate",
    expires="as_of",
)


SNAPSHOT_WORDINGS = Table(
    "snapshot_wordings",
    "one row per (language, wording) whose plays count for a need in the snapshot",
    ("language", "query"),
    "run_date",
    (
        RUN_DATE,
        Column("language", "string", "language of the locales asked in"),
        QUERY,
        replace(NEED, meaning="the need that the wording leads to as far as the snapshot may know"),
    ),
    "build_features",
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
        Column("propensity_low", "double", "lower end of its 95 % interval, by needs left out", low=0, high=1),
        Column("propensity_high", "double", "upper end of its 95 % interval", low=0, high=1),
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
            values=("track", "broader_pair", "language_pair", "pair"),
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
    "one row per need of a language, or track, with two long plays in the 28 days before",
    ("kind", "language", "key"),
    "run_date",
    (
        RUN_DATE,
        Column("kind", "string", "what the key is", values=("need", "track")),
        Column(
            "language",
            "string",
            "language of the need (`*` for one that names something); tracks are shared by all (`*`)",
            values=("en", "es", "*"),
        ),
        Column("key", "string", "the need, or the track_id"),
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
    "one row per (place, need, track) considered",
    ("locale", "need", "track_id"),
    "run_date",
    (
        RUN_DATE,
        PLACE,
        NEED,
        TRACK_ID,
        Column("sources", "array<string>", "candidate sources that proposed it (listed below)"),
        Column("source_rank", "int", "best rank that any source gave it, by which the cap on candidates cuts", low=1),
    ),
    "candidates",
    sort_by=("locale", "need"),
    gate="validate",
    expires="as_of",
)


JUDGEMENTS = Table(
    "judgements",
    "one row per (as_of, place, need, track) shown in the 7 days from as_of, and sampled pairs that were not",
    ("as_of", "locale", "need", "track_id"),
    "run_date",
    (
        RUN_DATE,
        Column("as_of", "date", "snapshot the label belongs to: reactions of [as_of, as_of + 7)"),
        PLACE,
        NEED,
        TRACK_ID,
        Column(
            "exposure",
            "double",
            "examined impressions: Σ propensity (screens) + tracks heard (voice), in examinations on a screen",
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
        Column(
            "relevance", "double", "exposure-corrected success rate, shrunk to a share of the need's", low=0, high=1
        ),
        Column("grade", "int", "label 0–4", low=0, high=4),
    ),
    "grade",
    sort_by=("locale", "need"),
    gate="publish",
    expires="as_of",
)


HEAD_RANKINGS = Table(
    "head_rankings",
    "one row per (place, need, rank)",
    ("locale", "need", "rank"),
    "run_date",
    (
        RUN_DATE,
        PLACE,
        NEED,
        Column("rank", "int", "1-based place in the answer", low=1),
        TRACK_ID,
        Column("score", "double", "the ranker's score after re-ranking, rounded to 1e-9"),
        Column("model_score", "double", "the ranker's score, rounded to 1e-9"),
        Column("moved_by", "array<string>", "re-rank rules that moved it (ranking/rerank), in order of application"),
        Column("reason", "string", "the sources that proposed it, and the model's rank where re-ranking moved it"),
    ),
    "rank_head",
    sort_by=("locale", "need", "rank"),
    gate="publish",
    expires="as_of",
)

LIST_VARIANTS = Table(
    "list_variants",
    "one row per (place, need, variant); lists without variants have none",
    ("locale", "need", "variant"),
    "run_date",
    (
        RUN_DATE,
        PLACE,
        NEED,
        Column("variant", "int", "0: the list itself", low=0),
        Column("probability", "double", "with which a listener gets it; those of a list sum to 1", low=0, high=1),
        Column("tracks", "array<string>", "its first ten tracks; the rest of the list follows"),
    ),
    "rank_head",
    sort_by=("locale", "need", "variant"),
    may_be_empty=True,
    gate="publish",
    expires="as_of",
)
