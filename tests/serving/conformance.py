"""Conformance vectors of the release format: requests over a small release, with the need and the way that are expected.

    python -m tests.serving.conformance RELEASES     writes the release, published, into the folder RELEASES

The expected needs follow from how each request is put together, not from what our reader answers. `conformance.jsonl` has them as
rows {"request", "locale", "need", "matched_by"} for readers in other languages.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from queries.catalog.vocabulary import pair_id
from queries.grammar.bundle import grammar_bundle
from serving.content import Entry, Name, Names, RankedTrack, ReleaseContent, TrackInfo
from serving.in_memory import rows_in_memory
from serving.writer import publish, write_release

FILE = Path(__file__).with_name("conformance.jsonl")
RECORDINGS = [  # title, artist, album, popularity
    ("silver harbor", "mira tolvane", "night ferries", 80),
    ("paper lanterns", "mira tolvane", "night ferries", 70),
    ("the glass orchard", "the quiet foxes", "orchards", 65),
    ("run to the shore", "the quiet foxes", "orchards", 60),
    ("cielo de cobre", "lucia ferran", "mapas", 75),
    ("mapa sin nombre", "lucia ferran", "mapas", 50),
    ("bailar descalzos", "los duendes del sur", "verbena", 68),
    ("la ultima verbena", "los duendes del sur", "verbena", 55),
    ("engine room", "district 77", "engine room", 72),
    ("seven floors down", "district 77", "engine room", 40),
    ("velvet thunder", "oona brask", "northern", 77),
    ("winter ledger", "oona brask", "northern", 45),
]
GENRES = {"rock": ("rock", "rock"), "jazz": ("jazz", "jazz"), "salsa": ("salsa", "salsa"), "blues": ("blues", "blues")}
DECADES = {"1980": ("the 80s", "los 80"), "1990": ("the nineties", "los noventa"), "1970": ("the 70s", "los setenta")}
MOODS = {"happy": ("happy", "alegre"), "sad": ("sad", "triste"), "calm": ("relaxing", "relajante")}
WORDINGS = {("en", "the one from the ad"): "title=velvet thunder", ("*", "la del anuncio"): "title=cielo de cobre"}
WORDINGS |= {("en", "engine room"): "album=engine room", ("en", "remind me of paper lanterns"): "not_music"}


def release() -> ReleaseContent:
    """The release over which the vectors are answered."""
    tracks = {f"t{i:02d}": TrackInfo(f"t{i:02d}", t.title(), (a.title(),)) for i, (t, a, *_) in enumerate(RECORDINGS)}
    by_kind: dict[str, dict[str, Name]] = {"title": {}, "artist": {}, "album": {}, "newest": {}}
    pairs: dict[int, tuple[str, ...]] = {}
    for i, (title, artist, album, popularity) in enumerate(RECORDINGS):
        for kind, name in (("title", title), ("artist", artist), ("album", album), ("newest", artist)):
            known = by_kind[kind].get(name, Name(0.0))
            by_kind[kind][name] = Name(max(known.popularity, popularity), (*known.tracks, f"t{i:02d}"))
        pairs[pair_id(title, artist)] = (f"t{i:02d}",)
        album_pair = pair_id(album, artist, is_album=True)
        pairs[album_pair] = (*pairs.get(album_pair, ()), f"t{i:02d}")
    first = (RankedTrack("t00", 1.0), RankedTrack("t04", 0.5))
    needs = [f"genre={genre}" for genre in GENRES] + [f"mood={mood}" for mood in MOODS] + ["open"]
    needs += [f"decade={decade}|genre={genre}" for decade in DECADES for genre in ("rock", "salsa")]
    entries = [Entry(place, need, first) for need in needs for place in ("en", "es")]
    likes = [("similar_to=artist%3Doona brask", "t01 t04 t05"), ("similar_to=artist%3Dlucia ferran", "t06 t04")]
    likes.append(("similar_to=title%3Dengine room", "t11 t10"))
    entries += [Entry("*", need, tuple(RankedTrack(one, 1.0) for one in listed.split())) for need, listed in likes]
    manifest = {"inputs": {}, "config_fingerprint": "", "ranker_fingerprint": None, "gates": {}, "coverage": {}}
    built = {"at": "2026-11-22T02:00:00Z"}
    return ReleaseContent(
        "2026-11-21", entries, WORDINGS, Names(by_kind, pairs), tracks, manifest, built, grammar_bundle(GENRES, 0.8)
    )


def vectors() -> Iterator[dict[str, str | None]]:
    """The requests with what is expected."""

    def row(request: str, locale: str, need: str | None, by: str | None) -> dict[str, str | None]:
        return {"request": request, "locale": locale, "need": need, "matched_by": by}

    english, spanish = ("en-US", "en-GB"), ("es-ES", "es-MX")
    for title, artist, album, _ in RECORDINGS:
        by = "wording" if title == "engine room" else "reading"  # public in English as the album
        need = "album=engine room" if title == "engine room" else f"title={title}"
        for locale in english:
            yield row(f"play {title}", locale, need, by)
        yield row(f"Alexa, play {title.title()} please", "en-US", need, by)
        for locale in spanish:
            yield row(f"pon {title}", locale, f"title={title}", "reading")
            yield row(f"ponme {title} de {artist}", locale, f"artist={artist}|title={title}", "reading")
        yield row(f"{title} by {artist}", "en-US", f"artist={artist}|title={title}", "reading")
        yield row(f"play the album {album} by {artist}", "en-GB", f"album={album}|artist={artist}", "reading")
        yield row(f"pon el disco {album} de {artist}", "es-ES", f"album={album}|artist={artist}", "reading")
        yield row(f"play songs by {artist}", "en-US", f"artist={artist}", "reading")
        yield row(f"pon musica de {artist}", "es-MX", f"artist={artist}", "reading")
        yield row(f"the latest songs by {artist}", "en-US", f"artist={artist}|sort=newest", "reading")
        slip = title[:-2] + title[-1]
        yield row(f"play {slip}", "en-US", f"title={title}", "near")
        artist_is_listed = artist in ("oona brask", "lucia ferran")
        by_title = "reading" if title == "engine room" else "backoff" if artist_is_listed else None
        yield row(f"songs like {title}", "en-US", f"similar_to=title%3D{title}", by_title)
        recording = f"similar_to=artist%3D{artist}%7Ctitle%3D{title}"
        yield row(f"songs like {title} by {artist}", "en-US", recording, "backoff" if artist_is_listed else None)
        yield row(
            f"algo parecido a {artist}",
            "es-ES",
            f"similar_to=artist%3D{artist}",
            "reading" if artist_is_listed else None,
        )
    for genre, names in GENRES.items():
        for name, locales, frames in (
            (names[0], english, ("play {}", "{} music", "play some {}", "i want to hear {} music")),
            (names[1], spanish, ("pon {}", "musica {}", "ponme algo de {}", "quiero oir {}")),
        ):
            for locale in locales:
                for frame in frames:
                    yield row(frame.format(name), locale, f"genre={genre}", "reading")
        for decade, said in DECADES.items():
            is_listed = genre in ("rock", "salsa")
            by = "reading" if is_listed else "backoff"
            need = f"decade={decade}|genre={genre}"
            yield row(f"play {names[0]} from {said[0]}", "en-US", need, by)
            yield row(f"pon {names[1]} de {said[1]}", "es-MX", need, by)
        yield row(f"{names[0]} but no live versions", "en-GB", f"genre={genre}|version!=live", "backoff")
    for mood, names in MOODS.items():
        yield row(f"play something {names[0]}", "en-US", f"mood={mood}", "reading")
        yield row(f"play {names[0]} music", "en-GB", f"mood={mood}", "reading")
        yield row(f"pon algo {names[1]}", "es-ES", f"mood={mood}", "reading")
        yield row(f"musica {names[1]}", "es-MX", f"mood={mood}", "reading")
        for genre in ("rock", "jazz"):
            yield row(f"play {names[0]} {genre}", "en-US", f"genre={genre}|mood={mood}", "backoff")
    both = "similar_to=artist%3Dlucia ferran|similar_to=artist%3Doona brask"
    yield row("music like oona brask and lucia ferran", "en-US", both, "reading")
    yield row("algo parecido a lucia ferran o a oona brask", "es-MX", both, "reading")
    half = "similar_to=artist%3Dmira tolvane|similar_to=artist%3Doona brask"
    yield row("artists like mira tolvane or oona brask", "en-GB", half, "backoff")
    yield row("play hard rock", "en-US", "genre=hard rock", "backoff")
    yield row("play heavy metal", "en-US", "genre=heavy metal", None)
    yield row("play polka", "en-US", "genre=polka", None)
    yield row("skip to the next song", "en-US", None, None)
    yield row("pon la siguiente", "es-MX", None, None)
    yield row("a partir de hoy usa spotify", "es-MX", None, None)
    for locale in (*english, "fr-FR", "en"):
        yield row("play district seventy seven", locale, "artist=district 77", "reading")
    for locale in english:
        yield row("the one from the ad", locale, "title=velvet thunder", "wording")
        yield row("play the one from the ad", locale, "title=velvet thunder", "wording")
        yield row("remind me of paper lanterns", locale, None, None)
    for locale in (*spanish, "pt-BR"):
        yield row("la del anuncio", locale, "title=cielo de cobre", "wording")
    for locale, request in (("en-US", "play my liked songs"), ("es-ES", "pon mis canciones favoritas")):
        yield row(request, locale, "personal=liked", None)
    for request in ("play music", "some music"):
        yield row(request, "en-US", "open", "reading")
    for request in ("pon musica", "musica"):
        yield row(request, "es-ES", "open", "reading")
    others = (
        "wake me at seven",
        "turn on the lamp",
        "what is the weather",
        "call my brother",
        "play zxqv wvut",
        "",
        "set a timer",
    )
    others += (
        "play velvet tiger by oona brask",
        "play harbor thunder",
        "enciende la luz",
        "pon una alarma",
        "llama a mi hermano",
    )
    for request in others:
        for locale in ("en-US", "es-MX"):
            yield row(request, locale, None, None)


def write_file() -> None:
    """Write the vectors into FILE."""
    FILE.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in vectors()), encoding="utf-8")


if __name__ == "__main__":
    root = Path(sys.argv[1])
    print(publish(root, write_release(root, rows_in_memory(release())), 1).message)
