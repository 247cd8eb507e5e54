"""Features of text, constraints and attributes, written a second time in plain Python, row by row."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import jellyfish

from features.expressions import SUNG_IN
from queries.catalog.vocabulary import name_forms
from queries.grammar.lexicon import mood_targets
from queries.text.phonetic import sounds_like

Row = Mapping[str, Any]


def words(text: str | None) -> list[str]:
    return (text or "").split()


def track_words(row: Row) -> list[str]:
    return words(row["title_normal"]) + [w for a in row["artists_normal"] for w in words(a)]


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def edit_distance(a: str, b: str) -> int:
    """Levenshtein 1966, by rows."""
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y)))
        last = row
    return last[-1]


def edit_similarity(row: Row) -> float | None:
    a, b = row["text"], row["title_normal"]
    return 1 - edit_distance(a, b) / max(len(a), len(b)) if a or b else None


def fit(row: Row, name: str | None) -> float | None:
    if not name:
        return None
    near = [
        1 - min(1.0, max(low - row[f], row[f] - high, 0.0) / {"tempo": 200, "loudness": 60}.get(f, 1))
        for f, (low, high) in mood_targets(name).items()
        if row[f] is not None
    ]
    return sum(near) / len(near) if near else None


def genre_words_share(row: Row) -> float | None:
    if not row["genre"] or not row["genres"]:
        return None

    def named(genre: str) -> bool:
        text = f" {genre.replace('-', ' ')} "
        return any(f" {a.replace('-', ' ')} " in text for a in row["genre"])

    return sum(named(g) for g in row["genres"]) / len(row["genres"])


class GenreDistance:
    """Ochiai 1957 over the catalog's tracks, of the genres asked for and the track's; only the 24 nearest of each one asked for count."""

    def __init__(self, tracks: list[Row]) -> None:
        self.of: dict[str, set[int]] = {}
        for i, track in enumerate(tracks):
            for genre in track["genres"]:
                self.of.setdefault(genre, set()).add(i)

    def nearest(self, asked: str) -> dict[str, float]:
        mine = self.of.get(asked, set())
        met = {g: len(mine & at) / math.sqrt(len(mine) * len(at)) for g, at in self.of.items() if mine & at}
        return dict(sorted(met.items(), key=lambda kept: (-kept[1], kept[0]))[:24])

    def __call__(self, row: Row) -> float | None:
        if not row["genre"] or not row["genres"]:
            return None
        return 1 - max(near.get(g, 0.0) for near in map(self.nearest, row["genre"]) for g in row["genres"])


def version_kind(row: Row) -> float:
    order = ["remaster", "live", "acoustic", "demo", "remix", "instrumental", "cover", "karaoke"]
    return float(max((order.index(v) + 1 for v in title_versions(row)), default=0))


def age(row: Row) -> float | None:
    released: date | None = row["released_at"]
    days = (row["as_of"] - released).days if released else -1
    return math.log1p(days) if days >= 0 else None


def flag(value: bool) -> float:
    return float(value)


def trigram_similarity(row: Row) -> float | None:
    def runs(text: str) -> set[str]:
        padded = f"  {text} "
        return {padded[i : i + 3] for i in range(len(padded) - 2)} if text else set()

    a, b = runs(row["text"]), runs(row["title_normal"])
    return share(len(a & b), len(a | b))


def phrase(inner: str, outer: str) -> bool:
    return f" {inner} " in f" {outer} "


class Bm25:
    """Robertson & Zaragoza 2009 over title and artists as one field, k1 = 1.2, b = .75; `field` gives the words scored."""

    def __init__(self, tracks: list[Row], field: Callable[[Row], list[str]] = track_words) -> None:
        self.field = field
        texts = [track_words(t) for t in tracks]
        self.n, self.mean = len(texts), sum(map(len, texts)) / len(texts)
        self.df = Counter(w for t in texts for w in set(t))

    def __call__(self, row: Row) -> float:
        text = self.field(row)
        counts, norm = Counter(text), 1.2 * (0.25 + 0.75 * len(text) / self.mean)
        total = 0.0
        for word in set(words(row["text"])):
            if tf := counts[word]:
                idf = math.log(1 + (self.n - self.df[word] + 0.5) / (self.df[word] + 0.5))
                total += idf * tf * 2.2 / (tf + norm)
        return total


BM25_FIELDS: dict[str, Callable[[Row], list[str]]] = {
    "bm25": track_words,
    "bm25_title": lambda r: words(r["title_normal"]),
    "bm25_artist": lambda r: [w for a in r["artists_normal"] for w in words(a)],
}


def of_catalog(tracks: list[Row]) -> dict[str, Callable[[Row], float | None]]:
    """Those that the whole catalog decides, by name."""
    return {"genre_distance": GenreDistance(tracks), **{name: Bm25(tracks, f) for name, f in BM25_FIELDS.items()}}


OF_CATALOG = ("genre_distance", *BM25_FIELDS)


def sounds_alike(row: Row, asked: str | None, name: str) -> float:
    """English is Metaphone, word by word; Spanish rules have their own tests, so they are taken as they are."""
    text = row["text"] if asked is None else asked
    if row["language"] == "es":
        return flag(sounds_like(text, "es") == sounds_like(name, "es"))

    def key(said: str) -> str:
        heard = [(jellyfish.metaphone(w) or w) if w.isascii() and w.isalpha() else w for w in said.split()]
        return "".join(heard) or said

    return flag(key(text) == key(name))


def parts(row: Row, field: str) -> list[str]:
    """Values of a field in the need's key, such as those of `genre!` in `genre!=rap|year=1990-`."""
    said = [p.split("=", 1) for p in row["need"].split("|") if "=" in p]
    return [value for name, value in said if name == field]


