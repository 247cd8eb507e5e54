"""The lists of what is alike, made by the executors, against one process that has everything in memory."""

from __future__ import annotations

import random

from pyspark.sql import SparkSession

from lake.rows import frame_of
from night.release.similar import SAME_GENRES, SIMILAR, similar_lists
from queries.grammar.need import Need, Part
from ranking.similar import Centre, GenreWeights, KnownTrack, NearestTracks, StrongestTracks, similar_tracks

TRACKS, ARTISTS, GENRES = 60, 20, 5


def test_lists_of_the_executors_are_those_of_one_process(spark: SparkSession) -> None:
    rng = random.Random(7)
    genres = [[f"g{g}" for g in rng.sample(range(GENRES), rng.randint(0, 2))] for _ in range(TRACKS)]
    vectors = [[rng.gauss(0, 1) for _ in range(3)] if n % 4 else None for n in range(TRACKS)]
    known = [KnownTrack(f"t{n:02}", f"a{n % ARTISTS}", genres[n], vectors[n]) for n in range(TRACKS)]
    strength = {one.track_id: float(n % 17) for n, one in enumerate(known)}
    names = [("artist", f"a{n}", 90.0 - n, [f"t{m:02}" for m in range(n, TRACKS, ARTISTS)]) for n in range(ARTISTS)]
    names += [("title", f"s{n}", 50.0 - n, [f"t{n:02}", f"t{n + 1:02}"]) for n in range(10)]

    counts: dict[str, int] = {}
    for one in known:
        for genre in one.genres:
            counts[genre] = counts.get(genre, 0) + 1
    weights = GenreWeights.of_counts(counts, TRACKS)
    of_id = {one.track_id: one for one in known}
    keys, centres = [], []
    for kind, name, _, tracks in names:
        keys.append(Need.of([Part("similar_to", Need.of([Part(kind, name)]).key)]).key)
        is_artist = kind == "artist"
        centres.append(Centre.of(tracks if is_artist else tracks[:1], {name} if is_artist else set(), of_id, weights))
    nearest = NearestTracks(centres, weights)
    nearest.add(known)
    strongest = StrongestTracks(sorted(known, key=lambda one: (-strength[one.track_id], one.track_id)), weights)
    expected = {}
    for at, key in enumerate(keys):
        near = [one for place, one in nearest.rows() if place == at]
        for rank, one in enumerate(similar_tracks(centres[at], near, strongest), 1):
            expected[key, rank] = (one.track_id, one.score, SIMILAR if one.score > 1.0 else SAME_GENRES)

    catalog = [(one.track_id, [one.artist], list(one.genres), strength[one.track_id]) for one in known]
    types = "track_id string, artists_normal array<string>, genres array<string>, strength double"
    played = [("track", one.track_id, one.vector) for one in known if one.vector]
    lists = similar_lists(
        frame_of(spark, catalog, types).repartition(3),
        frame_of(spark, played, "kind string, key string, vector array<double>"),
        frame_of(spark, names, "kind string, name string, popularity double, tracks array<string>").repartition(2),
    )
    rows = lists.collect()
    assert {r["locale"] for r in rows} == {"*"}
    assert len({key for key, _ in expected}) > ARTISTS and {SIMILAR, SAME_GENRES} == {r["reason"] for r in rows}
    got = {(r["need"], r["rank"]): (r["track_id"], r["score"], r["reason"]) for r in rows}
    assert len(got) == len(rows)
    assert got == expected
