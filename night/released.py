"""Turn the night's rankings into the entries of a release."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lake.code import code_fingerprint
from lake.errors import QualityGateFailed
from lake.tables.logs import DELIVERED_FILES, TRACKS
from lake.tables.nightly import HEAD_RANKINGS, NEEDS, WORDINGS
from night.night import Night
from queries.text.carrier import grammar_bytes
from serving.content import Entry, RankedTrack, TrackInfo
from serving.layout import FORMAT_VERSION
from serving.sinks.sink import ReleaseContent

if TYPE_CHECKING:
    import pandas as pd


EXPLAINED = 10
Key = tuple[str, str]


def refuse_too_few(rankings: pd.DataFrame, needs: pd.DataFrame, night: Night) -> None:
    """Raise QualityGateFailed if a list is of a need that fewer than k people asked, and that catalog and grammar do not suggest.

    Args:
        rankings: the rows of `head_rankings` of the night.
        needs: the needs that are suggested, or asked by at least k people by today's k: column `need`.
        night: the night.
    """
    listed = set(rankings["need"])
    few = len(listed - set(needs["need"]))
    if few:
        raise QualityGateFailed(
            f"head_rankings @ {night.settings.run_date}: {few} of {len(listed)} lists are of needs that fewer than k={night.k} people asked "
            f"(privacy.k was another, or people were forgotten since). Run jobs.rank_head; nothing was published."
        )


def answers_of(ranked: Iterable[Key], public: pd.DataFrame) -> dict[Key, Key]:
    """(place, wording) -> (place, need) of the list that answers it, for every public wording whose need has a list.

    The list is that of the wording's own place, else of its language, else of `*`. Where a wider place gives the same list for the
    wording, the narrower one is left out: readers look there, too.

    Args:
        ranked: (place, need) of the lists.
        public: the rows of `wordings` that may be published: locale, query, need.
    """
    lists: set[Key] = set(ranked)
    out: dict[Key, Key] = {}
    rows = sorted(
        zip(public["locale"], public["query"], public["need"], strict=True),
        key=lambda r: (len(r[0]) > 2, len(r[0]) > 1, r),
    )
    for place, query, need in rows:
        at = next((p for p in wider_places(place) if (p, need) in lists), None)
        if at is None:
            continue
        above = next((out[p, query] for p in wider_places(place)[1:] if (p, query) in out), None)
        if above != (at, need):
            out[place, query] = (at, need)
    return out


def wider_places(place: str) -> tuple[str, ...]:
    """The place itself and the wider ones, in the order in which readers look."""
    return tuple(dict.fromkeys((place, place[:2], "*")))


def entries_of(rankings: pd.DataFrame, public: pd.DataFrame) -> Iterator[Entry]:
    """The entries of the release, ordered by (place, wording): one for each place and list, under its most asked wording.

    The other wordings that lead to the list are its aliases.

    Args:
        rankings: the rows of `head_rankings` of the night.
        public: the rows of `wordings` that may be published.
    """
    lists = {
        (str(key[0]), str(key[1])): rows
        for key, rows in rankings.sort_values(["locale", "need", "rank"]).groupby(["locale", "need"], sort=True)
    }
    searches = dict(zip(zip(public["locale"], public["query"], strict=True), public["searches_28d"], strict=True))
    names: dict[tuple[str, Key], list[str]] = {}
    for (place, query), key in answers_of(lists, public).items():
        names.setdefault((place, key), []).append(query)
    named = {
        (place, min(queries, key=lambda query: (-searches[place, query], query))): (key, queries)
        for (place, key), queries in names.items()
    }
    for (place, main), (key, queries) in sorted(named.items()):
        rows = lists[key]
        listed = tuple(RankedTrack(t, float(s)) for t, s in zip(rows.track_id, rows.score, strict=True))
        others = tuple(sorted(query for query in queries if query != main))
        yield Entry(place, main, others, listed, float(rows.propensity.iloc[0]), tuple(rows.reason.iloc[:EXPLAINED]))


def traffic(wordings: pd.DataFrame, answers: Mapping[Key, Key]) -> tuple[int, int]:
    """Searches of the last 28 days in a wording that is public everywhere (`*`): (those that a list answers, all).

    Not counted are searches that came with a language but no country.

    Args:
        wordings: the music rows of `wordings` of the night.
        answers: what `answers_of` returns.
    """
    public = set(wordings.loc[(wordings["locale"] == "*") & wordings["is_public"], "query"])
    answered = asked = 0
    for place, query, searches in zip(wordings["locale"], wordings["query"], wordings["searches_28d"], strict=True):
        if len(place) > 2 and query in public:
            asked += int(searches)
            answered += int(searches) if any((p, query) in answers for p in wider_places(place)) else 0
    return answered, asked


def publish_mark(night: Night, inputs: Mapping[str, object]) -> str:
    """The mark of a release: a fingerprint of everything that its content and its manifest depend on.

    Args:
        night: the night.
        inputs: the optional inputs with their fingerprints, as `night.lineage.made_from` returns them.
    """
    day = [night.run_date]
    rankings = night.inputs(
        rankings=(HEAD_RANKINGS, day), wordings=(WORDINGS, day), tracks=(TRACKS, [night.tracks_unit])
    )
    settings = night.settings
    return night.mark(
        rankings,
        inputs,
        night.k,
        settings.serving,
        settings.publish,
        settings.ingest.accept_incomplete,
        hashlib.sha256(grammar_bytes()).hexdigest(),
        FORMAT_VERSION,
        code_fingerprint("jobs.publish"),
    )


def release_content(
    night: Night, rankings: pd.DataFrame, wordings: pd.DataFrame, inputs: Mapping[str, object]
) -> ReleaseContent:
    """The release of a night: entries, track names, manifest and carrier grammar.

    Args:
        night: the night.
        rankings: its rows of `head_rankings`.
        wordings: the music rows of `wordings` of the night; those with `is_public` may be published.
        inputs: `night.lineage.made_from`.
    """
    lake, day = night.lake, [night.run_date]
    tracks = night.tracks(allow_unvalidated=False).select("track_id", "title", "artists").toPandas()
    named = zip(tracks["track_id"], tracks["title"], tracks["artists"], strict=True)
    infos = {str(i): TrackInfo(str(i), str(title), tuple(artists)) for i, title, artists in named}
    public = wordings[wordings["is_public"]]
    entries = list(entries_of(rankings, public))
    ranked = rankings[["locale", "need"]].drop_duplicates()
    covered, asked = traffic(wordings, answers_of(zip(ranked["locale"], ranked["need"], strict=True), public))
    manifest = {
        "inputs": night.inputs(
            rankings=(HEAD_RANKINGS, day),
            wordings=(WORDINGS, day),
            needs=(NEEDS, day),
            tracks=(TRACKS, [night.tracks_unit]),
            folders=(DELIVERED_FILES, [u for u in lake.commits(DELIVERED_FILES) if u < night.settings.run_date]),
        ),
        "config_fingerprint": night.mark(dict(night.settings.ranker), night.k, code_fingerprint("jobs.rank_head")),
        "ranker_fingerprint": inputs["ranker"],
        "made_from": inputs,
        "gates": {t.name: lake.state(t, night.run_date) for t in (WORDINGS, NEEDS, HEAD_RANKINGS)},
        "coverage": {"public_searches_28d": asked, "answered_share": round(covered / max(asked, 1), 6), "k": night.k},
        "accepted_incomplete": night.settings.ingest.accept_incomplete,
        "forced": night.settings.publish.force,
    }
    built = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": lake.run_id,
        "max_age_h": night.settings.serving.max_age_h,
    }
    return ReleaseContent(night.settings.run_date, entries, infos, manifest, built, grammar_bytes())
