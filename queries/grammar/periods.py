"""Finds periods in English and Spanish: decades and years with the limits around them ("before", "en adelante")."""

from dataclasses import dataclass

from queries.grammar.eras import Era, eras

_LEADS = {
    "before": (
        "before",
        "prior to",
        "previous to",
        "earlier than",
        "older than",
        "pre",
        "antes de",
        "antes del",
        "anterior a",
        "anterior al",
        "anteriores a",
        "anteriores al",
        "previo a",
        "previo al",
        "previa a",
        "previas a",
        "previos a",
    ),
    "until": (
        "until",
        "till",
        "up until",
        "up till",
        "up to",
        "not after",
        "nothing after",
        "no later than",
        "no newer than",
        "not later than",
        "not newer than",
        "nothing newer than",
        "hasta",
        "nada despues de",
        "nada despues del",
        "nada posterior a",
    ),
    "since": (
        "since",
        "ever since",
        "starting",
        "starting in",
        "starting from",
        "beginning in",
        "not before",
        "nothing before",
        "no earlier than",
        "no older than",
        "not earlier than",
        "not older than",
        "nothing older than",
        "desde",
        "a partir de",
        "a partir del",
        "nada antes de",
        "nada antes del",
        "nada anterior a",
    ),
    "after": (
        "after",
        "from after",
        "later than",
        "newer than",
        "post",
        "despues de",
        "despues del",
        "posterior a",
        "posterior al",
        "posteriores a",
        "posteriores al",
    ),
    "between": ("between", "entre"),
    "from": ("from",),
}
_TRAILS = {
    "since": (
        "onward",
        "onwards",
        "and onward",
        "and onwards",
        "and later",
        "or later",
        "and newer",
        "or newer",
        "and beyond",
        "to now",
        "to today",
        "to date",
        "to the present",
        "to this day",
        "up to now",
        "until now",
        "until today",
        "till now",
        "till today",
        "and after",
        "or after",
        "and up",
        "and on",
        "on",
        "en adelante",
        "hacia adelante",
        "hacia delante",
        "para adelante",
        "para delante",
        "para aca",
        "y posterior",
        "y posteriores",
        "o posterior",
        "o posteriores",
        "a hoy",
        "a la actualidad",
        "a la fecha",
        "al presente",
        "hasta ahora",
        "hasta el presente",
        "hasta hoy",
        "hasta la actualidad",
        "hasta la fecha",
        "y despues",
        "o despues",
    ),
    "until": (
        "and earlier",
        "or earlier",
        "and older",
        "or older",
        "and before",
        "or before",
        "y anterior",
        "y anteriores",
        "o anterior",
        "o anteriores",
        "hacia atras",
        "para atras",
        "y antes",
        "o antes",
    ),
}
_LIMIT_BEFORE = {phrase: limit for limit, phrases in _LEADS.items() for phrase in phrases}
_LIMIT_AFTER = {phrase: limit for limit, phrases in _TRAILS.items() for phrase in phrases}
_LONGEST_LEAD, _LONGEST_TRAIL = 3, 3
_TRAILS_AT_END = frozenset(
    {
        "and after",
        "or after",
        "and up",
        "and on",
        "on",
        "to date",
        "and before",
        "or before",
        "y despues",
        "o despues",
        "y antes",
        "o antes",
    }
)
"""Trails that count only at the end of the request; not in "80s and after party music" or "from the 80s on spotify"."""
_LAST_WORDS = frozenset({"please", "thanks", "por", "porfa", "gracias"})
_ERA_CONTEXT = frozenset(
    {
        "the",
        "year",
        "years",
        "decade",
        "decades",
        "of",
        "early",
        "mid",
        "late",
        "el",
        "la",
        "los",
        "las",
        "ano",
        "anos",
        "decada",
        "decadas",
        "de",
        "del",
        "principios",
        "mediados",
        "finales",
    }
)
"""Words that may come between a limit and its era: "before the year", "desde finales de los"."""
_VERBS_WITH_UP = frozenset(
    {
        "wake",
        "waking",
        "get",
        "getting",
        "warm",
        "warming",
        "pump",
        "pumping",
        "cheer",
        "clean",
        "cleaning",
        "dress",
        "dressing",
        "grew",
        "grow",
        "growing",
        "light",
        "turn",
        "work",
        "hang",
        "make",
        "break",
    }
)
"""Verbs after which "up to" is not a limit: "wake up to 80s music"."""
_NO_LIMIT = ("", "from")
_TO = frozenset({"to", "a", "al", "hasta", "until", "through", "till"})
_AND = frozenset({"and", "y"})
_BOTH = _AND | {"but", "pero"}


@dataclass(frozen=True)
class Period:
    """A period that a request asks for.

    Attributes:
        own: First word of its context, with or without a limit ("from the year").
        reach: First word of its limit ("before the"); `start` if it has none before it.
        start: First word of the era.
        end: The word after the last one of the era or of the limit behind it.
        first: First year; None if open.
        last: Last year; None if open.
        is_decade: Whether it is a decade without a limit.
    """

    own: int
    reach: int
    start: int
    end: int
    first: int | None
    last: int | None
    is_decade: bool


