"""The rules that say what a request names, tried in order; each gives its reason."""

from dataclasses import dataclass, field

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.known import find_artist, known, reads_as_constraints
from queries.grammar.patterns import album_name, playlist_request, splits, without_furniture
from queries.grammar.phrase import Stretch

_FULL_MARGIN = 20.0
"""The stripped reading wins over a full reading that is a name only if it is this much more popular."""
_MAX_NAME_WORDS = 10
_BEFORE_ARTIST = frozenset(["by", "artist", "band", "group", "singer", "artista", "cantante", "grupo"])


@dataclass
class Draft:
    """What the rules agree on, before it becomes an Interpretation."""

    intent: str = ""
    names: dict[str, Stretch] = field(default_factory=dict)
    artist: str | None = None
    title: str | None = None
    is_full: bool = False
    reasons: list[str] = field(default_factory=list)

    def name(self, kind: str, stretch: Stretch, folded: str | None = None) -> None:
        """Take a name; `folded` is how the catalog writes it."""
        self.names[kind] = stretch
        if kind == "artist":
            self.artist = folded or stretch.text
        elif kind == "title":
            self.title = folded or stretch.text


def named_in_full(draft: Draft, whole: Stretch, bare: Stretch, vocabulary: Vocabulary | None) -> bool:
    """The full normal form is itself a name ("ponme la mano", "hello"), and the stripped form not a better one."""
    if vocabulary is None:
        return False
    kind, popularity, folded = known(whole.text, vocabulary)
    if not kind or reads_as_constraints(whole, popularity, kind):
        return False
    if bare.text != whole.text:
        other_kind, other, _ = known(bare.text, vocabulary)
        generic = whole.lexicon.has("generic", bare.text)
        wanted = bare.inside and (not other_kind or reads_as_constraints(bare, other, other_kind))
        if other > popularity + _FULL_MARGIN or (bare.core() is None and (wanted or generic)):
            draft.reasons.append(f"{whole.text!r} is also a {kind} of the catalog, but {bare.text!r} is likelier")
            return False
    draft.intent, draft.is_full = kind, True
    draft.name(kind, whole, folded)
    draft.reasons.append(f"the whole request is a {kind} of the catalog (popularity {popularity:g})")
    return True


def by_rules(
    draft: Draft, whole: Stretch, ways: list[Stretch], bare: Stretch, said_in: str, vocabulary: Vocabulary | None
) -> None:
    """Playlist, generic, constraints alone, known name, album, title by artist, artist beside constraints, name."""
    if _playlist(draft, whole.cut(0, bare.end), said_in, vocabulary):
        return
    if whole.lexicon.has("generic", bare.text):
        draft.intent = "open"
        draft.reasons.append("asks for music and says no more")
        return
    said = album_name(whole, bare)
    if _album(draft, said, whole, vocabulary, only_known=True):
        return
    names = [(way, *known(way.text, vocabulary)) for way in reversed(ways)] if vocabulary else []
    if bare.core() is None and not any(
        kind and not reads_as_constraints(way, popularity, kind) for way, kind, popularity, _ in names[:1]
    ):
        draft.reasons.append("every word is a constraint or a filler")
        draft.intent = "" if bare.inside else "open"
        return
    if _album(draft, said, whole, vocabulary):
        return
    for way, kind, popularity, folded in names:
        if kind and len(way.text) > 1:
            draft.intent = kind
            draft.name(kind, way, folded)
            draft.reasons.append(f"{way.text!r} is a {kind} of the catalog (popularity {popularity:g})")
            return
    if (
        _title_by_artist(draft, bare, said_in, vocabulary)
        or _pair_without_join(draft, bare, vocabulary)
        or _artist_beside(draft, bare, vocabulary)
    ):
        return
    if bare.inside and (bare.speaks_of_music() or whole.speaks_of_music()):
        draft.reasons.append("speaks of music and names constraints; other words are left out")
        return
    _as_said(draft, bare, whole, said_in)


