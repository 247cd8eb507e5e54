"""What music is to be like: the artists and recordings of the catalog that the words after "songs like …" name, one or several."""

from __future__ import annotations

from dataclasses import dataclass

from queries.catalog.vocabulary import Vocabulary, is_owner
from queries.grammar.known import lookup_name
from queries.grammar.similar import likened

Name = tuple[str, str]
"""(artist, title or album; a name)."""
_JOINERS = frozenset({"and", "or", "y", "e", "o", "u", "plus"})
_TO = ("a ", "to ", "de ", "maybe ", "also ", "tambien ")  # before what follows "and"
_BY = frozenset({"by", "from", "of", "de"})
_ENDS = frozenset(
    (
        "but",
        "that",
        "which",
        "who",
        "with",
        "because",
        "except",
        "i",
        "im",
        "please",
        "any",
        "in",
        "for",
        "pero",
        "que",
        "porque",
        "con",
    )
)
"""Words that begin a remark after a name: "like coldplay but happier"."""
BESIDE_UNKNOWN = 0.9  # least confidence where a remark follows, or more beside "and" than the catalog explains
_LEAST_LETTERS = (
    6  # of a name before words that the catalog does not explain: "like me because i am fun" names no artist Me
)
_POINTS = ("the one ", "the ones ", "that one ", "this one ", "those ", "el que ", "la que ", "los que ", "las que ")


@dataclass(frozen=True)
class Seeds:
    """What is named.

    Attributes:
        likes: the names of each thing that music is to be like, folded: an artist, a recording by an artist, or a title or album alone.
        spoken: the same names as they were said.
        confidence: 1 if all words are explained; else their share, but at least BESIDE_UNKNOWN after an artist or a recording
            by an artist that ends where a remark or another thing begins.
    """

    likes: tuple[tuple[Name, ...], ...]
    spoken: tuple[Name, ...]
    confidence: float

    @property
    def has_artist(self) -> bool:
        """Whether an artist is named first, alone or with a recording."""
        return any(kind == "artist" for kind, _ in self.likes[0])


@dataclass(frozen=True)
class _Run:
    """Words that name something: their end, the things, the names as said; whether they end at a joiner or where a remark begins."""

    end: int
    likes: list[tuple[Name, ...]]
    spoken: list[Name]
    is_parted: bool


def seeds_of(subject: str, names: Vocabulary) -> Seeds | None:
    """What a subject names; None if it does not begin with a name of the catalog.

    The subject is cut at "and" and "or" where its parts are names ("bon iver and iron and wine" are two); the longest name is taken.
    Where words are left beside a name, the name still says what is wanted: "like rise against and some good punk".

    Args:
        subject: the words after a phrase of likeness, as a normal form.
        names: the names of the catalog.
    """
    if f"{subject} ".startswith(_POINTS) and not lookup_name(subject, names)[0]:
        return None  # "like the one i heard yesterday"
    words = subject.split()
    singer = _last_singer(words, names)
    likes: list[tuple[Name, ...]] = []
    spoken: list[Name] = []
    explained = at = 0
    is_parted = True
    while at < len(words):
        run = _longest(words, at, names, singer if not likes else _artist_of(likes[-1]) or singer)
        is_sure = run is not None and (bool(likes) or run.is_parted or run.end == len(words))
        if run is None or (explained < at - 1 and not any(kind == "artist" for kind, _ in run.likes[0])):
            if not likes:
                return None
            end = _next_joiner(words, at)
        else:
            likes += run.likes
            spoken += run.spoken
            is_parted = is_parted and is_sure
            explained += run.end - at
            end = run.end if run.end == len(words) or words[run.end] in _JOINERS else _next_joiner(words, run.end)
        explained += end < len(words)
        at = end + 1
    if not likes:
        return None
    share = round(explained / len(words), 6)
    seeds = Seeds(tuple(dict.fromkeys(likes)), tuple(dict.fromkeys(spoken)), share)
    if share == 1.0 or not (is_parted and seeds.has_artist):
        return seeds
    return Seeds(seeds.likes, seeds.spoken, max(share, BESIDE_UNKNOWN))


