"""What a request asks for, as a need under a canonical key such as `artist=adele|title=hello`. Pure: no Spark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from lake.columns import OPEN_NEED
from queries.catalog.resolve import Resolved, Resolver
from queries.catalog.vocabulary import Vocabulary, is_owner
from queries.grammar.act import LISTEN
from queries.grammar.constraints import no_constraints, typed, value_text, year_text
from queries.grammar.explained import explained_share
from queries.grammar.interpret import BROAD_INTENTS, INTENT_GROUPS, Interpretation
from queries.grammar.known import lookup_name
from queries.grammar.lexicon import Lexicon
from queries.grammar.personal import is_personal
from queries.grammar.seeds import BESIDE_UNKNOWN, Seeds, seeds_of
from queries.grammar.similar import likened, likened_within
from queries.text.carrier import stages

NICKNAME_MARGIN = 15.0  # of popularity by which an artist's other name ("beethoven") must lead a title of that name
NOT_RECORDED = 0.97  # of the confidence where artist and title are known, but not as a recording of the artist
_LEAST_EXPLAINED = (
    0.6  # share of a request that a reading must explain, or it is looked for what the music is to be like
)
MOST_BYTES, KEPT_BYTES = 400, 360
_PART = re.compile(r"(?P<field>\w+)(?P<refused>!)?=(?P<value>.*)", re.DOTALL)
_CUT = re.compile(r"~[0-9a-f]{16}$")
# The weakest first: what is given up first where too little is known about the whole need.
WEAKEST_FIRST = (
    "sort",
    "explicit",
    "version",
    "language",
    "year",
    "decade",
    "activity",
    "mood",
    "genre",
    "similar_to",
    "artist",
    "album",
    "title",
)
_INTENTS = {
    frozenset({"title"}): "title",
    frozenset({"title", "album"}): "title",
    frozenset({"artist", "title"}): "title_artist",
    frozenset({"artist", "title", "album"}): "title_artist",
    frozenset({"artist"}): "artist",
    frozenset({"album"}): "album",
    frozenset({"artist", "album"}): "album",
}


@dataclass(frozen=True, order=True)
class Part:
    """One `field=value` of a need; `is_refused` makes it `field!=value`. The value is plain text, not percent-encoded."""

    field: str
    value: str
    is_refused: bool = False

    @property
    def text(self) -> str:
        """The part as it stands in a key; `%`, `|`, `=` and `!` of the value are percent-encoded."""
        value = self.value.replace("%", "%25").replace("|", "%7C").replace("=", "%3D").replace("!", "%21")
        return f"{self.field}{'!=' if self.is_refused else '='}{value}"


@dataclass(frozen=True)
class Need:
    """What a request asks for: its parts, sorted by field and value. No parts: anything (`open`)."""

    parts: tuple[Part, ...] = ()

    @classmethod
    def of(cls, parts: Iterable[Part]) -> Need:
        """The need of these parts, in any order and with repetitions."""
        return cls(tuple(sorted(set(parts), key=lambda p: (p.field, p.value, p.is_refused))))

    @classmethod
    def from_key(cls, key: str) -> Need | None:
        """The need of a key; None if the key was cut, since its parts are not known. Raises ValueError if it is no key."""
        if key == OPEN_NEED:
            return cls()
        if len(key.encode("utf-8", "replace")) > KEPT_BYTES and _CUT.search(key):
            return None
        parts = [_PART.fullmatch(text) for text in key.split("|")]
        if not all(parts):
            raise ValueError(f"{key!r} is no key of a need, such as genre=rock|mood=happy")
        return cls.of(Part(p["field"], unquote(p["value"]), is_refused=bool(p["refused"])) for p in parts if p)

    @property
    def key(self) -> str:
        """The canonical key. Over 400 UTF-8 bytes it keeps the first 360, cut at a character, and ends in `~` + 16 hex of its SHA-256."""
        whole = "|".join(p.text for p in self.parts) or OPEN_NEED
        raw = whole.encode("utf-8", "replace")
        if len(raw) <= MOST_BYTES:
            return whole
        return f"{raw[:KEPT_BYTES].decode('utf-8', 'ignore')}~{sha256(raw).hexdigest()[:16]}"

    @property
    def weakest(self) -> Part | None:
        """The part that is given up first: something refused, else by WEAKEST_FIRST; None if there is only one part."""
        if len(self.parts) < 2:
            return None
        refused = [p for p in self.parts if p.is_refused]
        if refused:
            return refused[0]
        rank = {field: i for i, field in enumerate(WEAKEST_FIRST)}
        return min(self.parts, key=lambda p: rank.get(p.field, len(rank)))

    @property
    def broader(self) -> Need:
        """The need without its weakest part; a need of one part is its own broader need."""
        weakest = self.weakest
        return self if weakest is None else Need(tuple(p for p in self.parts if p != weakest))

    @property
    def subject(self) -> Need:
        """The need without version and order: what folds hash, so that "hello" and "hello live" are on one side of a split."""
        return Need(tuple(p for p in self.parts if p.field not in ("version", "sort")))

    @property
    def intent(self) -> str:
        """What kind of thing is asked for; a key of INTENT_GROUPS."""
        asked = [p for p in self.parts if not p.is_refused]
        fields = frozenset(p.field for p in asked)
        if "words" in fields:
            return "other"
        if "playlist" in fields:
            return "playlist"
        names = fields & {"artist", "title", "album"}
        kinds = {BROAD_INTENTS[f] for f in fields if f in BROAD_INTENTS}
        if names == {"artist"} and kinds:
            return "mixed"
        if names:
            return _INTENTS[names]
        if len(kinds) == 1:
            return kinds.pop()
        if kinds or fields & {"language", "version", "explicit", "similar_to"}:
            return "mixed"
        return "mixed" if len(asked) < len(self.parts) else "open"

    @property
    def intent_group(self) -> str:
        """The intent group, which shares an exposure curve."""
        return INTENT_GROUPS[self.intent]

    @property
    def text(self) -> str:
        """The names and values that are asked for, as words to be matched with titles and artists; "" if there are none."""
        named = [value for field in ("title", "album", "artist", "playlist", "words") for value in self.values(field)]
        return " ".join(named or [value for field in ("mood", "activity", "genre") for value in self.values(field)])

    def values(self, field: str) -> list[str]:
        """The values asked for under a field."""
        return [p.value for p in self.parts if p.field == field and not p.is_refused]

    def first(self, *fields: str) -> str | None:
        """The first value asked for under one of the fields."""
        return next((v for f in fields for v in self.values(f)), None)

    def row(self) -> dict[str, Any]:
        """The columns of table `needs` that follow from the key alone."""
        constraints = no_constraints()
        constraints["year"] = _span(self.first("year"))
        for field in ("version", "language"):
            constraints[field] = self.first(field)
        explicit = self.first("explicit")
        constraints["explicit"] = None if explicit is None else explicit == "true"
        for part in (p for p in self.parts if p.is_refused):
            value: Any = _span(part.value) if part.field == "year" else part.value
            constraints["not"].setdefault(part.field, []).append(int(value) if part.field == "decade" else value)
        return {
            "need": self.key,
            "broader": self.broader.key,
            "fold_key": self.subject.key,
            "text": self.text,
            "intent": self.intent,
            "intent_group": self.intent_group,
            "genre": self.values("genre"),
            "decade": [int(v) for v in self.values("decade")],
            "mood": self.first("mood"),
            "activity": self.first("activity"),
            "sort_by": self.first("sort"),
            "artist_name": self.first("artist"),
            "title_name": self.first("title", "album"),
            **typed(constraints),
        }


def constraint_parts(constraints: dict[str, Any]) -> list[Part]:
    """The parts of a canonical dictionary (`queries.grammar.constraints.no_constraints`). A random order is a way of playing, no part."""
    parts = [Part(f, str(v)) for f in ("genre", "decade") for v in constraints.get(f, [])]
    if constraints.get("year"):
        parts.append(Part("year", year_text(constraints["year"])))
    for field in ("mood", "activity", "sort", "version", "explicit", "language"):
        value = constraints.get(field)
        if value is not None and (field, value) != ("sort", "random"):
            parts.append(Part(field, value_text(value)))
    for field, values in constraints.get("not", {}).items():
        parts += [Part(field, year_text(v) if field == "year" else value_text(v), is_refused=True) for v in values]
    return parts


def _span(text: str | None) -> dict[str, int | None] | None:
    if text is None:
        return None
    first, dash, last = text.partition("-")
    low = int(first) if first else None
    return {"from": low, "to": (int(last) if last else None) if dash else low}


@dataclass(frozen=True)
class NeedReading:
    """The need that a wording leads to by text and catalog.

    Attributes:
        need: The need.
        how: `catalog` (the names are the catalog's), `grammar` (no names), `near` or `sound` (a name was resolved by its spelling or
            its sound), `words` (no reading explains the wording).
        confidence: 0 to 1: the share of the wording that the reading explains, times the likeness of resolved names; 0 for `words`.
        spoken: Kind and words of the names as they were said, where they are others than those of the interpretation.
    """

    need: Need
    how: str
    confidence: float
    spoken: tuple[tuple[str, str], ...] = ()

    @property
    def spoken_intent(self) -> str | None:
        """The intent by the kinds of the spoken names, of the names themselves or of what the music is to be like; None without them."""
        kinds = frozenset(kind for kind, _ in self.spoken)
        if not kinds:
            return None
        return _INTENTS[kinds] if self.need.first("similar_to") is not None else self.need.intent

    @property
    def names_anything(self) -> bool:
        """Whether the reading names an artist, title or album of the catalog."""
        return self.how in ("catalog", "near", "sound") and self.need.first("artist", "title", "album") is not None

    def is_sure(self, least: float) -> bool:
        """Whether the reading explains the wording with at least this confidence."""
        return self.how != "words" and self.confidence >= least


def need_reading(
    interpretation: Interpretation, lexicon: Lexicon, names: Vocabulary | None, resolver: Resolver | None
) -> NeedReading | None:
    """The need of an interpretation; None if it does not ask for music, or is a command to the player.

    Where names or words are left that the reading does not explain, the whole request may be the name of something that is like
    it; the more confident of the two readings is taken.

    Args:
        interpretation: How the wording is read.
        lexicon: Phrases and word lists.
        names: The names of the catalog; None takes names as they were said.
        resolver: Resolves names that the catalog does not have; None leaves such a wording to its words.
    """
    if not interpretation.is_music or interpretation.act != LISTEN:
        return None
    parts = constraint_parts(interpretation.constraints)
    spoken = {kind: span.text for kind, span in interpretation.names.items()}
    words = interpretation.stripped or interpretation.query
    if is_personal(words):
        return NeedReading(Need.of([Part("personal", "liked")]), "grammar", 1.0)
    if names is None:
        return _without_catalog(interpretation, parts, spoken)
    forms = stages(interpretation.query, interpretation.language, lexicon.grammar)
    subject = next((one for one in map(likened, forms) if one is not None), None)
    if subject is not None and not any(lookup_name(form, names)[0] and likened(form) for form in forms):
        points = "these" in lexicon.acts.get(subject, ())  # "songs like this one"
        return (None if points else _similar(subject, names, resolver)) or _of_words(interpretation)
    share = round(explained_share(interpretation, lexicon, names), 6)
    if "playlist" in spoken:
        return NeedReading(Need.of([*parts, Part("playlist", spoken["playlist"])]), "grammar", share)
    if (
        parts
        and spoken
        and not any(p.is_refused for p in parts)
        and (pair := _recorded(interpretation.stripped, names)) is not None
    ):
        return NeedReading(pair, "catalog", 1.0)  # "talmer run the velvet": a song of that artist, not music to run to
    if not spoken:
        is_read = interpretation.intent != "other"
        best = NeedReading(Need.of(parts), "grammar", share) if is_read else None
    else:
        best = _of_names(interpretation, parts, spoken, share, names, resolver)
    if best is not None and best.confidence == 1.0:
        number = resolver.request(interpretation.stripped) if resolver and _may_be_number(interpretation) else None
        if number is None or number.likeness < 1.0 or number.artist is None:
            return best
        return NeedReading(_named(number.artist, None, number.album, ()), "catalog", 1.0, number.spoken)
    whole = _of_whole(interpretation, lexicon, resolver) if resolver is not None else None
    if whole is not None and (best is None or whole.confidence > best.confidence):
        best = whole
    within = [text for text in likened_within(interpretation.query) if "these" not in lexicon.acts.get(text, ())]
    all_seeds = [seeds for text in within if (seeds := seeds_of(text, names)) is not None]
    is_weak = best is None or best.confidence < _LEAST_EXPLAINED
    seeds = next((one for one in all_seeds if one.confidence == 1.0 or (is_weak and one.has_artist)), None)
    if seeds is not None:
        return _like(seeds)
    return best or _of_words(interpretation)


def _may_be_number(interpretation: Interpretation) -> bool:
    """Whether a year may be a name: "the nineteen seventy five" a band, what an artist's name and "album" stand around an album."""
    words = interpretation.stripped.split()
    years = [one for one in interpretation.mentions if one.field in ("year", "decade")]
    if len(years) != 1 or len(words) < 3:
        return False
    if set(interpretation.names) == {"artist"}:
        return words[-1] in ("album", "disco", "record")
    return not interpretation.names and words[0] == "the" and years[0].end - years[0].start == len(words) - 1


