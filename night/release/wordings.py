"""The wordings that the reader of a release would read otherwise than the night, and what share of traffic a release answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.checkpoint import checkpointed
from lake.places import places
from lake.rows import frame_of
from queries.catalog.near import NameStore
from queries.catalog.resolve import Resolver
from queries.catalog.vocabulary import Vocabulary
from queries.grammar.bundle import read_bundle
from queries.grammar.need import Need, NeedReading
from queries.text.carrier import stripped
from serving.by_need import NOT_MUSIC, reading_of, short_list
from serving.content import Key
from serving.layout import locale_chain
from serving.names_file import NamesFile

if TYPE_CHECKING:
    import pandas as pd

DISAGREEMENT_OF = 1_000
LANGUAGES = ("en", "es")  # in which a wording of place `*` may be asked


class PublicWording(NamedTuple):
    """A wording that may be published, with the key of the need that the night leads it to (None: it is not for music)."""

    place: str
    query: str
    need: str | None


class ReleaseReading:
    """Reads wordings as the reader of a release will, before the release is written.

    Args:
        names: the names of the release.
        grammar: the bytes of its grammar bundle.
        store: the index of similar names; None builds one in memory.
    """

    def __init__(self, names: Vocabulary, grammar: bytes, store: NameStore | None = None) -> None:
        self._names = names
        self._bundle = read_bundle(grammar, "grammar.json")
        self._resolver = Resolver(names, self._bundle.lexicon.works, store)

    @classmethod
    def of(cls, names: NamesFile, grammar: bytes) -> ReleaseReading:
        """A reading with the names of a file."""
        opened = names.opened()
        return cls(opened.vocabulary, grammar, opened)

    def reading(self, query: str, language: str) -> NeedReading | None:
        """What the reader reads, however confident it is; None if the request is not for music."""
        return reading_of(query, language, self._bundle, self._names, self._resolver)

    def need(self, query: str, language: str) -> str | None:
        """The key of the need that the reader reads; None if it would abstain."""
        reading = self.reading(query, language)
        if reading is None or not reading.is_sure(self._bundle.least_confidence):
            return None
        return reading.need.key

    def stripped(self, query: str, place: str) -> str:
        """The stripped form of a normal form."""
        return stripped(query, place, self._bundle.lexicon.grammar)


def differing_wordings(public: Iterable[PublicWording], reading: ReleaseReading) -> dict[Key, str]:
    """(place, wording) -> need, for the wordings that the reader would lead to another need, or to none.

    A wording that does not ask for music stands for NOT_MUSIC, if the reader would answer it.

    Args:
        public: wordings; with a wording all that are its stripped form, or have it as theirs (`differing`).
        reading: reads wordings as the reader will.
    """
    rows = sorted((len(one.place) > 2, len(one.place) > 1, one.place, one.query, _need_of(one.need)) for one in public)
    read: dict[Key, str] = {}
    for *_, place, query, _ in rows:
        for language in LANGUAGES if place == "*" else (place[:2],):
            if (language, query) not in read:
                read[language, query] = reading.need(query, language) or NOT_MUSIC
    stored: dict[Key, str] = {}
    is_settled = False
    while not is_settled:  # a stored wording also answers requests of which it is the stripped form
        is_settled = True
        for *_, place, query, need in rows:
            chains = [locale_chain(one) for one in (LANGUAGES if place == "*" else (place,))]
            if any(_led(stored, read, chain, query, reading) != need for chain in chains):
                if stored.get((place, query)) == need:
                    continue  # a narrower place leads elsewhere
                stored[place, query] = need
                is_settled = False
    return stored


def differing(public: DataFrame, names: NamesFile, grammar: bytes) -> DataFrame:
    """(locale, query, need): `differing_wordings` of all public wordings, each task reading a part of them.

    Wordings that are stripped forms of each other are settled together: they have one root, which is what is left when a wording is
    stripped in every language until nothing more falls away.

    Args:
        public: locale, query, need (null: not for music).
        names: the names of the release.
        grammar: the bytes of its grammar bundle.
    """
    rooted = checkpointed(
        public.mapInPandas(_rooted(grammar), "locale string, query string, need string, roots array<string>")
    )
    several = rooted.where(F.size("roots") > 1).select("roots").distinct().collect()
    together = list(joined_roots([list(r[0]) for r in several]).items())
    of = F.broadcast(frame_of(public.sparkSession, together, "root string, first string"))
    rows = rooted.withColumn("root", F.get("roots", F.lit(0))).join(of, "root", "left")
    rows = rows.select("locale", "query", "need", F.coalesce("first", "root").alias("root"))

    def settle(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        reading = None
        rows = (row for batch in batches for row in batch.itertuples(index=False, name=None))
        for _, group in groupby(rows, key=lambda row: row[3]):
            reading = reading or ReleaseReading.of(names, grammar)
            stored = differing_wordings([PublicWording(*row[:3]) for row in group], reading)
            if stored:
                yield pd.DataFrame([(*key, need) for key, need in stored.items()], columns=["locale", "query", "need"])

    grouped = rows.repartition("root").sortWithinPartitions("root")
    return grouped.mapInPandas(settle, "locale string, query string, need string")


def joined_roots(together: Iterable[list[str]]) -> dict[str, str]:
    """Root -> the first of all roots that belong together, by pairs and chains; roots that stand alone are left out.

    Args:
        together: roots of one wording each, in whatever language it is stripped.
    """
    first: dict[str, str] = {}

    def first_of(root: str) -> str:
        while first.setdefault(root, root) != root:
            root = first[root]
        return root

    for roots in together:
        least = min(map(first_of, roots))
        first |= {first_of(root): least for root in roots}
    return {root: first_of(root) for root in first}


def disagreement(others: DataFrame, reading: ReleaseReading) -> tuple[float, int]:
    """(share of wordings that are not published which the reader reads otherwise than the night, their number).

    They are the wordings of a language, at most DISAGREEMENT_OF, the first by a hash. A reader that abstains reads otherwise.

    Args:
        others: rows of `wordings`: locale, query, need (null: not for music).
        reading: reads wordings as the reader will.
    """
    of_language = others.where(F.col("locale").isin(*LANGUAGES)).select("locale", "query", "need")
    by_hash = F.crc32(F.concat_ws(" ", "locale", "query").cast("binary"))
    chosen = of_language.orderBy(by_hash, "locale", "query").limit(DISAGREEMENT_OF).collect()
    apart = sum((reading.need(r["query"], r["locale"]) or NOT_MUSIC) != _need_of(r["need"]) for r in chosen)
    return apart / max(len(chosen), 1), len(chosen)


def traffic(wordings: DataFrame, lists: DataFrame, names: NamesFile) -> tuple[int, int]:
    """Searches of the last 28 days in a wording that is public everywhere (`*`): (those whose need has tracks, all).

    Not counted are searches that came with a language but no country, and what only a need with fewer constraints answers.

    Args:
        wordings: the music rows of `wordings` of the night.
        lists: (locale, need) of the lists.
        names: the names of the release.
    """
    public = wordings.where("locale = '*' AND is_public").select("query")
    asked = wordings.where(F.length("locale") > 2).join(public, "query", "left_semi")
    by_need = asked.groupBy("locale", "need").agg(F.sum("searches_28d").alias("searches"))

    def named(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        opened = names.opened()
        for batch in batches:
            needs = map(Need.from_key, batch["need"])
            yield batch.assign(is_named=[need is not None and bool(short_list(need, opened)) for need in needs])

    of_need = by_need.select("need").distinct().mapInPandas(named, "need string, is_named boolean")
    ranked = by_need.select("locale", "need", F.explode(places()).alias("place")).join(
        lists.select(F.col("locale").alias("place"), "need").distinct(), ["place", "need"]
    )
    ranked = ranked.select("locale", "need").distinct().withColumn("is_ranked", F.lit(True))
    rows = by_need.join(of_need, "need").join(ranked, ["locale", "need"], "left")
    is_answered = F.col("is_named") | F.coalesce("is_ranked", F.lit(False))
    total = rows.agg(F.sum(F.when(is_answered, F.col("searches")).otherwise(0)), F.sum("searches")).first()
    return (int(total[0] or 0), int(total[1] or 0)) if total else (0, 0)


def _rooted(grammar: bytes) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """Adds `roots`: the root of each wording, then those of its stripped forms that differ from it."""

    def rooted(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        rules = read_bundle(grammar, "grammar.json").lexicon.grammar

        @cache
        def short(query: str, language: str) -> str:
            return stripped(query, language, rules)

        def root(query: str) -> str:
            before = ""
            while before != query:
                before = query
                for language in LANGUAGES:
                    query = short(query, language)
            return query

        for batch in batches:
            forms = ([query, *(short(query, language) for language in LANGUAGES)] for query in batch["query"])
            roots = [list(dict.fromkeys(map(root, of))) for of in forms]
            short.cache_clear()
            yield batch[["locale", "query", "need"]].assign(roots=pd.Series(roots, index=batch.index))

    return rooted


def _need_of(need: object) -> str:
    return need if isinstance(need, str) else NOT_MUSIC


def _led(
    stored: Mapping[Key, str], read: Mapping[Key, str], chain: tuple[str, ...], query: str, reading: ReleaseReading
) -> str:
    """The need that the reader comes to for a wording in the places of `chain`."""
    for form in dict.fromkeys((query, reading.stripped(query, chain[0]))):
        for place in chain:
            if (place, form) in stored:
                return stored[place, form]
    return read[chain[0][:2], query]
