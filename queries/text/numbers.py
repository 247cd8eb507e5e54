"""How people say what is written short in a name: "blink 182" is "blink one eighty two", "2pac" is "tupac", "hayloft ii" "hayloft two",
"dr who" is "doctor who"."""

from __future__ import annotations

import re
from itertools import product

_UNITS = {
    "en": "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete dieciocho "
    "diecinueve veinte veintiuno veintidos veintitres veinticuatro veinticinco veintiseis veintisiete veintiocho veintinueve",
}
_TENS = {
    "en": "- - twenty thirty forty fifty sixty seventy eighty ninety",
    "es": "- - veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
}
_HUNDREDS = "- ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos"
_WORDS = {language: (_UNITS[language].split(), _TENS[language].split()) for language in _UNITS}
_MOST_DIGITS, _MOST_NUMBERS = 4, 3
_SOUNDS_OF_DIGIT = {"2": ("two", "to", "tu"), "4": ("four", "for"), "8": ("eight", "ate")}
_SOUNDS_OF_LETTER = {"u": "you", "r": "are", "b": "be"}  # of a letter that stands alone beside a digit: "u2"
_ROMAN = {"ii": 2, "iii": 3, "iv": 4, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "xi": 11, "xii": 12}
_WORKS = {
    "symphony": ("symphony", "sinfonia"),
    "sinfonia": ("symphony", "sinfonia"),
    "sonata": ("sonata", "sonata"),
    "concerto": ("concerto", "concierto"),
    "concierto": ("concerto", "concierto"),
    "nocturne": ("nocturne", "nocturno"),
    "prelude": ("prelude", "preludio"),
    "waltz": ("waltz", "vals"),
    "quartet": ("quartet", "cuarteto"),
    "suite": ("suite", "suite"),
    "rhapsody": ("rhapsody", "rapsodia"),
    "gymnopedie": ("gymnopedie", "gymnopedie"),
    "ballade": ("ballade", "balada"),
    "etude": ("etude", "estudio"),
}
_ORDINALS = (
    ("", ""),
    ("first", "primera"),
    ("second", "segunda"),
    ("third", "tercera"),
    ("fourth", "cuarta"),
    ("fifth", "quinta"),
    ("sixth", "sexta"),
    ("seventh", "septima"),
    ("eighth", "octava"),
    ("ninth", "novena"),
    ("tenth", "decima"),
)
_ABBREVIATED = {
    "dr": ("doctor",),
    "mr": ("mister",),
    "mrs": ("missus", "misses"),
    "st": ("saint",),
    "jr": ("junior",),
    "sr": ("senor", "senior"),
    "mt": ("mount",),
    "vol": ("volume", "volumen"),
    "pt": ("part", "parte"),
}
_NUMBERED = re.compile(rf"((?:\w+ )?)({'|'.join(_WORKS)}) no (\d{{1,3}})")
_BESIDE_LETTER = re.compile(r"(\d{2,4})([a-z])")
_MIXED = re.compile(r"([a-z]*)([248])([a-z]*)")


def spoken_forms(name: str) -> list[str]:
    """The ways to say a folded name with abbreviations, or numbers of at most four digits, in English and in Spanish; none without them.

    Each number is said as a whole ("one hundred eighty two"), in pairs ("one eighty two", "nineteen seventy nine") and digit by digit;
    a Roman number at the end as a number; a digit inside a word by its sound ("2pac", "u2"). A numbered work is also said in the other
    language and by an ordinal ("fifth symphony", "quinta sinfonia" of "symphony no 5").
    """
    words = name.split()
    short = next((at for at, word in enumerate(words) if word in _ABBREVIATED and len(words) > 1), None)
    if short is not None:
        full = [" ".join([*words[:short], long, *words[short + 1 :]]) for long in _ABBREVIATED[words[short]]]
        return list(dict.fromkeys([*full, *(form for one in full for form in spoken_forms(one))]))
    beside = next((at for at, word in enumerate(words) if _BESIDE_LETTER.fullmatch(word)), None)
    if beside is not None:  # "24k" is "twenty four k"
        parted = " ".join(_BESIDE_LETTER.findall(words[beside])[0])
        apart = " ".join([*words[:beside], parted, *words[beside + 1 :]])
        return list(dict.fromkeys([apart, *spoken_forms(apart)]))
    if len(words) > 1 and words[-1] in _ROMAN:
        number = str(_ROMAN[words[-1]])
        return [" ".join([*words[:-1], number]), *spoken_forms(" ".join([*words[:-1], number]))]
    if (numbered := _NUMBERED.fullmatch(name)) is not None:
        return _numbered_forms(*numbered.groups())
    mixed = [at for at, word in enumerate(words) if _MIXED.fullmatch(word) and not word.isdigit()]
    if len(mixed) == 1:
        at = mixed[0]
        return [" ".join([*words[:at], form, *words[at + 1 :]]) for form in _sounded(words[at])]
    numbers = [word for word in words if word.isascii() and word.isdigit()]
    if not numbers or len(numbers) > _MOST_NUMBERS or any(len(number) > _MOST_DIGITS for number in numbers):
        return []
    forms = []
    for language in ("en", "es"):
        options = [_said(word, language) if word in numbers else [word] for word in words]
        forms += [" ".join(choice) for choice in product(*options)]
    return list(dict.fromkeys(forms))


