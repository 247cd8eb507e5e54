"""Alias clusters: queries of one language that ask for the same, and an id that stays with them from night to night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

ID_LENGTH = 16


@dataclass(frozen=True)
class Member:
    """A query as clustering sees it. `entity`: the (title, artist) that the catalog knows it by, '' if it knows none;
    `answers_as`: "full" if the query as it is said is the name ("i want you"), not its stripped form ("you")."""

    query: str
    stripped: str
    constraint_key: str = ""
    entity: str = ""
    sound: str = ""
    searches: int = 0
    answers_as: str = "stripped"

    @property
    def form(self) -> str:
        """The form that is meant."""
        return self.query if self.answers_as == "full" else self.stripped


def clustered(members: Sequence[Member], pairs: Iterable[tuple[str, str, float]]) -> dict[str, str]:
    """Each query -> its cluster, named by the cluster's smallest query. Deaf to the order of members and pairs.

    Joined are equal forms (see Member), equal non-empty constraint keys, and mined `pairs` (query, other, strength), the
    strongest first; then spellings that the catalog does not know with a cluster that sounds the same. No join of the
    last two kinds brings together two constraint keys or two entities of the catalog.
    Union-find with path halving (Tarjan & van Leeuwen 1984).
    """
    found = _Forest(members)
    by_form: dict[tuple[str, str], str] = {}
    for one in sorted(members, key=lambda one: one.query):
        for kind, form in (("form", one.form), ("key", one.constraint_key)):
            if form:
                found.join(by_form.setdefault((kind, form), one.query), one.query, guarded=False)
    for query, other, _ in sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1])):
        if query in found and other in found:
            found.join(query, other)
    by_sound: dict[str, list[Member]] = {}
    for one in members:
        if one.sound:
            by_sound.setdefault(one.sound, []).append(one)
    for alike in by_sound.values():
        # the most asked that the catalog knows is what the unknown spellings mean
        known = [one for one in alike if one.entity]
        if known:
            meant = min(known, key=lambda one: (-one.searches, one.query))
            for one in sorted(alike, key=lambda one: one.query):
                if not one.entity and not one.constraint_key:
                    found.join(meant.query, one.query)
    return {one.query: found.root(one.query) for one in members}


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
    language: str, clusters: Mapping[str, str], searches: Mapping[str, int], before: Mapping[str, str], born: str
) -> dict[str, str]:
    """Each cluster (named as in `clusters`: query -> cluster) -> its id: inherited, or given at birth.

    An id of the night `before` (query -> id) goes to the cluster that shares most traffic with it (`searches`; ties: the
    smaller name); a cluster takes the id with which it shares most. Who inherits none is born: the hash of
    (language, first member), with the run_date `born` where that id is already somebody's.
    """
    shared: dict[tuple[str, str], int] = {}
    for query, cluster in clusters.items():
        if query in before:
            pair = (cluster, before[query])
            shared[pair] = shared.get(pair, 0) + max(1, searches.get(query, 0))
    taken: dict[str, str] = {}
    used: set[str] = set()
    for (cluster, old), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if cluster not in taken and old not in used:
            taken[cluster] = old
            used.add(old)
    used |= set(before.values())
    for cluster in sorted(set(clusters.values()) - set(taken)):
        first = _hash(language, cluster)
        taken[cluster] = first if first not in used else _hash(language, cluster, born)
        used.add(taken[cluster])
    return taken


def _hash(*parts: str) -> str:
    return sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:ID_LENGTH]
