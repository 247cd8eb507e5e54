"""What a request was matched with in a release, before the tracks are read."""

from typing import Any, Literal, NamedTuple

from serving.content import Key

MatchedBy = Literal["wording", "reading", "sound", "near", "backoff"]


Tried = list[tuple[Any, ...]]
"""The steps of a look-up: a template and its values, which are put into words only where an explanation is asked for."""


class Matched(NamedTuple):
    """The list that answers a request, or the need for which there is none.

    Args:
        by: `wording`: the release has the wording, as it is or stripped; `reading`: grammar and names of the catalog; `near`, `sound`: a
            name that is spelled or sounds alike; `backoff`: the list is that of the need without the parts in `dropped`.
        need: the key of the need; None in a release of format 1.
        confidence: 0 to 1, of the reading; 1 for a wording.
        dropped: the parts of the need that were given up, `field=value`.
        entry: (place, need or wording) of the list; the place of a name's own tracks is `names`. None without a list.
        ordinals: the tracks, best first; none without a list.
        scores: their scores.
        propensity: of the list, where the night drew one of several (releases before there were variants).
    """

    by: MatchedBy
    need: str | None
    confidence: float
    dropped: tuple[str, ...] = ()
    entry: Key | None = None
    ordinals: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()
    propensity: float | None = None
