"""Alias clusters: groups of queries of one language that ask for the same, with ids that are stable from night to night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

ID_LENGTH = 16


@dataclass(frozen=True)
class Member:
    """A query to cluster.

    Attributes:
        query: The normal form.
        stripped: Its stripped form.
        constraint_key: The key of its constraints; '' if it has none.
        entity: The title, album and artist that the catalog has for it, as one text; '' if it has none.
        sound: The phonetic key of `form`.
        searches: Number of searches.
        answers_as: "full" if the whole query is the name ("i want you"), "stripped" if its stripped form is ("you").
    """

    query: str
    stripped: str
    constraint_key: str = ""
    entity: str = ""
    sound: str = ""
    searches: int = 0
    answers_as: str = "stripped"

    @property
    def form(self) -> str:
        """The form that is the name: the query or its stripped form."""
        return self.query if self.answers_as == "full" else self.stripped


def clustered(members: Sequence[Member], pairs: Iterable[tuple[str, str, float]]) -> dict[str, str]:
    """Each query -> its cluster, named by the cluster's smallest query. Independent of the order of members and pairs.

    Queries are joined in this order: (1) those with equal forms (see Member) or equal non-empty constraint keys; (2) mined pairs,
    the strongest first; (3) each query without entity and constraints with the most searched query that sounds the same and has
    an entity. Joins of kinds 2 and 3 are skipped if they would merge two constraint keys, two entities, or one of each.
    Union-find with path halving (Tarjan & van Leeuwen 1984).

    Args:
        members: The queries of one language.
        pairs: Mined pairs (query, other, strength).
    """
    forest = _Forest(members)
    by_form: dict[tuple[str, str], str] = {}
    for one in sorted(members, key=lambda one: one.query):
        for kind, form in (("form", one.form), ("key", one.constraint_key)):
            if form:
                forest.join(by_form.setdefault((kind, form), one.query), one.query, guarded=False)
    for query, other, _ in sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1])):
        if query in forest and other in forest:
            forest.join(query, other)
    by_sound: dict[str, list[Member]] = {}
    for one in members:
        if one.sound:
            by_sound.setdefault(one.sound, []).append(one)
    for same_sound in by_sound.values():
        # unknown spellings join the most searched query that the catalog has
        known = [one for one in same_sound if one.entity]
        if known:
            target = min(known, key=lambda one: (-one.searches, one.query))
            for one in sorted(same_sound, key=lambda one: one.query):
                if not one.entity and not one.constraint_key:
                    forest.join(target.query, one.query)
    return {one.query: forest.root(one.query) for one in members}


class _Forest:
    def __init__(self, members: Sequence[Member]) -> None:
        self._parent = {one.query: one.query for one in members}
        self._keys = {one.query: {one.constraint_key} - {""} for one in members}
        self._entities = {one.query: {one.entity} - {""} for one in members}

    def __contains__(self, query: str) -> bool:
        return query in self._parent

    def root(self, query: str) -> str:
        parent = self._parent
        while parent[query] != query:
            parent[query] = parent[parent[query]]
            query = parent[query]
        return query

    def join(self, one: str, other: str, *, guarded: bool = True) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        if low == high:
            return
        keys, entities = self._keys[low] | self._keys[high], self._entities[low] | self._entities[high]
        if guarded and (len(keys) > 1 or len(entities) > 1 or (keys and entities)):
            return
        self._parent[high] = low
        self._keys[low], self._entities[low] = keys, entities


def stable_ids(
    language: str, clusters: Mapping[str, str], searches: Mapping[str, int], before: Mapping[str, str], run_date: str
) -> dict[str, str]:
    """Each cluster -> its id: inherited from the night before, or new.

    Clusters and ids of the night before are matched greedily by shared searches, the most first (ties: the smaller name); each
    cluster inherits at most one id and each id goes to one cluster. A cluster without one gets a new id: the hash of (language,
    first member), or of these and the run_date if that id is in use.

    Args:
        language: The language of the queries.
        clusters: Query -> cluster, as `clustered` gives it.
        searches: Query -> number of searches.
        before: Query -> id of the night before.
        run_date: The night, as YYYY-MM-DD.
    """
    shared: dict[tuple[str, str], int] = {}
    for query, cluster in clusters.items():
        if query in before:
            pair = (cluster, before[query])
            shared[pair] = shared.get(pair, 0) + max(1, searches.get(query, 0))
    id_of: dict[str, str] = {}
    used: set[str] = set()
    for (cluster, old), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if cluster not in id_of and old not in used:
            id_of[cluster] = old
            used.add(old)
    used |= set(before.values())
    for cluster in sorted(set(clusters.values()) - set(id_of)):
        first = _hash(language, cluster)
        id_of[cluster] = first if first not in used else _hash(language, cluster, run_date)
        used.add(id_of[cluster])
    return id_of


def _hash(*parts: str) -> str:
    return sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:ID_LENGTH]
