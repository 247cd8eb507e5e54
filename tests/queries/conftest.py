"""A small catalog in the contract's form, its names made up except where a famous ambiguity is the point."""

import gzip
import json

import pytest

from queries.catalog.index import CatalogIndex

_ROWS = [
    # track_id, title, artists, album, genres, popularity
    ("t01", "Hello", ["Adele"], "25", ["pop"], 90),
    ("t02", "Hello", ["Lionel Richie"], "Can't Slow Down", ["pop"], 70),
    ("t03", "Play", ["Moby Dan"], "Play It", ["electronic"], 40),
    ("t04", "Ponme la Mano", ["Los Sonoros"], "Manos", ["salsa"], 35),
    ("t05", "Happy", ["Pharrell Williams"], "Girl", ["pop"], 85),
    ("t06", "Thunderstruck", ["AC/DC"], "Razors", ["hard-rock"], 80),
    ("t07", "Some Nights", ["fun."], "Some Nights", ["indie-pop"], 75),
    ("t08", "Rock", ["Plain Band"], "Stone", ["rock"], 20),
    ("t09", "Halo", ["Beyoncé"], "I Am", ["r-n-b"], 82),
    ("t10", "A Dios le Pido", ["Juanes"], "Un Dia", ["latin pop"], 78),
    ("t11", "The Sound of Silence", ["Simon & Garfunkel"], "Wednesday", ["folk"], 77),
    ("t12", "Hips Don't Lie (feat. Wyclef)", ["Shakira", "Wyclef"], "Fix", ["latin pop"], 80),
    ("t13", "Summer of 69", ["Bryan Adams"], "Reckless", ["rock"], 76),
    ("t14", "Chill", ["Nobody Known"], "Quiet", ["chill"], 10),
    ("t15", "Despacito", ["Luis Fonsi"], "Vida", ["latin pop"], 88),
    ("t16", "Bohemian Rhapsody - Remastered 2011", ["Queen"], "A Night at the Opera", ["rock"], 89),
    ("t17", "Don't Stop Me Now", ["Queen"], "Jazz", ["rock"], 86),
    ("t18", "Yesterday", ["The Beatles"], "Help!", ["rock"], 84),
    ("t19", "Help!", ["The Beatles"], "Help!", ["rock"], 79),
    ("t20", "Song Nobody Rated", ["Adele"], "25", ["pop"], None),
]


@pytest.fixture(scope="session")
def rows():
    names = ("track_id", "title", "artists", "album", "genres", "popularity")
    return [dict(zip(names, row, strict=True)) for row in _ROWS]


@pytest.fixture(scope="session")
def catalog(rows):
    return CatalogIndex.of(rows)


@pytest.fixture(scope="session")
def catalog_file(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("catalog") / "tracks.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    return path
