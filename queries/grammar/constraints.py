"""Constraints of a request: genre, decade, year, mood, activity, sort, version, explicit, language, and negated ones.

`mentions` finds them in a normal form, `constraints_of` merges them into the canonical dictionary, and `constraint_key` writes
that as a key, which is the same for all wordings and languages.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from queries.grammar.lexicon import Lexicon, mood_targets
from queries.grammar.periods import periods

__all__ = [
    "TYPED",
    "Mention",
    "constraint_key",
    "constraints_of",
    "mentions",
    "mood_targets",
    "no_constraints",
    "typed",
    "value_text",
    "year_text",
]

_SINGLE = ("mood", "activity", "sort", "version", "explicit", "language")
_MANY = ("genre", "decade")
# columns of `typed`: name -> Spark type (genre, decade, mood, activity and sort_by have columns of their own)
TYPED = {
    "version": "string",
    "music_language": "string",
    "is_explicit_wanted": "boolean",
    "first_year": "int",
    "last_year": "int",
    "unwanted_genres": "array<string>",
    "unwanted_artists": "array<string>",
    "unwanted_titles": "array<string>",
    "unwanted_decades": "array<int>",
    "unwanted_first_years": "array<int>",
    "unwanted_last_years": "array<int>",
    "unwanted_versions": "array<string>",
    "unwanted_languages": "array<string>",
    "unwanted_moods": "array<string>",
}


_BARE_DECADES = {
    "50": 1950,
    "60": 1960,
    "70": 1970,
    "80": 1980,
    "90": 1990,
    "cincuenta": 1950,
    "sesenta": 1960,
    "setenta": 1970,
    "ochenta": 1980,
    "noventa": 1990,
}
"""Numbers that are decades where they end a request right after a genre or a word of _BEFORE_DECADE."""
_BEFORE_DECADE = frozenset({"musica", "music", "exitos", "hits", "canciones"})
_PARTS_OF_DECADE = frozenset({"early", "mid", "late"})
"""Words before a decade that belong to it: "early" is no order there."""

_BEFORE_ALBUM = frozenset({"el", "un", "su", "del", "otro", "ultimo", "nuevo", "primer", "segundo"})
_LONGEST_BEFORE = 6  # words of an article, lead-in or negation before a constraint


@dataclass(frozen=True)
class Mention:
    """One constraint that a normal form mentions.

    Attributes:
        field: genre, decade, year, mood, activity, sort, version, explicit or language.
        value: The canonical value; of a year "first-last", where an open end is left out ("1990-", "-1979").
        start: First word.
        end: The word after the last one.
        reach: First word of its lead-in ("for my", "no", "in the"); `start` if it has none.
        is_negated: Whether the request refuses it.
        is_weak: Whether its words have other meanings too, so that it counts only in some requests.
        excludes: Whether the negation can be followed by a list ("except", "sin").
    """

    field: str
    value: str
    start: int
    end: int
    reach: int
    is_negated: bool = False
    is_weak: bool = False
    excludes: bool = False


def is_album(one: Mention, words: Sequence[str]) -> bool:
    """Whether "disco" stands where it is the Spanish noun for an album, if a name follows: "el disco de shakira"."""
    return one.value == "disco" and one.start > 0 and words[one.start - 1] in _BEFORE_ALBUM


def mentions(query: str, lexicon: Lexicon) -> list[Mention]:
    """The constraints that `query` (a normal form) mentions, from left to right and without overlaps.

    Where several phrases begin at one word, the longest is taken.
    """
    words = query.split()
    by_start = {period.start: period for period in periods(words)}
    leads = [(period.reach, period.start) for period in by_start.values()]
    parsed: list[Mention] = []
    at = 0
    while at < len(words):
        period = by_start.get(at)
        phrase, size = _longest_phrase(words, at, lexicon, leads)
        own = at
        if period and period.end - at >= size:
            value = str(period.first) if period.is_decade else f"{period.first or ''}-{period.last or ''}"
            mention = Mention("decade" if period.is_decade else "year", value, at, period.end, period.reach)
            own = period.own
        elif phrase is not None:
            mention = Mention(phrase.field, phrase.value, at, at + size, at, is_weak=phrase.weak)
        elif at + 1 == len(words) and words[at] in _BARE_DECADES and _ends_with_decade(words, at, parsed):
            mention = Mention("decade", str(_BARE_DECADES[words[at]]), at, at + 1, at)  # "pop 90"
        elif words[at:] == ["dos", "mil"] and _ends_with_decade(words, at, parsed):
            mention = Mention("decade", "2000", at, at + 2, at)  # "rap dos mil"
        else:
            at += 1
            continue
        if words[at] in _PARTS_OF_DECADE and mention.end == at + 1 and at + 1 in by_start:
            at += 1  # "the early nineties" is no order
            continue
        parsed.append(_with_reach(mention, own, words, parsed, lexicon))
        at = mention.end
    return parsed


def _ends_with_decade(words: list[str], at: int, parsed: list[Mention]) -> bool:
    """Whether a number that ends the request is a decade, by what stands before it."""
    return bool(parsed and _is_genre_before(parsed[-1], at)) or (at > 0 and words[at - 1] in _BEFORE_DECADE)


def _is_genre_before(one: Mention, at: int) -> bool:
    return one.field == "genre" and one.end == at and not one.is_weak


def no_constraints() -> dict[str, Any]:
    """The canonical dictionary of a request without constraints.

    genre and decade are lists; year is {"from", "to"}, where None is an open end; explicit is a boolean; mood, activity, sort,
    version and language are text; "not" maps a field to its refused values.
    """
    return {"genre": [], "decade": [], "year": None, **dict.fromkeys(_SINGLE), "not": {}}


def constraints_of(parsed_mentions: Sequence[Mention]) -> dict[str, Any]:
    """Merge mentions into the canonical dictionary (its fields: `no_constraints`).

    Lists are sorted and without duplicates. Of a field with a single value, the first mention counts. "Not explicit" becomes
    clean and "not clean" becomes explicit, so that equal requests share a key.
    """
    result = no_constraints()
    for mention in parsed_mentions:
        value: Any = _canonical_value(mention)
        if mention.is_negated and mention.field == "explicit":
            result["explicit"] = not value if result["explicit"] is None else result["explicit"]
        elif mention.is_negated:
            values = result["not"].setdefault(mention.field, [])
            if value not in values:
                values.append(value)
        elif mention.field in _MANY:
            if value not in result[mention.field]:
                result[mention.field].append(value)
        elif result[mention.field] is None:
            result[mention.field] = value
    for field in _MANY:
        result[field].sort()
    result["not"] = {field: sorted(values, key=str) for field, values in sorted(result["not"].items())}
    return result


def constraint_key(constraints: dict[str, Any]) -> str:
    """The canonical dictionary as text: sorted `field=value`, or `field!=value` if negated, joined by `|`; "" if empty.

    A year is `year=1995`, a range `year=1990-1995`; open ends are `year=1990-` and `year=-1979`.
    """
    parts = [f"{field}={value}" for field in _MANY for value in constraints.get(field, [])]
    if constraints.get("year"):
        parts.append(f"year={year_text(constraints['year'])}")
    parts += [f"{field}={value_text(constraints[field])}" for field in _SINGLE if constraints.get(field) is not None]
    for field, values in constraints.get("not", {}).items():
        parts += [f"{field}!={year_text(value) if field == 'year' else value_text(value)}" for value in values]
    return "|".join(sorted(parts))


def typed(constraints: dict[str, Any]) -> dict[str, Any]:
    """The constraints of a canonical dictionary as the columns of TYPED; None, or [] for a list, if there is none.

    Refused ranges of years are two lists of equal length, `unwanted_first_years` and `unwanted_last_years`; an open end is None.
    """
    year, refused = constraints.get("year") or {}, constraints.get("not", {})
    spans = refused.get("year", [])
    return {
        "version": constraints.get("version"),
        "music_language": constraints.get("language"),
        "is_explicit_wanted": constraints.get("explicit"),
        "first_year": year.get("from"),
        "last_year": year.get("to"),
        "unwanted_genres": refused.get("genre", []),
        "unwanted_artists": refused.get("artist", []),
        "unwanted_titles": refused.get("title", []),
        "unwanted_decades": refused.get("decade", []),
        "unwanted_first_years": [span["from"] for span in spans],
        "unwanted_last_years": [span["to"] for span in spans],
        "unwanted_versions": refused.get("version", []),
        "unwanted_languages": refused.get("language", []),
        "unwanted_moods": refused.get("mood", []),
    }


def _longest_phrase(words: list[str], at: int, lexicon: Lexicon, leads: list[tuple[int, int]]) -> tuple[Any, int]:
    """The longest phrase at word `at` and its number of words; (None, 0) if there is none.

    Skips phrases that end inside the lead-in of a period (`leads`: its first and last word): "de antes" in "de antes de 1980".
    """
    for size in range(min(lexicon.longest, len(words) - at), 0, -1):
        phrase = lexicon.phrases.get(" ".join(words[at : at + size]))
        if phrase is not None and not any(reach < at + size <= start for reach, start in leads):
            return phrase, size
    return None, 0


def _with_reach(mention: Mention, era_start: int, words: list[str], before: list[Mention], lexicon: Lexicon) -> Mention:
    """The mention with its lead-in ("for my", "sin nada de", "in the"), and whether it is negated.

    Args:
        mention: The mention without its lead-in.
        era_start: First word that belongs to its era ("the year"); otherwise its own first word.
        words: The words of the normal form.
        before: The mentions to the left; the lead-in cannot overlap them.
        lexicon: Gives the articles, leads and negations.
    """
    last = before[-1] if before else None
    floor = last.end if last else 0
    begins, weak = max(mention.reach, floor), mention.is_weak
    reach = _back_over("articles", begins, floor, words, lexicon)
    if mention.field == "decade" and reach > floor and words[reach - 1] in _PARTS_OF_DECADE:
        reach = _back_over("articles", reach - 1, floor, words, lexicon)
    if mention.field in ("activity", "mood"):
        lead = _back_over("activity_leads", reach, floor, words, lexicon)
        if lead < reach and words[lead] not in ("in", "en", "de", "a", "on", "at", "to"):
            weak = False
        reach = lead
    era_start = max(floor, min(era_start, reach))
    places = range(era_start, begins + 1)
    negation, end = min((_back_over("negations", index, floor, words, lexicon), index) for index in places)
    excludes = lexicon.has("exclusions", " ".join(words[negation:end]))
    listed = last is not None and _continues_negation(last, mention, words[floor:era_start])
    is_negated = negation < end or listed
    return replace(
        mention,
        reach=floor if listed else negation if is_negated else reach,
        is_negated=is_negated,
        excludes=excludes or (listed and last is not None and last.excludes),
        is_weak=weak and not is_negated,
    )


def _continues_negation(last: Mention, mention: Mention, between: list[str]) -> bool:
    """Whether the negation of `last` also applies to `mention`: "no rap or country", "todo menos rap, country y salsa"."""
    if not last.is_negated:
        return False
    in_list = between in ([], ["and"], ["y"], ["e"], ["u"]) and last.excludes and last.field == mention.field
    return in_list or between in (["or"], ["nor"], ["ni"], ["o"])


def _back_over(kind: str, at: int, floor: int, words: list[str], lexicon: Lexicon) -> int:
    for size in range(min(_LONGEST_BEFORE, at - floor), 0, -1):
        if lexicon.has(kind, " ".join(words[at - size : at])):
            return _back_over(kind, at - size, floor, words, lexicon) if kind == "articles" else at - size
    return at


def _canonical_value(mention: Mention) -> Any:
    if mention.field == "decade":
        return int(mention.value)
    if mention.field == "year":
        first, last = mention.value.split("-")
        return {"from": int(first) if first else None, "to": int(last) if last else None}
    if mention.field == "explicit":
        return mention.value == "true"
    return mention.value


def year_text(year: dict[str, int | None]) -> str:
    """A year or range as it stands in a key: `1995`, `1990-1995`, `1990-`, `-1979`."""
    first, last = year["from"], year["to"]
    return str(first) if first == last else f"{'' if first is None else first}-{'' if last is None else last}"


def value_text(value: Any) -> str:
    """A value as it stands in a key; booleans are `true` and `false`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
