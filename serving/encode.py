"""The rows of each part of a release, checked against the limits of the format and cut to them.

Every function works on one item, so that the executors of a night encode lists, names and tracks where they are.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from serving import layout
from serving.content import Entry, TrackInfo, stored_score
from serving.rows import Row, cut_row, problem_row
from serving.values import (
    entry_key,
    name_key,
    name_value,
    number_key,
    numbers_value,
    pair_key,
    ranking_value,
    texts_value,
    track_key,
    track_value,
    variants_value,
)


def list_rows(entry: Entry, ordinal_of: Mapping[str, int]) -> Iterator[Row]:
    """The rows of a list: `needs`, and `reasons` and `variants` if it has some.

    Tracks after the 200th and over-long reasons are cut. Broken rules: a key that is too long or no UTF-8, no tracks, a track twice, a
    score that is no finite float32, variants that are no distribution over tracks of the list.

    Args:
        entry: the list.
        ordinal_of: track_id -> ordinal, of all its tracks.
    """
    broken = list(_broken_rules(entry))
    if broken:
        where = f"({entry.locale}, {entry.need[:60]!r})"
        yield from (problem_row(f"{where}: {rule}") for rule in broken)
        return
    cut: Counter[str] = Counter()
    key, kept = entry_key(entry.locale, entry.need), entry.tracks[: layout.MAX_TRACKS]
    cut["tracks_beyond_200"] += len(entry.tracks) - len(kept)
    ordinals, scores = [ordinal_of[t.track_id] for t in kept], [stored_score(t.score) for t in kept]
    yield Row("needs", key, ranking_value(key, ordinals, scores, None))
    if entry.reasons:
        reasons = tuple(_cut(text, layout.MAX_REASON_BYTES, "reasons", cut) for text in entry.reasons)
        yield Row("reasons", key, texts_value(key, reasons))
    if entry.variants:
        variants = [(stored_score(v.probability), [ordinal_of[t] for t in v.tracks]) for v in entry.variants]
        yield Row("variants", key, variants_value(key, variants))
    yield from _cuts(cut)


def wording_row(locale: str, wording: str, need: str) -> Row:
    """The row of a wording, or the rule that it breaks."""
    good = can_be_key(wording, layout.MAX_QUERY_BYTES) and can_be_key(need, layout.MAX_QUERY_BYTES)
    if not layout.is_locale(locale) or not good:
        return problem_row(f"({locale}, {wording[:60]!r}): expected a locale, a wording and a need that can be keys")
    key = entry_key(locale, wording)
    return Row("wordings", key, texts_value(key, (need,)))


def track_row(ordinal: int, track_id: str, info: TrackInfo | None) -> Iterator[Row]:
    """The row of a track that a list or a name has; `info` is None if the catalog lacks it. Over-long titles and artists are cut."""
    if info is None:
        yield problem_row(f"track {track_id!r}: ranked, but not in the catalog")
    elif info.track_id != track_id or not 0 < len(track_id.encode(errors="replace")) <= layout.MAX_TRACK_ID_BYTES:
        yield problem_row(f"track {track_id!r}: expected its own id of 1 to {layout.MAX_TRACK_ID_BYTES} bytes")
    elif not all(map(_is_utf8, (track_id, info.title, *info.artists))):
        yield problem_row(f"track {track_id!r}: id, title or artist is not UTF-8")
    else:
        cut: Counter[str] = Counter()
        title = _cut(info.title, layout.MAX_TITLE_BYTES, "titles", cut)
        key = track_key(ordinal)
        yield Row("tracks", key, track_value(key, TrackInfo(track_id, title, _artists(info.artists, cut))))
        yield from _cuts(cut)


def name_row(kind: str, name: str, popularity: float, ordinals: Sequence[int]) -> Row:
    """The row of a folded name, which `can_be_name`."""
    key = name_key(kind, name)
    return Row("names", key, name_value(key, stored_popularity(popularity), ordinals))


def stored_popularity(popularity: float) -> float:
    """The float32 that is stored for a popularity; 0 for what is not finite."""
    return stored_score(popularity if math.isfinite(popularity) else 0.0)


def pair_row(pair: int, ordinals: Sequence[int]) -> Row:
    """The row of a recording and its artist."""
    key = pair_key(pair)
    return Row("pairs", key, numbers_value(key, ordinals))


def compact_row(joined: str, artist: str) -> Row:
    """The row of an artist's name without blanks."""
    return Row("compact", joined.encode(), texts_value(joined.encode(), (artist,)))


def numbered_row(kind: str, number: int, name: str) -> Row:
    """The row of a name by its number."""
    key = number_key(kind, number)
    return Row("numbered", key, texts_value(key, (name,)))


def sounds_row(kind: str, sound: str, names: Sequence[str]) -> Row:
    """The row of the names with one key of `index_keys`, the most popular first; as many as fit."""
    key = name_key(kind, sound)
    kept, room = [], layout.MAX_VALUE_BYTES - 8
    for name in names:
        room -= 2 + len(name.encode())
        if room <= 0:
            break
        kept.append(name)
    return Row("sounds", key, texts_value(key, kept))


def trigram_row(kind: str, trigram: str, numbers: Sequence[int]) -> Row:
    """The row of the names that have a trigram, ascending."""
    key = name_key(kind, trigram)
    return Row("trigrams", key, numbers_value(key, numbers))


def can_be_name(name: str) -> bool:
    """Whether a folded name is stored; the others are cut."""
    return can_be_key(name, layout.MAX_NAME_BYTES)


def can_be_key(text: str, most_bytes: int) -> bool:
    """Whether a text can be part of a key."""
    return _is_utf8(text) and 0 < len(text.encode()) <= most_bytes and "\0" not in text


def _cuts(cut: Counter[str]) -> Iterator[Row]:
    return (cut_row(what, count) for what, count in sorted(cut.items()) if count)


def _broken_rules(entry: Entry) -> Iterator[str]:
    if not layout.is_locale(entry.locale):
        yield f"locale must be * or a BCP-47 name of at most {layout.MAX_LOCALE_BYTES} bytes"
    if not can_be_key(entry.need, layout.MAX_QUERY_BYTES):
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