def _playlist(draft: Draft, request: Stretch, said_in: str, vocabulary: Vocabulary | None) -> bool:
    asked = playlist_request(request)
    if asked is None or not (asked.is_sure or asked.name.core() is not None or not asked.name.inside):
        return False
    if asked.added is not None:
        added = without_furniture(asked.added)
        kind, _, folded = known(added.text, vocabulary) if vocabulary else ("", 0.0, "")
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


def _album(
    draft: Draft,
    said: tuple[Stretch, Stretch | None] | None,
    whole: Stretch,
    vocabulary: Vocabulary | None,
    *,
    only_known: bool = False,
) -> bool:
    """`said`: what `album_name` found. `only_known`: an album of the catalog right behind the word, also one that looks like a
    constraint ("the album 1989")."""
    if said is None:
        return False
    name, by = said
    if only_known and (
        vocabulary is None or name.text not in vocabulary.albums or whole.words[: name.start][-1:] != ("album",)
    ):
        return False
    if vocabulary is not None and by is None and vocabulary.artist(name.text) and name.text not in vocabulary.albums:
        return False
    draft.intent = "album"
    draft.name("album", name)
    if by is not None:
        _name_artist(draft, by, vocabulary)
    draft.reasons.append("names an album")
    return True


def _title_by_artist(draft: Draft, bare: Stretch, said_in: str, vocabulary: Vocabulary | None) -> bool:
    for left, right in splits(bare, said_in):
        by = right.words[right.start - 1] == "by"
        artist = find_artist(right, vocabulary)
        if artist is None and (not by or right.core() is None):
            continue
        unknown = [one for one in right.trimmed() if one.start == right.start]
        stretch, folded = artist or (unknown[-1], None)
        title = without_furniture(left)
        draft.name("artist", stretch, folded)
        # also a title that reads as a constraint: "happy", "1979"
        if vocabulary and folded and vocabulary.has_pair(title.text, folded):
            draft.intent = "title_artist"
            draft.name("title", title)
            draft.reasons.append("title by its own artist")
        elif not left.text or bare.lexicon.has("generic", title.text) or title.core() is None:
            draft.intent = "artist"
            draft.reasons.append(f"asks for the artist {stretch.text!r}")
        else:
            is_known = vocabulary is None or title.text in vocabulary.titles
            draft.intent = "title_artist"
            draft.name("title", title)
            draft.reasons.append(f"title by artist{'' if is_known else ', the title not in the catalog'}")
        return True
    return False


def _artist_beside(draft: Draft, bare: Stretch, vocabulary: Vocabulary | None) -> bool:
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


def _pair_without_join(draft: Draft, bare: Stretch, vocabulary: Vocabulary | None) -> bool:
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


def _as_said(draft: Draft, bare: Stretch, whole: Stretch, said_in: str) -> None:
    """No name of the catalog, or no catalog: after "songs by" an artist, around a joining word title and artist, else
    a title; a request that neither starts like a request to play nor is a bare name is `other`."""
    lexicon, name = whole.lexicon, without_furniture(bare)
    before = whole.words[max(0, bare.start - 2) : bare.start]
    starts_otherwise = whole.speaks_of_music() or lexicon.has("not_music_lead", whole.words[0] if whole.words else "")
    if not name.text or name.end - name.start > _MAX_NAME_WORDS or (not before and starts_otherwise):
        draft.intent = "other"
        draft.reasons.append("no name of the catalog, and not asked for as one")
        return
    if before and (
        before[-1] in _BEFORE_ARTIST
        or (before[-1] in ("de", "from", "del") and len(before) > 1 and lexicon.has("music_nouns", before[0]))
    ):
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


def _name_artist(draft: Draft, stretch: Stretch, vocabulary: Vocabulary | None) -> None:
    found = find_artist(stretch, vocabulary)
    draft.name("artist", *(found or (stretch, None)))
