"""Music or not: F1 of the class music by language, over the scored requests of every family with both classes, cross-fitted.

MusicRecoNER has music requests only; it is trained on but not scored here, since it could only add true positives.
A text that occurs in several families is scored once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.arms import MusicArm
from benchmarks.figures import Figure, f1, f1_interval
from queries.training.folds import cross_fitted
from queries.training.gold import Gold


def measured(arms: Mapping[str, MusicArm], gold: Sequence[Gold]) -> Iterator[Figure]:
    """F1, precision and recall of music, over all families (`all`) and for each."""
    both = {
        family
        for family in {g.family for g in gold}
        if {g.is_music for g in gold if g.family == family} == {True, False}
    }
    scored = [one for one in gold if one.fold is not None and one.family in both]
    for name, arm in arms.items():
        answers = cross_fitted(gold, scored, arm.fit, arm.is_music)
        read = list(zip(scored, answers, strict=True))
        for language in ("en", "es"):
            own = [(one, answer) for one, answer in read if one.lang == language]
            once = list({one.query: (one, answer) for one, answer in own}.values())
            for family, rows in [("all", once)] + [(f, [r for r in own if r[0].family == f]) for f in sorted(both)]:
                if rows:
                    yield from _figures(family, language, name, [(one.is_music, answer) for one, answer in rows])


def _figures(family: str, language: str, arm: str, rows: Sequence[tuple[bool, bool]]) -> Iterator[Figure]:
    tallies = [(int(music and answer), int(answer), int(music)) for music, answer in rows]
    correct, predicted, wanted = (sum(tally[at] for tally in tallies) for at in range(3))
    low, high = f1_interval(tallies)
    count = f"{len(rows):,} requests, {correct:,} found of {wanted:,} music, {predicted:,} predicted"
    yield Figure(family, language, "music_f1", arm, f1(correct, predicted, wanted), low, high, count)
    yield Figure(family, language, "music_precision", arm, correct / predicted if predicted else 1.0)
    yield Figure(family, language, "music_recall", arm, correct / wanted if wanted else 1.0)
