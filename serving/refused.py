"""What a request refuses: such tracks are taken out of the answer, whichever list it comes from."""

from __future__ import annotations

from collections.abc import Sequence

from queries.catalog.vocabulary import OPENINGS, name_forms
from queries.grammar.lexicon import Lexicon
from queries.grammar.need import Need, Part
from queries.text.normalise import normal_form

ORIGINAL, REMASTER = "original", "remaster"  # values of `version`; a remaster is the original recording
REFUSES = "!="  # in a key it stands for a refusal alone, since values are encoded
_LONGEST_PHRASE = 3
ENFORCED = ("artist", "title", "version")
"""Fields whose refused values `is_refused` sees in a release's tracks."""


def refused_parts(key: str) -> list[Part]:
    """The refused parts of a need, such as `version!=live`, also those that a back-off gave up.

    Args:
        key: the key of the need as the request was read.
    """
    need = Need.from_key(key) if REFUSES in key else None
    return [part for part in need.parts if part.is_refused] if need is not None else []


def is_refused(part: Part, title: str, artists: Sequence[str], lexicon: Lexicon) -> bool:
    """Whether a track is what a part refuses. Only artist, title and version can be told from a release's tracks.

    Args:
        part: a refused part.
        title: the track's title as the catalog has it.
        artists: its artists, likewise.
        lexicon: has the words of versions.
    """
    if part.field == "artist":
        return any(part.value in name_forms(name) for name in artists)
    if part.field == "title":
        return part.value in name_forms(title)
    return part.field == "version" and part.value in title_versions(title, lexicon)


def title_versions(title: str, lexicon: Lexicon) -> set[str]:
    """The versions that a title names after its first " - ", " (" or " [": "Jolene - Live at Glastonbury" is live.

    Args:
        title: the title as the catalog has it.
        lexicon: has the words of versions.
    """
    at = min((place for place in (title.find(opening) for opening in OPENINGS) if place >= 0), default=len(title))
    words = normal_form(title[at:], "en").split()
    phrases = (
        lexicon.phrases.get(" ".join(words[start : start + size]))
        for start in range(len(words))
        for size in range(1, _LONGEST_PHRASE + 1)
    )
    return {phrase.value for phrase in phrases if phrase is not None and phrase.field == "version"}
