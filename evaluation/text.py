"""Words of a text for the BM25 baseline: casefolded, accents folded.

Kept apart from `queries.text.normalise` on purpose: the baseline must not change with our own normal form. Apostrophes
join, as there, or a request "dont stop" would never meet the title "Don't Stop".
"""

import re
import unicodedata

_APOSTROPHES = re.compile("['\u2018\u2019\u00b4`]")
_WORD = re.compile(r"\w+")


def words(text: object) -> list[str]:
    """Casefolded, accent-folded runs of letters and digits; nothing for a null."""
    if not isinstance(text, str):
        return []
    if text.isascii():  # most of a catalog: nothing to fold
        return _WORD.findall(_APOSTROPHES.sub("", text.lower()))
    apart = unicodedata.normalize("NFKD", _APOSTROPHES.sub("", text.casefold()))
    return _WORD.findall("".join(mark for mark in apart if not unicodedata.combining(mark)))
