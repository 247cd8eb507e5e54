"""Query understanding in Spark: normal forms of distinct requests, and what each distinct wording asks for.

Uses the DataFrame API only, so that it also runs over Spark Connect.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.checkpoint import checkpointed
from lake.tables.nightly import NEEDS, OF_NEED
from queries.catalog.near import NameStore
from queries.catalog.resolve import Resolver
from queries.catalog.vocabulary import Vocabulary, name_rows
from queries.grammar.interpret import interpret
from queries.grammar.lexicon import Lexicon, load_lexicon
from queries.grammar.need import Need, Part, other_readings
from queries.models.learned import MUSIC_SERVICE_SHARE, Learned, packaged
from queries.models.read_need import read_need
from queries.nightly.linking import tasks_of
from queries.text.normalise import is_too_long, normal_form

if TYPE_CHECKING:
    import pandas as pd

NORMALISED_SCHEMA = "raw_query string, locale string, query string, is_too_long boolean"
MOST_READINGS = 4
# columns of table `needs` that follow from the key alone (`queries.grammar.need.Need.row`), with their types
NEED_COLUMNS = {name: NEEDS.column(name).type for name in OF_NEED}
NEED_STRUCT = "struct<" + ", ".join(f"{name}: {kind}" for name, kind in NEED_COLUMNS.items()) + ">"
_READ_SCHEMA = (
    "language string, query string, stripped string, is_music boolean, how string, confidence double, "
    f"needs array<{NEED_STRUCT}>, own_words {NEED_STRUCT}, weights array<double>, reasons array<string>"
)
_BY_DEFAULT = 2.0  # how much more the first reading of a wording weighs than another one of equal popularity
_BROAD_POPULARITY = 50.0  # of a reading as constraints, beside the popularity of names


def normalised(distinct_requests: "DataFrame") -> "DataFrame":
    """Add the normal form `query` and `is_too_long`. Grain: one row per (raw_query, locale), unchanged.

    A null or blank request gives the query "".
    """
    return distinct_requests.select("raw_query", "locale").mapInPandas(_normal_forms, NORMALISED_SCHEMA)


class CatalogNames(NameStore, Protocol):
    """The names of a catalog: exactly (`vocabulary`), and by what is alike."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The folded names."""
        ...


class NamesToOpen(Protocol):
    """The names of a catalog as they are given to a task, which opens them once: a file that all workers of a machine map."""

    def opened(self) -> CatalogNames:
        """The names."""
        ...


def readings(distinct_queries: "DataFrame", names: NamesToOpen) -> "DataFrame":
    """Read each wording with the catalog and the packaged models. Grain: one row per (language, query), unchanged.

    Columns: `how` and `confidence` of the first reading (`queries.grammar.need.NeedReading`; `not_music` and 0 for a request for
    other things); `needs`: its readings as needs, the first being the one that text and catalog choose, at most MOST_READINGS;
    `own_words`: the need of its words alone, for a wording that none of them fits; `weights`: prior weight of each, by the
    popularity of its names, with sum 1. They are empty or null for `not_music`.

    Args:
        distinct_queries: One row per (language, query).
        names: The names of the catalog.
    """
    wordings = distinct_queries.select("language", "query")
    wordings = wordings.repartition(tasks_of(wordings), "query")  # each task opens the names once
    return checkpointed(wordings.mapInPandas(_reader(names), _READ_SCHEMA))


def need_rows(needs: "Iterable[Need]") -> "list[tuple[Any, ...]]":
    """The rows of NEED_COLUMNS for some needs, in the order given."""
    return [tuple(need.row()[name] for name in NEED_COLUMNS) for need in needs]


def catalog_names(tracks: "DataFrame") -> DataFrame:
    """(kind, form, popularity) of the folded names of a catalog, of its genres, and of its recordings with their artists, each once.

    See `queries.catalog.vocabulary.name_rows`; `popularity` is the highest of all tracks of the name.

    Args:
        tracks: The catalog, with title, artists, album, genres and popularity; other columns are ignored.
    """
    popularity = F.col("popularity").cast("double").alias("popularity")
    wanted = tracks.select("title", "artists", "album", "genres", popularity)
    rows = wanted.mapInPandas(_name_rows, "kind string, form string, popularity double")
    return rows.groupBy("kind", "form").agg(F.max("popularity").alias("popularity"))


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


def _reader(given: NamesToOpen) -> "Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]":
    """Reads batches of wordings."""

    def read(batches: "Iterable[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        import pandas as pd

        opened = given.opened()
        names = opened.vocabulary
        lexicon, learned = load_lexicon(names.genres), packaged()
        resolver = Resolver(names, lexicon.works, opened)
        for batch in batches:
            rows = [
                _row(language, query, lexicon, names, learned, resolver)
                for language, query in zip(_texts(batch, "language"), _texts(batch, "query"), strict=True)
            ]
            yield pd.DataFrame(rows, columns=_READ_COLUMNS)

    return read


_READ_COLUMNS = [
    "language",
    "query",
    "stripped",
    "is_music",
    "how",
    "confidence",
    "needs",
    "own_words",
    "weights",
    "reasons",
]


def _row(
    language: str, query: str, lexicon: Lexicon, names: Vocabulary, learned: Learned | None, resolver: Resolver
) -> dict[str, Any]:
    interpretation, reading = read_need(query, language, lexicon, names, learned, resolver, MUSIC_SERVICE_SHARE)
    needs: list[Need] = []
    if reading is not None:
        # without names, the reading is the constraints already
        plain = interpret(query, language, lexicon, None) if interpretation.names else interpretation
        others = other_readings(interpretation, plain, names)
        needs = [reading.need, *[need for need in others if need != reading.need]][:MOST_READINGS]
    return {
        "language": language,
        "query": query,
        "stripped": interpretation.stripped,
        "is_music": reading is not None,  # a command about music ("skip this song") asks for none
        "how": reading.how if reading else "not_music",
        "confidence": reading.confidence if reading else 0.0,
        "needs": [need.row() for need in needs],
        "own_words": Need.of([Part("words", interpretation.stripped or query)]).row() if reading else None,
        "weights": _prior_weights(needs, names),
        "reasons": list(interpretation.reasons),
    }


def _prior_weights(needs: "list[Need]", names: Vocabulary) -> list[float]:
    """The prior weight of each reading, by the popularity of what it names; the first counts double. Sum 1, rounded to 1e-9."""
    known = names.by_kind
    weights = []
    for at, need in enumerate(needs):
        popular = [known[kind].get(name, 0.0) for kind in known for name in need.values(kind)]
        weights.append((1 + (min(popular) if popular else _BROAD_POPULARITY)) * (_BY_DEFAULT if at == 0 else 1.0))
    total = sum(weights)
    return [round(weight / total, 9) for weight in weights]


def _texts(batch: "pd.DataFrame", column: str) -> list[str]:
    return [_text(value) for value in batch[column]]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _text_list(value: Any) -> list[str]:
    return [] if value is None or isinstance(value, float) else [one for one in value if isinstance(one, str)]
