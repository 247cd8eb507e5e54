"""Query understanding in Spark: normal forms of distinct requests, readings and clusters of distinct queries.

Uses the DataFrame API only, so that it also runs over Spark Connect.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from queries.catalog.vocabulary import Vocabulary, name_rows, vocabulary_from
from queries.grammar.constraints import TYPED, typed
from queries.grammar.interpret import INTENT_GROUPS, Interpretation
from queries.grammar.lexicon import Lexicon, load_lexicon
from queries.models.learned import MUSIC_SERVICE_SHARE, Learned, packaged, read_query
from queries.nightly.clusters import Member, clustered, stable_ids
from queries.text.normalise import is_too_long, normal_form
from queries.text.phonetic import sounds_like

if TYPE_CHECKING:
    import pandas as pd

NORMALISED_SCHEMA = "raw_query string, locale string, query string, is_too_long boolean"
_READ_SCHEMA = (
    "locale string, query string, stripped string, language string, is_music boolean, intent string, "
    "intent_group string, constraint_key string, genre array<string>, decade array<int>, mood string, "
    "activity string, sort_by string, artist_name string, title_name string, answers_as string, entity string, sound string, "
    "reasons array<string>, " + ", ".join(f"{name} {kind}" for name, kind in TYPED.items())
)
_CLUSTERED_SCHEMA = "locale string, query string, cluster_id string, text_cluster_id string"
_MEMBER = ("query", "stripped", "constraint_key", "entity", "sound", "answers_as")


def normalised(distinct_requests: "DataFrame") -> "DataFrame":
    """Add the normal form `query` and `is_too_long`. Grain: one row per (raw_query, locale), unchanged.

    A null or blank request gives the query "".
    """
    return distinct_requests.select("raw_query", "locale").mapInPandas(_normal_forms, NORMALISED_SCHEMA)


def readings(distinct_queries: "DataFrame", tracks: "DataFrame") -> "DataFrame":
    """Read each query with the catalog and the packaged models. Grain: one row per (locale, query), unchanged.

    The folded names of the catalog are collected and sent to the tasks once, as a dictionary. `title_name` is the title, or else
    the album. `entity` is title, album and artist as one text, or '' if the catalog does not have each of them. `sound` is the
    phonetic key of the form that is the name.

    Args:
        distinct_queries: One row per (locale, query).
        tracks: The catalog, with title, artists, album, genres and popularity; other columns are ignored.
    """
    reader = _reader(vocabulary(tracks))
    read = distinct_queries.select("locale", "query").mapInPandas(reader, _READ_SCHEMA)
    return read.localCheckpoint()  # clusters and traffic use the readings several times


def vocabulary(tracks: "DataFrame") -> Vocabulary:
    """Collect the folded names of a catalog with their highest popularity; about 150 bytes per track."""
    popularity = F.col("popularity").cast("double").alias("popularity")
    wanted = tracks.select("title", "artists", "album", "genres", popularity)
    rows = wanted.mapInPandas(_name_rows, "kind string, form string, popularity double")
    names = rows.groupBy("kind", "form").agg(F.max("popularity").alias("popularity")).toPandas()
    return vocabulary_from(zip(names["kind"], names["form"], names["popularity"], strict=True))


def with_cluster_id(
    read: "DataFrame", searches: "DataFrame", pairs: "DataFrame", previous: "DataFrame | None", run_date: str
) -> "DataFrame":
    """Add `cluster_id`, and `text_cluster_id`, which does not depend on `pairs`, `searches` or `previous`. Grain: unchanged.

    `queries.nightly.clusters` documents how queries are joined and ids inherited. Each language is one task.

    Args:
        read: The readings, one row per (locale, query).
        searches: Rows (locale, query, searches_28d).
        pairs: Mined aliases (`queries.nightly.aliases`); those with `is_served` are ignored.
        previous: Rows (locale, query, cluster_id) of the night before, or None.
        run_date: The night, as YYYY-MM-DD; part of the hash of a new id if that is in use.
    """
    members = read.select("locale", "query", "language", *_MEMBER[1:]).join(
        searches.select("locale", "query", F.col("searches_28d").alias("searches")), ["locale", "query"], "left"
    )
    if previous is None:
        members = members.withColumn("before", F.lit(None).cast("string"))
    else:
        known = previous.select("locale", "query", F.col("cluster_id").alias("before"))
        members = members.join(known, ["locale", "query"], "left")
    learned = pairs.where(~F.col("is_served")).select("language", "query", "other", "strength")

    def with_ids(members: "pd.DataFrame", pairs: "pd.DataFrame") -> "pd.DataFrame":
        return _with_ids(members, pairs, run_date)

    grouped = members.groupBy("language").cogroup(learned.groupBy("language"))
    return read.join(grouped.applyInPandas(with_ids, _CLUSTERED_SCHEMA), ["locale", "query"])


def _normal_forms(batches: "Iterable[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
    for batch in batches:
        raw, locales = _texts(batch, "raw_query"), _texts(batch, "locale")
        queries = [normal_form(text, locale) for text, locale in zip(raw, locales, strict=True)]
        yield batch.assign(query=queries, is_too_long=[is_too_long(query) for query in queries])


def _name_rows(batches: "Iterable[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
    import pandas as pd

    columns = ("title", "artists", "album", "genres", "popularity")
    for batch in batches:
        best: dict[tuple[str, str], float] = {}
        for title, artists, album, genres, popularity in zip(*(batch[column] for column in columns), strict=True):
            names = [name for name in _text_list(artists) if name]
            for kind, form, known_popularity in name_rows(
                _text(title), names, _text(album), _text_list(genres), popularity
            ):
                if known_popularity >= best.get((kind, form), 0.0):
                    best[kind, form] = known_popularity
        rows = [(kind, form, popularity) for (kind, form), popularity in best.items()]
        yield pd.DataFrame(rows, columns=["kind", "form", "popularity"]).astype({"popularity": float})


def _reader(names: Vocabulary) -> "Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]":
    def read(batches: "Iterable[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        import pandas as pd

        lexicon, learned = load_lexicon(names.genres), packaged()
        columns = [column.split()[0] for column in _READ_SCHEMA.split(", ")]
        for batch in batches:
            rows = [
                _row(locale, query, lexicon, names, learned)
                for locale, query in zip(_texts(batch, "locale"), _texts(batch, "query"), strict=True)
            ]
            yield pd.DataFrame(rows, columns=columns)

    return read


def _row(locale: str, query: str, lexicon: Lexicon, names: Vocabulary, learned: Learned | None) -> dict[str, Any]:
    interpretation = read_query(query, locale, lexicon, names, learned, MUSIC_SERVICE_SHARE)
    constraints = interpretation.constraints
    return {
        "locale": locale,
        "query": query,
        "stripped": interpretation.stripped,
        "language": interpretation.language,
        "is_music": interpretation.is_music,
        "intent": interpretation.intent,
        "intent_group": INTENT_GROUPS[interpretation.intent],
        "constraint_key": interpretation.key,
        "genre": constraints["genre"],
        "decade": constraints["decade"],
        "mood": constraints["mood"],
        "activity": constraints["activity"],
        "sort_by": constraints["sort"],
        "artist_name": interpretation.artist,
        "title_name": interpretation.title or _album(interpretation),
        "answers_as": interpretation.answers_as,
        "entity": _entity(interpretation, names),
        "sound": sounds_like(
            query if interpretation.answers_as == "full" else interpretation.stripped, interpretation.language
        ),
        "reasons": list(interpretation.reasons),
        **typed(constraints),
    }


def _album(interpretation: Interpretation) -> str | None:
    return interpretation.names["album"].text if "album" in interpretation.names else None


def _entity(interpretation: Interpretation, names: Vocabulary) -> str:
    """The title, album and artist of a reading as one text; '' if it names none, or one that the catalog does not have."""
    album = _album(interpretation)
    if interpretation.title is None and album is None and interpretation.artist is None:
        return ""
    known = [(interpretation.title, names.titles), (album, names.albums), (interpretation.artist, names.artists)]
    if any(name is not None and name not in of for name, of in known):
        return ""
    return "\x1f".join(name or "" for name, _ in known)


def _with_ids(members: "pd.DataFrame", pairs: "pd.DataFrame", run_date: str) -> "pd.DataFrame":
    """The cluster ids of every (locale, query) of one language. A query that is asked in several locales is one member."""
    columns = ["locale", "query", "cluster_id", "text_cluster_id"]
    if members.empty:
        return members.assign(cluster_id="", text_cluster_id="")[columns]
    members = members.assign(searches=members["searches"].fillna(0).astype("int64"), before=_texts(members, "before"))
    members = members.sort_values(["query", "searches", "locale"], ascending=[True, False, True])
    asked = {str(query): int(n) for query, n in members.groupby("query")["searches"].sum().items()}
    distinct = members.drop_duplicates("query")
    rows = zip(*(distinct[column] for column in _MEMBER), strict=True)
    clustered_members = [Member(**dict(zip(_MEMBER, row, strict=True)), searches=asked[row[0]]) for row in rows]
    cluster_of = clustered(clustered_members, zip(pairs["query"], pairs["other"], pairs["strength"], strict=True))
    text_clusters = clustered([replace(one, searches=0) for one in clustered_members], [])
    inherited = members[members["before"] != ""].drop_duplicates("query")
    before = dict(zip(inherited["query"], inherited["before"], strict=True))
    language = str(members["language"].iloc[0])
    ids = stable_ids(language, cluster_of, asked, before, run_date)
    text_ids = stable_ids(language, text_clusters, asked, {}, run_date)
    return members.assign(
        cluster_id=[ids[cluster_of[query]] for query in members["query"]],
        text_cluster_id=[text_ids[text_clusters[query]] for query in members["query"]],
    )[columns]


def _texts(batch: "pd.DataFrame", column: str) -> list[str]:
    return [_text(value) for value in batch[column]]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text_list(value: Any) -> list[str]:
    return [] if value is None or isinstance(value, float) else [one for one in value if isinstance(one, str)]
