"""What a normal form asks for: intent, names, constraints, and the reasons. Pure: text, lexicon and vocabulary only."""

from dataclasses import dataclass, field
from typing import Any

from queries.carrier import stages
from queries.constraints import Mention, constraint_key, constraints_of, mentions, no_constraints
from queries.lexicon import Lexicon
from queries.music import is_music, language
from queries.patterns import album_name, playlist_request, splits, without_furniture
from queries.phrase import Stretch
from queries.vocabulary import Vocabulary

BROAD_INTENTS = {"genre": "genre", "mood": "mood", "activity": "activity", "decade": "era", "year": "era"}
INTENT_GROUPS = {"title": "known_item", "title_artist": "known_item", "album": "known_item", "artist": "artist",
                 "playlist": "broad", "genre": "broad", "mood": "broad", "activity": "broad", "era": "broad",
                 "mixed": "broad", "open": "open", "other": "open", "not_music": "open"}
_KNOWN_POPULARITY = 50.0
"""A bare mood word ("happy") is a song's name from this popularity on."""
_FULL_MARGIN = 20.0
"""The stripped reading wins over a full reading that is a name only if it is this much more popular."""
_ARTIST_MARGIN = 15.0
"""A text that is both artist and title is the artist unless the title is this much more popular."""
_MAX_NAME_WORDS = 10
_BEFORE_ARTIST = frozenset("by artist band group singer artista cantante grupo".split())


@dataclass(frozen=True)
class Interpretation:
    """How a normal form is read. `names`: kind (artist, title, album, playlist) -> its words; `artist`, `title` folded
    as in the catalog where it knows them, else as said."""

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


@dataclass
class _Draft:
    """What the rules below agree on, before it becomes an Interpretation."""

    intent: str = ""
    names: dict[str, Stretch] = field(default_factory=dict)
    artist: str | None = None
    title: str | None = None
    is_full: bool = False
    reasons: list[str] = field(default_factory=list)

    def name(self, kind: str, stretch: Stretch, folded: str | None = None) -> None:
        self.names[kind] = stretch
        if kind == "artist":
            self.artist = folded or stretch.text
        elif kind == "title":
            self.title = folded or stretch.text


def interpret(query: str, locale: str, lexicon: Lexicon, vocabulary: Vocabulary | None) -> Interpretation:
    """Read a normal form. Total and deterministic; without a vocabulary names are taken as said."""
    said_in = language(query, locale, lexicon)
    ways = stages(query, locale, lexicon.grammar)
    words = tuple(query.split())
    found = tuple(mentions(query, lexicon))
    whole = Stretch(words, 0, len(words), found, lexicon)
    bare = _last_place(whole, ways[-1])
    draft = _Draft()
    if not _named_in_full(draft, whole, bare, vocabulary):
        _by_rules(draft, whole, [_last_place(whole, way) for way in ways], bare, said_in, vocabulary)
    in_names = {at for kind, name in draft.names.items() if kind != "playlist" for at in range(name.start, name.end)}
    kept = () if draft.intent == "playlist" else tuple(one for one in found if one.start not in in_names)
    kept = tuple(one for one in kept if not one.is_weak or _weak_counts(one, whole, draft))
    if draft.intent in ("title", "title_artist", "album", "other"):
        kept = tuple(one for one in kept if one.field in ("version", "explicit", "language", "decade", "year"))
    music, why = is_music(query, bool(kept) or _is_known(draft, vocabulary), lexicon)
    draft.reasons.append(why)
    if not music:
        return Interpretation(query, ways[-1], said_in, False, "not_music", no_constraints(), "", "stripped",
                              reasons=tuple(draft.reasons))
    constraints = constraints_of(kept)
    return Interpretation(
        query, ways[-1], said_in, True, _intent(draft, kept), constraints, constraint_key(constraints),
        "full" if draft.is_full else "stripped", kept, draft.names, draft.artist, draft.title,
        tuple(draft.reasons + [f"{one.field} {'not ' if one.is_negated else ''}{one.value}: "
                               f"said as {' '.join(words[one.start : one.end])!r}" for one in kept]))


def _named_in_full(draft: _Draft, whole: Stretch, bare: Stretch, vocabulary: Vocabulary | None) -> bool:
    """The full normal form is itself a name ("ponme la mano", "hello"), and the stripped form not a better one."""
    if vocabulary is None:
        return False
    kind, popularity, folded = _known(whole.text, vocabulary)
    if not kind or _reads_as_constraints(whole, popularity, kind):
        return False
    if bare.text != whole.text:
        _, other, _ = _known(bare.text, vocabulary)
        generic = whole.lexicon.has("generic", bare.text)
        if other > popularity + _FULL_MARGIN or (bare.core() is None and (bare.inside or generic)):
            draft.reasons.append(f"{whole.text!r} is also a {kind} of the catalog, but {bare.text!r} is likelier")
            return False
    draft.intent, draft.is_full = kind, True
    draft.name(kind, whole, folded)
    draft.reasons.append(f"the whole request is a {kind} of the catalog (popularity {popularity:g})")
    return True


