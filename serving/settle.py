"""Prepare the content of a night for writing: check it, cut it to the limits of the format, put it in key order."""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from queries.catalog.near import KINDS, NamePostings, name_postings
from queries.catalog.vocabulary import joined_artists
from serving import layout
from serving.content import (
    Entry,
    Key,
    Name,
    Names,
    ReleaseContent,
    TrackInfo,
    entry_line,
    name_line,
    pair_line,
    reading_line,
    stored_score,
    variant_line,
    wording_line,
)
from serving.errors import ReleaseInput, one_line
from serving.values import entry_key, name_key, pair_key


@dataclass(slots=True)
class Packed:
    """One list in about 8 bytes per track: `tracks` are ordinals, `scores` are stored float32, `variants` (probability, ordinals)."""

    locale: str
    need: str
    tracks: "array[int]"
    scores: "array[float]"
    variants: "list[tuple[float, array[int]]]"
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Settled:
    """A release ready to be encoded: every part in key order, tracks by ordinal, and the numbers of cuts by kind.

    Args:
        entries: the lists.
        wordings: key -> key of the need.
        names: key -> (kind, folded name, popularity as float32, ordinals).
        pairs: key -> (id, ordinals).
        near: kind -> the index of similar names.
        compact: artist without blanks -> artist.
        tracks: the tracks by ordinal.
        cut: the number of cuts, by kind.
    """

    entries: dict[bytes, Packed]
    wordings: dict[bytes, str]
    names: dict[bytes, tuple[str, str, float, tuple[int, ...]]]
    pairs: dict[bytes, tuple[int, tuple[int, ...]]]
    near: dict[str, NamePostings]
    compact: dict[str, str]
    tracks: list[TrackInfo]
    cut: Counter[str] = field(default_factory=Counter)

    def dump(self) -> Iterator[str]:
        """The canonical lines of the lists after the cuts."""
        for entry in self.entries.values():
            yield entry_line(entry.locale, entry.need, zip(self._ids(entry.tracks), entry.scores, strict=True))

    def full_dump(self, grammar: bytes, normal_form_version: int) -> Iterator[str]:
        """The canonical lines of all that the content hash covers."""
        yield from self.dump()
        for entry in self.entries.values():
            for number, (probability, tracks) in enumerate(entry.variants, start=1):
                yield variant_line(entry.locale, entry.need, number, probability, self._ids(tracks))
        for key, need in self.wordings.items():
            locale, _, wording = key.partition(b"\0")
            yield wording_line(locale.decode(), wording.decode(), need)
        for kind, name, popularity, ordinals in self.names.values():
            yield name_line(kind, name, popularity, self._ids(ordinals))
        for pair, ordinals in self.pairs.values():
            yield pair_line(pair, self._ids(ordinals))
        yield reading_line(grammar, normal_form_version)

    def _ids(self, ordinals: Sequence[int]) -> list[str]:
        return [self.tracks[ordinal].track_id for ordinal in ordinals]