def _without_catalog(interpretation: Interpretation, parts: list[Part], spoken: dict[str, str]) -> NeedReading:
    if "playlist" in spoken:
        return NeedReading(Need.of([*parts, Part("playlist", spoken["playlist"])]), "grammar", 1.0)
    if spoken:
        need = _named(interpretation.artist, interpretation.title, interpretation.album, parts)
        return NeedReading(need, "grammar", 1.0)
    if interpretation.intent != "other":
        return NeedReading(Need.of(parts), "grammar", 1.0)
    return _of_words(interpretation)


def _similar(subject: str, names: Vocabulary, resolver: Resolver | None) -> NeedReading | None:
    """The need of music that is like artists or recordings; None if the catalog has nothing like the subject."""
    seeds = seeds_of(subject, names)
    if seeds is not None and seeds.confidence == 1.0:
        return _like(seeds)
    near = resolver.request(subject) if resolver is not None else None
    if seeds is not None and (near is None or near.likeness < seeds.confidence):
        return _like(seeds)
    near = near or _leading_artist(subject, names)
    if near is None:
        return None
    like = _named(near.artist, near.title, near.album, ())
    return NeedReading(Need.of([Part("similar_to", like.key)]), _how([near]), round(near.likeness, 6), near.spoken)


def _like(seeds: Seeds) -> NeedReading:
    needs = [Need.of(Part(kind, name) for kind, name in like) for like in seeds.likes]
    return NeedReading(Need.of(Part("similar_to", one.key) for one in needs), "catalog", seeds.confidence, seeds.spoken)


