"""Carrier phrases that the logs suggest: words before (or after) requests that are also asked without them.

They are proposed to a person, who adds them to the grammar's data file; a night never changes the grammar.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_LONGEST = 5


@dataclass(frozen=True)
class Proposal:
    """A phrase that stands before ("prefix") or after ("suffix") `requests` distinct requests that are also asked alone.

    `share`: of the distinct queries with the phrase at that end, those whose rest is asked alone. `searches`: of the former.
    """

    place: str
    phrase: str
    requests: int
    share: float
    searches: int
    example: str


def proposals(
    asked: Iterable[tuple[str, str, int]], says: Callable[[str], bool], min_requests: int = 10, min_share: float = 0.3
) -> list[Proposal]:
    """Phrases that the grammar leaves on, the most supported first. `asked`: (query, stripped form, searches).

    A phrase counts on stripped forms only, so that what the grammar knows is never proposed again. A phrase that is asked
    itself, whole or behind its first word ("de talmer"), is a name, and one in which `says` finds a meaning ("from the
    nineties") is a constraint: neither is proposed.
    """
    searches: dict[str, int] = defaultdict(int)
    for _, stripped, n in asked:
        searches[stripped] += n
    with_phrase: dict[tuple[str, str], int] = defaultdict(int)
    alone: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for form, n in searches.items():
        words = form.split()
        for size in range(1, min(_LONGEST, len(words) - 1) + 1):
            for place, said, rest in (
                ("prefix", words[:size], words[size:]),
                ("suffix", words[-size:], words[:-size]),
            ):
                at = (place, " ".join(said))
                with_phrase[at] += 1
                if " ".join(rest) in searches:
                    alone[at].append((n, form))
    found = []
    for (place, phrase), forms in alone.items():
        share = len(forms) / with_phrase[place, phrase]
        is_name = phrase in searches or phrase.split(" ", 1)[-1] in searches
        if len(forms) >= min_requests and share >= min_share and not is_name and not says(phrase):
            most = min(forms, key=lambda one: (-one[0], one[1]))
            found.append(Proposal(place, phrase, len(forms), round(share, 4), sum(n for n, _ in forms), most[1]))
    return sorted(found, key=lambda one: (-one.requests, -one.phrase.count(" "), one.place, one.phrase))
