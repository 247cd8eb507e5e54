"""What a normal form asks for: intent, names, constraints, and the reasons. Pure: text, lexicon and vocabulary only."""

from dataclasses import dataclass, field, replace
from typing import Any

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.constraints import Mention, constraint_key, constraints_of, mentions, no_constraints
from queries.grammar.lexicon import Lexicon
from queries.grammar.music import Spoken, is_music, language, spoken
from queries.grammar.phrase import Stretch
from queries.grammar.rules import Draft, by_rules, named_in_full
from queries.text.carrier import stages
from queries.text.spans import Tagged

BROAD_INTENTS = {"genre": "genre", "mood": "mood", "activity": "activity", "decade": "era", "year": "era"}
INTENT_GROUPS = {
    "title": "known_item",
    "title_artist": "known_item",
    "album": "known_item",
    "artist": "artist",
    "playlist": "broad",
    "genre": "broad",
    "mood": "broad",
    "activity": "broad",
    "era": "broad",
    "mixed": "broad",
    "open": "open",
    "other": "open",
    "not_music": "open",
}


@dataclass(frozen=True)
class Interpretation:
    """How a normal form is read. `names`: kind (artist, title, album, playlist) -> its words, the first of each kind;
    `artist`, `title` folded as in the catalog where it knows them, else as said. `spoken`: what it speaks of;
    `signs`: that and how well the catalog knows its names, for the model of `queries.models.musicness`. `tagged`: every name, where the
    tagger was asked."""

    query: str
    stripped: str
    language: str
    is_music: bool
    intent: str
    constraints: dict[str, Any]
    key: str
    answers_as: str
    mentions: tuple[Mention, ...] = ()
    names: dict[str, Stretch] = field(default_factory=dict)
    artist: str | None = None
    title: str | None = None
    reasons: tuple[str, ...] = ()
    spoken: Spoken = field(default_factory=Spoken)
    signs: tuple[str, ...] = ()
    tagged: tuple[Tagged, ...] | None = None


def interpret(query: str, locale: str, lexicon: Lexicon, vocabulary: Vocabulary | None) -> Interpretation:
    """Read a normal form by rules. Total and deterministic; without a vocabulary names are taken as said."""
    said_in = language(query, locale, lexicon)
    ways = stages(query, locale, lexicon.grammar)
    words = tuple(query.split())
    found = tuple(mentions(query, lexicon))
    whole = Stretch(words, 0, len(words), found, lexicon)
    bare = _last_place(whole, ways[-1])
    draft = Draft()
    if not named_in_full(draft, whole, bare, vocabulary):
        by_rules(draft, whole, [_last_place(whole, way) for way in ways], bare, said_in, vocabulary)
    in_names = {at for kind, name in draft.names.items() if kind != "playlist" for at in range(name.start, name.end)}
    kept = () if draft.intent == "playlist" else tuple(one for one in found if one.start not in in_names)
    kept = tuple(one for one in kept if not one.is_weak or _weak_counts(one, whole, draft))
    if draft.intent in ("title", "title_artist", "album", "other"):
        kept = tuple(one for one in kept if one.field in ("version", "explicit", "language", "decade", "year"))
    said = spoken(query, lexicon)
    excluding = {word for one in kept if one.is_negated for word in words[one.reach : one.start]}
    said = replace(
        said, not_music=tuple(one for one in said.not_music if one not in excluding)
    )  # "todo menos rap" is no to-do
    music, why = is_music(query, said, bool(kept) or _is_known(draft, vocabulary), lexicon)
    draft.reasons.append(why)
    told = (*said.signs(), *_fame(draft, vocabulary))
    return replace(concluded(draft, whole, ways[-1], said_in, kept, music), spoken=said, signs=told)


def concluded(
    draft: Draft, whole: Stretch, stripped: str, said_in: str, kept: tuple[Mention, ...], music: bool
) -> Interpretation:
    """The reading that follows from the names of a draft and the constraints that stand beside them."""
    query = whole.text
    if not music:
        return Interpretation(
            query, stripped, said_in, False, "not_music", no_constraints(), "", "stripped", reasons=tuple(draft.reasons)
        )
    if {"title", "album"} & set(draft.names):  # how to play what is named says nothing of what is wanted
        kept = tuple(one for one in kept if (one.field, one.value) != ("sort", "random"))
    constraints = constraints_of(kept)
    told = [
        f"{one.field} {'not ' if one.is_negated else ''}{one.value}: "
        f"said as {' '.join(whole.words[one.start : one.end])!r}"
        for one in kept
    ]
    return Interpretation(
        query,
        stripped,
        said_in,
        True,
        _intent(draft, kept),
        constraints,
        constraint_key(constraints),
        "full" if draft.is_full else "stripped",
        kept,
        draft.names,
        draft.artist,
        draft.title,
        tuple(draft.reasons + told),
    )


def _last_place(whole: Stretch, text: str) -> Stretch:
    """Where a stage of stripping lies in the request (stages are stretches of it)."""
    words = tuple(text.split())
    for start in range(whole.end - len(words), -1, -1):
        if whole.words[start : start + len(words)] == words:
            return whole.cut(start, start + len(words))
    return whole


def _weak_counts(one: Mention, whole: Stretch, draft: Draft) -> bool:
    return draft.intent in ("", "artist", "mixed") or whole.speaks_of_music()


def _fame(draft: Draft, vocabulary: Vocabulary | None) -> tuple[str, ...]:
    """How well the catalog knows each name, in steps of 20 of its popularity; "?" without a catalog."""
    if vocabulary is None:
        return tuple(f"{kind}?" for kind in draft.names)
    folded = {"artist": draft.artist, "title": draft.title}
    known = {"artist": vocabulary.artists, "title": vocabulary.titles, "album": vocabulary.albums}
    return tuple(
        f"{kind}{known.get(kind, {}).get(folded.get(kind) or name.text, -20.0) // 20:g}"
        for kind, name in draft.names.items()
    )


def _is_known(draft: Draft, vocabulary: Vocabulary | None) -> bool:
    if vocabulary is None or draft.intent in ("", "other", "playlist", "open"):
        return False
    return draft.artist in vocabulary.artists or draft.title in vocabulary.titles


def _intent(draft: Draft, kept: tuple[Mention, ...]) -> str:
    wanted = {BROAD_INTENTS.get(one.field, one.field) for one in kept if not one.is_negated}
    if draft.intent == "artist":
        return "mixed" if wanted & {"genre", "mood", "activity", "era"} else "artist"
    if draft.intent:
        return draft.intent
    broad = wanted & {"genre", "mood", "activity", "era"}
    if len(broad) == 1:
        return broad.pop()
    if broad or wanted & {"language", "version", "explicit"}:
        return "mixed"
    return "mixed" if any(one.is_negated for one in kept) else "open"