def _by_rules(draft: _Draft, whole: Stretch, ways: list[Stretch], bare: Stretch, said_in: str,
              vocabulary: Vocabulary | None) -> None:
    """Playlist, generic, constraints alone, known name, album, title by artist, artist beside constraints, name."""
    if _playlist(draft, whole.cut(0, bare.end), said_in, vocabulary):
        return
    if whole.lexicon.has("generic", bare.text):
        draft.intent = "open"
        draft.reasons.append("asks for music and says no more")
        return
    known = [(way, *_known(way.text, vocabulary)) for way in reversed(ways)] if vocabulary else []
    if bare.core() is None and not any(kind and not _reads_as_constraints(way, popularity, kind)
                                       for way, kind, popularity, _ in known[:1]):
        draft.reasons.append("every word is a constraint or a filler")
        draft.intent = "" if bare.inside else "open"
        return
    if _album(draft, whole, bare, vocabulary):
        return
    for way, kind, popularity, folded in known:
        if kind and len(way.text) > 1:
            draft.intent = kind
            draft.name(kind, way, folded)
            draft.reasons.append(f"{way.text!r} is a {kind} of the catalog (popularity {popularity:g})")
            return
    if (_title_by_artist(draft, bare, said_in, vocabulary) or _artist_beside(draft, bare, vocabulary)
            or _pair_without_join(draft, bare, vocabulary)):
        return
    if bare.inside and (bare.speaks_of_music() or whole.speaks_of_music()):
        draft.reasons.append("speaks of music and names constraints; other words are left out")
        return
    _as_said(draft, bare, whole, said_in)


def _playlist(draft: _Draft, request: Stretch, said_in: str, vocabulary: Vocabulary | None) -> bool:
    asked = playlist_request(request)
    if asked is None or not (asked.is_sure or asked.name.core() is not None or not asked.name.inside):
        return False
    if asked.added is not None:
        added = without_furniture(asked.added)
        kind, _, folded = _known(added.text, vocabulary) if vocabulary else ("", 0.0, "")
        if kind:
            draft.name(kind, added, folded)
        elif added.words[added.start] == "by" and added.end - added.start > 1:
            draft.name("artist", added.cut(added.start + 1, added.end))
        elif not _title_by_artist(draft, added, said_in, vocabulary):
            # the noun decides; without one most people add an artist's music
            draft.name("title" if added.start > asked.added.start else "artist", added)
    draft.intent = "playlist"
    draft.name("playlist", asked.name)
    draft.reasons.append("names a playlist")
    return True


def _album(draft: _Draft, whole: Stretch, bare: Stretch, vocabulary: Vocabulary | None) -> bool:
    said = album_name(whole, bare)
    if said is None:
        return False
    name, by = said
    if vocabulary is not None and by is None and vocabulary.artist(name.text) and name.text not in vocabulary.albums:
        return False
    draft.intent = "album"
    draft.name("album", name)
    if by is not None:
        _name_artist(draft, by, vocabulary)
    draft.reasons.append("names an album")
    return True


def _title_by_artist(draft: _Draft, bare: Stretch, said_in: str, vocabulary: Vocabulary | None) -> bool:
    for left, right in splits(bare, said_in):
        by = right.words[right.start - 1] == "by"
        artist = _find_artist(right, vocabulary)
        if artist is None and (not by or right.core() is None):
            continue
        unknown = [one for one in right.trimmed() if one.start == right.start]
        stretch, folded = artist or (unknown[-1], None)
        title = without_furniture(left)
        draft.name("artist", stretch, folded)
        if not left.text or bare.lexicon.has("generic", title.text) or title.core() is None:
            draft.intent = "artist"
            draft.reasons.append(f"asks for the artist {stretch.text!r}")
        else:
            known = vocabulary is None or title.text in vocabulary.titles
            draft.intent = "title_artist"
            draft.name("title", title)
            draft.reasons.append(f"title by artist{'' if known else ', the title not in the catalog'}")
        return True
    return False


def _artist_beside(draft: _Draft, bare: Stretch, vocabulary: Vocabulary | None) -> bool:
    """An artist among constraints and fillers: "new taylor swift songs"."""
    if vocabulary is None:
        return False
    for stretch in bare.trimmed()[1:]:
        folded = vocabulary.artist(stretch.text)
        rest = set(bare.unexplained()) - set(range(stretch.start, stretch.end))
        if bare.lexicon.has("no_name", stretch.text) or bare.lexicon.has("not_music_lead", stretch.text):
            continue
        if folded and not rest and len(stretch.text) > 1:
            draft.intent = "artist"
            draft.name("artist", stretch, folded)
            draft.reasons.append(f"{stretch.text!r} is an artist of the catalog, beside other words")
            return True
        if stretch.text in vocabulary.titles and not rest and stretch.end - stretch.start > 1:
            draft.intent = "title"
            draft.name("title", stretch)
            draft.reasons.append(f"{stretch.text!r} is a title of the catalog, beside other words")
            return True
    return False


