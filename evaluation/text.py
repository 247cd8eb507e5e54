"""Tokens of a text for the BM25 baseline: casefolded, without accents.

It does not use `queries.text.normalise` on purpose, because the baseline must not change with our own normal form. Apostrophes
are dropped, as there, so that the request "dont stop" matches the title "Don't Stop".
"""

import re
import unicodedata

_APOSTROPHES = re.compile("['\u2018\u2019\u00b4`]")
_WORD = re.compile(r"\w+")


def words(text: object) -> list[str]:
    """Casefolded runs of letters and digits without accents; an empty list for anything but text."""
    if not isinstance(text, str):
        return []
    if text.isascii():  # most of a catalog: no accents to remove
        return _WORD.findall(_APOSTROPHES.sub("", text.lower()))
    apart = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text.casefold()))
    return _WORD.findall("".join(mark for mark in apart if not unicodedata.combining(mark)))
