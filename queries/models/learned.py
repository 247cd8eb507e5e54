"""Combines the grammar's reading with the models: the tagger decides on names, a logistic regression on music or not.

The grammar's reading is kept if the catalog confirms it: the whole request is a name of the catalog, a request without carrier
phrase consists of such names, or there are constraints alone. Otherwise the tagger decides which words are names; the grammar's
reading and the catalog's names are among its features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.act import LISTEN
from queries.grammar.constraints import Mention, constraint_key, is_album, mentions
from queries.grammar.explained import explained_share
from queries.grammar.interpret import Interpretation, interpret, to_interpretation
from queries.grammar.known import lookup_name, reads_as_constraints
from queries.grammar.lexicon import Lexicon
from queries.grammar.music import asks_to_listen, language
from queries.grammar.patterns import adds_what_plays, described_from
from queries.grammar.phrase import Span
from queries.grammar.refusals import has_refusal, refused_names
from queries.grammar.rules import Draft
from queries.models.musicness import ASSISTANT_SHARE, Musicness, load_musicness
from queries.models.tagger import Tagger, load_tagger
from queries.text.carrier import stripped
from queries.text.spans import TaggedSpan, last_occurrence

_EXPLAINED_CHANCE = 0.1  # a lower probability is not music even if the catalog explains all: "call john" is a song, too
CERTAIN_TITLE = 70.0  # popularity from which a request that is a title alone ("hello") is music
CERTAIN_ARTIST = 50.0  # popularity from which an artist in a request to listen is music
_LONG_TITLE = 3  # words of a title that is meant as one in a request to play
MUSIC_SERVICE_SHARE = 0.995  # share of music among requests to a music service: nearly all
_LONGER_THAN_MENTE = 7  # letters; longer words in -mente are adverbs, unless the catalog has them ("clemente")
_MOSTLY = 0.8  # share of a request that names, constraints and fillers explain
_BESIDE = frozenset({"by", "from", "de", "del"})
_NAMES = ("artist", "title", "album", "playlist")
_KIND_NOUNS = frozenset(
    {
        "album",
        "albums",
        "disco",
        "lp",
        "ep",
        "soundtrack",
        "playlist",
        "playlists",
        "list",
        "lista",
        "song",
        "track",
        "cancion",
        "pista",
        "tema",
        "artist",
        "band",
    }
)
_PLAYLIST_SIGNS = frozenset(
    {
        "playlist",
        "playlists",
        "list",
        "lists",
        "lista",
        "listas",
        "mix",
        "add",
        "put",
        "save",
        "keep",
        "remember",
        "download",
        "include",
        "anade",
        "agrega",
        "guarda",
        "mete",
        "suma",
        "incluye",
        "descarga",
        "anadir",
        "agregar",
        "guardar",
        "crea",
        "create",
        "make",
    }
)
_TAGGER_KINDS = {"decade": "when", "year": "when"}
_INTENTS = {
    frozenset({"title"}): "title",
    frozenset({"title", "artist"}): "title_artist",
    frozenset({"artist"}): "artist",
    frozenset({"album"}): "album",
    frozenset({"album", "artist"}): "album",
    frozenset({"title", "album"}): "title",
    frozenset({"title", "album", "artist"}): "title_artist",
}


@dataclass(frozen=True)
class Learned:
    """The two fitted models. Not thread-safe."""

    tagger: Tagger
    musicness: Musicness


@lru_cache(maxsize=1)
def packaged() -> Learned:
    """The models shipped with this version, loaded once per process."""
    return Learned(load_tagger(), load_musicness())


def read_query(
    query: str,
    locale: str,
    lexicon: Lexicon,
    vocabulary: Vocabulary | None,
    learned: Learned | None,
    music_share: float = ASSISTANT_SHARE,
) -> Interpretation:
    """Read a normal form with the grammar and the models. Total and deterministic.

    Args:
        query: A normal form.
        locale: Its locale or roll-up.
        lexicon: Phrases, word lists and the carrier grammar.
        vocabulary: The names of the catalog; None if there is none.
        learned: The models; None uses the grammar alone.
        music_share: Prior probability that a request from this source asks for music; low for an assistant (ASSISTANT_SHARE),
            close to 1 for the log of a music service (MUSIC_SERVICE_SHARE).
    """
    with_refusal = _with_refused_names(query, locale, lexicon, vocabulary, learned, music_share)
    if with_refusal is not None:
        return with_refusal
    interpretation = interpret(query, locale, lexicon, vocabulary, of_service=music_share > 0.5)
    if learned is None or not query:
        return interpretation
    if interpretation.topic_words.other_media and not interpretation.is_music:
        music_share = min(music_share, ASSISTANT_SHARE)  # who speaks of a film means one, whatever others ask here
    chance = learned.musicness.probability(interpretation, music_share)
    in_full = interpretation.is_music and interpretation.answers_as == "full"
    explained = interpretation.is_music and _is_explained(interpretation, lexicon, vocabulary)
    wording = _wording(query, lexicon)
    is_described = described_from(wording) is not None and bool(interpretation.topic_words.music_nouns)
    is_certain = is_described or (interpretation.intent == "playlist" and adds_what_plays(wording))
    if in_full:
        popularity = lookup_name(query, vocabulary)[1] if vocabulary is not None else -1.0
        # "ponme la mano" is a title, too
        is_certain |= popularity >= CERTAIN_TITLE or bool(interpretation.topic_words.music_verbs)
    if explained:
        is_certain |= _is_named_plainly(interpretation, lexicon, vocabulary)
    if music_share > 0.5:  # if most requests ask for music, a name of the catalog is meant as one
        is_certain |= explained or in_full or interpretation.calls_playlist
    if chance < (_EXPLAINED_CHANCE if explained or in_full else 0.5) and not is_certain:
        nothing = to_interpretation(Draft(), wording, interpretation.stripped, interpretation.language, (), music=False)
        return replace(nothing, reasons=(f"asks for music with probability {chance:.2f} only",))
    if interpretation.act != LISTEN:
        return replace(interpretation, is_music=True, intent="other")
    if interpretation.calls_playlist or interpretation.is_looked_up:
        return interpretation  # the wording leaves no doubt
    if in_full or (
        explained
        and (
            not interpretation.names
            or interpretation.stripped in (interpretation.query, *(one.text for one in interpretation.names.values()))
            or _has_recording(interpretation, vocabulary)
            or _is_led_to(interpretation, lexicon, vocabulary)
        )
    ):
        return interpretation
    tagged = learned.tagger.tagged(interpretation, lexicon, vocabulary)
    if explained and (not any(one.kind in _NAMES for one in tagged) or _has_unknown_name(tagged, query, vocabulary)):
        return interpretation
    return _with_tagged_names(interpretation, tagged, chance, lexicon, vocabulary)


def _with_refused_names(
    query: str,
    locale: str,
    lexicon: Lexicon,
    vocabulary: Vocabulary | None,
    learned: Learned | None,
    music_share: float,
) -> Interpretation | None:
    """The reading of a request that ends with refused names, or None if it refuses none.

    The words before the refusal are read on their own, refusals in them included, and the names are added to the constraints as
    refused.
    """
    words = tuple(query.split())
    if not has_refusal(words, lexicon):
        return None
    bare = stripped(query, locale, lexicon.grammar)
    start, end = last_occurrence(list(words), bare.split())
    last = refused_names(words, start, end, lexicon, vocabulary)
    if last is None:
        return None
    query_language = language(query, locale, lexicon)
    before = " ".join(words[: last.start])
    whole = _wording(query, lexicon)
    # if no request comes before the refusal, the reading has the refused names alone
    interpretation = to_interpretation(Draft(), whole, bare, query_language, (), music=True)
    if last.start > start:
        requested = read_query(before, locale, lexicon, vocabulary, learned, music_share)
        interpretation = requested if requested.is_music and requested.intent != "other" else interpretation
    refused = interpretation.constraints["not"]
    values = sorted({*refused.get(last.kind, ()), *last.names})
    constraints = interpretation.constraints | {"not": dict(sorted((refused | {last.kind: values}).items()))}
    return replace(
        interpretation,
        query=query,
        stripped=bare,
        language=query_language,
        constraints=constraints,
        key=constraint_key(constraints),
        intent="mixed" if interpretation.intent == "open" else interpretation.intent,
        answers_as="stripped",
        joining=interpretation.joining | frozenset(range(last.start, len(words))),
        reasons=(*interpretation.reasons, *(f"{last.kind} not {name}: refused" for name in last.names)),
    )


def _with_tagged_names(
    interpretation: Interpretation,
    tagged: list[TaggedSpan],
    chance: float,
    lexicon: Lexicon,
    vocabulary: Vocabulary | None,
) -> Interpretation:
    """The reading with the tagger's names instead of the grammar's, and the constraints outside of them."""
    whole = replace(_wording(interpretation.query, lexicon), mentions=tuple(mentions(interpretation.query, lexicon)))
    draft = Draft(reasons=[f"asks for music with probability {chance:.2f}"])
    described = described_from(whole)
    if described is not None:
        tagged = [one for one in tagged if one.kind not in _NAMES or _is_beside_description(one, whole, described)]
    _, end = last_occurrence(list(whole.words), interpretation.stripped.split())
    # what the carrier grammar strips from the end, such as "porfa", is no name
    named = [one for one in tagged if one.start < end and _is_plausible(one, whole, vocabulary)]
    tagged = [_with_catalog_kind(one, whole, vocabulary) for one in named]
    for one in tagged:
        if one.kind in _NAMES and one.kind not in draft.names:
            name = whole.cut(one.start, one.end)
            folded = vocabulary.artist(name.text) if vocabulary and one.kind == "artist" else None
            draft.name(one.kind, name, folded)
    for one in tagged:
        draft.reasons.append(
            f"{one.kind} {' '.join(whole.words[one.start : one.end])!r}: by the words around it (tagger)"
        )
    kinds = frozenset(draft.names)
    draft.intent = "playlist" if "playlist" in kinds else _INTENTS.get(kinds, "")
    taken = [one for one in tagged if one.kind in _NAMES]
    kept = (
        ()
        if "playlist" in kinds
        else tuple(one for one in _mentions_outside(whole, taken) if _applies(one, tagged, interpretation))
    )
    if draft.intent == "" and not kept and not tagged:
        draft.intent = interpretation.intent if interpretation.intent in ("open", "other") else "open"
    result = to_interpretation(draft, whole, interpretation.stripped, interpretation.language, kept, music=True)
    return replace(result, tagged=tuple(tagged))


def _is_beside_description(one: TaggedSpan, whole: Span, described: int) -> bool:
    """Whether a name stands outside of a description of music: before it, or after "by" ("songs for a long drive by adele")."""
    return one.start < described or any(word in _BESIDE for word in whole.words[described + 1 : one.start])


def _is_plausible(one: TaggedSpan, whole: Span, vocabulary: Vocabulary | None) -> bool:
    """Whether a tagged span can be a name.

    It cannot if it points at what plays ("esa"), if constraints explain it better ("the last song", a playlist "for running"), or if
    it is a Spanish adverb in -mente that is no name of the catalog.
    """
    name = whole.cut(one.start, one.end)
    if one.kind == "playlist":
        return name.core() is not None or not any(m.reach <= name.start < m.start for m in name.inside)
    if one.kind not in ("artist", "title", "album"):
        return True
    kind, popularity, _ = lookup_name(name.text, vocabulary) if vocabulary else ("", -1.0, "")
    if "these" in whole.lexicon.acts.get(name.text, ()):
        return False  # "this song", "esa"
    if any(not mention.is_weak for mention in name.inside) and reads_as_constraints(name, popularity, kind):
        return False
    return bool(kind) or not (
        name.text.endswith("mente") and len(name.text) > _LONGER_THAN_MENTE and " " not in name.text
    )


def _with_catalog_kind(one: TaggedSpan, whole: Span, vocabulary: Vocabulary | None) -> TaggedSpan:
    """The span with the kind that its words have in the catalog.

    The tagged kind is kept if the catalog has the words under it, or if a noun beside them ("album") confirms it.
    """
    if vocabulary is None or one.kind not in _NAMES:
        return one
    text = " ".join(whole.words[one.start : one.end])
    if one.kind == "artist" and whole.words[max(0, one.start - 1) : one.start] in (("by",), ("de",)):
        return one
    names = vocabulary.by_kind
    if one.kind == "playlist" and not any(word in _PLAYLIST_SIGNS for word in whole.words):
        one = replace(one, kind="title")  # no word of the request indicates a playlist
    if one.kind == "title" and whole.words[one.end : one.end + 1] == ("soundtrack",) and text in names["album"]:
        return replace(one, kind="album")
    around = whole.words[max(0, one.start - 3) : one.start] + whole.words[one.end : one.end + 1]
    if text in names.get(one.kind, ()) or any(word in _KIND_NOUNS for word in around):
        return one
    best = max(names, key=lambda kind: names[kind].get(text, -1.0))
    return replace(one, kind=best) if text in names[best] else one


def _mentions_outside(whole: Span, names: list[TaggedSpan]) -> list[Mention]:
    return [one for one in whole.mentions if not any(name.overlaps(one.start, one.end) for name in names)]


def _applies(one: Mention, tagged: list[TaggedSpan], interpretation: Interpretation) -> bool:
    """Whether a constraint applies: it is not weak, or the grammar kept it, or the tagger has it too.

    "disco" right before a name, or between an article or a sort and a name, is the Spanish noun for an album, not the genre. A sort
    applies if it sorts named music.
    """
    if one.value == "disco" and _is_album_noun(one, tagged, interpretation):
        return False
    if one.field == "sort" and _sorts_named_music(one, tagged, interpretation):
        return True
    if not one.is_weak or any(one.start == kept.start and one.field == kept.field for kept in interpretation.mentions):
        return True
    return any(
        name.kind == _TAGGER_KINDS.get(one.field, one.field) and name.overlaps(one.start, one.end) for name in tagged
    )


def _is_album_noun(one: Mention, tagged: list[TaggedSpan], interpretation: Interpretation) -> bool:
    words = interpretation.query.split()
    if any(name.kind in _NAMES and name.start == one.end for name in tagged):
        return True
    named = any(name.kind in _NAMES for name in tagged)
    sorted_by = [other for other in interpretation.mentions if other.field == "sort" and one.end == other.start]
    return named and (is_album(one, words) or bool(sorted_by))


def _sorts_named_music(one: Mention, tagged: list[TaggedSpan], interpretation: Interpretation) -> bool:
    """Whether a sort stands right before a name or a noun such as "album": "the latest linkin park album"."""
    after = interpretation.query.split()[one.end : one.end + 1]
    return any(name.kind in _NAMES and name.start == one.end for name in tagged) or bool(_KIND_NOUNS & set(after))


def _is_explained(interpretation: Interpretation, lexicon: Lexicon, vocabulary: Vocabulary | None) -> bool:
    """Whether constraints, names of the catalog and fillers cover every word of the stripped form."""
    if vocabulary is None or "playlist" in interpretation.names or interpretation.intent == "other":
        return False
    if not interpretation.names and not interpretation.mentions and interpretation.intent != "open":
        return False
    return explained_share(interpretation, lexicon, vocabulary) > _MOSTLY


def _has_recording(interpretation: Interpretation, vocabulary: Vocabulary | None) -> bool:
    """Whether the catalog has the title by the artist ("1979 by ..."), or the album ("the album 1989 by ...")."""
    if vocabulary is None:
        return False
    if interpretation.intent == "album":
        return interpretation.album in vocabulary.albums
    return bool(
        interpretation.title
        and interpretation.artist
        and vocabulary.has_pair(interpretation.title, interpretation.artist)
    )


def _is_led_to(interpretation: Interpretation, lexicon: Lexicon, vocabulary: Vocabulary | None) -> bool:
    """Whether the wording leads to the one name, and leaves nothing unexplained ("the remix of one dance")."""
    return (
        vocabulary is not None
        and len(interpretation.names) == 1
        and bool(interpretation.joining)
        and explained_share(interpretation, lexicon, vocabulary) == 1.0
    )


def _is_named_plainly(interpretation: Interpretation, lexicon: Lexicon, vocabulary: Vocabulary | None) -> bool:
    """Whether a request to listen names what can only be music of the catalog.

    That is a popular artist ("listen to will smith"); and, if nothing speaks of other things, a recording of the artist, a title of
    three words or more, or a popular one of two.
    """
    if vocabulary is None:
        return False
    listens = asks_to_listen(interpretation.query, lexicon)
    if listens and vocabulary.artists.get(interpretation.artist or "", -1.0) >= CERTAIN_ARTIST:
        return True
    topics = interpretation.topic_words
    if topics.not_music or topics.other_media or not (listens or topics.music_verbs):
        return False
    title = interpretation.title or ""
    popularity = vocabulary.titles.get(title, -1.0)
    is_long_title = title.count(" ") >= _LONG_TITLE - 1 and popularity >= 0.0
    is_popular_title = " " in title and popularity >= CERTAIN_TITLE
    is_recording = interpretation.intent != "album" and _has_recording(interpretation, vocabulary)
    return is_long_title or is_popular_title or is_recording


def _wording(query: str, lexicon: Lexicon) -> Span:
    """The whole request, without the constraints that it mentions."""
    words = tuple(query.split())
    return Span(words, 0, len(words), (), lexicon)


def _has_unknown_name(tagged: Sequence[TaggedSpan], query: str, vocabulary: Vocabulary | None) -> bool:
    """Whether the tagger sees a name that the catalog does not have as such: then a grammar that explains every word knows better."""
    if vocabulary is None:
        return False
    words = query.split()
    for one in tagged:
        text = " ".join(words[one.start : one.end])
        if one.kind == "artist" and not vocabulary.artist(text):
            return True
        if one.kind in ("title", "album") and text not in vocabulary.titles and text not in vocabulary.albums:
            return True
    return False
