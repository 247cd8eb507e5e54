"""Answers of a release of format 1, whose entries are wordings: read for one more version, so that a rollback works."""

from collections.abc import Iterator
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING

from queries.text.carrier import CarrierGrammar, stripped
from serving.content import hash_of_dump
from serving.errors import ReleaseCorrupt
from serving.mapped import MappedRankings, value_of
from serving.matched import Matched, Tried
from serving.values import body_of, entry_key, ranking, split_key, texts, track

if TYPE_CHECKING:
    from serving.mapped import Txn


class WordingAnswers:
    """Finds the entry of a wording: as it is, stripped, or as an alias; each in the locale, its language and `*`."""

    def __init__(self, rankings: MappedRankings, grammar: CarrierGrammar) -> None:
        self._tables, self._grammar = rankings.tables, grammar

    def matched(self, txn: "Txn", query: str, chain: tuple[str, ...], tried: Tried) -> Matched | None:
        """The list that answers a normal form, or None; `tried` gets a step for each look-up."""
        for by, locale, form in self._steps(query, chain):
            tried.append(("{} ({}, {})", by, locale, form))
            key = entry_key(locale, form)
            if by == "alias":
                alias = value_of(txn, self._tables["aliases"], key)
                if alias is None:
                    continue
                form = texts(key, alias)[0]
                key = entry_key(locale, form)
            value = value_of(txn, self._tables["rankings"], key)
            if value is not None:
                stored = ranking(key, value)
                return Matched(
                    "wording", None, 1.0, (), (locale, form), stored.ordinals, stored.scores, stored.propensity
                )
            if by == "alias":
                raise ReleaseCorrupt(f"alias leads to no entry {key!r}. Run release verify.")
        return None

    def _steps(self, query: str, chain: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
        for locale in chain:
            yield "full", locale, query
        short = stripped(query, chain[0], self._grammar)
        for by, forms in (("stripped", (short,)), ("alias", (query, short))):
            for form in dict.fromkeys(forms):
                if by == "alias" or form != query:
                    for locale in chain:
                        yield by, locale, form


def dump(rankings: MappedRankings) -> Iterator[str]:
    """The canonical dump lines of format 1, in key order. Raises ReleaseCorrupt on a damaged value."""
    tables = rankings.tables
    with rankings.env.begin(buffers=True) as txn:
        ids = [track(bytes(k), v).track_id for k, v in txn.cursor(tables["tracks"])]
        aliases: dict[bytes, list[str]] = {}
        for key, value in txn.cursor(tables["aliases"]):
            locale, alias = split_key(key)
            aliases.setdefault(entry_key(locale, texts(bytes(key), value)[0]), []).append(alias)
        for key, value in txn.cursor(tables["rankings"]):
            decoded = ranking(bytes(key), value)
            pairs = zip((ids[ordinal] for ordinal in decoded.ordinals), decoded.scores, strict=True)
            yield _line(*split_key(key), aliases.get(bytes(key), []), pairs)


def _line(locale: str, query: str, aliases: list[str], tracks: Iterator[tuple[str, float]]) -> str:
    names = ", ".join(_quoted(alias) for alias in sorted(aliases))
    ranked = ", ".join(f'{{"track_id": {_quoted(one)}, "score": {score:.9f}}}' for one, score in tracks)
    return f'{{"locale": {_quoted(locale)}, "query": {_quoted(query)}, "aliases": [{names}], "tracks": [{ranked}]}}'


def content_sha256(rankings: MappedRankings) -> str:
    """The content hash of the stored entries."""
    return hash_of_dump(dump(rankings), 1)


def damaged_values(rankings: MappedRankings) -> Iterator[str]:
    """Every value that is damaged or refers to something that is not stored."""
    tables = rankings.tables
    with rankings.env.begin(buffers=True) as txn:
        total = txn.stat(tables["tracks"])["entries"]
        for table in tables:
            for raw, value in txn.cursor(tables[table]):
                key = bytes(raw)
                try:
                    body_of(key, value)
                    if table == "rankings" and max(ranking(key, value).ordinals, default=total) >= total:
                        yield f"{table}: key {key!r} names a track that is not stored"
                    elif table == "tracks":
                        track(key, value)
                    elif table == "reasons":
                        texts(key, value)
                    elif table == "aliases":
                        target = entry_key(split_key(key)[0], texts(key, value)[0])
                        if txn.get(target, db=tables["rankings"]) is None:
                            yield f"{table}: key {key!r} leads to no entry"
                except (ReleaseCorrupt, ValueError, IndexError) as error:
                    yield f"{table}: {error}"
