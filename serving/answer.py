"""An answer of the release, with the fields of the JSON that `serving.lookup` and the HTTP service print."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from serving.matched import MatchedBy


class AnsweredTrack(NamedTuple):
    """One track of an answer; `score` is the stored float32, rounded to 9 decimals.

    It is a tuple, because a frozen dataclass takes about 1 us to construct, and an answer has many tracks.
    """

    track_id: str
    score: float
    title: str
    artists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of an answer: what was tried in order, the list that answered, reasons of ten of its tracks."""

    stripped: str
    tried: tuple[str, ...]
    entry: tuple[str, str] | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request; a miss (`is_hit` false) has no tracks.

    Args:
        raw_query: the request as it was given.
        locale: the locale as it was given.
        is_hit: whether a list of the release answers (`found` in JSON).
        query: the full normal form of `raw_query`.
        matched_by: how the request led to the list; None for a miss.
        need: the key of what is asked for; also of a miss, where the request is understood and no list answers it. None if it is not
            understood, and for a release of format 1.
        dropped: the constraints that were given up to find a list; only with `backoff`.
        confidence: of the reading, 0 to 1; 0 if the request is not understood.
        release_id: the release that answered.
        age_s: whole seconds since the release was built, never negative.
        stale: whether the age is above the limit of the reader or of the release.
        variant: the variant of the list: 0 for the list itself; None for a miss.
        propensity: the probability with which this unit got this variant, 1 without a unit; None for a miss.
        tracks: the ranked tracks, best first.
        explanation: only if it was asked for.
    """

    raw_query: str
    locale: str
    is_hit: bool
    query: str
    matched_by: MatchedBy | None
    need: str | None
    dropped: tuple[str, ...]
    confidence: float
    release_id: str
    age_s: int
    stale: bool
    variant: int | None
    propensity: float | None
    tracks: tuple[AnsweredTrack, ...]
    explanation: Explanation | None = None

    def as_json(self) -> dict[str, Any]:
        """The fixed fields in the fixed order, plus `explain` if the answer was explained."""
        fields: dict[str, Any] = {
            "raw_query": self.raw_query,
            "locale": self.locale,
            "found": self.is_hit,
            "query": self.query,
            "matched_by": self.matched_by,
            "need": self.need,
            "dropped": list(self.dropped),
            "confidence": round(self.confidence, 6),
            "release_id": self.release_id,
            "age_s": self.age_s,
            "stale": self.stale,
            "variant": self.variant,
            "propensity": None if self.propensity is None else round(self.propensity, 9),
            "tracks": [
                {"track_id": t.track_id, "score": t.score, "title": t.title, "artists": list(t.artists)}
                for t in self.tracks
            ],
        }
        if (why := self.explanation) is not None:
            fields["explain"] = {
                "stripped": why.stripped,
                "tried": list(why.tried),
                "entry": why.entry and {"locale": why.entry[0], "key": why.entry[1]},
                "reasons": list(why.reasons),
            }
        return fields
