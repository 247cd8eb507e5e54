"""Turn the night's tables into the rows of a release."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.checkpoint import checkpointed
from lake.code import code_fingerprint
from lake.errors import QualityGateFailed
from lake.schema import struct
from lake.tables.daily import DAILY_ENGAGEMENT
from lake.tables.logs import DELIVERED_FILES, TRACKS
from lake.tables.nightly import HEAD_RANKINGS, LIST_VARIANTS, NEEDS, VECTORS, WORDINGS
from night.night import Night
from night.release.index import index_rows, is_stored, names_file
from night.release.names import named_tracks, short_lists, with_places
from night.release.rows import SortedRows, list_rows, listed_tracks, track_rows, with_ordinals, wording_rows
from night.release.similar import LISTED_COLUMNS, similar_lists
from night.release.wordings import ReleaseReading, differing, disagreement, traffic
from queries.grammar.bundle import grammar_bundle
from serving.content import ReleaseRows
from serving.layout import FORMAT_VERSION

LEAST_STORED = (
    0.5  # confidence of a reading, from which a wording that the reader would read otherwise is stored with it
)


@dataclass(frozen=True)
class RankedLists:
    """The lists of a night, as they are published: how many there are, and their ranked tracks."""

    lists: int
    rows: int


def ranked_lists(night: Night) -> RankedLists:
    """Count the lists of the night, all of which may be published.

    Raises:
        QualityGateFailed: there is none; or one is of a need that fewer than k people asked, by today's k, and that catalog and grammar
            do not suggest.
    """
    lake, day = night.lake, [night.run_date]
    lists = lake.read(HEAD_RANKINGS, day).groupBy("locale", "need").agg(F.count("*").alias("n"))
    # k may have changed since the night was ranked, and people may have been forgotten
    known = lake.read(NEEDS, day).where(F.col("is_suggested") | (F.col("people_28d") >= night.k))
    known = known.select("need", F.lit(True).alias("_is_known")).distinct()
    of_need = lists.join(known, "need", "left")
    unknown = F.when(F.col("_is_known").isNull(), F.col("need"))
    total = of_need.agg(
        F.count("*"), F.coalesce(F.sum("n"), F.lit(0)), F.count_distinct("need"), F.count_distinct(unknown)
    ).collect()[0]
    if not total[0]:
        raise QualityGateFailed(
            f"head_rankings @ {night.settings.run_date}: no list to publish. Look at privacy.k={night.k}."
        )
    if total[3]:
        raise QualityGateFailed(
            f"head_rankings @ {night.settings.run_date}: {total[3]} of {total[2]} lists are of needs that fewer than k={night.k} people asked "
            f"(privacy.k was another, or people were forgotten since). Run jobs.rank_head; nothing was published."
        )
    return RankedLists(int(total[0]), int(total[1]))


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


@dataclass(frozen=True)
class ReleaseInputs:
    """What the rows of a release are made of.

    Args:
        tracks: `night.release.names.named_tracks`.
        vectors: the night's rows of VECTORS.
        lists: its rows of HEAD_RANKINGS.
        variants: its rows of LIST_VARIANTS.
        wordings: locale, query, need, is_music, searches_28d, is_public, is_sure (whether the night's reading may be published).
    """

    tracks: DataFrame
    vectors: DataFrame
    lists: DataFrame
    variants: DataFrame
    wordings: DataFrame


@dataclass(frozen=True)
class Content:
    """The rows of a release, and what is noted of them.

    Args:
        rows: the rows.
        covered: searches of the last 28 days in public wordings that the release answers.
        asked: all of them.
        apart: share of the wordings that are not published which the reader reads otherwise than the night.
        compared: the number of them that were read.
    """

    rows: SortedRows
    covered: int
    asked: int
    apart: float
    compared: int


def content_of(given: ReleaseInputs, grammar: bytes, work: Path) -> Content:
    """The rows of a release, encoded and sorted by the executors. The driver has the lists of what is alike and no other part.

    Args:
        given: the frames.
        grammar: the bytes of the grammar bundle.
        work: the folder for what may be lost (`cluster.work_dir`).
    """
    names, pairs = short_lists(given.tracks)
    similar = similar_lists(given.tracks, given.vectors, names)
    lists = checkpointed(given.lists.select(*LISTED_COLUMNS).unionByName(similar))
    named = [f.select(F.explode("tracks").alias("track_id")) for f in (names.where(is_stored()), pairs)]
    ordinals = with_ordinals(listed_tracks(lists), *named)
    index = index_rows(*with_places(names, pairs, ordinals))
    file = names_file(index, work, frozenset())
    is_public = F.col("is_public")
    stored = differing(
        given.wordings.where(is_public & F.col("is_sure")).select("locale", "query", "need"), file, grammar
    )
    apart, compared = disagreement(given.wordings.where(~is_public), ReleaseReading.of(file, grammar))
    covered, asked = traffic(given.wordings.where("is_music"), lists.select("locale", "need"), file)
    parts = (list_rows(lists, given.variants, ordinals), track_rows(ordinals, given.tracks), wording_rows(stored))
    return Content(index + SortedRows.of(*parts), covered, asked, apart, compared)


def release_rows(night: Night, inputs: Mapping[str, object]) -> ReleaseRows:
    """The release of a night: lists, wordings, names and tracks as rows, its manifest and its grammar.

    Args:
        night: the night.
        inputs: `night.lineage.made_from`.
    """
    lake, day = night.lake, [night.run_date]
    tracks = named_tracks(night)
    genres = {str(r[0]) for r in tracks.select(F.explode("genres")).distinct().collect()}
    grammar = grammar_bundle(genres, night.settings.serving.least_confidence)
    lists, variants = (lake.read(table, day) for table in (HEAD_RANKINGS, LIST_VARIANTS))
    has_vectors = inputs["vectors"] is not None
    vectors = lake.read(VECTORS, day) if has_vectors else night.spark.createDataFrame([], struct(VECTORS))
    given = ReleaseInputs(tracks, vectors, lists, variants, _wordings(night))
    content = content_of(given, grammar, Path(night.settings.cluster.work_dir))
    night.notes.append(
        f"{content.apart:.1%} of {content.compared:,} wordings that are not published are read otherwise without the models"
    )
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
        "coverage": {
            "public_searches_28d": content.asked,
            "answered_share": round(content.covered / max(content.asked, 1), 6),
            "k": night.k,
        },
        "accepted_incomplete": night.settings.ingest.accept_incomplete,
        "forced": night.settings.publish.force,
    }
    built = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run_id": lake.run_id,
        "max_age_h": night.settings.serving.max_age_h,
    }
    return ReleaseRows(night.settings.run_date, content.rows, content.rows.room, manifest, built, grammar)


def _wordings(night: Night) -> DataFrame:
    """The wordings of the night; `is_public`: by today's k.

    A reader answers what is stored without a doubt, so a reading that leaves most of the words unexplained is not stored ("rao" read as
    any music): there the reader decides by its own threshold. What the plays of listeners have decided is.
    """
    is_public = (F.col("is_public") & (F.col("people_28d") >= night.k)).alias("is_public")
    is_sure = (~F.col("is_music") | (F.col("how") == "evidence") | (F.col("confidence") >= LEAST_STORED)).alias(
        "is_sure"
    )
    columns = ("locale", "query", "need", "is_music", "searches_28d", is_public, is_sure)
    return night.lake.read(WORDINGS, [night.run_date]).select(*columns)
