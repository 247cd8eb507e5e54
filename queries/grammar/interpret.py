"""Interprets a normal form by rules: intent, names, constraints and reasons. Pure: depends on text, lexicon and vocabulary."""

from dataclasses import dataclass, field, replace
from typing import Any

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.act import LISTEN, act
from queries.grammar.constraints import Mention, constraint_key, constraints_of, is_album, mentions, no_constraints
from queries.grammar.known import lookup_name
from queries.grammar.lexicon import Lexicon
from queries.grammar.music import TopicWords, is_music, language, topic_words
from queries.grammar.patterns import adds_what_plays
from queries.grammar.phrase import Span
from queries.grammar.rules import Draft, apply_rules, is_name_in_full
from queries.text.carrier import stages
from queries.text.spans import TaggedSpan

_LEAST_WORDS = 2  # of a title that makes a request one for music, whatever its words
_WHO_LOVES = frozenset({"i", "we", "you", "really"})
_WELL_KNOWN = 50.0  # popularity of an artist whose name alone asks for music, whatever else its words mean
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
    """How a normal form is read.

    Attributes:
        query: The normal form.
        stripped: Its stripped form, without carrier phrase.
        language: "en" or "es".
        is_music: Whether it asks for music.
        intent: A key of INTENT_GROUPS.
        constraints: The canonical dictionary of `queries.grammar.constraints.constraints_of`.
        key: The key of the constraints.
        answers_as: "full" if the whole query is a name, else "stripped".
        mentions: The constraints that count, with their words.
        names: Kind (artist, title, album, playlist) -> its span; the first of each kind.
        artist: The artist, folded as in the catalog if that has it, else as in the query.
        title: The title, likewise.
        album: The album, likewise.
        reasons: Why it is read so, for people.
        topic_words: Phrases that speak for or against a request for music.
        musicness_features: Counts of these phrases and popularity of the names; features of `queries.models.musicness`.
        tagged: All spans of the tagger; None if the tagger was not used.
        calls_playlist: Whether a phrase such as "called" gives a playlist its name.
        joining: Indexes of words that join the names or lead to them.
        is_looked_up: Whether an artist is looked up and one of the titles is played.
        act: What the request does (`queries.grammar.act`); only `listen` names music.
    """

    query: str
    stripped: str
    language: str
    is_music: bool
    intent: str
    constraints: dict[str, Any]
    key: str
    answers_as: str
    mentions: tuple[Mention, ...] = ()
    names: dict[str, Span] = field(default_factory=dict)
    artist: str | None = None
    title: str | None = None
    album: str | None = None
    reasons: tuple[str, ...] = ()
    topic_words: TopicWords = field(default_factory=TopicWords)
    musicness_features: tuple[str, ...] = ()
    tagged: tuple[TaggedSpan, ...] | None = None
    calls_playlist: bool = False
    joining: frozenset[int] = frozenset()
    is_looked_up: bool = False
    act: str = LISTEN


