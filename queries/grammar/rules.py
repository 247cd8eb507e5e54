"""The rules that decide which names a request has. They are tried in order, and the one that applies adds its reason."""

from dataclasses import dataclass, field

from queries.catalog.vocabulary import Vocabulary, is_owner
from queries.grammar.known import artists_in, find_artist, lookup_name, reads_as_constraints
from queries.grammar.patterns import (
    FILM,
    adds_what_plays,
    after_version,
    album_names,
    described_from,
    looked_up,
    owned_names,
    playlist_request,
    soundtrack_names,
    splits,
    without_type_words,
)
from queries.grammar.phrase import Span

_FULL_MARGIN = 20.0
"""The name in the stripped form wins over one that is the whole request only if it is more popular by more than this."""
_MAX_NAME_WORDS = 10
_SOUNDTRACKS = (
    "original motion picture soundtrack",
    "soundtrack",
    "original soundtrack",
    "banda sonora original",
    "banda sonora",
)
_SONG_NOUNS = frozenset({"song", "track", "tune", "cancion", "pista", "tema"})
_ARTICLES = frozenset({"the", "a", "an", "al", "el", "la", "los", "las", "un", "una"})
_LIKELY_TITLE = (
    50.0  # popularity from which a title of one word counts beside constraints: "jolene but not the live one"
)
_LIKELY_ARTIST = 50.0  # popularity of each of two artists that are named together
_ASKING = frozenset({"what", "whats", "which", "cual", "es", "is"})
_BEFORE_ARTIST = frozenset(["by", "artist", "band", "group", "singer", "artista", "cantante", "grupo"])


@dataclass
class Draft:
    """Intermediate result of the rules, from which an Interpretation is built.

    Attributes:
        intent: The intent; "" if it follows from the constraints.
        names: Kind -> span of the name.
        artist: The artist, folded as in the catalog if that has it.
        title: The title, likewise.
        album: The album, likewise.
        is_full: Whether the whole request, including its carrier phrase, is the name.
        joining: Indexes of words that join the names or lead to them, such as those of "and play".
        is_looked_up: Whether an artist is looked up and one of the titles is played.
        calls_playlist: Whether a phrase such as "called" gives a playlist its name.
        reasons: Why, for people.
    """

    intent: str = ""
    names: dict[str, Span] = field(default_factory=dict)
    artist: str | None = None
    title: str | None = None
    album: str | None = None
    is_full: bool = False
    joining: frozenset[int] = frozenset()
    is_looked_up: bool = False
    calls_playlist: bool = False
    reasons: list[str] = field(default_factory=list)

    def name(self, kind: str, span: Span, folded: str | None = None) -> None:
        """Add a name; `folded` is its form in the catalog, by default the words of the span."""
        self.names[kind] = span
        if kind == "artist":
            self.artist = folded or span.text
        elif kind == "title":
            self.title = folded or span.text
        elif kind == "album":
            self.album = folded or span.text


def is_name_in_full(draft: Draft, whole: Span, bare: Span, vocabulary: Vocabulary | None) -> bool:
    """Whether the whole normal form is a name of the catalog ("ponme la mano", "hello"); if so, it is added to the draft.

    False if the stripped form is a better reading: a more popular name, or constraints alone.

    Args:
        draft: Receives intent, name and reason.
        whole: The whole request.
        bare: Its stripped form.
        vocabulary: The names of the catalog.
    """
    if vocabulary is None:
        return False
    kind, popularity, folded = lookup_name(whole.text, vocabulary)
    if not kind or reads_as_constraints(whole, popularity, kind):
        return False
    if bare.text != whole.text:
        other_kind, other, _ = lookup_name(bare.text, vocabulary)
        generic = whole.lexicon.has("generic", bare.text)
        wanted = bare.inside and (not other_kind or reads_as_constraints(bare, other, other_kind))
        if other > popularity + _FULL_MARGIN or (bare.core() is None and (wanted or generic)):
            draft.reasons.append(f"{whole.text!r} is also a {kind} of the catalog, but {bare.text!r} is likelier")
            return False
    draft.intent, draft.is_full = kind, True
    draft.name(kind, whole, folded)
    draft.reasons.append(f"the whole request is a {kind} of the catalog (popularity {popularity:g})")
    return True


