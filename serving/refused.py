"""What a request refuses and no list of the release leaves out: such tracks are taken out of the answer."""

from __future__ import annotations

from collections.abc import Sequence

from queries.catalog.vocabulary import OPENINGS, name_forms
from queries.grammar.lexicon import Lexicon
from queries.grammar.need import Need, Part
from queries.text.normalise import normal_form

ORIGINAL, REMASTER = "original", "remaster"  # values of `version`; a remaster is the original recording
_LONGEST_PHRASE = 3


def refused_parts(dropped: Sequence[str]) -> list[Part]:
    """The refused parts among those that a back-off gave up, such as `version!=live`.

    Args:
        dropped: `field=value` or `field!=value` as they stand in a key.
    """
    needs = [Need.from_key(text) for text in dropped]
    return [part for need in needs if need is not None for part in need.parts if part.is_refused]


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