def interpret(
    query: str, locale: str, lexicon: Lexicon, vocabulary: Vocabulary | None, of_service: bool = False
) -> Interpretation:
    """Interpret a normal form by rules. Total and deterministic.

    Args:
        query: A normal form.
        locale: Its locale or roll-up; chooses the language where the words do not.
        lexicon: Phrases, word lists and the carrier grammar.
        vocabulary: Names of the catalog; without it, names are recognised by their place in the sentence only.
        of_service: Whether it was asked of a music service: then what is a name of the catalog in full is meant as one, whatever
            else it means ("lluvia", "call me").
    """
    query_language = language(query, locale, lexicon)
    forms = stages(query, locale, lexicon.grammar)
    words = tuple(query.split())
    parsed_mentions = tuple(mentions(query, lexicon))
    whole = Span(words, 0, len(words), parsed_mentions, lexicon)
    bare = _whole_mention(_last_occurrence(whole, forms[-1]), parsed_mentions)
    draft = Draft()
    requested_act = act(query, lexicon, lambda: _is_name(whole, vocabulary) or _is_name(bare, vocabulary))
    if requested_act != LISTEN:
        draft.intent = "other"
        draft.reasons.append(f"a {requested_act} to the player names no music")
        parsed_mentions = ()
    elif not is_name_in_full(draft, whole, bare, vocabulary):
        before = [_last_occurrence(whole, form) for form in forms[:-1]]
        apply_rules(draft, whole, [*before, bare], bare, query_language, vocabulary)
    in_names = {at for kind, name in draft.names.items() if kind != "playlist" for at in range(name.start, name.end)}
    kept = () if draft.intent == "playlist" else tuple(one for one in parsed_mentions if one.start not in in_names)
    kept = tuple(one for one in kept if not one.is_weak or _weak_counts(one, whole, draft))
    kept = tuple(one for one in kept if not _is_verb_of_liking(one, words))
    # "i would love to hear …" asks for no love songs
    kept = tuple(one for one in kept if one.field != "mood" or one.end > bare.start)
    if {"artist", "title", "album"} & set(draft.names):
        kept = tuple(one for one in kept if not is_album(one, words))
    if draft.names:  # "… en el baño" after a name is where it is to be played
        kept = tuple(one for one in kept if one.field != "activity" or one.start < bare.end)
    if draft.intent in ("title", "title_artist", "album", "other"):
        kept = tuple(one for one in kept if one.field in ("version", "explicit", "language", "decade", "year"))
    topics = topic_words(query, lexicon)
    of_constraints = {word for one in kept if not one.is_weak for word in words[one.start : one.end]}
    topics = replace(  # the "movie" of "movie soundtracks" is no film, the "school" of "old school" no school
        topics,
        not_music=tuple(one for one in topics.not_music if one not in of_constraints),
        other_media=tuple(one for one in topics.other_media if one not in of_constraints),
    )
    excluding = {word for one in kept if one.is_negated for word in words[one.reach : one.start]}
    if not excluding.isdisjoint(topics.not_music):  # "todo menos rap": the "todo" of a negation is not a to-do list
        topics = replace(topics, not_music=tuple(one for one in topics.not_music if one not in excluding))
    asks_for_music, reason = is_music(
        query,
        topics,
        bool(kept) or _is_known(draft, vocabulary),
        lexicon,
        _covers(draft, bare, vocabulary),
        {"title", "artist"} <= draft.names.keys(),
        bare.start,
    )
    is_sure = draft.calls_playlist or (draft.intent == "playlist" and adds_what_plays(whole))
    of_playlist = set(draft.names["playlist"].text.split()) if is_sure else set()
    if is_sure and all(set(phrase.split()) <= of_playlist for phrase in topics.not_music):
        asks_for_music, reason = True, "names a playlist"
    if draft.is_full and of_service and not asks_for_music and not topics.other_media:
        asks_for_music, reason = True, "is a name of the catalog, asked of a music service"
    draft.reasons.append(reason)
    musicness_features = (*topics.features(), *_popularity_features(draft, vocabulary))
    return replace(
        to_interpretation(draft, whole, forms[-1], query_language, kept, asks_for_music),
        topic_words=topics,
        musicness_features=musicness_features,
        act=requested_act,
    )


def to_interpretation(
    draft: Draft, whole: Span, stripped: str, query_language: str, kept: tuple[Mention, ...], music: bool
) -> Interpretation:
    """Build the interpretation from the names of a draft and the constraints beside them.

    Args:
        draft: Intent, names and reasons so far.
        whole: The span of the whole query.
        stripped: Its stripped form.
        query_language: "en" or "es".
        kept: The constraints that count.
        music: Whether the query asks for music; if not, names and constraints are dropped.
    """
    query = whole.text
    if not music:
        return Interpretation(
            query,
            stripped,
            query_language,
            False,
            "not_music",
            no_constraints(),
            "",
            "stripped",
            reasons=tuple(draft.reasons),
        )
    # with a named title or album, "shuffle" is a way of playing and not a constraint
    if {"title", "album"} & set(draft.names):
        kept = tuple(one for one in kept if (one.field, one.value) != ("sort", "random"))
    constraints = constraints_of(kept)
    constraint_reasons = [
        f"{one.field} {'not ' if one.is_negated else ''}{one.value}: "
        f"said as {' '.join(whole.words[one.start : one.end])!r}"
        for one in kept
    ]
    return Interpretation(
        query,
        stripped,
        query_language,
        True,
        _intent(draft, kept),
        constraints,
        constraint_key(constraints),
        "full" if draft.is_full else "stripped",
        kept,
        draft.names,
        draft.artist,
        draft.title,
        draft.album,
        tuple(draft.reasons + constraint_reasons),
        joining=draft.joining,
        is_looked_up=draft.is_looked_up,
        calls_playlist=draft.calls_playlist,
    )