def _leading_artist(words: str, names: Vocabulary) -> Resolved | None:
    """The artist with whom the words begin or end, beside words that the catalog does not have ("sam smiths writing on a wall")."""
    parts = words.split()
    for at in range(len(parts) - 1, 0, -1):
        for name in (parts[:at], parts[-at:]):
            text = " ".join(name)
            artist = names.artist(text) if at > 1 or is_owner(text, names.artist(text) or "") else None
            if artist is not None:
                share = len("".join(name)) / len("".join(parts))
                likeness = max(share, BESIDE_UNKNOWN) if is_owner(text, artist) else share
                return Resolved(artist, likeness=round(likeness, 6), spoken=(("artist", text),))
    return None


def _two_artists(words: str, names: Vocabulary) -> list[tuple[str, str]] | None:
    """The two artists of which the words consist ("tame impala mgmt"), folded and as they were said; None if they do not."""
    parts = words.removeprefix("a ").split()  # "a juanes y a karol g"
    for at in range(1, len(parts)):
        left = " ".join(parts[:at])
        right = " ".join(parts[at + 1 :]).removeprefix("a ") if parts[at] in ("and", "y", "e") else " ".join(parts[at:])
        first, second = names.artist(left), names.artist(right)
        if first is not None and second is not None:
            return [(first, left), (second, right)]
    return None


