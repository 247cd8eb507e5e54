"""Turn the night's tables into the content of a release."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lake.code import code_fingerprint
from lake.errors import QualityGateFailed
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import DELIVERED_FILES, TRACKS
from lake.tables.nightly import HEAD_RANKINGS, LIST_VARIANTS, NEEDS, VECTORS, WORDINGS
from night.night import Night
from night.released_names import (
    ReleaseReading,
    differing_wordings,
    disagreement,
    named_tracks,
    names_of,
    similar_lists,
)
from queries.grammar.bundle import grammar_bundle
from queries.grammar.need import Need
from serving.by_need import short_list
from serving.content import Entry, Key, Names, RankedTrack, ReleaseContent, TrackInfo, Variant
from serving.layout import FORMAT_VERSION, locale_chain

if TYPE_CHECKING:
    import pandas as pd


EXPLAINED = 10


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


def entries_of(rankings: pd.DataFrame, variants: pd.DataFrame) -> Iterator[Entry]:
    """The lists of the release, ordered by (place, need).

    Args:
        rankings: the rows of `head_rankings` of the night.
        variants: the rows of `list_variants`.
    """
    others: dict[Key, list[Variant]] = {}
    beside = variants[variants["variant"] > 0].sort_values(["locale", "need", "variant"])
    columns = [beside[name] for name in ("locale", "need", "probability", "tracks")]
    for place, need, probability, tracks in zip(*columns, strict=True):
        others.setdefault((str(place), str(need)), []).append(Variant(float(probability), tuple(map(str, tracks))))
    ordered = rankings.sort_values(["locale", "need", "rank"])
    for (place, need), rows in ordered.groupby(["locale", "need"], sort=True):
        listed = tuple(RankedTrack(t, float(s)) for t, s in zip(rows.track_id, rows.score, strict=True))
        key = (str(place), str(need))
        yield Entry(*key, listed, tuple(others.get(key, ())), tuple(rows.reason.iloc[:EXPLAINED]))


def traffic(wordings: pd.DataFrame, ranked: Collection[Key], names: Names) -> tuple[int, int]:
    """Searches of the last 28 days in a wording that is public everywhere (`*`): (those whose need has tracks, all).

    Not counted are searches that came with a language but no country, and what only a need with fewer constraints answers.

    Args:
        wordings: the music rows of `wordings` of the night.
        ranked: (place, need) of the lists.
        names: the names of the release.
    """
    public = set(wordings.loc[(wordings["locale"] == "*") & wordings["is_public"], "query"])
    by_name = {key: need is not None and bool(short_list(need, names)) for key, need in _needs(wordings).items()}
    answered = asked = 0
    columns = [wordings[name] for name in ("locale", "query", "need", "searches_28d")]
    for place, query, need, searches in zip(*columns, strict=True):
        if len(place) > 2 and query in public:
            asked += int(searches)
            has_tracks = by_name[need] or any((p, need) in ranked for p in locale_chain(place))
            answered += int(searches) if has_tracks else 0
    return answered, asked


def _needs(wordings: pd.DataFrame) -> dict[str, Need | None]:
    return {key: Need.from_key(key) for key in set(wordings["need"])}


def publish_mark(night: Night, inputs: Mapping[str, object]) -> str:
    """The mark of a release: a fingerprint of everything that its content and its manifest depend on.

    Args:
        night: the night.
        inputs: the optional inputs with their fingerprints, as `night.lineage.made_from` returns them.
    """
    day = [night.run_date]
    rankings = night.inputs(
        rankings=(HEAD_RANKINGS, day),
        variants=(LIST_VARIANTS, day),
        wordings=(WORDINGS, day),
        tracks=(TRACKS, [night.tracks_unit]),
        daily=(DAILY_ENGAGEMENT, night.window(night.settings.candidates.window_days)),
        vectors=(VECTORS, day),
    )
    settings = night.settings
    return night.mark(
        rankings,
        inputs,
        night.k,
        settings.serving,
        settings.publish,
        settings.ingest.accept_incomplete,
        hashlib.sha256(grammar_bundle((), settings.serving.least_confidence)).hexdigest(),
        FORMAT_VERSION,
        code_fingerprint("jobs.publish"),
    )


def release_content(
    night: Night,
    rankings: pd.DataFrame,
    variants: pd.DataFrame,
    wordings: pd.DataFrame,
    inputs: Mapping[str, object],
) -> ReleaseContent:
    """The release of a night: lists, wordings, names, tracks, manifest and grammar.

    Args:
        night: the night.
        rankings: its rows of `head_rankings`.
        variants: its rows of `list_variants`.
        wordings: the rows of `wordings` of the night; those with `is_public` may be published.
        inputs: `night.lineage.made_from`.
    """
    lake, day = night.lake, [night.run_date]
    tracks = night.tracks(allow_unvalidated=False).select("track_id", "title", "artists", "genres").toPandas()
    named = zip(tracks["track_id"], tracks["title"], tracks["artists"], strict=True)
    infos = {str(i): TrackInfo(str(i), str(title), tuple(artists)) for i, title, artists in named}
    genres = {str(genre) for of_track in tracks["genres"] for genre in of_track}
    grammar = grammar_bundle(genres, night.settings.serving.least_confidence)
    by_name = named_tracks(night)
    names = names_of(by_name)
    reading = ReleaseReading(names, grammar)
    leading = differing_wordings(wordings[wordings["is_public"]], reading)
    apart, of = disagreement(wordings[~wordings["is_public"]], reading)
    night.notes.append(f"{apart:.1%} of {of:,} wordings that are not published are read otherwise without the models")
    entries = [*entries_of(rankings, variants), *similar_lists(night, by_name, names)]
    ranked = {(entry.locale, entry.need) for entry in entries}
    covered, asked = traffic(wordings[wordings["is_music"]], ranked, names)
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
    return ReleaseContent(night.settings.run_date, entries, leading, names, infos, manifest, built, grammar)