def _is_name(span: Span, vocabulary: Vocabulary | None) -> bool:
    return vocabulary is not None and bool(lookup_name(span.text, vocabulary)[0])


def _last_occurrence(whole: Span, text: str) -> Span:
    """The span of the last occurrence of `text`, a stage of stripping, in the request."""
    words = tuple(text.split())
    for start in range(whole.end - len(words), -1, -1):
        if whole.words[start : start + len(words)] == words:
            return whole.cut(start, start + len(words))
    return whole


def _is_verb_of_liking(one: Mention, words: tuple[str, ...]) -> bool:
    """Whether a mention is the "love" of "i love jazz"."""
    return words[one.start : one.end] == ("love",) and one.start > 0 and words[one.start - 1] in _WHO_LOVES


def _whole_mention(bare: Span, parsed_mentions: tuple[Mention, ...]) -> Span:
    """The span from the start of the constraint that stripping has cut in two: "musica de" went from "musica de amor", and with it its "de"."""
    cut = [
        one.start
        for one in parsed_mentions
        if one.start < bare.start < one.end
        and not one.is_weak
        and bare.words[one.start] != "to"  # "listen to run"
        and bare.words[max(0, one.start - 2) : one.start] != ("la", "cancion")  # "la cancion de amor"
    ]
    return bare.cut(min([bare.start, *cut]), bare.end)


def _weak_counts(one: Mention, whole: Span, draft: Draft) -> bool:
    if draft.intent in ("", "artist", "mixed") or whole.has_music_noun() or "version" in whole.words:
        return True
    # "hello by adele live": a version after all names
    last = max((name.end for name in draft.names.values()), default=whole.end)
    title = draft.names.get("title")
    is_after_title = title is not None and one.start == title.end  # "yellow live by coldplay"
    return one.field == "version" and (one.start >= last or is_after_title)


def _popularity_features(draft: Draft, vocabulary: Vocabulary | None) -> tuple[str, ...]:
    """One feature per name: its kind and popularity in steps of 20 (-1 if unknown), or "?" without a catalog."""
    if vocabulary is None:
        return tuple(f"{kind}?" for kind in draft.names)
    folded = {"artist": draft.artist, "title": draft.title}
    return tuple(
        f"{kind}{vocabulary.by_kind.get(kind, {}).get(folded.get(kind) or name.text, -20.0) // 20:g}"
        for kind, name in draft.names.items()
    )


def _covers(draft: Draft, bare: Span, vocabulary: Vocabulary | None) -> bool:
    """Whether names of the catalog are the whole stripped form: a title of two words or more, or any beside the artist who recorded it, or a
    well-known artist of two words or more ("post malone" posts nothing).
    """
    title, only = draft.names.get("title"), draft.names.get("artist")
    if vocabulary is not None and title is None and only is not None and draft.artist is not None:
        is_long = only.end - only.start >= _LEAST_WORDS and (only.start, only.end) == (bare.start, bare.end)
        return is_long and vocabulary.artists.get(draft.artist, 0.0) >= _WELL_KNOWN
    if (
        vocabulary is None
        or title is None
        or (title.end - title.start < _LEAST_WORDS and "artist" not in draft.names)
        or title.text not in vocabulary.titles
    ):
        return False
    artist = draft.names.get("artist")
    if artist is not None and (draft.artist is None or not vocabulary.has_pair(title.text, draft.artist)):
        return False
    names = {at for one in (title, artist) if one is not None for at in range(one.start, one.end)}
    return all(at in names or bare.lexicon.has("fillers", bare.words[at]) for at in range(bare.start, bare.end))


def _is_known(draft: Draft, vocabulary: Vocabulary | None) -> bool:
    if vocabulary is None or draft.intent in ("", "other", "playlist", "open"):
        return False
    album = draft.names.get("album")
    is_known_album = album is not None and album.text in vocabulary.albums
    return is_known_album or draft.artist in vocabulary.artists or draft.title in vocabulary.titles


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
