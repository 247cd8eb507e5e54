"""What a release has: a list for each need, the names of the catalog, and the wordings that its reader would read otherwise."""

from __future__ import annotations

import pytest

from lake.rows import frame_of
from night.release.index import index_rows, is_stored, names_file
from night.release.rows import SortedRows, list_rows, listed_tracks, of_tracks, track_rows, with_ordinals, wording_rows
from night.release.wordings import (
    PublicWording,
    ReleaseReading,
    differing,
    differing_wordings,
    disagreement,
    joined_roots,
    traffic,
)
from queries.catalog.vocabulary import pair_id
from queries.grammar.bundle import grammar_bundle
from serving.content import Entry, Name, Names, RankedTrack, ReleaseContent, TrackInfo, Variant
from serving.in_memory import rows_in_memory, vocabulary_in_memory
from serving.names_file import NAME_TABLES, NamesFile
from serving.rows import CUT, Row

NAMES = Names(
    {
        "title": {"hello": Name(90.0, ("t1",)), "despacito": Name(88.0, ("t2",)), "happy": Name(85.0, ("t3",))},
        "artist": {"adele": Name(90.0, ("t1",)), "luis fonsi": Name(70.0, ("t2",))},
        "album": {},
        "newest": {},
    },
    {pair_id("hello", "adele"): ("t1",)},
)
GRAMMAR = grammar_bundle(["rock"], 0.8)
LISTS = "locale string, need string, rank int, track_id string, score double, reason string"
WORDINGS = "locale string, query string, need string"


def frames_of(spark, names: Names):
    """The names as `night.release.names.short_lists` has them."""
    named = [(k, n, o.popularity, list(o.tracks)) for k, of in names.by_kind.items() for n, o in of.items()]
    pairs = [(str(pair), list(tracks)) for pair, tracks in names.pairs.items()]
    return (
        frame_of(spark, named, "kind string, name string, popularity double, tracks array<string>").repartition(3),
        frame_of(spark, pairs, "pair string, tracks array<string>").repartition(2),
    )


def index_of(spark, names: Names) -> SortedRows:
    named, pairs = frames_of(spark, names)
    ordinals = with_ordinals(*[f.selectExpr("explode(tracks) AS track_id") for f in (named, pairs)])
    return index_rows(of_tracks(named, ("kind", "name"), ordinals), of_tracks(pairs, ("pair",), ordinals))


@pytest.fixture(scope="module")
def reading() -> ReleaseReading:
    return ReleaseReading(vocabulary_in_memory(NAMES), GRAMMAR)


@pytest.fixture(scope="module")
def names(spark, tmp_path_factory: pytest.TempPathFactory) -> NamesFile:
    return names_file(index_of(spark, NAMES), tmp_path_factory.mktemp("names"), frozenset())


def public(*rows: tuple[str, str, str | None]) -> list[PublicWording]:
    return [PublicWording(*row) for row in rows]


def many_names() -> Names:
    """Names of every kind of trouble: equal popularity, bands, initials, numbers, long, not storable, without popularity."""
    artists = [
        "ac dc",
        "bob marley and the wailers",
        "guns n roses",
        "blink 182",
        "the beatles",
        "beatles",
        "n sync",
        "nsync",
    ]
    artists += [
        "rage against the machine",
        "bob marley y los otros",
        "sade",
        "ñandú y sus amigos",
        "50 cent",
        "x" * 481,
        "y" * 90,
    ]
    titles = [*(f"song number {n}" for n in range(60)), "hello", "hola", "99 red balloons", "Ω", "a\0b", ""]
    ids = [f"t{n:03}" for n in range(40)]

    def named(forms: list[str], step: int) -> dict[str, Name]:
        popularity = [50.0, 70.5, 0.0, float("nan"), 50.0]
        return {
            f: Name(popularity[i % 5], tuple(ids[(i * step + j) % 40] for j in range(1 + i % 10)))
            for i, f in enumerate(forms)
        }

    pairs = {pair_id(t, a): (ids[i % 40], ids[(i + 7) % 40]) for i, t in enumerate(titles) for a in artists[:3]}
    by_kind = {
        "artist": named(artists, 3),
        "title": named(titles, 5),
        "album": named(titles[::2], 7),
        "newest": named(artists[:4], 1),
    }
    return Names(by_kind, pairs)