def years(row: Row) -> range | None:
    if not (said := parts(row, "year")):
        return None
    first, _, last = said[0].partition("-")
    return range(int(first or 0), int((last if "-" in said[0] else first) or 9_999) + 1)


def title_versions(row: Row) -> set[str]:
    """Words are looked for one by one behind the first bracket or dash."""
    title = row["title"].lower()
    starts = [i for mark in ("(", "[", " - ", " – ", " — ") if (i := title.find(mark)) >= 0]
    told = " ".join(re.findall(r"\w+", title[min(starts) :])) if starts else ""
    said = {
        "live": "live|en vivo|en directo|ao vivo",
        "acoustic": "acoustic|acustico|acustica|acústico|acústica|unplugged|stripped",
        "remix": "remix|rmx|mix|rework|edit",
        "karaoke": "karaoke",
        "instrumental": "instrumental",
        "cover": "cover|tribute|tributo|made famous by|in the style of",
        "remaster": "remaster|remastered|remasterizado|remasterizada",
        "demo": "demo|maqueta",
    }
    return {name for name, words in said.items() if any(f" {w} " in f" {told} " for w in words.split("|"))}


def version_match(row: Row) -> float | None:
    if not (asked := parts(row, "version")):
        return None
    named = title_versions(row)
    if asked[0] == "original":
        return flag(not named)
    return flag(asked[0] in named or (asked[0] == "instrumental" and (row["instrumentalness"] or 0) >= 0.5))


def lyrics_match(row: Row) -> float | None:
    wanted = parts(row, "explicit") or (["false"] if "children" in row["genre"] else [])
    return flag(row["explicit"] == (wanted[0] == "true")) if wanted and row["explicit"] is not None else None


def music_language_match(row: Row) -> float | None:
    asked = parts(row, "language")
    if not asked or asked[0] not in SUNG_IN:
        return None
    genres, small = SUNG_IN[asked[0]]
    return flag(
        any(g.replace("-", " ") in genres for g in row["genres"]) or bool(set(words(row["title_normal"])) & set(small))
    )


