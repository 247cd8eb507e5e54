"""The catalog in memory: exact look-up of folded titles, artists and albums, the most popular track first."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from sys import intern
from typing import Any

from queries.catalog.vocabulary import Vocabulary, name_forms, pair_id, vocabulary_from

_TOP_TRACKS = 5
_ENDINGS = (".jsonl", ".jsonl.gz", ".parquet")


class CatalogUnreadable(ValueError):
    """A catalog file is missing or unreadable, or one of its rows is not a track of the input contract."""


@dataclass
class CatalogIndex:
    """The tracks of a catalog in parallel lists, one entry a track; a row is an index into them.

    `titles`, `artists` and `albums` map a folded form to the rows that have it, the most popular first (ties by track_id).
    """

    track_ids: list[str] = field(default_factory=list)
    title_names: list[str] = field(default_factory=list)
    artist_names: list[tuple[str, ...]] = field(default_factory=list)
    album_names: list[str] = field(default_factory=list)
    popularity: list[float] = field(default_factory=list)
    genres: frozenset[str] = frozenset()
    titles: dict[str, list[int]] = field(default_factory=dict)
    artists: dict[str, list[int]] = field(default_factory=dict)
    albums: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, tracks: Iterable[Mapping[str, Any]]) -> "CatalogIndex":
        """Index tracks in the form of the input contract; `album`, `genres` and `popularity` may be missing or null."""
        index = cls()
        genres: set[str] = set()
        for track in tracks:
            index._add(track)
            genres.update(track.get("genres") or ())
        index.genres = frozenset(genres)
        for names in (index.titles, index.artists, index.albums):
            for rows in names.values():
                if len(rows) > 1:
                    rows.sort(key=lambda row: (-index.popularity[row], index.track_ids[row]))
        return index

    def __len__(self) -> int:
        return len(self.track_ids)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The folded names with their highest popularity, as the grammar and the tagger look them up."""

        def rows() -> Iterator[tuple[str, str, float]]:
            for kind, names in (("title", self.titles), ("artist", self.artists), ("album", self.albums)):
                yield from ((kind, form, self.popularity[rows_of_form[0]]) for form, rows_of_form in names.items())
            yield from (("genre", genre, 0.0) for genre in self.genres)

        names = vocabulary_from(rows())
        by_row: dict[int, list[str]] = {}
        for form, rows_of_form in self.artists.items():
            for row in rows_of_form:
                by_row.setdefault(row, []).append(form)
        pairs = {
            pair_id(form, artist, is_album=is_album)
            for is_album, recordings in ((False, self.titles), (True, self.albums))
            for form, rows_of_form in recordings.items()
            for row in rows_of_form
            for artist in by_row.get(row, ())
        }
        return Vocabulary(names.titles, names.artists, names.albums, names.genres, frozenset(pairs), names.compact)

    def entities(self, artist: str | None, title: str | None, album: str | None) -> list[dict[str, Any]]:
        """Link folded names to the catalog: a list of `{"kind", "id", "score"}`; names that it does not have give no entry.

        An artist or album has its folded name as id and score 1. A title gives at most five tracks, the most popular first, with
        score 1 / rank; if the artist is in the catalog, only its tracks.
        """
        links: list[dict[str, Any]] = []
        by_artist = set(self.artists.get(artist or "", ()))
        if artist in self.artists:
            links.append({"kind": "artist", "id": artist, "score": 1.0})
        if title in self.titles:
            rows = [row for row in self.titles[title] if not by_artist or row in by_artist]
            links += [self._scored(row, rank) for rank, row in enumerate(rows[:_TOP_TRACKS])]
        if album in self.albums:
            links.append({"kind": "album", "id": album, "score": 1.0})
        return links

    def _scored(self, row: int, rank: int) -> dict[str, Any]:
        return {"kind": "track", "id": self.track_ids[row], "score": round(1.0 / (1 + rank), 6)}

    def _add(self, track: Mapping[str, Any]) -> None:
        row = len(self.track_ids)
        artists = tuple(intern(str(name)) for name in track["artists"] or () if name)
        title, album, popularity = str(track["title"] or ""), str(track.get("album") or ""), track.get("popularity")
        self.track_ids.append(str(track["track_id"]))
        self.title_names.append(title)
        self.artist_names.append(artists)
        self.album_names.append(intern(album))
        self.popularity.append(0.0 if popularity is None else float(popularity))
        for form in _forms(title):
            self.titles.setdefault(form, []).append(row)
        forms = (
            _forms(artists[0])
            if len(artists) == 1
            else dict.fromkeys(form for name in artists for form in _forms(name))
        )
        for form in forms:
            self.artists.setdefault(form, []).append(row)
        for form in _forms(album):
            self.albums.setdefault(form, []).append(row)


def load_catalog(path: Path | str) -> CatalogIndex:
    """Index the catalog of a `.jsonl`, `.jsonl.gz` or `.parquet` file, or of a folder of such files.

    Raises:
        CatalogUnreadable: A file or row cannot be read; the message names file, row and problem.
    """
    _forms.cache_clear()
    root = Path(path)
    files = sorted(one for one in root.rglob("*") if one.name.endswith(_ENDINGS)) if root.is_dir() else [root]
    if not files:
        raise CatalogUnreadable(f"catalog {root}: expected files ending in {', '.join(_ENDINGS)}, found none.")
    return CatalogIndex.of(track for file in files for track in _tracks(file))


def _tracks(file: Path) -> Iterator[dict[str, Any]]:
    row = 1
    try:
        for value in _parquet_rows(file) if file.suffix == ".parquet" else _json_rows(file):
            if value is not None:
                yield _track(value)
            row += 1
    except FileNotFoundError:
        raise CatalogUnreadable(f"catalog {file}: no such file. Give one of {', '.join(_ENDINGS)}.") from None
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        raise CatalogUnreadable(
            f"catalog {file} row {row}: expected one track a row (track_id, title, artists), found "
            f"{' '.join(str(error).split())[:120]}. See the input contract."
        ) from error


def _json_rows(file: Path) -> Iterator[Any]:
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as lines:
        for line in lines:
            yield json.loads(line) if line.strip() else None


def _parquet_rows(file: Path) -> Iterator[Any]:
    from pyarrow import parquet

    wanted = ("track_id", "title", "artists", "album", "genres", "popularity")
    with parquet.ParquetFile(file) as table:
        names = [name for name in wanted if name in table.schema_arrow.names]
        for batch in table.iter_batches(columns=names):
            yield from batch.to_pylist()


def _track(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} instead of an object")
    missing = [name for name in ("track_id", "title", "artists") if value.get(name) is None]
    if missing:
        raise ValueError(f"a track without {', '.join(missing)}")
    wrong = [name for name in ("artists", "genres") if not isinstance(value.get(name) or [], list)]
    if wrong:
        raise ValueError(f"{wrong[0]} that are no list")
    if not isinstance(value.get("popularity"), int | float | None):
        raise ValueError("a popularity that is no number")
    return value


@lru_cache(maxsize=200_000)
def _forms(name: str) -> tuple[str, ...]:
    return tuple(intern(form) for form in name_forms(name))
