"""Prepare the entries of a night for writing: check them, cut them to the limits of the format, put them in key order."""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from serving import layout
from serving.content import Entry, TrackInfo, dump_line, stored_score
from serving.errors import ReleaseInput, one_line
from serving.values import entry_key


@dataclass(slots=True)
class Packed:
    """One entry in about 8 bytes per track: `tracks` are ordinals, `scores` are stored float32."""

    locale: str
    query: str
    tracks: "array[int]"
    scores: "array[float]"
    propensity: float | None
    reasons: tuple[str, ...]
    aliases: tuple[str, ...] = ()


@dataclass(slots=True)
class Settled:
    """A release ready to be encoded: entries and aliases in key order, tracks by ordinal, and the numbers of cuts by kind."""

    entries: dict[bytes, Packed]
    aliases: dict[bytes, str]
    tracks: list[TrackInfo]
    cut: Counter[str] = field(default_factory=Counter)

    def dump(self) -> Iterator[str]:
        """The canonical dump of the entries after the cuts."""
        for entry in self.entries.values():
            ids = (self.tracks[ordinal].track_id for ordinal in entry.tracks)
            yield dump_line(entry.locale, entry.query, entry.aliases, zip(ids, entry.scores, strict=True))


def settled(entries: Iterable[Entry], tracks: Mapping[str, TrackInfo]) -> Settled:
    """Check `entries` against the limits of the format and put them in key order; reads `entries` once.

    Ordinals follow the sorted track_ids, so that equal content has equal bytes. These parts are cut and counted in `cut`:
    tracks after the 200th, over-long titles, artists and reasons, aliases that two entries claim (the answer would be a guess),
    and aliases that are head queries themselves (they would never be reached).

    Args:
        entries: the ranked answers of the night.
        tracks: track_id → its fields, for every ranked track.

    Raises:
        ReleaseInput: lists every broken rule: no entry at all, the same (locale, query) twice, a track twice in an entry or
            missing in `tracks`, a score that is no finite float32, keys too long.
    """
    problems: list[str] = []
    cut: Counter[str] = Counter()
    seen: dict[str, int] = {}
    packed: dict[bytes, Packed] = {}
    wanted: dict[bytes, tuple[str, ...]] = {}
    for entry in entries:
        where = f"({entry.locale}, {entry.query[:60]!r})"
        broken = list(_broken_rules(entry))
        if broken:
            problems += [f"{where}: {rule}" for rule in broken]
            continue
        key = entry_key(entry.locale, entry.query)
        if key in packed:
            problems.append(f"{where}: given twice")
            continue
        kept = entry.tracks[: layout.MAX_TRACKS]
        cut["tracks_beyond_200"] += len(entry.tracks) - len(kept)
        ordinals = array("I", [seen.setdefault(track.track_id, len(seen)) for track in kept])
        scores = array("f", [stored_score(track.score) for track in kept])
        reasons = tuple(_cut(text, layout.MAX_REASON_BYTES, "reasons", cut) for text in entry.reasons)
        packed[key] = Packed(entry.locale, entry.query, ordinals, scores, entry.propensity, reasons)
        wanted[key] = tuple(dict.fromkeys(entry.aliases))
    infos = _infos(seen, tracks, problems, cut)
    if not packed and not problems:
        problems.append("no entry: a release that answers nothing is not written")
    if problems:
        raise ReleaseInput(f"release not written, {len(problems)} broken rules: {one_line(problems)}. Mend rank_head.")
    order = sorted(range(len(infos)), key=lambda first_seen: infos[first_seen].track_id)
    ordinal_of = {first_seen: ordinal for ordinal, first_seen in enumerate(order)}
    for item in packed.values():
        item.tracks = array("I", [ordinal_of[first_seen] for first_seen in item.tracks])
    aliases = _aliases(packed, wanted, cut)
    return Settled({key: packed[key] for key in sorted(packed)}, aliases, [infos[i] for i in order], cut)


def _broken_rules(entry: Entry) -> Iterator[str]:
    if not layout.is_locale(entry.locale):
        yield f"locale must be * or a BCP-47 name of at most {layout.MAX_LOCALE_BYTES} bytes"
    for name in (entry.query, *entry.aliases):
        size = len(name.encode(errors="replace"))
        if not 0 < size <= layout.MAX_QUERY_BYTES or "\0" in name or not _is_utf8(name):
            limit = layout.MAX_QUERY_BYTES
            yield f"a query or alias of {size} bytes, expected UTF-8 of 1 to {limit} bytes without zero bytes"
    if not entry.tracks:
        yield "no tracks"
    ids = [track.track_id for track in entry.tracks]
    if len(set(ids)) < len(ids):
        yield f"track {Counter(ids).most_common(1)[0][0]!r} twice"
    for track in entry.tracks:
        if not (math.isfinite(track.score) and abs(track.score) < 3e38):
            yield f"score of {track.track_id!r} is {track.score}, expected a finite float32"
    if entry.propensity is not None and not 0 < entry.propensity <= 1:
        yield f"propensity is {entry.propensity}, expected null or above 0 and at most 1"
    if len(entry.reasons) > layout.MAX_REASONS:
        yield f"{len(entry.reasons)} reasons, expected at most {layout.MAX_REASONS}"
    if not all(map(_is_utf8, entry.reasons)):
        yield "a reason is not UTF-8"


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


def _aliases(packed: dict[bytes, Packed], wanted: dict[bytes, tuple[str, ...]], cut: Counter[str]) -> dict[bytes, str]:
    claims = Counter(entry_key(packed[key].locale, name) for key, names in wanted.items() for name in names)
    aliases: dict[bytes, str] = {}
    for key, names in wanted.items():
        kept = []
        for name in names:
            alias = entry_key(packed[key].locale, name)
            if alias in packed:
                cut["aliases_of_head_queries"] += alias != key
            elif claims[alias] > 1:
                cut["aliases_claimed_twice"] += 1
            else:
                kept.append(name)
                aliases[alias] = packed[key].query
        packed[key].aliases = tuple(sorted(kept))
    return {alias: aliases[alias] for alias in sorted(aliases)}


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