def periods(words: list[str]) -> list[Period]:
    """Every period in the words of a normal form, from left to right and without overlaps.

    "90s" and "1995" are the decade and the year; "from 1990 to 1995", "before the 80s", "a partir del 2010", "de 2010 en
    adelante" and "after 1980 but before 1990" are ranges. "80s to 90s" gives two decades, like "80s and 90s".
    """
    era_list = eras(words)
    parsed: list[Period] = []
    at = 0
    while at < len(era_list):
        era, other = era_list[at], era_list[at + 1] if at + 1 < len(era_list) else None
        lead, own = _lead(words, era.start)
        reach = era.start if lead in _NO_LIMIT else own
        if other is None or not _is_range(words, era, other, lead):
            parsed.append(_limited(words, era, other, lead, own))
            at += 1
            continue
        if era.is_decade and other.is_decade and other.first == era.last + 1:
            parsed.append(Period(own, reach, era.start, era.end, era.first, era.last, True))
            parsed.append(Period(era.end, era.end, other.start, other.end, other.first, other.last, True))
        else:
            parsed.append(Period(own, reach, era.start, other.end, era.first, other.last, False))
        at += 2
    return _merge_open_periods(words, parsed)


def _lead(words: list[str], at: int) -> tuple[str, int]:
    """The limit before the era at word `at`, and its first word; ("", first word of the era or its "the year") if none."""
    end = at
    while end:
        for size in range(min(_LONGEST_LEAD, end), 0, -1):
            phrase = " ".join(words[end - size : end])
            is_of_verb = phrase == "up to" and words[max(0, end - 3)] in _VERBS_WITH_UP
            if phrase in _LIMIT_BEFORE and not is_of_verb:
                return _LIMIT_BEFORE[phrase], end - size
        if words[end - 1] not in _ERA_CONTEXT:
            break
        end -= 1
    return "", end


def _trail(words: list[str], era: Era, other: Era | None, lead: str) -> tuple[str, int]:
    """The limit after an era, and the word after its last one; ("", end of the era) if there is none."""
    for size in range(_LONGEST_TRAIL, 0, -1):
        end = era.end + size
        phrase = " ".join(words[era.end : end])
        if end > len(words) or phrase not in _LIMIT_AFTER or (phrase == "on" and lead != "from"):
            continue
        if phrase in _TRAILS_AT_END and end < len(words) and words[end] not in _LAST_WORDS:
            continue
        if other is None or any(word not in _ERA_CONTEXT for word in words[end : other.start]):
            return _LIMIT_AFTER[phrase], end
    return "", era.end


def _is_range(words: list[str], era: Era, other: Era, lead: str) -> bool:
    """Whether an era and the next one are the ends of a range: "1990 to 1995", "de los 60 a los 80"."""
    between = words[era.end : other.start]
    if lead not in ("", "from", "since", "between") or other.first <= era.first:
        return False
    if any(word not in _ERA_CONTEXT for word in between[1:]):
        return False
    joined = between[0] if between else ""
    if era.is_decade or other.is_decade:
        return joined in _TO or (joined in _AND and lead == "between")
    return joined in _TO | _AND or not between


def _limited(words: list[str], era: Era, other: Era | None, lead: str, own: int) -> Period:
    trail, end = _trail(words, era, other, lead)
    has_lead_limit = lead not in _NO_LIMIT and lead != "between"
    limit, reach = (lead, own) if has_lead_limit else (trail, era.start)
    if not limit:
        return Period(own, reach, era.start, era.end, era.first, era.last, era.is_decade)
    opens_end = limit in ("since", "after")
    if trail and opens_end != (trail == "since"):
        end = era.end  # contradicting limits ("after 1990 or before"): the one before the era counts
    first = {"since": era.first, "after": era.last + 1}.get(limit)
    last = {"until": era.last, "before": era.first - 1}.get(limit)
    return Period(own, reach, era.start, end, first, last, False)


def _merge_open_periods(words: list[str], separate: list[Period]) -> list[Period]:
    """The periods, where two open ones side by side that limit each other are merged: "after 1980 but before 1990"."""
    merged: list[Period] = []
    for one in separate:
        before = merged.pop() if merged else None
        whole = _merged(before, one) if before and _BOTH.issuperset(words[before.end : one.reach]) else None
        merged += [whole] if whole else [before, one] if before else [one]
    return merged


def _merged(one: Period, other: Period) -> Period | None:
    first, last = one.first or other.first, one.last or other.last
    open_ends = [one.first, one.last, other.first, other.last].count(None)
    is_pair = (
        open_ends == 2 and (one.first is None) == (other.last is None) and (one.last is None) == (other.first is None)
    )
    if not is_pair or first is None or last is None or first > last:
        return None
    return Period(one.own, one.reach, one.start, other.end, first, last, False)