def settled(content: ReleaseContent) -> Settled:
    """Check the content against the limits of the format and put it in key order; reads `entries` once.

    Ordinals follow the sorted track_ids, so that equal content has equal bytes. These parts are cut and counted in `cut`:
    tracks after the 200th, over-long titles, artists and reasons, names of more than 480 bytes, tracks of a name after the tenth.

    Raises:
        ReleaseInput: lists every broken rule: no entry at all, the same (locale, need) twice, a track twice in a list or missing
            in `tracks`, a score that is no finite float32, keys too long.
    """
    problems: list[str] = []
    cut: Counter[str] = Counter()
    seen: dict[str, int] = {}
    packed = _packed(content.entries, seen, problems, cut)
    named = _kept_names(content.names, seen, cut)
    wordings = _wordings(content.wordings, problems)
    pairs = {
        pair_key(pair): (pair, [_seen(track, seen) for track in tracks[: layout.SHORT_LIST]])
        for pair, tracks in content.names.pairs.items()
    }
    infos = _infos(seen, content.tracks, problems, cut)
    if not packed and not problems:
        problems.append("no entry: a release that answers nothing is not written")
    if problems:
        raise ReleaseInput(f"release not written, {len(problems)} broken rules: {one_line(problems)}. Mend rank_head.")
    order = sorted(range(len(infos)), key=lambda first_seen: infos[first_seen].track_id)
    ordinal_of = {first_seen: ordinal for ordinal, first_seen in enumerate(order)}
    for item in packed.values():
        item.tracks = array("I", [ordinal_of[first_seen] for first_seen in item.tracks])
        item.variants = [(p, array("I", [ordinal_of[i] for i in tracks])) for p, tracks in item.variants]
    names = {
        key: (kind, name, popularity, tuple(ordinal_of[i] for i in tracks))
        for key, (kind, name, popularity, tracks) in named.items()
    }
    known = {kind: {n: p for k, n, p, _ in names.values() if k == kind} for kind in KINDS}
    return Settled(
        {key: packed[key] for key in sorted(packed)},
        {key: wordings[key] for key in sorted(wordings)},
        {key: names[key] for key in sorted(names)},
        {key: (pair, tuple(ordinal_of[i] for i in tracks)) for key, (pair, tracks) in sorted(pairs.items())},
        {kind: name_postings(known[kind], kind) for kind in KINDS},
        joined_artists(known["artist"]),
        [infos[i] for i in order],
        cut,
    )


def _packed(
    entries: Iterable[Entry], seen: dict[str, int], problems: list[str], cut: Counter[str]
) -> dict[bytes, Packed]:
    packed: dict[bytes, Packed] = {}
    for entry in entries:
        where = f"({entry.locale}, {entry.need[:60]!r})"
        broken = list(_broken_rules(entry))
        if broken:
            problems += [f"{where}: {rule}" for rule in broken]
            continue
        key = entry_key(entry.locale, entry.need)
        if key in packed:
            problems.append(f"{where}: given twice")
            continue
        kept = entry.tracks[: layout.MAX_TRACKS]
        cut["tracks_beyond_200"] += len(entry.tracks) - len(kept)
        ordinals = array("I", [_seen(track.track_id, seen) for track in kept])
        scores = array("f", [stored_score(track.score) for track in kept])
        reasons = tuple(_cut(text, layout.MAX_REASON_BYTES, "reasons", cut) for text in entry.reasons)
        variants = [
            (stored_score(v.probability), array("I", [_seen(track, seen) for track in v.tracks]))
            for v in entry.variants
        ]
        packed[key] = Packed(entry.locale, entry.need, ordinals, scores, variants, reasons)
    return packed


def _seen(track_id: str, seen: dict[str, int]) -> int:
    return seen.setdefault(track_id, len(seen))


def _kept_names(
    names: Names, seen: dict[str, int], cut: Counter[str]
) -> dict[bytes, tuple[str, str, float, list[int]]]:
    kept: dict[bytes, tuple[str, str, float, list[int]]] = {}
    for kind, by_name in names.by_kind.items():
        for name, one in by_name.items():
            if not _can_be_key(name, layout.MAX_NAME_BYTES):
                cut["names"] += 1
                continue
            tracks = [_seen(track, seen) for track in one.tracks[: layout.SHORT_LIST]]
            kept[name_key(kind, name)] = (kind, name, stored_score(_finite(one)), tracks)
    return kept


def _finite(name: Name) -> float:
    return name.popularity if math.isfinite(name.popularity) else 0.0


def _wordings(wordings: Mapping[Key, str], problems: list[str]) -> dict[bytes, str]:
    kept: dict[bytes, str] = {}
    for (locale, wording), need in wordings.items():
        good = _can_be_key(wording, layout.MAX_QUERY_BYTES) and _can_be_key(need, layout.MAX_QUERY_BYTES)
        if not layout.is_locale(locale) or not good:
            problems.append(f"({locale}, {wording[:60]!r}): expected a locale, a wording and a need that can be keys")
            continue
        kept[entry_key(locale, wording)] = need
    return kept


def _can_be_key(text: str, most_bytes: int) -> bool:
    return _is_utf8(text) and 0 < len(text.encode()) <= most_bytes and "\0" not in text