def _of_names(
    interpretation: Interpretation,
    parts: list[Part],
    spoken: dict[str, str],
    share: float,
    names: Vocabulary,
    resolver: Resolver | None,
) -> NeedReading | None:
    """The reading by the names that were spoken; None if the catalog has nothing like one of them."""
    title, album = interpretation.title, interpretation.album
    artist = names.artist(interpretation.artist) if interpretation.artist else None
    nicknamed = resolver.nicknamed(title or "") if resolver is not None and set(spoken) == {"title"} else None
    if nicknamed is not None and names.artists[nicknamed] > names.titles.get(title or "", 0.0) + NICKNAME_MARGIN:
        return NeedReading(_named(nicknamed, None, None, parts), "catalog", share, (("artist", spoken["title"]),))
    if title is not None and title in names.albums and artist is not None and not names.has_pair(title, artist):
        title, album = None, title  # the artist recorded no song of that name: it is the album's
    is_known = (
        (artist is not None or "artist" not in spoken)
        and (title is None or title in names.titles)
        and (album is None or album in names.albums)
    )
    if is_known:
        meant = _recorded_alike(artist, title, album, share, parts, names, resolver)
        singers = spoken["artist"] if set(spoken) == {"artist"} and not names.artist(spoken["artist"]) else ""
        artists = _two_artists(singers, names) or []
        spoken_artists = tuple(("artist", words) for _, words in artists)
        if artists and title is None and album is None:  # "shakira and juanes": music of both
            both = [Part("artist", one) for one, _ in artists]
            return NeedReading(Need.of([*parts, *both]), "catalog", share, spoken_artists)
        name, is_album = (title, False) if title is not None else (album, True)
        if artist is not None and name is not None and not names.has_recording(name, artist, is_album=is_album):
            share = round(share * NOT_RECORDED, 6)
        return meant or NeedReading(_named(artist, title, album, parts), "catalog", share, spoken_artists)
    if resolver is None or (not parts and set(spoken) == {"title"}):
        return None  # what the grammar takes for a title may be any name: all words are looked up as one
    resolved: list[Resolved] = []
    if artist is None and "artist" in spoken:
        near = resolver.artist(interpretation.artist or spoken["artist"])
        if near is None:
            return None
        artist = near.artist
        resolved.append(near)
    for is_album, name, known in ((False, title, names.titles), (True, album, names.albums)):
        if name is not None and name not in known:
            recording = resolver.recording(name, artist, is_album=is_album)
            if recording is None:
                return None
            title, album = (title, recording.album) if is_album else (recording.title, album)
            resolved.append(recording)
    likeness = min(one.likeness for one in resolved)
    # letters of resolved names are explained as far as they are alike
    letters = len(interpretation.stripped.replace(" ", "")) or 1
    of_names = sum(len(text.replace(" ", "")) for kind, text in spoken.items() if kind != "playlist")
    confidence = round(likeness * min(1.0, share + of_names / letters), 6)
    return NeedReading(_named(artist, title, album, parts), _how(resolved), confidence)