def counted(rows: list[Row]) -> tuple[list[Row], int]:
    """The rows in order, and how many names were cut."""
    cut = sum(int.from_bytes(r.value, "little") for r in rows if r.table == CUT and r.key == b"names")
    return sorted(r for r in rows if r.table != CUT), cut


def test_the_executors_make_the_rows_that_plain_python_makes(spark) -> None:
    """The whole release: lists with variants, names, tracks and wordings; every byte."""
    names = many_names()
    listed = {("en", "genre=rock"): ["t001", "t039", "t007"], ("*", "open"): ["t005", "zz", "t001"]}
    varied = {("en", "genre=rock"): [Variant(0.25, ("t007", "t001")), Variant(0.125, ("t039", "t007"))]}
    wordings = {("en", "the sad one"): "title=hello", ("*", "ñu"): "not_music"}
    entries = [
        Entry(
            *key,
            tuple(RankedTrack(t, 1 / (i + 1)) for i, t in enumerate(tracks)),
            tuple(varied.get(key, ())),
            ("why",) * 3,
        )
        for key, tracks in listed.items()
    ]
    infos = {
        t: TrackInfo(t, f"Title {t}" * (200 if t == "t005" else 1), ("Some", "One"))
        for t in [f"t{n:03}" for n in range(40)] + ["zz"]
    }
    plain = rows_in_memory(ReleaseContent("2026-03-01", entries, wordings, names, infos, {}, {}, b""))

    named, pairs = frames_of(spark, names)
    rows = [(*key, i + 1, t, 1 / (i + 1), "why") for key, tracks in listed.items() for i, t in enumerate(tracks)]
    lists = frame_of(spark, rows, LISTS).repartition(3)
    others = [(*key, n, v.probability, list(v.tracks)) for key, of in varied.items() for n, v in enumerate(of, 1)]
    others.append(("en", "genre=rock", 0, 0.625, ["t001", "t039"]))
    variants = frame_of(
        spark, others, "locale string, need string, variant int, probability double, tracks array<string>"
    )
    catalog = frame_of(
        spark,
        [(t, o.title, list(o.artists)) for t, o in infos.items()],
        "track_id string, title string, artists array<string>",
    )
    kept = named.where(is_stored())
    ordinals = with_ordinals(
        listed_tracks(lists), *[f.selectExpr("explode(tracks) AS track_id") for f in (kept, pairs)]
    )
    index = index_rows(of_tracks(named, ("kind", "name"), ordinals), of_tracks(pairs, ("pair",), ordinals))
    said = frame_of(spark, [(*key, need) for key, need in wordings.items()], WORDINGS)
    ours = index + SortedRows.of(
        list_rows(lists, variants, ordinals), track_rows(ordinals, catalog), wording_rows(said)
    )

    assert counted(list(ours)) == counted(list(plain.rows)) and counted(list(ours))[1] == 4
    in_turn = [(r.table, r.key) for r in ours]
    assert in_turn == sorted(in_turn) and list(ours) == list(ours)
    assert {r.table for r in index} == {*NAME_TABLES, CUT}
    assert ours.room >= plain.room


def test_a_ranked_track_that_the_catalog_lacks_is_named(spark) -> None:
    ordinals = with_ordinals(frame_of(spark, [("t1",)], "track_id string"))
    nothing = frame_of(spark, [], "track_id string, title string, artists array<string>")
    assert [(r.table, r.key) for r in SortedRows.of(track_rows(ordinals, nothing))] == [
        ("~problem", b"track 't1': ranked, but not in the catalog")
    ]


@pytest.mark.parametrize(
    ("query", "need"),
    [
        ("play hello", "title=hello"),
        ("hello by adele", "artist=adele|title=hello"),
        ("rock from the 90s", "decade=1990|genre=rock"),
        ("despasito", "title=despacito"),
        ("zxqv wvut", None),
        ("turn on the light", None),
    ],
)
def test_what_the_reader_will_read(reading: ReleaseReading, names: NamesFile, query: str, need: str | None) -> None:
    assert reading.need(query, "en") == need == ReleaseReading.of(names, GRAMMAR).need(query, "en")


