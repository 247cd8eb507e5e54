"""The full normal form of a request: one pure, versioned function of text and locale.

The normal form is the key of every table and of the release, so the jobs and the serving reader call this same code.
This module uses the standard library only, because the reader imports it. The rules, and why:

- Text is normalised to NFKC and case-folded. Accents of Latin and Greek letters are removed, the tilde of ñ too, because
  people type "musica" and "espana" on phones. Other scripts keep their marks, because without them Japanese or Hindi words
  would be other words. The raw text stays in the log.
- An apostrophe is removed and joins its word ("don't" dont, "90's" 90s); other punctuation separates words ("AC/DC" ac dc,
  "hip-hop" hip hop).
- Dotted single letters are joined ("R.E.M." rem). "r&b" becomes rnb; any other "&" or "+" between words becomes "and" ("y" in
  Spanish).
- Stylised letters: "$" beside a letter becomes s (Ke$ha kesha), "!" between two letters becomes i (P!nk pink).
- Digits: "90 s" becomes 90s, "1,000" becomes 1000, three or more single digits are joined ("9 1 1" 911). Number words are kept;
  `queries.grammar.eras` and `queries.grammar.periods` interpret them.
- Each emoji is kept as a word of its own. A text of signs only ("!!!", a band) is case-folded and otherwise kept.
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
    """The full normal form of `raw_query`, including its carrier phrase.

    Pure, idempotent and total: no text raises; lone surrogates become U+FFFD. Blank text gives ""; any other text gives a
    non-empty form. `locale` affects only the word that replaces "&". Linear in the length of the text.
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
    """Whether a normal form is longer than MAX_CHARACTERS (200) or MAX_UTF8_BYTES (480; LMDB limits a key to 511 bytes)."""
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
    # a text of signs only ("!!!") stays as it is, case-folded, so that it has a key of its own
    signs = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return "".join(_VISIBLE.get(unicodedata.category(one), one) for one in signs) if signs else text.strip()


def _folded(text: str) -> str:
    """The text in lower case, with one kind of apostrophe and without the accents of Latin and Greek letters."""
    if text.isascii():
        return text.lower().replace("`", "'")
    text = text.translate(_APOSTROPHES)
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return text.translate(_APOSTROPHES) if text.isascii() else _without_accents(text)


def _without_accents(text: str) -> str:
    characters: list[str] = []
    base_keeps_marks = False
    for character in unicodedata.normalize("NFD", text):
        if "\u0300" <= character <= "\u036f" or "\ufe00" <= character <= "\ufe0f":
            if base_keeps_marks:
                characters.append(character)
            continue
        if not unicodedata.combining(character):
            # Latin, Greek and signs are below U+0400; in the scripts from there on, marks are part of the letter
            base_keeps_marks = character >= "\u0400" and character.isalpha() and not "\u1e00" <= character <= "\u1fff"
        characters.append(character)
    return unicodedata.normalize("NFC", "".join(characters)).translate(_LETTERS).translate(_APOSTROPHES)


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
    """Keep letters, digits and emoji; every other character separates words."""
    if text.isascii():
        return _NOT_ASCII_WORD.sub(" ", text).strip()
    characters: list[str] = []
    for character in text:
        kind = unicodedata.category(character)
        if kind == "Nd":
            characters.append(str(unicodedata.decimal(character)))
        elif kind[0] in "LMN":
            characters.append(character)
        elif kind == "So" and ord(character) >= _FIRST_EMOJI:
            characters.append(f" {character} ")
        else:
            characters.append(" ")
    return " ".join("".join(characters).split())


def _utf8_safe(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