def _broken_rules(entry: Entry) -> Iterator[str]:
    if not layout.is_locale(entry.locale):
        yield f"locale must be * or a BCP-47 name of at most {layout.MAX_LOCALE_BYTES} bytes"
    if not _can_be_key(entry.need, layout.MAX_QUERY_BYTES):
        limit = layout.MAX_QUERY_BYTES
        size = len(entry.need.encode(errors="replace"))
        yield f"a need of {size} bytes, expected UTF-8 of 1 to {limit} bytes without zero bytes"
    if not entry.tracks:
        yield "no tracks"
    ids = [track.track_id for track in entry.tracks]
    if len(set(ids)) < len(ids):
        yield f"track {Counter(ids).most_common(1)[0][0]!r} twice"
    for track in entry.tracks:
        if not (math.isfinite(track.score) and abs(track.score) < 3e38):
            yield f"score of {track.track_id!r} is {track.score}, expected a finite float32"
    yield from _broken_variants(entry, set(ids[: layout.MAX_TRACKS]))
    if len(entry.reasons) > layout.MAX_REASONS:
        yield f"{len(entry.reasons)} reasons, expected at most {layout.MAX_REASONS}"
    if not all(map(_is_utf8, entry.reasons)):
        yield "a reason is not UTF-8"


def _broken_variants(entry: Entry, listed: set[str]) -> Iterator[str]:
    if len(entry.variants) > layout.MAX_VARIANTS:
        yield f"{len(entry.variants)} variants, expected at most {layout.MAX_VARIANTS}"
    probabilities = [variant.probability for variant in entry.variants]
    if not all(0 < p < 1 for p in probabilities) or not sum(probabilities) < 1:
        yield f"variants of probabilities {probabilities}, expected each above 0 and a sum below 1"
    for variant in entry.variants:
        if len(set(variant.tracks)) < len(variant.tracks) or not set(variant.tracks) <= listed:
            yield "a variant has a track twice, or one that its list lacks"
        if not 0 < len(variant.tracks) <= layout.SHORT_LIST or len(variant.tracks) != len(entry.variants[0].tracks):
            yield f"a variant of {len(variant.tracks)} tracks, expected 1 to {layout.SHORT_LIST}, in all variants the same"


def _infos(
    seen: Mapping[str, int], tracks: Mapping[str, TrackInfo], problems: list[str], cut: Counter[str]
) -> list[TrackInfo]:
    infos = []
    for track_id in seen:
        info = tracks.get(track_id)
        if info is None:
            problems.append(f"track {track_id!r}: ranked, but not in the catalog")
        elif info.track_id != track_id or not 0 < len(track_id.encode(errors="replace")) <= layout.MAX_TRACK_ID_BYTES:
            problems.append(f"track {track_id!r}: expected its own id of 1 to {layout.MAX_TRACK_ID_BYTES} bytes")
        elif not all(map(_is_utf8, (track_id, info.title, *info.artists))):
            problems.append(f"track {track_id!r}: id, title or artist is not UTF-8")
        else:
            title = _cut(info.title, layout.MAX_TITLE_BYTES, "titles", cut)
            infos.append(TrackInfo(track_id, title, _artists(info.artists, cut)))
    return infos


def _artists(artists: tuple[str, ...], cut: Counter[str]) -> tuple[str, ...]:
    kept: list[str] = []
    room = layout.MAX_ARTISTS_BYTES
    for artist in artists:
        name = _cut(artist, layout.MAX_TITLE_BYTES, "artists", cut)
        room -= 2 + len(name.encode())
        if room < 0:
            cut["artists"] += len(artists) - len(kept)
            break
        kept.append(name)
    return tuple(kept)


def _cut(text: str, limit: int, what: str, cut: Counter[str]) -> str:
    raw = text.encode()
    if len(raw) <= limit:
        return text
    cut[what] += 1
    return raw[:limit].decode(errors="ignore")


def _is_utf8(text: str) -> bool:
    # A lenient reader can produce a lone surrogate, which has no UTF-8 form and would make the dump fail.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
