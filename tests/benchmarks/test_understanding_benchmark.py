"""Gold, folds, tallies, intervals and recall of the benchmark of query understanding, on hand-made rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import (
    understanding,
    understanding_alexa,
    understanding_link,
    understanding_slots,
    understanding_spelling,
)
from benchmarks.arms import Catalog, Grammar, Resources
from benchmarks.figures import Figure, as_json, f1, f1_interval, share
from benchmarks.plain_crf import PlainCrf, aligned, slots_of, tags
from benchmarks.retrieval import RIVALS, first, plain_form
from benchmarks.understanding_alexa import MOODS
from benchmarks.understanding_speed import HOSTILE, invented, repeated
from benchmarks.understanding_table import misses
from queries.catalog.index import CatalogIndex
from queries.text.normalise import normal_form
from queries.training.folds import cross_fitted, parallel_groups, training_part
from queries.training.gold import Gold, Slot, gold_of, parallel_pairs, scored_types, slot_map

SNIPS, RECO = scored_types("snips"), scored_types("music_reco_ner")
TRACKS = [
    {"track_id": "t1", "title": "Hello", "artists": ["Adele"], "release": "25", "genres": ["pop"]},
    {"track_id": "t2", "title": "Halo", "artists": ["Beyoncé"], "release": "I Am", "genres": ["pop"]},
]


def row(
    source: str, text: str, *slots: tuple[str, str], split: str = "fold1", music: bool = True, **more: str
) -> dict[str, Any]:
    return {
        "source": source,
        "split": split,
        "lang": "en",
        "text": text,
        "music": music,
        "slots": [{"type": kind, "value": value} for kind, value in slots],
    } | more


def one(text: str, *slots: Slot, lang: str = "en") -> Gold:
    return Gold("snips", lang, text, normal_form(text, lang), True, slots, 0)


def test_gold_is_in_our_types_and_each_text_once_a_family() -> None:
    gold = gold_of(
        [
            row("hwu64", "Play  HELLO"),
            row("slurp", "play hello", ("song_name", "Hello"), ("app_name", "pandora"), split="devel"),
            row("snips", "play hello", ("year", "1999"), split="train"),
            row("snips", "rate this book", ("rating", "5"), split="train", music=False),
        ]
    )
    assert [(g.source, g.slots, g.fold is None) for g in gold] == [
        ("slurp", (Slot("title", "hello"),), False),
        ("snips", (Slot("when", "1999"),), True),
        ("snips", (), True),
    ]
    assert all(
        ours in {None, "mood", *scored_types("snips")} for types in slot_map().values() for ours in types.values()
    )


def test_parallel_pairs_that_share_a_text_are_one_group() -> None:
    assert parallel_groups([("p1", "b"), ("p1", "x"), ("p2", "x"), ("p2", "a"), ("p3", "z")]) == {
        "p1": "a",
        "p2": "a",
        "p3": "z",
    }
    english, spanish = row("mtop", "play pop", pair_id="p"), row("mtop", "pon pop", pair_id="p", lang="es")
    [pair] = parallel_pairs([spanish, english, row("snips", "play rock")])
    assert [g.query for g in pair] == ["play pop", "pon pop"] and pair[0].fold == pair[1].fold


def test_no_model_has_seen_a_text_that_it_scores() -> None:
    texts = [f"play song {n}" for n in range(40)]
    gold = gold_of(
        [
            *(row("hwu64", t) for t in texts),
            *(row("slurp", f"olly {t}") for t in texts[::3]),
            *(row("snips", t, split="train") for t in texts),
            *(row("leyzer", f"pon {t}", split="valid") for t in texts),
        ]
    )
    scored = [g for g in gold if g.fold is not None]
    learned: list[Sequence[Gold]] = []

    def answer(requests: Sequence[Gold]) -> list[str]:
        seen = {g.query for g in learned[-1]}
        assert learned[-1] and not seen & {g.query for g in requests}
        assert not {f"olly {query}" for query in seen} & {g.query for g in requests}
        assert not any(g.source == "leyzer" for g in learned[-1])  # its validation part teaches no model
        return [g.text for g in requests]

    assert cross_fitted(gold, scored, learned.append, answer) == [g.text for g in scored]
    assert len(learned) == 5 and all(training_part(gold, fold) for fold in range(5))


@pytest.mark.parametrize(
    ("gold", "predicted", "types", "wanted"),
    [
        ("title hello|artist adele", "artist adele|title hello", SNIPS, {"title_work": (1, 1, 1), "artist": (1, 1, 1)}),
        ("work hello", "album hello", SNIPS, {"title_work": (1, 1, 1)}),
        ("title hello", "album hello", SNIPS, {"title_work": (0, 0, 1), "album": (0, 1, 0)}),
        ("artist queen", "artist queen|artist queen", SNIPS, {"artist": (1, 2, 1)}),
        ("work one|title one", "title one|title one", SNIPS, {"title_work": (2, 2, 2)}),
        ("artist queen", "genre rock|mood happy|album hits", RECO, {"artist": (0, 0, 1), "title_work": (0, 1, 0)}),
        ("", "", SNIPS, {}),
    ],
)
def test_a_slot_is_right_by_type_and_form(
    gold: str, predicted: str, types: frozenset[str], wanted: dict[str, Any]
) -> None:
    def slots(text: str) -> list[Slot]:
        return [Slot(*part.split(" ", 1)) for part in text.split("|") if part]

    assert understanding_slots.tally(slots(gold), slots(predicted), types) == wanted


def test_intervals() -> None:
    rows = [(1, 1, 1)] * 60 + [(0, 1, 1)] * 40
    low, high = f1_interval(rows)
    assert (
        f1(60, 100, 100) == 0.6 and 0.49 < low < 0.53 and 0.67 < high < 0.71 and f1_interval(rows[::-1]) == (low, high)
    )
    half = share("cpcd", "en", "recall10", "ours", 5, 10, "searches")
    assert half.low is not None and abs(half.low - 0.2366) < 1e-4  # Wilson of 5 in 10
    assert as_json([half])["cpcd.en.recall10.ours.count"] == "5 of 10 searches"


def test_the_plain_crf_learns_what_it_is_shown() -> None:
    names = ("adele", "queen", "the cure")
    train = [one(f"play {name} now", Slot("artist", name)) for name in names]
    crf = PlainCrf()
    crf.fit(train * 5)
    assert crf.slots(train) == [list(g.slots) for g in train]
    assert tags("play r and b", [Slot("genre", "rand b"), Slot("artist", "nobody")]) == [
        "O",
        "B-genre",
        "I-genre",
        "I-genre",
    ]
    assert aligned("play adeles hello", "adele") == (1, 2) and aligned("play hello", "") is None
    assert slots_of(one("Adele's hello"), ["B-artist", "I-title"]) == [Slot("artist", "adele"), Slot("title", "hello")]


def test_arms_on_a_small_catalog() -> None:
    given = Resources.of(CatalogIndex.of(TRACKS))
    asked = [one("play hello by adele")]
    assert (
        Grammar(given).slots(asked) == [[Slot("title", "hello"), Slot("artist", "adele")]]
        and Grammar(given).is_music(asked)[0]
    )
    assert Catalog(given).slots([*asked, one("hello")]) == [[Slot("artist", "adele")], [Slot("title", "hello")]]


def test_linking_counts_a_liked_track_among_the_first() -> None:
    searches = [
        understanding_link.Search("helo adele", frozenset(["t1"])),
        understanding_link.Search("halo", frozenset(["t1"])),
    ]
    found = {
        f"{f.measure}.{f.arm}": f.value
        for f in understanding_link.measured(searches, [{**t, "album": ""} for t in TRACKS])
    }
    assert (
        found["recall10_unmatched.ours"] == 1.0 and found["recall10.bm25"] == 0.5
    )  # "halo" is a title, and not the liked one
    documents = [plain_form("Beyoncé: Halo"), "zzz"]
    assert all(first(rival(["halo"], documents), 1) == [[0]] for rival in RIVALS.values())


def test_texts_of_the_speed_section() -> None:
    assert all(9_900 < len(repeated(p, 10_000).encode("utf-8", "surrogatepass")) <= 10_000 for p in HOSTILE.values())
    made = list(invented([("play pop", "en-US"), ("play pop", "en-GB")], [("Hello", ["Adele"])]))
    assert len(made) == len(set(made)) == 11 and made[:2] == [("play pop", "en"), ("play Hello by Adele", "en")]


def test_bars_hold_for_our_best_arm() -> None:
    figures = [Figure("leyzer", "es", "slots_f1", arm, value) for arm, value in (("grammar", 0.5), ("local", 0.95))]
    assert misses(figures) == [] and misses(figures[:1]) == ["leyzer.es.slots_f1.grammar 0.500 < 0.94"]


@pytest.mark.parametrize("words", [["--only", "slot"], ["--arms", ""], ["--sample", "0"], ["--spark", "-1"]])
def test_bad_arguments_end_with_two(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        understanding.main(words)
    assert ended.value.code == 2


def test_without_data_one_line_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PLAYFIRST_DATA", raising=False)
    assert understanding.main(["--only", "link"]) == 2
    assert capsys.readouterr().err == "PLAYFIRST_DATA is not set: set it to the folder of the shared data.\n"


def test_every_sentence_meets_every_value_of_alexas_model(tmp_path: Path) -> None:
    moods = [{"name": {"value": name, "synonyms": ["loose"] if name == "relaxing" else None}} for name, _ in MOODS]
    model = {
        "languageModel": {
            "intents": [
                {"name": "PlayMoodMusicIntent", "samples": ["play {mood} music"]},
                {"name": "AMAZON.StopIntent"},
                {"name": "PlayByDecadeIntent", "samples": ["songs from the {decade}", "{genre} of the {decade}"]},
            ],
            "types": [
                {"name": "Mood", "values": moods},
                {
                    "name": "Decade",
                    "values": [
                        {"id": "90s", "name": {"value": "90s", "synonyms": ["the nineties"]}},
                        {"id": "2010s", "name": {"value": "2010s"}},
                    ],
                },
            ],
        }
    }
    path = tmp_path / "model.json"
    path.write_text(json.dumps(model), encoding="utf-8")
    found = {one.text: one.accepted for one in understanding_alexa.asked(path, "en-US")}
    assert len(found) == len(MOODS) + 1 + 6
    assert found["songs from the nineties"] == found["rock of the 90s"] == {"decade=1990"}
    assert found["songs from the 2010s"] == {"decade=2010"} and "mood=calm" in found["play loose music"]


def test_a_mistake_is_one_that_people_make_and_changes_one_word(tmp_path: Path) -> None:
    corpus, affix = tmp_path / "missp.dat", tmp_path / "es.aff"
    corpus.write_text("$beautiful\nbeautifull\nbeutiful 2\n$Friend\nfreind\n", encoding="latin-1")
    known = understanding_spelling.misspellings(corpus)
    assert known == {"beautiful": ["beautifull", "beutiful"], "friend": ["freind"]}
    tracks = [
        {"track_id": "a", "title": "My Friend", "artists": ["Ana"]},
        {"track_id": "b", "title": "Hello", "artists": ["Ana"]},
    ]
    assert understanding_spelling.english(tracks, known) == [("my freind", "a")]
    affix.write_text("REP 1\nREP y ll\nMAP 1\nMAP aáAÁ\n", encoding="utf-8")
    pairs = understanding_spelling.replacements(affix)
    assert pairs == [("ll", "y"), ("á", "a")]
    spanish = [
        {"track_id": "c", "title": "La calle está sola", "artists": ["Ana"]},
        {"track_id": "d", "title": "Está", "artists": ["Ana"]},
    ]
    assert understanding_spelling.spanish(spanish, pairs) == [("la caye está sola", "c")]
