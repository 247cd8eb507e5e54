"""The full normal form of a request: one pure, versioned function of text and locale.

It is the key of every table and of the release, so jobs and the serving reader call this same code.
Standard library only: the reader imports it. What was decided, and why:

- NFKC and casefold; accents folded on Latin and Greek letters, also the tilde of n: phones type "musica", "espana".
  Other scripts keep their marks (folding Japanese or Hindi marks would change the word). The raw text stays in the log.
- Apostrophes join ("don't" dont, "90's" 90s); other punctuation parts ("AC/DC" ac dc, "hip-hop" hip hop).
- Dotted letters join ("R.E.M." rem); "r&b" is rnb; another "&" or "+" between words is "and" ("y" in Spanish).
- Stylised letters: "$" beside a letter is s (Ke$ha kesha), "!" between two letters is i (P!nk pink).
- Digits: "90 s" is 90s, "1,000" is 1000, three or more single digits join ("9 1 1" 911). Number words stay as said:
  `queries.grammar.constraints` gives them their value.
- Emoji stay, as words of their own; a text of signs only ("!!!", a band) stays as it is.
"""

import re
import unicodedata

NORMAL_FORM_VERSION = 1
MAX_CHARACTERS = 200
MAX_UTF8_BYTES = 480

_APOSTROPHES = str.maketrans(dict.fromkeys("'\u2018\u2019\u201b\u02bc\u00b4`\u2032\uff07\u02b9\u02bb\u02c8", "'"))
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})
_FIRST_EMOJI = 0x1F000

_THOUSANDS = re.compile(r"(?<=\d)[.,](?=\d\d\d(?!\d))")
_DOTTED = re.compile(r"(?<![^\W_])([^\W\d_])\.(?=[^\W\d_](?![^\W_]))")
_TIGHT_AND = re.compile(r"(?<![^\W_])([^\W\d_])&([^\W\d_])(?![^\W_])")
_AND = re.compile(r"(?<=\w) ?[&+] ?(?=\w)")
_DOLLAR = re.compile(r"\$(?=[^\W\d_])|(?<=[^\W\d_])\$")
_BANG = re.compile(r"(?<=[^\W\d_])!(?=[^\W\d_])")
_NOT_ASCII_WORD = re.compile(r"[^a-z0-9]+")
_DECADE_S = re.compile(r"(?<=\d0) s\b")
_SINGLE_DIGITS = re.compile(r"(?<!\S)\d(?: \d(?!\S)){2,}")
_VISIBLE = dict.fromkeys(("Cc", "Cs"), "\ufffd")
_DIGIT_BLANK = re.compile(r"\d ")
_MAX_PASSES = 4


def language_of(locale: str) -> str:
    """The language of a locale or roll-up: "es-MX" and "es" give "es"; "*" gives "*"."""
    return locale.replace("_", "-").split("-", 1)[0].lower()


def normal_form(raw_query: str, locale: str) -> str:
    """The full normal form of `raw_query`, carrier phrase kept.

    Pure, total (no text raises; lone surrogates become U+FFFD) and idempotent; blank text gives "", any other text a
    form that is not empty. `locale` decides only the word for "&". Linear in the length of the text.
    Source: Unicode UAX #15 (NFKC) and the default case folding of the Unicode Standard §3.13.
    """
    conjunction = " y " if language_of(locale) == "es" else " and "
    text = raw_query if raw_query.isascii() else _utf8_safe(raw_query)
    for _ in range(_MAX_PASSES):
        form = _one_pass(text, conjunction)
        if form == text or form.isascii():  # an ASCII form is a fixed point already
            return form
        text = form
    return text


def is_too_long(query: str) -> bool:
    """Whether a normal form is over 200 characters or 480 UTF-8 bytes (LMDB's keys end at 511)."""
    return len(query) > MAX_CHARACTERS or len(query.encode("utf-8", "replace")) > MAX_UTF8_BYTES


def _one_pass(text: str, conjunction: str) -> str:
    folded = _folded(text)
    if "'" in folded:
        folded = folded.replace("'", "")
    if not (folded.isascii() and folded.isalnum()):
        folded = _stylised(folded, conjunction)
        folded = _only_words(folded)
        if _DIGIT_BLANK.search(folded):
            folded = _SINGLE_DIGITS.sub(lambda match: match.group().replace(" ", ""), folded)
            folded = _DECADE_S.sub("s", folded)
    if folded:
        return folded
    # signs only: the case-folded text itself, so that "!!!" keeps a key of its own
    signs = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return "".join(_VISIBLE.get(unicodedata.category(one), one) for one in signs) if signs else text.strip()


def _folded(text: str) -> str:
    """Lower case, with one sort of apostrophe and without Latin accents."""
    if text.isascii():
        return text.lower().replace("`", "'")
    text = text.translate(_APOSTROPHES)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return text.translate(_APOSTROPHES) if text.isascii() else _without_accents(text)


def _without_accents(text: str) -> str:
    kept: list[str] = []
    base_keeps_marks = False
    for character in unicodedata.normalize("NFD", text):
        if "\u0300" <= character <= "\u036f" or "\ufe00" <= character <= "\ufe0f":
            if base_keeps_marks:
                kept.append(character)
            continue
        if not unicodedata.combining(character):
            # Latin, Greek and signs lie below U+0400; from there on marks belong to the letter
            base_keeps_marks = character >= "\u0400" and character.isalpha() and not "\u1e00" <= character <= "\u1fff"
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept)).translate(_LETTERS).translate(_APOSTROPHES)


def _stylised(text: str, conjunction: str) -> str:
    text = " ".join(text.split())
    if "$" in text:
        text = _DOLLAR.sub("s", text)
    if "!" in text:
        text = _BANG.sub("i", text)
    if "." in text or "," in text:
        text = _THOUSANDS.sub("", text)
        text = _DOTTED.sub(r"\1", text)
    if "&" in text or "+" in text:
        text = _AND.sub(conjunction, _TIGHT_AND.sub(r"\1n\2", text))
    return text


def _only_words(text: str) -> str:
    """Letters, digits and emoji; everything else parts words."""
    if text.isascii():
        return _NOT_ASCII_WORD.sub(" ", text).strip()
    kept: list[str] = []
    for character in text:
        kind = unicodedata.category(character)
        if kind == "Nd":
            kept.append(str(unicodedata.decimal(character)))
        elif kind[0] in "LMN":
            kept.append(character)
        elif kind == "So" and ord(character) >= _FIRST_EMOJI:
            kept.append(f" {character} ")
        else:
            kept.append(" ")
    return " ".join("".join(kept).split())


def _utf8_safe(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
