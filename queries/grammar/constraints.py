"""Constraints of a request: genre, decade, year, mood, activity, sort, version, explicit, language, and negations.

`mentions` finds them in a normal form, `constraints_of` makes the canonical dictionary, `constraint_key`
its key, which wordings and languages share.
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
]

_SINGLE = ("mood", "activity", "sort", "version", "explicit", "language")
_MANY = ("genre", "decade")
# what `typed` gives beside genre, decade, mood, activity and sort_by; name -> Spark type
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


@dataclass(frozen=True)
class Mention:
    """One constraint in words `start` to `end` (exclusive) of a normal form; `reach` is where its lead-in begins.

    `value` is the canonical value; a year's is "first-last" with an end left out when open ("1990-", "-1979").
    `excludes`: negated by a word after which a list may follow ("except", "sin").
    """

    field: str
    value: str
    start: int
    end: int
    reach: int
    is_negated: bool = False
    is_weak: bool = False
    excludes: bool = False


def mentions(query: str, lexicon: Lexicon) -> list[Mention]:
    """The constraints said in `query` (a normal form), left to right, longest phrase first, without overlaps."""
    words = query.split()
    by_start = {period.start: period for period in periods(words)}
    leads = [(period.reach, period.start) for period in by_start.values()]
    found: list[Mention] = []
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
        else:
            at += 1
            continue
        found.append(_with_reach(mention, own, words, found, lexicon))
        at = mention.end
    return found


def no_constraints() -> dict[str, Any]:
    """The canonical dictionary of a request without constraints."""
    return {"genre": [], "decade": [], "year": None, **dict.fromkeys(_SINGLE), "not": {}}


def constraints_of(found: Sequence[Mention]) -> dict[str, Any]:
    """The canonical dictionary: lists sorted and without repeats; where one value fits, the first said stands.

    Not explicit is clean, and not clean explicit: one wish, one key.
    """
    result = no_constraints()
    for mention in found:
        value: Any = _value(mention)
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
    """Fields and values sorted, `field=value` joined by `|`, negation `field!=value`; "" if there is none.

    A year is `year=1995`, a range `year=1990-1995`, open ends `year=1990-` and `year=-1979`.
    """
    parts = [f"{field}={value}" for field in _MANY for value in constraints.get(field, [])]
    if constraints.get("year"):
        parts.append(f"year={_span(constraints['year'])}")
    parts += [f"{field}={_text(constraints[field])}" for field in _SINGLE if constraints.get(field) is not None]
    for field, values in constraints.get("not", {}).items():
        parts += [f"{field}!={_span(value) if field == 'year' else _text(value)}" for value in values]
    return "|".join(sorted(parts))


def typed(constraints: dict[str, Any]) -> dict[str, Any]:
    """The constraints of a canonical dictionary as the columns of TYPED: None, or [] for a list, where nothing is asked.

    The spans of years that are refused lie in two lists of equal length, `unwanted_first_years` and `unwanted_last_years`; an open
    end is None.
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
    """Not one that ends inside the lead of a period: "de antes" in "de antes de 1980"."""
    for size in range(min(lexicon.longest, len(words) - at), 0, -1):
        phrase = lexicon.phrases.get(" ".join(words[at : at + size]))
        if phrase is not None and not any(reach < at + size <= start for reach, start in leads):
            return phrase, size
    return None, 0


def _with_reach(mention: Mention, own: int, words: list[str], before: list[Mention], lexicon: Lexicon) -> Mention:
    """Take in "for my", "sin nada de", "in the" before a mention, whose `own` words begin there ("the year"), and see whether
    it is negated."""
    last = before[-1] if before else None
    floor = last.end if last else 0
    begins, weak = max(mention.reach, floor), mention.is_weak
    reach = _back_over("articles", begins, floor, words, lexicon)
    if mention.field in ("activity", "mood"):
        lead = _back_over("activity_leads", reach, floor, words, lexicon)
        if lead < reach and words[lead] not in ("in", "en", "de", "a", "on", "at", "to"):
            weak = False
        reach = lead
    own = max(floor, min(own, reach))
    places = range(own, begins + 1)
    negation, end = min((_back_over("negations", at, floor, words, lexicon), at) for at in places)
    excludes = lexicon.has("exclusions", " ".join(words[negation:end]))
    listed = last is not None and _goes_on(last, mention, words[floor:own])
    is_negated = negation < end or listed
    return replace(
        mention,
        reach=floor if listed else negation if is_negated else reach,
        is_negated=is_negated,
        excludes=excludes or (listed and last is not None and last.excludes),
        is_weak=weak and not is_negated,
    )


def _goes_on(last: Mention, mention: Mention, between: list[str]) -> bool:
    """Whether a negation holds for what is said next, too: "no rap or country", "todo menos rap, country y salsa"."""
    if not last.is_negated:
        return False
    in_list = between in ([], ["and"], ["y"], ["e"], ["u"]) and last.excludes and last.field == mention.field
    return in_list or between in (["or"], ["nor"], ["ni"], ["o"])


def _back_over(kind: str, at: int, floor: int, words: list[str], lexicon: Lexicon) -> int:
    for size in range(min(4, at - floor), 0, -1):
        if lexicon.has(kind, " ".join(words[at - size : at])):
            return _back_over(kind, at - size, floor, words, lexicon) if kind == "articles" else at - size
    return at


def _value(mention: Mention) -> Any:
    if mention.field == "decade":
        return int(mention.value)
    if mention.field == "year":
        first, last = mention.value.split("-")
        return {"from": int(first) if first else None, "to": int(last) if last else None}
    if mention.field == "explicit":
        return mention.value == "true"
    return mention.value


def _span(year: dict[str, int | None]) -> str:
    first, last = year["from"], year["to"]
    return str(first) if first == last else f"{'' if first is None else first}-{'' if last is None else last}"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