def _sounded(word: str) -> list[str]:
    """A word with one digit as it sounds, in one piece and apart: "2pac" is "twopac", "two pac", "tupac", …"""
    matched = _MIXED.fullmatch(word)
    if matched is None:
        return []
    before, digit, after = matched.groups()
    forms = []
    for sound in _SOUNDS_OF_DIGIT[digit]:
        forms += [f"{before}{sound}{after}", " ".join(part for part in (before, sound, after) if part)]
        if before in _SOUNDS_OF_LETTER and not after:
            forms.append(f"{_SOUNDS_OF_LETTER[before]} {sound}")
    return list(dict.fromkeys(forms))


def _numbered_forms(before: str, work: str, digits: str) -> list[str]:
    """The ways to say a numbered work, such as ("piano ", "sonata", "14"): by number and by ordinal, in English and in Spanish."""
    english, spanish = _WORKS[work]
    number = int(digits)
    names = {f"{before}{english}", f"{before}{spanish}"}
    if before == "piano ":
        names |= {f"{spanish} para piano", f"{spanish} de piano"}
    forms = [
        f"{name} {mark}{spoken}"
        for name in sorted(names)
        for mark in ("no ", "number ", "numero ", "")
        for spoken in _counts(number)
    ]
    if number < len(_ORDINALS):
        ordinal, ordinal_es = _ORDINALS[number]
        forms += [f"{ordinal} {before}{english}", f"{ordinal_es} {spanish}", f"{spanish} {ordinal_es}"]
    return list(dict.fromkeys(forms))


def _counts(number: int) -> list[str]:
    return list(dict.fromkeys([str(number), _cardinal(number, "en"), _cardinal(number, "es")]))


def _said(digits: str, language: str) -> list[str]:
    by_digit = " ".join(_WORDS[language][0][int(digit)] for digit in digits)
    if digits.startswith("0"):
        return [by_digit]
    ways = [_cardinal(int(digits), language)]
    if len(digits) > 2 and digits[-2:] != "00":
        head, tail = digits[:-2], digits[-2:]
        last = (
            " ".join(_WORDS[language][0][int(digit)] for digit in tail)
            if tail[0] == "0"
            else _cardinal(int(tail), language)
        )
        ways.append(f"{_cardinal(int(head), language)} {last}")
    return list(dict.fromkeys([*ways, by_digit]))


def _cardinal(number: int, language: str) -> str:
    units, tens = _WORDS[language]
    if number < len(units):
        return units[number]
    if number < 100:
        ten, unit = divmod(number, 10)
        joined = f"{tens[ten]} y {units[unit]}" if language == "es" else f"{tens[ten]} {units[unit]}"
        return joined if unit else tens[ten]
    if number < 1000:
        hundred, rest = divmod(number, 100)
        if language == "en":
            return f"{units[hundred]} hundred" + (f" {_cardinal(rest, language)}" if rest else "")
        return ("cien" if number == 100 else _HUNDREDS.split()[hundred]) + (
            f" {_cardinal(rest, language)}" if rest else ""
        )
    thousand, rest = divmod(number, 1000)
    head = ("mil" if thousand == 1 else f"{units[thousand]} mil") if language == "es" else f"{units[thousand]} thousand"
    return head + (f" {_cardinal(rest, language)}" if rest else "")
