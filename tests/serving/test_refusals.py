"""What a request refuses is in no answer, whichever list it comes from; a back-off does not widen into it."""

from __future__ import annotations

from pathlib import Path

from queries.grammar.bundle import grammar_bundle
from queries.grammar.need import Need, Part
from serving.reader import ReleaseReader
from serving.writer import publish
from tests.serving.conftest import entry, write
from tests.serving.test_variants import units_of


def titles(reader: ReleaseReader, request: str, locale: str) -> list[str]:
    return [track.track_id for track in reader.lookup(request, locale).tracks]


def test_a_list_of_the_need_itself_is_filtered_as_a_back_off_is(root: Path) -> None:
    """Enough people in en-US asked for it, so there is a list; nothing at night keeps the refused artist out."""
    need = Need.of([Part("title", "hello"), Part("artist", "adele", True)])
    own = entry("en-US", need.key, ("t1", 0.9), ("t2", 0.1), reasons=("by adele", "by lionel richie"))
    wide = entry("*", "title=hello", ("t1", 0.9), ("t2", 0.1))
    publish(root, write(root, [own, wide], wordings={("*", "hello not by adele"): need.key}), 3)
    reader = ReleaseReader(root, max_age_h=1e6)
    assert titles(reader, "hello not by adele", "en-US") == ["t2"] == titles(reader, "hello not by adele", "fr-FR")
    answer = reader.lookup("hello not by adele", "en-US", explain=True)
    assert answer.dropped == () and answer.explanation is not None
    assert answer.explanation.reasons == ("by lionel richie",)  # beside the track that it is of


def test_reasons_stand_beside_their_tracks_in_a_variant_too(root: Path) -> None:
    from serving.content import Variant

    music = entry(
        "*", "open", ("t2", -1.0), ("t3", -2.0), ("t1", -3.0), variants=(Variant(0.25, ("t2", "t1")), Variant(0.125, ("t3", "t2"))),
        reasons=("why t2", "why t3", "why t1"),
    )  # fmt: skip
    release_id = write(root, [music], wordings={})
    publish(root, release_id, 3)
    reader = ReleaseReader(root, max_age_h=1e6)
    for unit in units_of(release_id).values():
        answer = reader.lookup("play music", "en-US", True, unit)
        assert answer.explanation is not None
        assert list(answer.explanation.reasons) == [f"why {track.track_id}" for track in answer.tracks]


def test_a_genre_is_not_widened_into_the_one_that_is_refused(root: Path) -> None:
    need = Need.of([Part("genre", "indie pop"), Part("genre", "pop", True)])
    grammar = grammar_bundle(["indie pop", "pop"], 0.8)
    pop = entry("*", "genre=pop", ("t1", 1.0))
    publish(root, write(root, [pop], wordings={("*", "indie pop but not pop"): need.key}, grammar=grammar), 3)
    reader = ReleaseReader(root, max_age_h=1e6)
    assert titles(reader, "indie pop but not pop", "en-US") == []
    assert titles(reader, "play indie pop", "en-US") == ["t1"]
