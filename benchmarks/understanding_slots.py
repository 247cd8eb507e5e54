"""Slots of music requests: micro precision, recall and F1 of each arm on each family, cross-fitted.

A predicted slot is correct if its type and normal form equal those of a gold slot; each gold slot is matched once. A gold `work`
is matched by a title or an album. Predicted types that the annotators of the family did not mark are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.arms import SlotArm
from benchmarks.figures import Figure, f1, f1_interval
from queries.training.folds import cross_fitted
from queries.training.gold import FAMILIES, Gold, Slot, scored_types

Tally = tuple[int, int, int]
"""(correct, predicted, wanted)"""
_WORK = "work"
_MATCHES_WORK = ("title", "album")


def measured(arms: Mapping[str, SlotArm], gold: Sequence[Gold]) -> Iterator[Figure]:
    """All figures of all arms; an arm is fitted five times, once per fold for all families."""
    scored = [one for one in gold if one.is_music and one.fold is not None]
    for name, arm in arms.items():
        answers = cross_fitted(gold, scored, arm.fit, arm.slots)
        for family, sources in FAMILIES.items():
            for language in ("en", "es"):
                for label in dict.fromkeys((family, *sources)):
                    own = [
                        (one, answer)
                        for one, answer in zip(scored, answers, strict=True)
                        if one.lang == language and (one.family if label == family else one.source) == label
                    ]
                    if own:
                        yield from _of_family(label, language, name, own, scored_types(family))


def _of_family(
    family: str, language: str, arm: str, own: Sequence[tuple[Gold, list[Slot]]], types: frozenset[str]
) -> Iterator[Figure]:
    tallies = [tally(one.slots, answer, types) for one, answer in own]
    by_type = {
        kind: [row.get(kind, (0, 0, 0)) for row in tallies] for kind in sorted({k for row in tallies for k in row})
    }
    every = [_sum(list(row.values())) for row in tallies]
    yield from _figures(family, language, "slots", arm, every)
    for kind, rows in by_type.items():
        yield from _figures(family, language, kind, arm, rows)


def _figures(family: str, language: str, what: str, arm: str, rows: Sequence[Tally]) -> Iterator[Figure]:
    correct, predicted, wanted = _sum(rows)
    low, high = f1_interval(rows)
    count = f"{len(rows):,} requests, {correct:,} found of {wanted:,}, {predicted:,} predicted"
    yield Figure(family, language, f"{what}_f1", arm, f1(correct, predicted, wanted), low, high, count)
    yield Figure(family, language, f"{what}_precision", arm, correct / predicted if predicted else 1.0)
    yield Figure(family, language, f"{what}_recall", arm, correct / wanted if wanted else 1.0)


def tally(gold: Sequence[Slot], predicted: Sequence[Slot], types: frozenset[str]) -> dict[str, Tally]:
    """(correct, predicted, wanted) of one request by slot type; titles and works are counted together as `title_work`.

    Slots are compared as multisets. A predicted title or album counts as a work if the gold has works only; if the gold has both,
    a predicted album that matches a work counts as `title_work`, too.

    Args:
        gold: the gold slots.
        predicted: the predicted slots.
        types: the scored types of the family.
    """
    wanted = [slot for slot in gold if slot.type in types]
    left, correct, counted, others = list(wanted), list[Slot](), list[Slot](), list[Slot]()
    for slot in predicted:
        if slot in left:
            left.remove(slot)
            correct.append(slot)
            counted.append(slot)
        else:
            others.append(slot)
    for slot in others:
        work = Slot(_WORK, slot.value)
        if slot.type in _MATCHES_WORK and work in left:
            left.remove(work)
            correct.append(work)
            counted.append(work)
        elif slot.type in types:
            counted.append(slot)
        elif slot.type in _MATCHES_WORK and _WORK in types:
            counted.append(work)
    by_group = [Counter(map(_group, slots)) for slots in (correct, counted, wanted)]
    return {kind: (by_group[0][kind], by_group[1][kind], by_group[2][kind]) for kind in by_group[1] | by_group[2]}


def _group(slot: Slot) -> str:
    return "title_work" if slot.type in ("title", _WORK) else slot.type


def _sum(rows: Sequence[Tally]) -> Tally:
    return sum(row[0] for row in rows), sum(row[1] for row in rows), sum(row[2] for row in rows)
