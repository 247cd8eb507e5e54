"""The names of the catalog as they are stored in a release, in the forms in which the grammar looks names up."""

from collections.abc import Container, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from queries.catalog.vocabulary import Vocabulary
from serving.mapped import value_of
from serving.values import (
    KIND_LETTER,
    name_key,
    name_tracks,
    number_key,
    numbers,
    pair_key,
    popularity_of,
    texts,
)

if TYPE_CHECKING:
    from typing import Any

    from serving.mapped import Txn


class _Popularity(Mapping[str, float]):
    """Folded name -> popularity, for one kind."""

    def __init__(self, txn: "Txn", table: "Any", kind: str) -> None:
        self._txn, self._table, self._kind = txn, table, kind

    def _value(self, name: str) -> tuple[bytes, memoryview | None]:
        key = name_key(self._kind, name)
        return key, value_of(self._txn, self._table, key)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._value(name)[1] is not None

    def __getitem__(self, name: str) -> float:
        key, value = self._value(name)
        if value is None:
            raise KeyError(name)
        return popularity_of(key, value)

    def __iter__(self) -> Iterator[str]:
        letter = KIND_LETTER[self._kind].encode()
        return (bytes(key)[1:].decode() for key, _ in self._txn.cursor(self._table) if bytes(key)[:1] == letter)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Joined(Mapping[str, str]):
    """Artist without blanks -> folded artist."""

    def __init__(self, txn: "Txn", table: "Any") -> None:
        self._txn, self._table = txn, table

    def __getitem__(self, joined: str) -> str:
        key = joined.encode(errors="replace")
        value = value_of(self._txn, self._table, key)
        if value is None:
            raise KeyError(joined)
        return texts(key, value)[0]

    def __iter__(self) -> Iterator[str]:
        return (bytes(key).decode() for key, _ in self._txn.cursor(self._table))

    def __len__(self) -> int:
        return int(self._txn.stat(self._table)["entries"])


class _Pairs(Container[int]):
    """The ids of recordings with their artists."""

    def __init__(self, txn: "Txn", table: "Any") -> None:
        self._txn, self._table = txn, table

    def __contains__(self, pair: object) -> bool:
        return isinstance(pair, int) and self._txn.get(pair_key(pair), db=self._table) is not None


class StoredNames:
    """The names of one open release, for one request.

    Args:
        txn: the read transaction of the request.
        tables: the sub-databases of the release.
        genres: genres of the catalog.
    """

    def __init__(self, txn: "Txn", tables: "Mapping[str, Any]", genres: frozenset[str] = frozenset()) -> None:
        self._txn, self._tables, self._genres = txn, tables, genres

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The names as the grammar looks them up; made when a request is read."""
        txn, names = self._txn, self._tables["names"]
        return Vocabulary(
            _Popularity(txn, names, "title"),
            _Popularity(txn, names, "artist"),
            _Popularity(txn, names, "album"),
            self._genres,
            _Pairs(txn, self._tables["pairs"]),
            _Joined(txn, self._tables["compact"]),
        )

    def tracks(self, kind: str, name: str) -> tuple[int, ...]:
        """The ordinals of the first tracks of a name, best first; none if the catalog lacks it."""
        key = name_key(kind, name)
        value = value_of(self._txn, self._tables["names"], key)
        return () if value is None else name_tracks(key, value)

    def pair_tracks(self, pair: int) -> tuple[int, ...]:
        """The ordinals of the first tracks of a recording by an artist (`queries.catalog.vocabulary.pair_id`)."""
        key = pair_key(pair)
        value = self._txn.get(key, db=self._tables["pairs"])
        return () if value is None else tuple(numbers(key, value))

    def sounding(self, kind: str, key: str) -> Sequence[str]:
        """See `queries.catalog.near.NameStore`."""
        stored = name_key(kind, key)
        value = value_of(self._txn, self._tables["sounds"], stored)
        return () if value is None else texts(stored, value)

    def with_trigram(self, kind: str, trigram: str) -> Sequence[int]:
        """See `queries.catalog.near.NameStore`."""
        key = name_key(kind, trigram)
        value = self._txn.get(key, db=self._tables["trigrams"])
        return () if value is None else numbers(key, value)

    def numbered(self, kind: str, number: int) -> str:
        """See `queries.catalog.near.NameStore`."""
        key = number_key(kind, number)
        value = self._txn.get(key, db=self._tables["numbered"])
        return "" if value is None else texts(key, value)[0]
