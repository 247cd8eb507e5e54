"""The rows of a release whose content lies in memory: what the executors of a night compute for a large one, by plain Python."""

from collections.abc import Collection, Iterable, Iterator

from queries.catalog.near import KINDS, name_postings
from queries.catalog.vocabulary import Vocabulary, joined_artists
from serving import encode, layout
from serving.content import Names, ReleaseContent, ReleaseRows
from serving.rows import Row, cut_row, room_of


def rows_in_memory(content: ReleaseContent) -> ReleaseRows:
    """The release as rows. Ordinals follow the sorted track_ids, so that equal content has equal bytes; reads `entries` once."""
    entries = list(content.entries)
    listed = {t.track_id for entry in entries for t in entry.tracks[: layout.MAX_TRACKS]}
    listed |= {t for entry in entries for variant in entry.variants for t in variant.tracks}
    ordinal_of = _ordinals(listed | _named(content.names))
    rows = [row for entry in entries for row in encode.list_rows(entry, ordinal_of)]
    rows += [encode.wording_row(*key, need) for key, need in content.wordings.items()]
    rows += names_in_memory(content.names, ordinal_of)
    for track_id, ordinal in ordinal_of.items():
        rows += encode.track_row(ordinal, track_id, content.tracks.get(track_id))
    rows.sort()
    room = sum(map(room_of, rows))
    return ReleaseRows(content.run_date, rows, room, content.manifest, content.built, content.grammar)


def names_in_memory(names: Names, ordinal_of: dict[str, int]) -> Iterator[Row]:
    """The rows by which names are looked up, in no order.

    Args:
        names: the names.
        ordinal_of: track_id -> ordinal, of all their tracks.
    """
    known: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
    for kind, by_name in names.by_kind.items():
        kept = {name: one for name, one in by_name.items() if encode.can_be_name(name)}
        if len(kept) < len(by_name):
            yield cut_row("names", len(by_name) - len(kept))
        for name, one in kept.items():
            yield encode.name_row(kind, name, one.popularity, _first(one.tracks, ordinal_of))
        if kind in known:
            known[kind] = {name: encode.stored_popularity(one.popularity) for name, one in kept.items()}
    for pair, tracks in names.pairs.items():
        yield encode.pair_row(pair, _first(tracks, ordinal_of))
    yield from (encode.compact_row(joined, artist) for joined, artist in joined_artists(known["artist"]).items())
    for kind in KINDS:
        index = name_postings(known[kind], kind)
        yield from (encode.numbered_row(kind, number, name) for number, name in enumerate(index.names))
        yield from (encode.sounds_row(kind, sound, heard) for sound, heard in index.sounds.items())
        yield from (encode.trigram_row(kind, gram, numbers) for gram, numbers in index.trigrams.items())


def vocabulary_in_memory(names: Names) -> Vocabulary:
    """The names as the grammar looks them up in a release; genres are of its grammar."""
    known = {
        kind: {name: encode.stored_popularity(one.popularity) for name, one in names.by_kind.get(kind, {}).items()}
        for kind in KINDS
    }
    joined = joined_artists(known["artist"])
    return Vocabulary(known["title"], known["artist"], known["album"], frozenset(), names.pairs.keys(), joined)


def _named(names: Names) -> set[str]:
    of_names = {
        track
        for by_name in names.by_kind.values()
        for name, one in by_name.items()
        if encode.can_be_name(name)
        for track in one.tracks[: layout.SHORT_LIST]
    }
    return of_names | {track for tracks in names.pairs.values() for track in tracks[: layout.SHORT_LIST]}


def _ordinals(tracks: Collection[str]) -> dict[str, int]:
    return {track: ordinal for ordinal, track in enumerate(sorted(tracks))}


def _first(tracks: Iterable[str], ordinal_of: dict[str, int]) -> list[int]:
    return [ordinal_of[track] for track in tuple(tracks)[: layout.SHORT_LIST]]