def apply_rules(
    draft: Draft, whole: Span, stage_spans: list[Span], bare: Span, query_language: str, vocabulary: Vocabulary | None
) -> None:
    """Apply the rules in order; the first that fits fills the draft.

    The order is: playlist, an artist to be looked up and one of the titles to be played, generic request, album of the catalog right
    after the noun, soundtrack, constraints alone, album, name of the catalog, title by artist, title next to its artist, name beside
    constraints, constraints with a noun of music, and last a name by its wording alone.

    Args:
        draft: Receives intent, names and reasons.
        whole: The whole request.
        stage_spans: Its stages of stripping, the longest first.
        bare: The last of them, the stripped form.
        query_language: "en" or "es".
        vocabulary: The names of the catalog; None if there is none.
    """
    if _playlist(draft, whole.cut(0, bare.end), query_language, vocabulary):
        return
    if _looked_up_artist(draft, whole.cut(0, bare.end), vocabulary):
        return
    if whole.lexicon.has("generic", bare.text):
        draft.intent = "open"
        draft.reasons.append("asks for music and says no more")
        return
    albums = album_names(whole, bare, vocabulary.albums if vocabulary is not None else ())
    if _album(draft, albums, whole, vocabulary, only_known=True) or _soundtrack(
        draft, whole.cut(0, bare.end), vocabulary
    ):
        return
    named = after_version(bare)
    if (
        named is not None
        and "version" not in bare.words
        and named.text not in (vocabulary.titles if vocabulary else ())
    ):
        named = None  # "canciones en vivo de …" are many songs of an artist
    if named is not None:
        draft.joining = frozenset(range(bare.start, named.start))
        stage_spans, bare = [named], named
    if vocabulary is not None and bare.end - bare.start > 1 and bare.words[bare.start] == "a":
        after = bare.cut(bare.start + 1, bare.end)  # "pon a los …", where "a" is no part of a title
        stage_spans = [*stage_spans, after] if vocabulary.artist(after.text) else stage_spans
    names = [(stage, *lookup_name(stage.text, vocabulary)) for stage in reversed(stage_spans)] if vocabulary else []
    is_titled = named is not None and any(kind == "title" for _, kind, _, _ in names[:1])  # "the remix of one dance"
    if (
        bare.core() is None
        and not is_titled
        and not any(
            kind and not reads_as_constraints(stage, popularity, kind) for stage, kind, popularity, _ in names[:1]
        )
    ):
        draft.reasons.append("every word is a constraint or a filler")
        draft.intent = "" if bare.inside else "open"
        return
    if _album(draft, albums, whole, vocabulary):
        return
    for at, (stage, kind, popularity, folded) in enumerate(names):
        if kind and len(stage.text) > 1:
            longer = names[at + 1] if at + 1 < len(names) else None
            if longer is not None and longer[1] and _is_article(longer[0], stage):
                is_contraction = longer[0].words[longer[0].start] == "al"  # "de al green"
                if is_contraction or (longer[1] == kind and longer[2] >= popularity):
                    stage, kind, popularity, folded = longer  # "the hills", not "hills"
            kind, folded = _kind_by_noun(stage, vocabulary) or (kind, folded)
            draft.intent = kind
            draft.name(kind, stage, folded)
            draft.reasons.append(f"{stage.text!r} is a {kind} of the catalog (popularity {popularity:g})")
            return
    if (
        _several_artists(draft, bare, vocabulary)
        or _title_by_artist(draft, bare, query_language, vocabulary)
        or _adjacent_title_and_artist(draft, bare, vocabulary)
        or _name_beside_constraints(draft, bare, vocabulary)
    ):
        return
    if bare.inside and (bare.has_music_noun() or whole.has_music_noun()):
        draft.reasons.append("speaks of music and names constraints; other words are left out")
        return
    _by_wording(draft, bare, whole, query_language)


