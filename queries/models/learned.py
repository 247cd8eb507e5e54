"""What was learned from labelled requests, laid over the grammar's reading: names by the tagger, music or not by weights.

The grammar stands where the catalog bears it out: a request that is a name of the catalog as a whole, a bare request (no
carrier phrase) made of names of the catalog, or constraints alone. In sentences the tagger names the words: it sees what the
grammar and the catalog think of each, and has learned when they are right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.constraints import Mention, constraint_key, mentions
from queries.grammar.interpret import Interpretation, concluded, interpret
from queries.grammar.known import known, reads_as_constraints
from queries.grammar.lexicon import Lexicon
from queries.grammar.music import asks_to_listen, language
from queries.grammar.phrase import Stretch
from queries.grammar.refusals import refused, says_refusal
from queries.grammar.rules import Draft
from queries.models.musicness import ASSISTANT_SHARE, Musicness, load_musicness
from queries.models.tagger import Tagger, load_tagger
from queries.text.carrier import stripped
from queries.text.spans import Tagged, last_place

_EXPLAINED_CHANCE = 0.1  # below it even names of the catalog are no music: "call john" is a song, too
_KNOWN_WELL = 70.0  # popularity from which a title said as it is, is meant: "hello"
_FAMOUS = 50.0  # popularity from which an artist is meant, where a request asks to listen
MUSIC_SERVICE_SHARE = 0.995
_LONGER_THAN_MENTE = 7  # letters: "mente" is a word, "clemente" a name that the catalog knows
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
_FIELDS = {"decade": "when", "year": "when"}
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
    """The two fitted models. Not to be shared between threads."""

    tagger: Tagger
    musicness: Musicness


@lru_cache(maxsize=1)
def packaged() -> Learned:
    """The models shipped with this version, loaded once a process."""
    return Learned(load_tagger(), load_musicness())


def read_query(
    query: str,
    locale: str,
    lexicon: Lexicon,
    vocabulary: Vocabulary | None,
    learned: Learned | None,
    music_share: float = ASSISTANT_SHARE,
) -> Interpretation:
    """The reading of a normal form: the grammar's, and over it what was learned. Total and deterministic; without
    `learned` the grammar's alone. `music_share`: of the requests where this one was made, those for music; an assistant
    hears all sorts, the log of a music service hardly anything else (MUSIC_SERVICE_SHARE)."""
    left_out = _without_refused(query, locale, lexicon, vocabulary, learned, music_share)
    if left_out is not None:
        return left_out
    found = interpret(query, locale, lexicon, vocabulary)
    if learned is None or not query:
        return found
    chance = learned.musicness.probability(found, music_share)
    in_full = found.is_music and found.answers_as == "full"
    explained = found.is_music and _is_explained(found, lexicon, vocabulary)
    known_well = in_full and vocabulary is not None and known(query, vocabulary)[1] >= _KNOWN_WELL
    known_well |= in_full and bool(found.spoken.music_verbs)  # "ponme la mano"
    if explained and vocabulary and asks_to_listen(query, lexicon):  # "listen to will smith"
        known_well |= vocabulary.artists.get(found.artist or "", -1.0) >= _FAMOUS
    if (explained or in_full) and music_share > 0.5:
        known_well = True  # where most ask for music, a name of the catalog is meant as one
    if chance < (_EXPLAINED_CHANCE if explained or in_full else 0.5) and not known_well:
        return replace(
            concluded(Draft(), _whole(found, lexicon), found.stripped, found.language, (), music=False),
            reasons=(f"asks for music with probability {chance:.2f} only",),
        )
    if in_full or (explained and (not found.names or found.stripped == found.query or _is_recorded(found, vocabulary))):
        return found
    tagged = learned.tagger.tagged(found, lexicon, vocabulary)
    if explained and not any(one.kind in _NAMES for one in tagged):
        return found
    return _retold(found, tagged, chance, lexicon, vocabulary)


def _without_refused(
    query: str,
    locale: str,
    lexicon: Lexicon,
    vocabulary: Vocabulary | None,
    learned: Learned | None,
    music_share: float,
) -> Interpretation | None:
    """The reading of what stands before a refused name, which its constraints then leave out; None where nothing is refused."""
    words = tuple(query.split())
    if not says_refusal(words, lexicon):
        return None
    bare = stripped(query, locale, lexicon.grammar)
    start, end = last_place(list(words), bare.split())
    name = refused(words, start, end, lexicon, vocabulary)
    if name is None:
        return None
    said_in = language(query, locale, lexicon)
    before = " ".join(words[: name.at])
    whole = Stretch(words, 0, len(words), (), lexicon)
    found = concluded(Draft(), whole, bare, said_in, (), music=True)  # nothing is said but what is not wanted
    if name.at > start:
        wish = read_query(before, locale, lexicon, vocabulary, learned, music_share)
        found = wish if wish.is_music and wish.intent != "other" else found
    constraints = found.constraints | {
        "not": dict(sorted((found.constraints["not"] | {name.kind: [name.name]}).items()))
    }
    return replace(
        found,
        query=query,
        stripped=bare,
        language=said_in,
        constraints=constraints,
        key=constraint_key(constraints),
        intent="mixed" if found.intent == "open" else found.intent,
        answers_as="stripped",
        reasons=(*found.reasons, f"{name.kind} not {name.name}: refused"),
    )


def _retold(
    found: Interpretation, tagged: list[Tagged], chance: float, lexicon: Lexicon, vocabulary: Vocabulary | None
) -> Interpretation:
    """The reading with the tagger's names in place of the grammar's, and the constraints that lie beside them."""
    whole = _whole(found, lexicon)
    draft = Draft(reasons=[f"asks for music with probability {chance:.2f}"])
    tagged = [_as_the_catalog_has_it(one, whole, vocabulary) for one in tagged if _may_be_name(one, whole, vocabulary)]
    for one in tagged:
        if one.kind in _NAMES and one.kind not in draft.names:
            name = whole.cut(one.start, one.end)
            known = vocabulary.artist(name.text) if vocabulary and one.kind == "artist" else None
            draft.name(one.kind, name, known)
    for one in tagged:
        draft.reasons.append(
            f"{one.kind} {' '.join(whole.words[one.start : one.end])!r}: by the words around it (tagger)"
        )
    kinds = frozenset(draft.names)
    draft.intent = "playlist" if "playlist" in kinds else _INTENTS.get(kinds, "")
    taken = [one for one in tagged if one.kind in _NAMES]
    kept = () if "playlist" in kinds else tuple(one for one in _beside(whole, taken) if _counts(one, tagged, found))
    if draft.intent == "" and not kept and not tagged:
        draft.intent = found.intent if found.intent in ("open", "other") else "open"
    made = concluded(draft, whole, found.stripped, found.language, kept, music=True)
    return replace(made, tagged=tuple(tagged))


def _may_be_name(one: Tagged, whole: Stretch, vocabulary: Vocabulary | None) -> bool:
    """Not where constraints explain it better ("the last song"; a playlist "for running"), nor a Spanish adverb of no name."""
    name = whole.cut(one.start, one.end)
    if one.kind == "playlist":
        return name.core() is not None or not any(m.reach <= name.start < m.start for m in name.inside)
    if one.kind not in ("artist", "title", "album"):
        return True
    kind, popularity, _ = known(name.text, vocabulary) if vocabulary else ("", -1.0, "")
    if any(not mention.is_weak for mention in name.inside) and reads_as_constraints(name, popularity, kind):
        return False
    return bool(kind) or not (
        name.text.endswith("mente") and len(name.text) > _LONGER_THAN_MENTE and " " not in name.text
    )


def _as_the_catalog_has_it(one: Tagged, whole: Stretch, vocabulary: Vocabulary | None) -> Tagged:
    """The name with the kind under which the catalog knows it, where it does not know it as tagged and no noun says so."""
    if vocabulary is None or one.kind not in _NAMES:
        return one
    text = " ".join(whole.words[one.start : one.end])
    names = _catalog_names(vocabulary)
    if one.kind == "playlist" and not any(word in _PLAYLIST_SIGNS for word in whole.words):
        one = replace(one, kind="title")  # nobody said that it is a playlist
    if one.kind == "title" and whole.words[one.end : one.end + 1] == ("soundtrack",) and text in names["album"]:
        return replace(one, kind="album")
    around = whole.words[max(0, one.start - 3) : one.start] + whole.words[one.end : one.end + 1]
    if text in names.get(one.kind, ()) or any(word in _KIND_NOUNS for word in around):
        return one
    best = max(names, key=lambda kind: names[kind].get(text, -1.0))
    return replace(one, kind=best) if text in names[best] else one


def _beside(whole: Stretch, names: list[Tagged]) -> list[Mention]:
    return [one for one in whole.mentions if not any(name.overlaps(one.start, one.end) for name in names)]


def _counts(one: Mention, tagged: list[Tagged], found: Interpretation) -> bool:
    """A constraint stands if the grammar kept it, if it is said without doubt, or if the tagger names it, too; "disco" before
    a name is the Spanish noun."""
    if one.value == "disco" and any(name.kind in _NAMES and name.start == one.end for name in tagged):
        return False
    if one.field == "sort" and _orders_what_is_named(one, tagged, found):
        return True
    if not one.is_weak or any(one.start == kept.start and one.field == kept.field for kept in found.mentions):
        return True
    return any(name.kind == _FIELDS.get(one.field, one.field) and name.overlaps(one.start, one.end) for name in tagged)


def _orders_what_is_named(one: Mention, tagged: list[Tagged], found: Interpretation) -> bool:
    """ "the latest linkin park album": right before a name or a noun of music that follows it, not as a part of one."""
    after = found.query.split()[one.end : one.end + 1]
    return any(name.kind in _NAMES and name.start == one.end for name in tagged) or bool(_KIND_NOUNS & set(after))


def _is_explained(found: Interpretation, lexicon: Lexicon, vocabulary: Vocabulary | None) -> bool:
    """Whether constraints and names of the catalog leave nothing of the request unexplained (carrier phrase aside)."""
    if vocabulary is None or "playlist" in found.names or found.intent == "other":
        return False
    names = _catalog_names(vocabulary)
    if any(
        name.text not in names[kind] and not (kind == "artist" and vocabulary.artist(name.text))
        for kind, name in found.names.items()
    ):
        return False
    if not found.names and not found.mentions and found.intent != "open":
        return False
    words = found.query.split()
    start, end = last_place(words, found.stripped.split())
    taken = {at for name in found.names.values() for at in range(name.start, name.end)}
    taken |= {at for one in found.mentions for at in range(one.reach, one.end)}
    return all(at in taken or lexicon.has("fillers", words[at]) for at in range(start, end))


def _is_recorded(found: Interpretation, vocabulary: Vocabulary | None) -> bool:
    """Whether the artist recorded the title, or the catalog knows the album by its name: "1979 by ...", "the album 1989 by ..."."""
    if vocabulary is None:
        return False
    if found.intent == "album":
        return found.names["album"].text in vocabulary.albums
    return bool(found.title and found.artist and vocabulary.has_pair(found.title, found.artist))


def _catalog_names(vocabulary: Vocabulary) -> dict[str, Mapping[str, float]]:
    return {"artist": vocabulary.artists, "title": vocabulary.titles, "album": vocabulary.albums}


def _whole(found: Interpretation, lexicon: Lexicon) -> Stretch:
    words = tuple(found.query.split())
    return Stretch(words, 0, len(words), tuple(mentions(found.query, lexicon)), lexicon)