def _pair_without_join(draft: _Draft, bare: Stretch, vocabulary: Vocabulary | None) -> bool:
    """ "adele hello", "bohemian rhapsody queen": a title and its own artist side by side."""
    if vocabulary is None or bare.end - bare.start > _MAX_NAME_WORDS:
        return False
    for at in range(bare.start + 1, bare.end):
        left, right = bare.cut(bare.start, at), bare.cut(at, bare.end)
        for title, artist in ((right, left), (left, right)):
            folded = vocabulary.artist(artist.text)
            if folded and vocabulary.has_pair(title.text, folded):
                draft.intent = "title_artist"
                draft.name("artist", artist, folded)
                draft.name("title", title)
                draft.reasons.append("a title beside its own artist")
                return True
    return False


def _as_said(draft: _Draft, bare: Stretch, whole: Stretch, said_in: str) -> None:
    """No name of the catalog, or no catalog: after "songs by" an artist, around a joining word title and artist, else
    a title; a request that neither starts like a request to play nor is a bare name is `other`."""
    lexicon, name = whole.lexicon, without_furniture(bare)
    before = whole.words[max(0, bare.start - 2) : bare.start]
    starts_otherwise = whole.speaks_of_music() or lexicon.has("not_music_lead", whole.words[0] if whole.words else "")
    if not name.text or name.end - name.start > _MAX_NAME_WORDS or (not before and starts_otherwise):
        draft.intent = "other"
        draft.reasons.append("no name of the catalog, and not asked for as one")
        return
    if before and (before[-1] in _BEFORE_ARTIST or (before[-1] in ("de", "from", "del") and len(before) > 1
                                                    and lexicon.has("music_nouns", before[0]))):
        draft.intent = "artist"
        draft.name("artist", name)
        draft.reasons.append(f"{name.text!r} is asked for as an artist")
        return
    for left, right in splits(bare, said_in) if before else ():
        title = without_furniture(left)
        if title.core() is not None and right.core() is not None and not right.inside:
            draft.intent = "title_artist"
            draft.name("title", title)
            draft.name("artist", right)
            draft.reasons.append("taken for a title and its artist, unknown to the catalog")
            return
    draft.intent = "title"
    draft.name("title", name)
    draft.reasons.append(f"{name.text!r} is no name of the catalog at hand: taken for a title")


def _known(text: str, vocabulary: Vocabulary) -> tuple[str, float, str]:
    """(kind, popularity, folded) of a text that is an artist, a title or an album; ("", -1, "") if it is none."""
    artist = vocabulary.artist(text)
    title = vocabulary.titles.get(text, -1.0)
    if artist is not None and (title < 0 or vocabulary.artists[artist] >= title - _ARTIST_MARGIN):
        if artist != text and text in vocabulary.titles:
            return "title", title, text
        return "artist", vocabulary.artists[artist], artist
    if title >= 0:
        return "title", title, text
    if text in vocabulary.albums and " " in text:
        return "album", vocabulary.albums[text], text
    return "", -1.0, ""


def _reads_as_constraints(way: Stretch, popularity: float, kind: str) -> bool:
    """Whether constraints explain a known name better: "rock" and "90s" always, "happy" unless it is a hit."""
    if way.core() is not None or not (way.inside or way.lexicon.has("generic", way.text)):
        return False
    if way.speaks_of_music() or way.lexicon.has("generic", way.text):
        return True
    if all(one.is_weak for one in way.inside):
        return False
    led = way.start > 0 and way.words[way.start - 1] in ("from", "of", "in", "de", "del")
    if any((one.field in ("genre", "decade") or (one.field == "year" and led)) and not one.is_weak for one in way.inside):
        return True
    return popularity < _KNOWN_POPULARITY


def _find_artist(stretch: Stretch, vocabulary: Vocabulary | None) -> tuple[Stretch, str] | None:
    if vocabulary is None:
        return None
    for one in stretch.trimmed():
        folded = vocabulary.artist(one.text) if one.start == stretch.start else None
        if folded:
            return one, folded
    return None


def _name_artist(draft: _Draft, stretch: Stretch, vocabulary: Vocabulary | None) -> None:
    found = _find_artist(stretch, vocabulary)
    draft.name("artist", *(found or (stretch, None)))


def _last_place(whole: Stretch, text: str) -> Stretch:
    """Where a stage of stripping lies in the request (stages are stretches of it)."""
    words = tuple(text.split())
    for start in range(whole.end - len(words), -1, -1):
        if whole.words[start : start + len(words)] == words:
            return whole.cut(start, start + len(words))
    return whole


def _weak_counts(one: Mention, whole: Stretch, draft: _Draft) -> bool:
    return draft.intent in ("", "artist", "mixed") or whole.speaks_of_music()


def _is_known(draft: _Draft, vocabulary: Vocabulary | None) -> bool:
    if vocabulary is None or draft.intent in ("", "other", "playlist", "open"):
        return False
    return draft.artist in vocabulary.artists or draft.title in vocabulary.titles


def _intent(draft: _Draft, kept: tuple[Mention, ...]) -> str:
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