def _playlist(draft: Draft, request: Span, query_language: str, vocabulary: Vocabulary | None) -> bool:
    asked = playlist_request(request)
    if asked is None or not (asked.is_sure or asked.name.core() is not None or not asked.name.inside):
        return False
    draft.calls_playlist = asked.is_called
    if asked.added is not None and not adds_what_plays(request):
        added = without_type_words(asked.added)
        kind, _, folded = lookup_name(added.text, vocabulary) if vocabulary else ("", 0.0, "")
        if kind:
            draft.name(kind, added, folded)
        elif added.words[added.start] == "by" and added.end - added.start > 1:
            draft.name("artist", added.cut(added.start + 1, added.end))
        elif not _title_by_artist(draft, added, query_language, vocabulary):
            # with a noun ("the song X") it is a title; without one most people add music of an artist
            draft.name("title" if added.start > asked.added.start else "artist", added)
    draft.intent = "playlist"
    draft.name("playlist", asked.name)
    draft.reasons.append("names a playlist")
    return True


def _looked_up_artist(draft: Draft, request: Span, vocabulary: Vocabulary | None) -> bool:
    """An artist to be looked up and one of the titles to be played: "find queen and play bohemian rhapsody"."""
    parts = looked_up(request)
    if parts is None:
        return False
    first, second = parts
    artist = find_artist(first, vocabulary)
    title = without_type_words(second)
    if vocabulary is not None and artist is None:
        return False
    if vocabulary is not None and artist is not None and title.start > 0:
        longer = title.cut(title.start - 1, title.end)
        title = longer if vocabulary.has_pair(longer.text, artist[1]) else title
    draft.intent = "title_artist"
    draft.name("artist", *(artist or (first, None)))
    draft.name("title", title)
    draft.joining = frozenset(range(request.start, request.end))
    draft.is_looked_up = True
    draft.reasons.append("an artist to be looked up, and what is to be played of theirs")
    return True


def _album(
    draft: Draft,
    options: list[tuple[Span, Span | None]],
    whole: Span,
    vocabulary: Vocabulary | None,
    *,
    only_known: bool = False,
) -> bool:
    """Take one of `options`, the result of `album_names`, as the album and its artist: the first that the catalog knows, or the first.

    `only_known` accepts only an album of the catalog right after the word "album" or "el disco", even if it looks like a constraint
    ("the album 1989", "el disco alone"; "un disco de rock" is none).
    """
    if vocabulary is not None:
        options = [(_with_albums_article(name, vocabulary), by) for name, by in options]
    if vocabulary is not None and any(_sorts_artist(name, vocabulary) for name, _ in options):
        return False  # "the latest linkin park album"
    if vocabulary is not None:  # "tom jones album from the twenties"
        options = [
            (name, None if by and by.words[by.start - 1] == "from" and not find_artist(by, vocabulary) else by)
            for name, by in options
        ]
    if vocabulary is not None and any(_owns_any(name, vocabulary) for name, by in options if by is None):
        return False  # "aphex twins good album"
    owned = _owned_album(options + owned_names(whole), vocabulary) if vocabulary is not None else None
    choices = options or ([owned] if owned is not None else [])
    if not choices:
        return False
    known = [
        (name, by)
        for name, by in options
        if vocabulary is not None
        and name.text in vocabulary.albums
        and (by is None or _is_album_of(name, by, vocabulary))
    ]
    name, by = (known or choices)[0]
    if vocabulary is not None and not known:
        if owned is not None:
            name, by = owned
        elif by is not None and _is_sort(name) and find_artist(by, vocabulary) is not None:
            return False  # "el disco nuevo de karol g": the newest of an artist, no album of that name
    before = whole.words[: name.start]
    says_which = any(one.field in ("sort", "genre") for one in name.inside)  # "el disco nuevo", "el disco rock"
    is_after_noun = before[-1:] == ("album",) or (before[-2:] == ("el", "disco") and not says_which)
    if only_known and (vocabulary is None or name.text not in vocabulary.albums or not is_after_noun):
        return False
    if vocabulary is not None and by is None and vocabulary.artist(name.text) and name.text not in vocabulary.albums:
        return False
    draft.intent = "album"
    draft.name("album", name)
    if by is not None:
        _name_artist(draft, by, vocabulary)
    draft.joining = _leading_fillers(name)  # "a song off the album …"
    draft.reasons.append("names an album")
    return True


