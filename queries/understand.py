"""Query understanding in Spark: distinct requests to normal forms, distinct queries to readings and clusters.

DataFrame API only, so that it also runs over Spark Connect.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from queries.clusters import component_of
from queries.interpret import INTENT_GROUPS, Interpretation, interpret
from queries.lexicon import Lexicon, load_lexicon
from queries.normalise import is_too_long, normal_form
from queries.vocabulary import Vocabulary, name_rows, vocabulary_from

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

NORMALISED_SCHEMA = "raw_query string, locale string, query string, is_too_long boolean"
_READ_SCHEMA = (
    "locale string, query string, stripped string, language string, is_music boolean, intent string, "
    "intent_group string, constraint_key string, genre array<string>, decade array<int>, mood string, "
    "activity string, sort_by string, artist_name string, title_name string, answers_as string, reasons array<string>"
)
READINGS_COLUMNS = (
    "locale",
    "query",
    "stripped",
    "language",
    "is_music",
    "intent",
    "intent_group",
    "constraint_key",
    "genre",
    "decade",
    "mood",
    "activity",
    "sort_by",
    "artist_name",
    "title_name",
    "answers_as",
    "cluster_id",
    "reasons",
)
_CLUSTER_ID_LENGTH = 16


def normalised(distinct_requests: "DataFrame") -> "DataFrame":
    """Normal forms. Grain: one row per (raw_query, locale), as in; adds `query` and `is_too_long`.

    A null or blank request gives the query "".
    """
    return distinct_requests.select("raw_query", "locale").mapInPandas(_normal_forms, NORMALISED_SCHEMA)


def readings(distinct_queries: "DataFrame", tracks: "DataFrame") -> "DataFrame":
    """How each query is read with the catalog. Grain: one row per (locale, query), as in; columns READINGS_COLUMNS.

    `tracks` needs title, artists, album, genres, popularity (others are ignored). Its folded names are counted in Spark
    and travel to the tasks once, as a dictionary. `title_name` is the title or else the album.
    `cluster_id`: see `with_cluster_id`.
    """
    reader = _reader(vocabulary(tracks))
    read = distinct_queries.select("locale", "query").mapInPandas(reader, _READ_SCHEMA)
    # read once: the clusters below go over the readings three times
    return with_cluster_id(read.localCheckpoint()).select(*READINGS_COLUMNS)


def vocabulary(tracks: "DataFrame") -> Vocabulary:
    """The folded names of a catalog with their highest popularity, collected: about 150 bytes a track."""
    from pyspark.sql import functions as F

    popularity = F.col("popularity").cast("double").alias("popularity")
    wanted = tracks.select("title", "artists", "album", "genres", popularity)
    rows = wanted.mapInPandas(_name_rows, "kind string, form string, popularity double")
    names = rows.groupBy("kind", "form").agg(F.max("popularity").alias("popularity")).toPandas()
    return vocabulary_from(zip(names["kind"], names["form"], names["popularity"], strict=True))


def with_cluster_id(read: "DataFrame") -> "DataFrame":
    """Add `cluster_id`. Grain as in: one row per (locale, query).

    A cluster is a connected component of "same stripped form" and "same non-empty constraint key" among the queries of
    one language; its id is the first 16 hex digits of the SHA-256 of (language, smallest member), DESIGN §4. Components
    are found exactly, on the distinct (language, stripped, key) with a key, one language a task.
    """
    from pyspark.sql import functions as F

    pairs = read.where(F.col("constraint_key") != "").select("language", "stripped", "constraint_key").distinct()
    linked = pairs.groupBy("language").applyInPandas(_components, "language string, stripped string, component string")
    joined = read.join(linked, ["language", "stripped"], "left").withColumn(
        "component", F.coalesce("component", "stripped")
    )
    smallest = joined.groupBy("language", "component").agg(F.min("query").alias("member"))
    identified = smallest.withColumn(
        "cluster_id",
        F.substring(F.sha2(F.concat_ws("\x1f", "language", "member").cast("binary"), 256), 1, _CLUSTER_ID_LENGTH),
    )
    return joined.join(identified.drop("member"), ["language", "component"]).drop("component")


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
            names = [name for name in _listed(artists) if name]
            for kind, form, known in name_rows(_text(title), names, _text(album), _listed(genres), popularity):
                if known >= best.get((kind, form), 0.0):
                    best[kind, form] = known
        rows = [(kind, form, popularity) for (kind, form), popularity in best.items()]
        yield pd.DataFrame(rows, columns=["kind", "form", "popularity"]).astype({"popularity": float})


def _reader(names: Vocabulary) -> "Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]":
    def read(batches: "Iterable[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        import pandas as pd

        lexicon = load_lexicon(names.genres)
        columns = [column.split()[0] for column in _READ_SCHEMA.split(", ")]
        for batch in batches:
            rows = [
                _row(locale, query, lexicon, names)
                for locale, query in zip(_texts(batch, "locale"), _texts(batch, "query"), strict=True)
            ]
            yield pd.DataFrame(rows, columns=columns)

    return read


def _row(locale: str, query: str, lexicon: Lexicon, names: Vocabulary) -> dict[str, Any]:
    found: Interpretation = interpret(query, locale, lexicon, names)
    said = found.constraints
    return {
        "locale": locale,
        "query": query,
        "stripped": found.stripped,
        "language": found.language,
        "is_music": found.is_music,
        "intent": found.intent,
        "intent_group": INTENT_GROUPS[found.intent],
        "constraint_key": found.key,
        "genre": said["genre"],
        "decade": said["decade"],
        "mood": said["mood"],
        "activity": said["activity"],
        "sort_by": said["sort"],
        "artist_name": found.artist,
        "title_name": found.title or _album(found),
        "answers_as": found.answers_as,
        "reasons": list(found.reasons),
    }


def _album(found: Interpretation) -> str | None:
    return found.names["album"].text if "album" in found.names else None


def _components(pairs: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    found = component_of(zip(pairs["stripped"], pairs["constraint_key"], strict=True))
    language = str(pairs["language"].iloc[0])
    return pd.DataFrame({"language": language, "stripped": list(found), "component": list(found.values())})


def _texts(batch: "pd.DataFrame", column: str) -> list[str]:
    return [_text(value) for value in batch[column]]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _listed(value: Any) -> list[str]:
    return [] if value is None or isinstance(value, float) else [one for one in value if isinstance(one, str)]