def _next_joiner(words: list[str], at: int) -> int:
    return next((end for end in range(at, len(words)) if words[end] in _JOINERS), len(words))


def _artist_of(like: tuple[Name, ...]) -> str | None:
    return next((name for kind, name in like if kind == "artist"), None)


def _last_singer(words: list[str], names: Vocabulary) -> str | None:
    """The artist after the last "by", to whom recordings before it may belong: "box of rain or ripple by grateful dead"."""
    at = max((i for i, word in enumerate(words) if word in ("by", "de")), default=None)
    return None if at is None else names.artist(" ".join(words[at + 1 :]))


def _longest(words: list[str], at: int, names: Vocabulary, singer: str | None) -> _Run | None:
    """The longest run of words from `at` on that is named: up to a joiner or the end, else an artist or a recording before any word."""
    ends = [end for end in range(len(words), at, -1) if end == len(words) or words[end] in _JOINERS]
    for end in ends:
        text = " ".join(words[at:end])
        named = _named(text, names, singer) or _two_artists(text, names) or _named(_inner(text), names, singer)
        if named is not None:
            return _Run(end, *named, is_parted=True)
    for end in range(_next_joiner(words, at) - 1, at, -1):
        text = " ".join(words[at:end])
        named = _named(text, names, singer) if len(text.replace(" ", "")) >= _LEAST_LETTERS else None
        if named is not None and _artist_of(named[0][0]) is not None:
            return _Run(end, *named, is_parted=words[end] in _ENDS)
    return None


_Named = tuple[list[tuple[Name, ...]], list[Name]]


def _inner(text: str) -> str:
    """The words after another phrase of likeness ("something like dua lipa"), or after "to"; empty without one."""
    lead = next((lead for lead in _TO if text.startswith(lead)), "")
    return likened(text) or (text.removeprefix(lead) if lead else "")


def _named(text: str, names: Vocabulary, singer: str | None) -> _Named | None:
    """The names of which a text consists: a recording by the singer, one name, or a recording with its artist."""
    if not text:
        return None
    for kind in ("title", "album") if singer is not None else ():
        if singer is not None and names.has_recording(text, singer, is_album=kind == "album"):
            return [(("artist", singer), (kind, text))], [(kind, text)]
    kind, _, folded = lookup_name(text, names)
    if kind:
        return [((kind, folded),)], [(kind, text)]
    if (owner := names.artist(text)) is not None:
        return [(("artist", owner),)], [("artist", text)]
    return _recording(text, names)


def _recording(text: str, names: Vocabulary) -> _Named | None:
    """A title or album beside its artist, with or without "by" between, or the artist alone of one that the catalog lacks."""
    words = text.split()
    for at in range(1, len(words)):
        left, right = " ".join(words[:at]), " ".join(words[at:])
        for name, singer in ((left, right), (right, left)):
            artist = names.artist(singer) if name in names.titles or name in names.albums else None
            for kind in ("title", "album") if artist is not None else ():
                if artist is not None and names.has_recording(name, artist, is_album=kind == "album"):
                    return [(("artist", artist), (kind, name))], [(kind, name), ("artist", singer)]
    for at in range(1, len(words) - 1):
        singer, name = " ".join(words[at + 1 :]), " ".join(words[:at])
        artist = names.artist(singer) if words[at] in _BY and _JOINERS.isdisjoint(words[:at]) else None
        kinds = ("title", "album") if artist is not None else ()
        recorded = [(k, name) for k in kinds if artist and names.has_recording(name, artist, is_album=k == "album")]
        if artist is not None and (recorded or words[at] == "by"):
            return [(("artist", artist), *recorded[:1])], [*recorded[:1], ("artist", singer)]
    return None


def _two_artists(text: str, names: Vocabulary) -> _Named | None:
    """Two artists without a word between them ("tame impala mgmt")."""
    words = text.split()
    for at in range(1, len(words)):
        left, right = " ".join(words[:at]), " ".join(words[at:])
        first, second = names.artist(left), names.artist(right)
        if first is not None and second is not None and not is_owner(left, first):
            return [(("artist", first),), (("artist", second),)], [("artist", left), ("artist", right)]
    return None