def _with_albums_article(name: Span, vocabulary: Vocabulary) -> Span:
    """The name with the article before it, if the catalog has an album of that name and none without it: "the honey album"."""
    longer = name.cut(name.start - 1, name.end) if name.start > 0 else name
    has_article = longer.start < name.start and longer.words[longer.start] in _ARTICLES
    is_longer = has_article and longer.text in vocabulary.albums and name.text not in vocabulary.albums
    return longer if is_longer else name


def _leading_fillers(name: Span) -> frozenset[int]:
    """Indexes of the fillers before a name to which they lead."""
    return frozenset(at for at in range(name.start) if name.lexicon.has("fillers", name.words[at]))


def _sorts_artist(name: Span, vocabulary: Vocabulary) -> bool:
    """Whether what stands before "album" is an order and an artist, such as "latest linkin park"."""
    lead = next((one for one in name.mentions if one.field == "sort" and one.start == name.start), None)
    return lead is not None and lead.end < name.end and vocabulary.artist(name.cut(lead.end, name.end).text) is not None


def _owns_any(name: Span, vocabulary: Vocabulary) -> bool:
    """Whether what stands before "album" is an artist as its owner, and words that name none, such as "good"."""
    for at in range(name.start + 1, name.end):
        artist = vocabulary.artist(name.cut(name.start, at).text)
        if artist is not None and is_owner(name.cut(name.start, at).text, artist):
            return name.cut(at, name.end).core() is None
    return False


def _is_sort(name: Span) -> bool:
    """Whether constraints explain a name, such as "nuevo" of "disco nuevo" and "ultimo" of "ultimo disco"."""
    return name.core() is None or any(
        one.field == "sort" and one.start <= name.start and name.end <= one.end for one in name.mentions
    )


def _is_album_of(name: Span, by: Span, vocabulary: Vocabulary) -> bool:
    """Whether the artist of an album is known; of one that looks like constraints ("el disco nuevo de X"), whether it is theirs."""
    artist = find_artist(by, vocabulary)
    if artist is None or not _is_sort(name):
        return artist is not None
    return vocabulary.has_recording(name.text, artist[1], is_album=True)


def _owned_album(options: list[tuple[Span, Span | None]], vocabulary: Vocabulary) -> tuple[Span, Span] | None:
    """The album and the artist of "radiohead's in rainbows album": a name that begins with the artist who recorded the rest."""
    for name, _ in options:
        for at in range(name.start + 1, name.end):
            owner, album = name.cut(name.start, at), name.cut(at, name.end)
            artist = vocabulary.artist(owner.text)
            if artist is not None and vocabulary.has_recording(album.text, artist, is_album=True):
                return album, owner
    return None


