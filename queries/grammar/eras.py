"""Finds decades and years in English and Spanish words and digits."""

from dataclasses import dataclass

_TENS_EN = {
    "twenties": 20,
    "thirties": 30,
    "forties": 40,
    "fourties": 40,
    "fifties": 50,
    "sixties": 60,
    "seventies": 70,
    "eighties": 80,
    "nineties": 90,
    "ninties": 90,
    "noughties": 0,
    "aughts": 0,
}
_AFTER_CENTURY_EN = {**_TENS_EN, "tens": 10}  # "tens" alone is not a decade
_TENS_ES = {
    "veinte": 20,
    "treinta": 30,
    "cuarenta": 40,
    "cincuenta": 50,
    "sesenta": 60,
    "setenta": 70,
    "ochenta": 80,
    "noventa": 90,
}
_NUMBERS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
    "uno": 1,
    "dos": 2,
    "tres": 3,
    "cuatro": 4,
    "cinco": 5,
    "seis": 6,
    "siete": 7,
    "ocho": 8,
    "nueve": 9,
    "diez": 10,
    "once": 11,
    "doce": 12,
    "trece": 13,
    "catorce": 14,
    "quince": 15,
    "dieciseis": 16,
    "diecisiete": 17,
    "dieciocho": 18,
    "diecinueve": 19,
    "veintiuno": 21,
    "veintidos": 22,
    "veintitres": 23,
    "veinticuatro": 24,
    **_TENS_ES,
}
_ES_STEMS = {
    stem + end: tens
    for stem, tens in (
        ("noventer", 90),
        ("ochenter", 80),
        ("setenter", 70),
        ("sesenter", 60),
        ("cincuenter", 50),
        ("dosmiler", 0),
    )
    for end in ("o", "a", "os", "as")
}
_ES_TENS = frozenset({"50", "60", "70", "80", "90", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"})
_ES_BEFORE_TENS = _ES_TENS | {"los", "anos", "decada", "de", "del", "tipo", "y"}
_DECADES_IN_ROW = 5  # words before one of several decades: "los 70 80 y 90"
_FIRST_YEAR, _LAST_YEAR = 1900, 2039


@dataclass(frozen=True)
class Era:
    """A decade or a year, `first` to `last`, in words `start` to `end` (exclusive)."""

    start: int
    end: int
    first: int
    last: int
    is_decade: bool


def eras(words: list[str]) -> list[Era]:
    """Every decade or year in the words of a normal form, from left to right and without overlaps.

    "90s", "1990s", "nineties", "noventa" (after "los", "años") are the decade 1990; "20s" is 1920, "2020s" 2020;
    "1995" and "nineteen ninety five" are years. Limits such as "before" are handled by `queries.grammar.periods`.
    """
    parsed: list[Era] = []
    at = 0
    while at < len(words):
        year, size = _year(words, at)
        era = _decade(words, at) or (Era(at, at + size, year, year, False) if year is not None else None)
        if era:
            parsed.append(era)
        at = era.end if era else at + 1
    return parsed


def _decade(words: list[str], at: int) -> Era | None:
    word, size = words[at], 1
    following = words[at + 1] if at + 1 < len(words) else ""
    tens = _digits_decade(word)
    if tens is None:
        tens = _century(_TENS_EN.get(word, _ES_STEMS.get(word)))
    if tens is None and word in ("nineteen", "twenty") and following in _AFTER_CENTURY_EN:
        tens, size = (1900 if word == "nineteen" else 2000) + _AFTER_CENTURY_EN[following], 2
    if tens is None and (word, following) in (("two", "thousands"), ("dos", "miles"), ("2", "thousands")):
        tens, size = 2000, 2
    if tens is None:
        tens, size = _spanish_decade(words, at)
    if tens is None or following == "principales":  # "Los 40 principales" is a radio station
        return None
    return Era(at, at + size, tens, tens + 9, True)


def _digits_decade(word: str) -> int | None:
    digits = word[:-1]
    if word.endswith("s") and digits.isascii() and digits.isdigit() and digits.endswith("0"):
        if len(digits) == 2:
            return _century(int(digits))
        if len(digits) == 4 and _FIRST_YEAR <= int(digits) <= _LAST_YEAR:
            return int(digits)
    return None


def _spanish_decade(words: list[str], at: int) -> tuple[int | None, int]:
    """The first year of a Spanish decade at word `at`, and its number of words; (None, 1) if there is none.

    A number is a decade only after a word such as "los" or "años": "los noventa", "años 80", "los dos mil (diez)", "los 2010",
    "decada de 1990".
    """
    if at == 0 or words[at - 1] not in _ES_BEFORE_TENS:
        return None, 1
    word = words[at]
    plural = word in ("los", "anos")
    before = set(words[max(0, at - _DECADES_IN_ROW) : at])
    if plural or not before & {"los", "anos", "decada", "ochenteros"}:
        return None, 1
    if word in _TENS_ES or word.removesuffix("s") in _TENS_ES:
        return _century(_TENS_ES.get(word, _TENS_ES.get(word.removesuffix("s")))), 1
    by_name = words[at - 1] in ("los", "anos")
    if by_name and words[at : at + 2] == ["dos", "mil"] and words[at + 2 : at + 3] in (["diez"], ["veinte"]):
        return 2000 + _NUMBERS[words[at + 2]], 3
    if word == "dos" and words[at + 1 : at + 2] == ["mil"] and (at + 2 == len(words) or words[at + 2] not in _NUMBERS):
        return 2000, 2
    if word.isascii() and word.isdigit() and word.endswith("0"):
        if len(word) == 2:
            return _century(int(word)), 1
        if (
            len(word) == 4
            and (word == "2000" or by_name or "decada" in before)
            and _FIRST_YEAR <= int(word) <= _LAST_YEAR
        ):
            return int(word), 1
    return None, 1


def _century(tens: int | None) -> int | None:
    if tens is None:
        return None
    return 2000 + tens if tens in (0, 10) else 1900 + tens


def _year(words: list[str], at: int) -> tuple[int | None, int]:
    """The year that starts at word `at`, and its number of words; (None, 0) if there is none."""
    if at >= len(words):
        return None, 0
    word = words[at]
    if word.isascii() and word.isdigit():
        return (int(word), 1) if len(word) == 4 and _FIRST_YEAR <= int(word) <= _LAST_YEAR else (None, 0)
    rest = words[at + 1 : at + 3]
    if word in ("nineteen", "twenty") and rest:
        below, size = _below_hundred(words, at + 1)
        if below is not None and (below >= 10 or rest[0] in ("o", "oh")):
            year = (1900 if word == "nineteen" else 2000) + below
            return (year, 1 + size) if year <= _LAST_YEAR else (None, 0)
    for thousand, base in ((("two", "thousand"), 2000), (("dos", "mil"), 2000), (("mil", "novecientos"), 1900)):
        if tuple(words[at : at + 2]) == thousand:
            skip = 3 if words[at + 2 : at + 3] == ["and"] else 2
            below, size = _below_hundred(words, at + skip)
            if below is not None:
                return base + below, skip + size
            return (base, 2) if words[max(0, at - 1)] in ("year", "ano") else (None, 0)
    return None, 0


def _below_hundred(words: list[str], at: int) -> tuple[int | None, int]:
    """The number below 100 at word `at` ("ninety five", "noventa y cinco", "oh five"), and its number of words."""
    if at >= len(words):
        return None, 0
    if words[at] in ("o", "oh") and at + 1 < len(words) and _NUMBERS.get(words[at + 1], 99) < 10:
        return _NUMBERS[words[at + 1]], 2
    tens = _NUMBERS.get(words[at])
    if tens is None:
        return None, 0
    unit_at = at + 1 + (words[at + 1 : at + 2] == ["y"])
    unit = _NUMBERS.get(words[unit_at]) if unit_at < len(words) else None
    if tens >= 20 and tens % 10 == 0 and unit is not None and unit < 10:
        return tens + unit, unit_at + 1 - at
    return tens, 1
