"""The lists that the page's search box looks through, as compact plain values of bounded size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.page.content import Listed, Track
from evaluation.page.texts import embedded, shown

LONGEST = 80  # characters of a title, of the artists, and of a need


def search_data(lists: Sequence[Listed], tracks: Mapping[str, Track], most_bytes: int) -> dict[str, Any]:
    """As many of the lists as fit into `most_bytes` of JSON in the page, from the first on.

    Args:
        lists: the lists, the most asked first.
        tracks: id → track; a track that is missing goes by its id.
        most_bytes: the size of the JSON as `embedded` writes it, in UTF-8.

    Returns:
        {"tracks": [[title, artists], …], "reasons": [text, …], "lists": [[place, need, intent, searches, wordings, numbers of
        tracks, numbers of reasons], …]}: numbers count from 0.
    """
    out: dict[str, list[Any]] = {"tracks": [], "reasons": [], "lists": []}
    number_of_track: dict[str, int] = {}
    number_of_reason: dict[str, int] = {}
    left = most_bytes - _size(out)
    for one in lists:
        named = [_named(t, tracks) for t in dict.fromkeys(one.tracks) if t not in number_of_track]
        texts = [shown(r, LONGEST) for r in dict.fromkeys(one.reasons) if r not in number_of_reason]
        for numbers, ids in ((number_of_track, one.tracks), (number_of_reason, one.reasons)):
            for name in ids:
                numbers.setdefault(name, len(numbers))
        row = [
            one.place,
            shown(one.need, LONGEST),
            one.intent,
            one.searches,
            [shown(w, LONGEST) for w in one.wordings],
            [number_of_track[t] for t in one.tracks],
            [number_of_reason[r] for r in one.reasons],
        ]
        cost = sum(_size(part) + 1 for part in (*named, *texts, row))  # 1: the comma before it
        if cost > left:
            break
        left -= cost
        out["tracks"] += named
        out["reasons"] += texts
        out["lists"].append(row)
    return out


def _named(track_id: str, tracks: Mapping[str, Track]) -> list[str]:
    track = tracks.get(track_id, Track(track_id, ""))
    return [shown(track.title, LONGEST), shown(track.artists, LONGEST)]


def _size(value: Any) -> int:
    return len(embedded(value).encode())