def _soundtrack(draft: Draft, request: Span, vocabulary: Vocabulary | None) -> bool:
    """An album of the catalog that is asked for as a soundtrack: "the soundtrack of frozen", "la banda sonora de coco"."""
    for name, is_sure in soundtrack_names(request) if vocabulary is not None else ():
        if name.core() is None and name.inside and not is_sure:
            continue  # "music from 1993"
        known_as = (name.text, *name.lexicon.works.get(name.text, ()), *name.lexicon.works.get(f"el {name.text}", ()))
        forms = [f"{text} {ending}" for text in known_as for ending in _SOUNDTRACKS]
        if is_sure or (vocabulary is not None and vocabulary.artist(name.text) is None):
            forms.append(name.text)
        album = next((form for form in forms if vocabulary is not None and form in vocabulary.albums), None)
        if album is not None:
            draft.intent = "album"
            draft.name("album", name, album)
            is_of_film = bool(FILM & set(request.words[request.start : name.start]))  # "songs from the movie …"
            draft.joining = frozenset(range(request.start, name.start)) if is_of_film else _leading_fillers(name)
            draft.reasons.append(f"names a soundtrack, {album!r} in the catalog")
            return True
    return False


def _several_artists(draft: Draft, bare: Span, vocabulary: Vocabulary | None) -> bool:
    """Two well-known artists and nothing else: "shakira y carlos vives". The first one is the artist of the need."""
    artists = artists_in(bare, vocabulary) if vocabulary is not None else []
    if vocabulary is None or not artists or min(vocabulary.artists[one] for one in artists) < _LIKELY_ARTIST:
        return False
    draft.intent = "artist"
    draft.name("artist", bare, artists[0])
    draft.reasons.append(f"two artists, {' and '.join(artists)}")
    return True


def _title_by_artist(draft: Draft, bare: Span, query_language: str, vocabulary: Vocabulary | None) -> bool:
    for left, right in splits(bare, query_language):
        longer = right.cut(right.start - 1, right.end)
        if longer.start > left.end and find_artist(longer, vocabulary) is not None:
            right = longer  # "de grupo firme", whose noun is part of the name
        by = right.words[right.start - 1] == "by"
        artist = find_artist(right, vocabulary)
        if artist is None and (not by or right.core() is None):
            continue
        unknown = [one for one in right.trimmed() if one.start == right.start]
        span, folded = artist or (unknown[-1], None)
        title, is_album = without_type_words(left), False
        if vocabulary is not None:
            for title in (without_type_words(one) for one in _without_limits(left)):
                singers = [one for one in (*artists_in(span, vocabulary), folded) if one is not None]
                folded = next((one for one in singers if vocabulary.has_pair(title.text, one)), folded)
                title = _with_article(title, folded, vocabulary)
                is_album = folded is not None and _has_album(title.text, folded, vocabulary)
                if is_album or (folded is not None and vocabulary.has_pair(title.text, folded)):
                    break
            else:
                title = without_type_words(left)
        draft.name("artist", span, folded)
        # checked first, because the title may also be a constraint: "happy", "1979"
        if vocabulary and folded and vocabulary.has_pair(title.text, folded):
            draft.intent = "title_artist"
            draft.name("title", title)
            draft.reasons.append("title by its own artist")
        elif is_album:
            draft.intent = "album"
            draft.name("album", title)
            draft.reasons.append("album by its own artist")
        elif (
            not left.text
            or bare.lexicon.has("generic", title.text)
            or (folded is not None and _is_sort(title) and not _is_weak_name(title))
            or not (
                _is_weak_name(title) or (set(bare.unexplained()) - _asking(bare)) & set(range(title.start, title.end))
            )
        ):
            draft.intent = "artist"
            draft.joining = _asking(bare)
            draft.reasons.append(f"asks for the artist {span.text!r}")
        else:
            is_known = vocabulary is None or title.text in vocabulary.titles
            draft.intent = "title_artist"
            draft.name("title", title)
            draft.reasons.append(f"title by artist{'' if is_known else ', the title not in the catalog'}")
        return True
    return False


def _is_weak_name(title: Span) -> bool:
    """Whether a title is a word of a mood or an activity and no more: the "run" of "run by X" is no music for running."""
    is_whole = sum(one.end - one.start for one in title.inside) == title.end - title.start
    return is_whole and all(one.is_weak and one.field in ("activity", "mood") for one in title.inside)


