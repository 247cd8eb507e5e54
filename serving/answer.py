"""An answer of the release, with the fields of the JSON that `serving.lookup` and the HTTP service print."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

MatchedBy = Literal["full", "stripped", "alias"]


class AnsweredTrack(NamedTuple):
    """One track of an answer, best first; `score` is the stored float32 at 9 decimals.

    A tuple, for a frozen dataclass costs about 1 us each to make, and an answer has many.
    """

    track_id: str
    score: float
    title: str
    artists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why this answer: what was tried in turn, the entry that answered, its propensity, reasons of the first ten."""

    stripped: str
    tried: tuple[str, ...]
    entry: tuple[str, str] | None
    propensity: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request. `found` false means "not in the head set"; then no tracks.

    `query` is the full normal form of `raw_query`; `locale` as asked; `age_s` whole seconds since the release was
    built, never negative; `stale` once that is more than the reader's `max_age_h`.
    """

    raw_query: str
    locale: str
    found: bool
    query: str
    matched_by: MatchedBy | None
    release_id: str
    age_s: int
    stale: bool
    tracks: tuple[AnsweredTrack, ...]
    explanation: Explanation | None = None

    def as_json(self) -> dict[str, Any]:
        """The fixed fields in the fixed order, plus `explain` if the answer was explained."""
        fields: dict[str, Any] = {
            "raw_query": self.raw_query,
            "locale": self.locale,
            "found": self.found,
            "query": self.query,
            "matched_by": self.matched_by,
            "release_id": self.release_id,
            "age_s": self.age_s,
            "stale": self.stale,
            "tracks": [
                {"track_id": t.track_id, "score": t.score, "title": t.title, "artists": list(t.artists)}
                for t in self.tracks
            ],
        }
        if (why := self.explanation) is not None:
            fields["explain"] = {
                "stripped": why.stripped,
                "tried": list(why.tried),
                "entry": why.entry and {"locale": why.entry[0], "query": why.entry[1]},
                "propensity": why.propensity,
                "reasons": list(why.reasons),
            }
        return fields
