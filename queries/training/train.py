"""Fit the models that queries/ ships: the tagger of names, and the music classifier. It runs at build time, never in a night.

    PLAYFIRST_DATA=DIR python -m queries.training.train [--catalog FILE]

The models are trained on gold data with free licences (SNIPS CC0; HWU64 and SLURP CC BY; MusicRecoNER MIT) and on requests
generated from our own sentences (`queries.training.own_requests`) with names of that gold data. The files queries/data/tagger.v1.zip,
musicness.v1.zip and their model card models.v1.json contain weights and a word list, but no request. The same data gives the same
bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from queries.catalog.index import load_catalog
from queries.catalog.vocabulary import Vocabulary
from queries.grammar.interpret import Interpretation, interpret
from queries.grammar.lexicon import Lexicon, entries, load_lexicon
from queries.models import fit_musicness, fit_tagger
from queries.models.fit_tagger import Example, locate_names
from queries.models.musicness import Musicness
from queries.models.tagger import Tagger
from queries.text.normalise import normal_form
from queries.text.spans import TaggedSpan
from queries.training.folds import stable_hash
from queries.training.gold import FREE_LICENCE, DataMissing, Gold, data_file, gold_of, rows_of
from queries.training.own_requests import music_requests, other_requests

DATA = Path(__file__).parent.parent / "data"
LOCALES = {"en": "en-US", "es": "es-ES"}
OWN_MUSIC = {"es": 4000, "en": 3500}
OWN_OTHER = {"es": 12000, "en": 2000}
OTHER_BESIDE_GOLD = frozenset({"en"})
# natural requests are few, and weigh more than generated ones
COPIES = {"mtop": 6, "hwu64": 6, "slurp": 6, "music_reco_ner": 2}
KIND_OF = {"work": "title"}
_WHEN = {
    "es": [
        "ochenta",
        "noventa",
        "setenta",
        "sesenta",
        "cincuenta",
        "80",
        "90",
        "70",
        "60",
        "2000",
        "dos mil",
        "80s",
        "90s",
        "70s",
        "años 60",
        "años 80",
        "años noventa",
        "dosmiles",
    ],
    "en": [
        "80s",
        "90s",
        "70s",
        "60s",
        "50s",
        "eighties",
        "nineties",
        "seventies",
        "sixties",
        "2000s",
        "two thousands",
        "1980s",
        "fifties",
    ],
}
_SORT = {
    "es": [
        "más nuevo",
        "más populares",
        "más nuevas",
        "último",
        "más escuchadas",
        "mejores",
        "más recientes",
        "nuevas",
    ],
    "en": ["latest", "newest", "top", "best", "most popular"],
}
_NEED_NAMES = ("artist", "title", "album", "playlist")


def tagger_of(
    train: Sequence[Gold],
    lexicon: Lexicon,
    vocabulary: Vocabulary | None,
    without: frozenset[str] = frozenset(),
    seed: int = 7,
    *,
    has_own: bool = True,
) -> Tagger:
    """Fit the tagger to the music requests of `train`, and to our own sentences filled with their names.

    Args:
        train: gold requests.
        lexicon: the word lists.
        vocabulary: the names of the catalog.
        without: normal forms that no generated request may equal, since the tagger is measured on them.
        seed: of the generated requests.
        has_own: whether our own sentences are used.
    """
    music = [one for one in train if one.is_music]
    examples: list[Example] = []
    for one in music:
        names = locate_names(
            one.query.split(), [(KIND_OF.get(s.type, s.type), s.value) for s in one.slots if s.type != "mood"]
        )
        if names is not None:
            examples += _examples(one.query, one.locale, names, COPIES.get(one.source, 1), lexicon, vocabulary)
    for lang, count in OWN_MUSIC.items() if has_own else ():
        for own in music_requests(lang, names_of(music, lang), count, seed):
            query = normal_form(own.text, LOCALES[lang])
            names = locate_names(
                query.split(), [(kind, normal_form(value, LOCALES[lang])) for kind, value in own.names]
            )
            if names is not None and query not in without:
                examples += _examples(query, LOCALES[lang], names, 1, lexicon, vocabulary)
    return fit_tagger.fitted(examples, lexicon)


def _examples(
    query: str, locale: str, names: tuple[TaggedSpan, ...], copies: int, lexicon: Lexicon, vocabulary: Vocabulary | None
) -> Iterator[Example]:
    """The examples of a request, weighted by `copies`, a third of them without a catalog: the model must work without one."""
    bare = copies // 3 if copies >= 3 else int(stable_hash(query) % 3 == 0)
    for count, known in ((copies - bare, vocabulary), (bare, None)):
        if count:
            yield Example(interpret(query, locale, lexicon, known), names, known, count)


def musicness_of(
    train: Sequence[Gold],
    lexicon: Lexicon,
    vocabulary: Vocabulary | None,
    without: frozenset[str] = frozenset(),
    seed: int = 7,
    *,
    has_own: bool = True,
) -> Musicness:
    """Fit the music classifier to every request of `train`; requests of MTOP have twice the weight.

    For a language without gold in `train`, our own sentences of both classes are used. Where there is gold, our sentences for
    music made the classifier worse when measured; those for other skills help in English, where free gold has few of them.

    Args:
        train: gold requests.
        lexicon: the word lists.
        vocabulary: the names of the catalog.
        without: normal forms that no generated request may equal, since the classifier is measured on them.
        seed: of the generated requests.
        has_own: whether our own sentences are used.
    """

    def read(query: str, locale: str) -> Interpretation:
        return interpret(query, locale, lexicon, None if stable_hash(query) % 3 == 0 else vocabulary)

    readings = [read(one.query, one.locale) for one in train]
    is_music = [one.is_music for one in train]
    weights = [2.0 if one.source == "mtop" else 1.0 for one in train]
    music = [one for one in train if one.is_music]
    has_gold = {one.lang for one in train}
    for lang in sorted(set(OWN_OTHER) - has_gold | OTHER_BESIDE_GOLD) if has_own else ():
        own = {normal_form(text, LOCALES[lang]): False for text in other_requests(lang, OWN_OTHER[lang], seed)}
        if lang not in has_gold:
            for_music = music_requests(lang, names_of(music, lang), OWN_MUSIC[lang], seed)
            own |= {normal_form(one.text, LOCALES[lang]): True for one in for_music}
        for query, asks_for_music in own.items():
            if query not in without:
                readings.append(read(query, LOCALES[lang]))
                is_music.append(asks_for_music)
                weights.append(1.0)
    return fit_musicness.fitted(readings, is_music, weights)


def names_of(music: Sequence[Gold], lang: str) -> Mapping[str, Sequence[str]]:
    """Kind -> names to fill sentences with: of the SNIPS and MusicRecoNER gold; genres of the lexicon; times and orders."""
    values: dict[str, set[str]] = defaultdict(set)
    for one in music:
        if one.source in ("snips", "music_reco_ner"):
            for slot in one.slots:
                kind = KIND_OF.get(slot.type, slot.type)
                if kind in _NEED_NAMES:
                    values[kind].add(slot.value)
    genres = {form for forms in entries("genres").values() for form in forms.get(lang, ())} | set(entries("genres"))
    names = {kind: sorted(values[kind]) or [kind] for kind in _NEED_NAMES}
    return names | {"genre": sorted(genres), "when": _WHEN[lang], "sort": _SORT[lang]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit both models on the free data, and write them with their model card."""
    parser = argparse.ArgumentParser(
        prog="python -m queries.training.train", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--catalog", help="names that the tagger may look up while it is fitted (default: the shared one)"
    )
    given = parser.parse_args(arguments)
    try:
        gold = [one for one in gold_of(rows_of(data_file("queries/gold_slots.jsonl.gz"))) if one.source in FREE_LICENCE]
        catalog = load_catalog(given.catalog or data_file("catalog/tracks.jsonl.gz"))
    except DataMissing as error:
        print(error, file=sys.stderr)
        return 2
    lexicon = load_lexicon(catalog.genres)
    tagger = tagger_of(gold, lexicon, catalog.vocabulary)
    tagger.write(DATA / "tagger.v1.zip")
    musicness_of(gold, lexicon, catalog.vocabulary).write(DATA / "musicness.v1.zip")
    counts = {source: sum(one.source == source for one in gold) for source in sorted(FREE_LICENCE)}
    card = {
        "tagger": "linear-chain CRF (python-crfsuite): names of artist, title, album, playlist, genre, time and order in a request",
        "musicness": "logistic regression on hashed words and letters: whether a request asks for music",
        "learned_from": {source: f"{n:,} requests" for source, n in counts.items()}
        | {
            "our own sentences": f"{sum(OWN_MUSIC.values()):,} for music (in music-or-not the Spanish ones only), "
            f"{sum(OWN_OTHER.values()):,} for other things"
        },
        "licences": {"snips": "CC0", "hwu64": "CC BY 4.0", "slurp": "CC BY 4.0 (text)", "music_reco_ner": "MIT"},
        "attribution": "SNIPS: Coucke et al. 2018; HWU64: Liu et al. 2019; SLURP: Bastianelli et al. 2020; MusicRecoNER: Epure "
        "and Hennequin 2023",
        "looked_up_meanwhile": "whether a catalog knows a stretch of words as artist, title or album, and how popular it is; "
        "no name of that catalog is in the weights unless the requests hold it",
        "measured_by": "python -m benchmarks.understanding (column shipped); figures in docs/benchmarks.md",
        "known_limits": "English and Spanish only; Spanish sentences are all our own; genres and moods that the lexicon does "
        "not list are found by their place in the sentence alone; requests of one bare unknown name are guessed",
    }
    (DATA / "models.v1.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name in ("tagger.v1.zip", "musicness.v1.zip"):
        print(f"{name}: {(DATA / name).stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