def _name_beside_constraints(draft: Draft, bare: Span, vocabulary: Vocabulary | None) -> bool:
    """An artist or title of the catalog among constraints and fillers: "new taylor swift songs"."""
    if vocabulary is None or (bare.start > 0 and bare.words[bare.start - 1] in _SONG_NOUNS):
        return False  # "la pista happy valley": all of it is the title
    for span in bare.trimmed()[1:]:
        folded = vocabulary.artist(span.text)
        rest = set(bare.unexplained()) - set(range(span.start, span.end))
        rest -= _asking(bare)
        if bare.lexicon.has("no_name", span.text) or bare.lexicon.has("not_music_lead", span.text):
            continue
        if folded and not rest and len(span.text) > 1 and not _is_part_of_sound(span, folded):
            draft.intent = "artist"
            draft.name("artist", span, folded)
            draft.joining = _asking(bare)
            draft.reasons.append(f"{span.text!r} is an artist of the catalog, beside other words")
            return True
        limits = any(one.is_negated or one.field in ("version", "explicit", "language") for one in bare.inside)
        is_likely = span.end - span.start > 1 or (limits and vocabulary.titles.get(span.text, 0.0) >= _LIKELY_TITLE)
        is_all_constraints = bool(span.inside) and (not limits or span.core() is None)
        if span.text in vocabulary.titles and not rest and is_likely and not is_all_constraints:
            draft.intent = "title"
            draft.name("title", span)
            draft.reasons.append(f"{span.text!r} is a title of the catalog, beside other words")
            return True
    return False


def _asking(bare: Span) -> frozenset[int]:
    """Indexes of the words that ask for the newest or best of somebody: "whats" of "whats the newest song by …"."""
    if not any(one.field == "sort" for one in bare.inside):
        return frozenset()
    return frozenset(at for at in range(bare.start, bare.end) if bare.words[at] in _ASKING)


def _is_part_of_sound(span: Span, artist: str) -> bool:
    """Whether a word is what the music has, and no artist of about that name: the "drums" of "jazz with heavy drums"."""
    return span.text != artist and bool({"with", "con"} & set(span.words[max(0, span.start - 2) : span.start]))


def _kind_by_noun(name: Span, vocabulary: Vocabulary | None) -> tuple[str, str] | None:
    """Kind and folded name of words that are several things, by the noun before them: "the song america", "the band america"."""
    noun = name.words[name.start - 1] if name.start > 0 else ""
    if vocabulary is None:
        return None
    if noun in _SONG_NOUNS and name.text in vocabulary.titles:
        return "title", name.text
    artist = vocabulary.artist(name.text) if noun in _BEFORE_ARTIST else None
    return None if artist is None else ("artist", artist)


def _is_article(longer: Span, shorter: Span) -> bool:
    """Whether a span is the other one with an article before it."""
    return longer.start == shorter.start - 1 and longer.end == shorter.end and longer.words[longer.start] in _ARTICLES


def _with_article(title: Span, artist: str | None, vocabulary: Vocabulary) -> Span:
    """The title with the article before it, if the artist recorded it so and not without it: "the hills by the weeknd"."""
    if artist is None or title.start == 0 or title.words[title.start - 1] not in _ARTICLES:
        return title
    longer = title.cut(title.start - 1, title.end)
    if vocabulary.has_pair(title.text, artist) or _has_album(title.text, artist, vocabulary):
        return title
    is_longer = vocabulary.has_pair(longer.text, artist) or _has_album(longer.text, artist, vocabulary)
    return longer if is_longer else title


def _has_album(text: str, artist: str, vocabulary: Vocabulary) -> bool:
    return text in vocabulary.albums and vocabulary.has_recording(text, artist, is_album=True)