OTHERWISE = public(
    ("*", "play hello", "title=hello"),  # as read
    ("*", "the sad one", "title=hello"),  # no reading
    ("en", "the sad one", "title=hello"),  # `*` leads there already
    ("en-US", "the sad one", "artist=adele"),  # means another thing there
    ("en", "happy", "mood=happy"),  # the title by the catalog, the mood by its plays
    ("en", "despacito", None),  # not for music, and the reader would answer
    ("en", "turn on the light", None),  # not for music, and the reader says so
)
STRIPPED = public(
    ("es", "hello", "artist=adele"), ("es", "pon hello", "title=hello"), ("es", "play hello", "title=hello")
)


def test_only_wordings_that_would_be_read_otherwise_are_stored(reading: ReleaseReading) -> None:
    assert differing_wordings(OTHERWISE, reading) == {
        ("*", "the sad one"): "title=hello",
        ("en-US", "the sad one"): "artist=adele",
        ("en", "happy"): "mood=happy",
        ("en", "despacito"): "not_music",
    }


def test_a_wording_whose_stripped_form_is_stored_with_another_need_is_stored_too(reading: ReleaseReading) -> None:
    rows = public(("en", "hello", "artist=adele"), ("en", "play hello", "title=hello"))
    assert differing_wordings(rows, reading) == {
        ("en", "hello"): "artist=adele",
        ("en", "play hello"): "title=hello",
    }


def test_the_executors_store_the_wordings_that_one_process_stores(
    spark, reading: ReleaseReading, names: NamesFile
) -> None:
    rows = (
        OTHERWISE + STRIPPED + public(("*", "please play hello", "artist=adele"), ("en", "ponme hello", "title=hello"))
    )
    frame = frame_of(spark, rows, WORDINGS).repartition(4)
    stored = {(r["locale"], r["query"]): r["need"] for r in differing(frame, names, GRAMMAR).collect()}
    assert stored == differing_wordings(rows, reading) and len(stored) > 5


def test_roots_that_one_wording_has_belong_together() -> None:
    assert joined_roots([["c", "b"], ["x", "y"], ["b", "a"]]) == {"a": "a", "b": "a", "c": "a", "x": "x", "y": "x"}
    assert joined_roots([]) == {}


def test_what_is_read_otherwise_is_counted_without_naming_it(spark, reading: ReleaseReading) -> None:
    rows = public(
        ("en", "play hello", "title=hello"),
        ("en", "the sad one", "title=hello"),  # the reader abstains
        ("es", "turn on the light", None),
        ("en-US", "the sad one", "title=hello"),  # of a locale: its language has it, too
    )
    assert disagreement(frame_of(spark, rows, WORDINGS), reading) == (1 / 3, 3)
    assert disagreement(frame_of(spark, [], WORDINGS), reading) == (0.0, 0)


def test_traffic_is_answered_where_it_was_asked(spark, names: NamesFile) -> None:
    """ "salsa" has a list in Spanish: whoever asks in English is not answered by it."""
    rows = [
        ("es-ES", "salsa", "genre=salsa", 50, True),
        ("es", "salsa", "genre=salsa", 50, True),
        ("en-US", "salsa", "genre=salsa", 2, False),
        ("en", "salsa", "genre=salsa", 2, False),
        ("*", "salsa", "genre=salsa", 52, True),
        ("en-US", "hello", "title=hello", 10, True),  # a name with its own tracks
        ("*", "hello", "title=hello", 10, True),
        ("en-US", "secret", "title=hello", 1, False),
    ]
    wordings = frame_of(spark, rows, f"{WORDINGS}, searches_28d int, is_public boolean")
    lists = frame_of(spark, [("es", "genre=salsa")], "locale string, need string")
    assert traffic(wordings, lists, names) == (60, 62)
    assert traffic(wordings, lists.where("false"), names) == (10, 62)
    assert traffic(wordings.where("false"), lists, names) == (0, 0)