PAIR: dict[str, Callable[[Row], float | None]] = {
    "title_equal": lambda r: (
        flag({r["text"], r["title_name"]} & {*name_forms(r["title"])} != set()) if r["intent"] != "album" else None
    ),
    "title_prefix": lambda r: flag(r["title_normal"].startswith(r["text"])),
    "title_words_share": lambda r: share(
        len(set(words(r["title_normal"])) & set(words(r["text"]))), len(set(words(r["title_normal"])))
    ),
    "need_words_share": lambda r: share(len(set(words(r["text"])) & set(track_words(r))), len(set(words(r["text"])))),
    "title_edit_similarity": edit_similarity,
    "title_trigram_similarity": trigram_similarity,
    "title_phrase": lambda r: flag(phrase(r["title_normal"], r["text"]) or phrase(r["text"], r["title_normal"])),
    "title_sounds_alike": lambda r: sounds_alike(r, r["title_name"], r["title_normal"]),
    "artist_sounds_alike": lambda r: sounds_alike(r, r["artist_name"], r["artists_normal"][0]),
    "artist_phrase": lambda r: flag(any(phrase(a, r["text"]) for a in r["artists_normal"])),
    "artist_equal": lambda r: flag(
        any({r["text"], r["artist_name"]} & {*name_forms(artist)} != set() for artist in r["artists"])
    ),
    "album_equal": lambda r: flag(r["title_name"] in name_forms(r["album"])) if r["intent"] == "album" else None,
    "artist_words_share": lambda r: share(
        len({w for a in r["artists_normal"] for w in words(a)} & set(words(r["text"]))),
        len({w for a in r["artists_normal"] for w in words(a)}),
    ),
    "genre_match": lambda r: flag(bool(set(r["genres"]) & set(r["genre"]))) if len(r["genre"]) else None,
    "genre_words_share": genre_words_share,
    "decade_match": lambda r: (
        flag(r["release_year"] // 10 * 10 in r["decade"]) if len(r["decade"]) and r["release_year"] else None
    ),
    "mood_fit": lambda r: fit(r, r["mood"]),
    "activity_fit": lambda r: fit(r, r["activity"]),
    "version_match": version_match,
    "other_version_unasked": lambda r: flag(bool(title_versions(r) - {"remaster", *parts(r, "version")})),
    "year_match": lambda r: flag(r["release_year"] in y) if (y := years(r)) and r["release_year"] else None,
    "unwanted_genre_match": lambda r: (
        flag(bool(set(r["genres"]) & set(parts(r, "genre!")))) if parts(r, "genre!") and len(r["genres"]) else None
    ),
    "lyrics_match": lyrics_match,
    "music_language_match": music_language_match,
    "mood_tag_match": lambda r: flag(r["mood"] in r["moods"]) if r["mood"] and len(r["moods"]) else None,
}
NEED: dict[str, Callable[[Row], float | None]] = {
    "need_words_count": lambda r: float(len(words(r["text"]))),
    "need_characters_count": lambda r: float(len(r["text"])),
    "is_constrained": lambda r: flag(bool(len(r["genre"]) or len(r["decade"]) or r["mood"] or r["activity"])),
    "is_spanish": lambda r: flag(r["language"] == "es"),
    "is_known_item": lambda r: flag(r["intent_group"] == "known_item"),
    "is_artist_need": lambda r: flag(r["intent_group"] == "artist"),
    "is_broad_need": lambda r: flag(r["intent_group"] == "broad"),
}
TRACK: dict[str, Callable[[Row], float | None]] = {
    "catalog_popularity": lambda r: r["popularity"],
    "catalog_popularity_trend": lambda r: (
        r["popularity"] - r["popularity_before"] if None not in (r["popularity"], r["popularity_before"]) else None
    ),
    "age_log1p_days": age,
    "release_year": lambda r: float(r["release_year"]) if r["release_year"] else None,
    "duration_s": lambda r: r["duration_ms"] / 1000 if r["duration_ms"] is not None else None,
    **{
        f"audio_{n}": lambda r, n=n: r[n]  # type: ignore[misc]
        for n in ("energy", "valence", "danceability", "tempo", "acousticness", "instrumentalness")
    },
    "title_words_count": lambda r: float(len(words(r["title_normal"]))),
    "artists_count": lambda r: float(len(r["artists_normal"])),
    "is_explicit": lambda r: flag(r["explicit"]) if r["explicit"] is not None else None,
    "version_kind": version_kind,
    "is_other_version": lambda r: flag(bool(title_versions(r) - {"remaster"})),
}