def _without_limits(span: Span) -> list[Span]:
    """The span, and without the version, "clean" or language at its end or start: "hello live", "en vivo despacito"."""
    limits = [one for one in span.inside if one.field in ("version", "explicit", "language") and not one.is_negated]
    shorter = [span.cut(span.start, one.reach) for one in limits if one.end == span.end and one.reach > span.start]
    shorter += [span.cut(one.end, span.end) for one in limits if one.reach <= span.start < one.end < span.end]
    return [span, *shorter]


def _adjacent_title_and_artist(draft: Draft, bare: Span, vocabulary: Vocabulary | None) -> bool:
    """A title next to its own artist without a joining word: "adele hello", "bohemian rhapsody queen"; an owner's album."""
    if vocabulary is None or bare.end - bare.start > _MAX_NAME_WORDS:
        return False
    return any(_adjacent_names(draft, one, vocabulary) for one in _without_limits(bare))


def _adjacent_names(draft: Draft, bare: Span, vocabulary: Vocabulary) -> bool:
    halves = [((bare.start, at), (at, bare.end)) for at in range(bare.start + 1, bare.end)]
    orders = [order for left, right in halves for order in ((right, left), (left, right))]
    for title_at, artist_at in orders:
        if " ".join(bare.words[slice(*title_at)]) not in vocabulary.titles:
            continue
        title, artist = bare.cut(*title_at), bare.cut(*artist_at)
        singers = [vocabulary.artist(artist.text), *artists_in(artist, vocabulary)]
        folded = next((one for one in singers if one and vocabulary.has_pair(title.text, one)), None)
        if folded is not None:
            draft.intent = "title_artist"
            draft.name("artist", artist, folded)
            draft.name("title", title)
            draft.reasons.append("a title beside its own artist")
            return True
    for album_at, artist_at in orders:
        if " ".join(bare.words[slice(*album_at)]) not in vocabulary.albums:
            continue
        album, artist = bare.cut(*album_at), bare.cut(*artist_at)
        is_named = album.core() is not None or all(one.field == "year" for one in album.inside)  # "taylor swift 1989"
        singer = vocabulary.artist(artist.text) if is_named else None
        if singer is not None and vocabulary.has_recording(album.text, singer, is_album=True):
            draft.intent = "album"
            draft.name("album", album)
            draft.name("artist", artist, singer)
            draft.reasons.append("an album beside its own artist")
            return True
    owned = _owned_album([(bare, None)], vocabulary)
    if owned is not None and is_owner(owned[1].text, vocabulary.artist(owned[1].text) or ""):
        draft.intent = "album"
        draft.name("album", owned[0])
        _name_artist(draft, owned[1], vocabulary)
        draft.reasons.append("an album after its owner")
        return True
    return False


def _by_wording(draft: Draft, bare: Span, whole: Span, query_language: str) -> None:
    """The last rule, for names that the catalog does not have: the words around the name decide.

    After "songs by" it is an artist, around a joining word a title and its artist, else a title. A request that is neither
    phrased as a request to play nor a name alone gets the intent `other`.
    """
    if described_from(whole) is not None:
        draft.intent = "other"
        draft.reasons.append("describes music and names none")
        return
    lexicon, name = whole.lexicon, without_type_words(bare)
    before = whole.words[max(0, bare.start - 2) : bare.start]
    starts_otherwise = whole.has_music_noun() or lexicon.has("not_music_lead", whole.words[0] if whole.words else "")
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
    for left, right in splits(bare, query_language) if before else ():
        title = without_type_words(left)
        if title.core() is not None and right.core() is not None and not right.inside:
            draft.intent = "title_artist"
            draft.name("title", title)
            draft.name("artist", right)
            draft.reasons.append("taken for a title and its artist, unknown to the catalog")
            return
    draft.intent = "title"
    draft.name("title", name)
    draft.reasons.append(f"{name.text!r} is no name of the catalog at hand: taken for a title")


def _name_artist(draft: Draft, span: Span, vocabulary: Vocabulary | None) -> None:
    match = find_artist(span, vocabulary)
    draft.name("artist", *(match or (span, None)))