def _recorded_alike(
    artist: str | None,
    title: str | None,
    album: str | None,
    share: float,
    parts: list[Part],
    names: Vocabulary,
    resolver: Resolver | None,
) -> NeedReading | None:
    """What the artist recorded under a name like the title or album, if nothing under that name: "rumors" of who recorded "rumours"."""
    name, is_album = (title, False) if title is not None else (album, True)
    if resolver is None or artist is None or name is None or names.has_recording(name, artist, is_album=is_album):
        return None
    near = resolver.recording(name, artist, is_album=is_album)
    if near is None or (title is not None and names.has_recording(title, artist, is_album=True)):
        return None
    return NeedReading(_named(artist, near.title, near.album, parts), _how([near]), round(near.likeness * share, 6))


def _of_whole(interpretation: Interpretation, lexicon: Lexicon, resolver: Resolver) -> NeedReading | None:
    """The reading of all words as one name; also of those after a verb that is longer otherwise, as in "play | back in black"."""
    verb, _, rest = interpretation.query.partition(" ")
    forms = dict.fromkeys((interpretation.stripped or interpretation.query,))
    if rest and verb in lexicon.grammar.merged.prefixes:
        forms[rest] = None
    options = [resolver.request(form) for form in forms]
    whole = max((one for one in options if one is not None), key=lambda one: one.likeness, default=None)
    if whole is None:
        return None
    need = _named(whole.artist, whole.title, whole.album, ())
    return NeedReading(need, _how([whole]), round(whole.likeness, 6), whole.spoken)


