"""Proposes carrier phrases from the logs: words before or after requests that are also asked without them.

A person decides on the proposals and adds them to the grammar's data file; a night never changes the grammar.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_LONGEST = 5


@dataclass(frozen=True)
class Proposal:
    """A proposed carrier phrase.

    Attributes:
        place: "prefix" if it comes before the request, "suffix" if after it.
        phrase: The phrase.
        requests: Number of distinct queries with the phrase whose rest is also asked alone.
        share: Their share of the distinct queries that have the phrase at that end.
        searches: Number of their searches.
        example: The one with the most searches.
    """

    place: str
    phrase: str
    requests: int
    share: float
    searches: int
    example: str


def proposals(
    asked: Iterable[tuple[str, str, int]],
    is_constraint: Callable[[str], bool],
    min_requests: int = 10,
    min_share: float = 0.3,
) -> list[Proposal]:
    """Carrier phrases that the grammar does not have yet, those with the most requests first.

    Only stripped forms are searched, so a phrase of the grammar is never proposed again. Names and constraints are not proposed;
    a phrase is a name if it, or all but its first word ("de talmer"), is itself asked.

    Args:
        asked: Rows (query, stripped form, searches).
        is_constraint: Whether a phrase has a constraint ("from the nineties").
        min_requests: Fewest distinct queries with the phrase whose rest is also asked alone.
        min_share: Lowest share of these among all queries with the phrase.
    """
    searches: dict[str, int] = defaultdict(int)
    for _, stripped, n in asked:
        searches[stripped] += n
    queries_with_phrase: dict[tuple[str, str], int] = defaultdict(int)
    queries_also_without: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for form, n in searches.items():
        words = form.split()
        for size in range(1, min(_LONGEST, len(words) - 1) + 1):
            for place, phrase_words, rest in (
                ("prefix", words[:size], words[size:]),
                ("suffix", words[-size:], words[:-size]),
            ):
                at = (place, " ".join(phrase_words))
                queries_with_phrase[at] += 1
                if " ".join(rest) in searches:
                    queries_also_without[at].append((n, form))
    proposed = []
    for (place, phrase), forms in queries_also_without.items():
        share = len(forms) / queries_with_phrase[place, phrase]
        is_name = phrase in searches or phrase.split(" ", 1)[-1] in searches
        if len(forms) >= min_requests and share >= min_share and not is_name and not is_constraint(phrase):
            example = min(forms, key=lambda one: (-one[0], one[1]))
            proposed.append(Proposal(place, phrase, len(forms), round(share, 4), sum(n for n, _ in forms), example[1]))
    return sorted(proposed, key=lambda one: (-one.requests, -one.phrase.count(" "), one.place, one.phrase))