def _how(resolved: list[Resolved]) -> str:
    if all(one.likeness == 1.0 for one in resolved):
        return "catalog"
    return "sound" if any(one.by_sound for one in resolved) else "near"


def _of_words(interpretation: Interpretation) -> NeedReading:
    return NeedReading(Need.of([Part("words", interpretation.stripped or interpretation.query)]), "words", 0.0)


def _named(artist: str | None, title: str | None, album: str | None, parts: Iterable[Part]) -> Need:
    names = (("artist", artist), ("title", title), ("album", None if title is not None else album))
    return Need.of([*parts, *[Part(kind, name) for kind, name in names if name is not None]])


def _recorded(words: str, names: Vocabulary) -> Need | None:
    """The title by an artist of which the words consist, in either order, if the artist recorded it; None if they do not."""
    parts = words.split()
    for at in range(1, len(parts)):
        left, right = " ".join(parts[:at]), " ".join(parts[at:])
        for title, singer in ((left, right), (right, left)):
            artist = names.artist(singer) if title in names.titles else None
            if artist is not None and names.has_pair(title, artist):
                return Need.of([Part("title", title), Part("artist", artist)])
    return None


def other_readings(interpretation: Interpretation, plain: Interpretation, names: Vocabulary) -> list[Need]:
    """Other needs that the wording may mean: its form as a title, artist or album of the catalog, a title by its artist, or constraints.

    Args:
        interpretation: How the wording is read.
        plain: How it is read without a catalog.
        names: The names of the catalog.
    """
    if not interpretation.is_music:
        return []
    needs = []
    for form in dict.fromkeys((interpretation.query, interpretation.stripped)):
        artist = names.artist(form)
        needs += [Need.of([Part("artist", artist)])] if artist else []
        needs += [Need.of([Part("title", form)])] if form in names.titles else []
        needs += [Need.of([Part("album", form)])] if form in names.albums else []
    if (pair := _recorded(interpretation.stripped, names)) is not None:
        needs.append(pair)
    parts = constraint_parts(plain.constraints)
    if plain.is_music and parts and not plain.names:
        needs.append(Need.of(parts))
    return list(dict.fromkeys(needs))
