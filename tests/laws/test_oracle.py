"""Every feature equals a recomputation by a second implementation: DuckDB over the raw logs, or plain Python."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

from benchmarks import feature_oracle as oracle
from features.catalogue import KEYS, columns
from queries.text.normalise import normal_form
from tests.laws import attributes_oracle
from tests.laws.conftest import Laws

Key = tuple[str, str, str]  # kind, language, name: of a vector
NEEDED = oracle.sums_named(oracle.PAIR | oracle.NEED | oracle.TRACK)


@pytest.fixture(scope="module")
def counted(laws: Laws) -> duckdb.DuckDBPyConnection:
    """DuckDB with the raw logs read and all sums made."""
    db, logs = duckdb.connect(), Path(laws.night.settings.logs)
    for source, name in (("searches", "raw_searches"), ("events", "raw_events")):
        both = f"""SELECT * FROM read_parquet('{logs}/{source}/*/*.parquet', hive_partitioning = false)
                   UNION ALL BY NAME SELECT * FROM read_json('{logs}/{source}/*/*.jsonl.gz', hive_partitioning = false,
                   columns = {{{", ".join(f"{c}: '{t}'" for c, t in _types(source).items())}}})"""
        db.execute(f"CREATE TEMP TABLE {name} AS {both}")
    db.execute("DELETE FROM raw_events WHERE search_id NOT IN (SELECT search_id FROM raw_searches)")
    asked = db.execute("SELECT DISTINCT raw_query, locale FROM raw_searches").df()
    asked["query"] = [normal_form(q, x) for q, x in zip(asked["raw_query"], asked["locale"], strict=True)]
    curves = laws.inputs.curves.toPandas()
    curves["rate_micro"] = (curves["expected_rate"] * 1e6).round().astype("int64")
    given = {
        "requests": asked,
        "wordings": laws.inputs.wordings.toPandas(),
        "needs": laws.inputs.needs.select("need", "intent_group", "broader").toPandas(),
        "artists": _artists(laws),
        "rates": curves.rename(columns={"run_date": "as_of"})[
            ["as_of", "client", "intent_group", "position", "rate_micro"]
        ],
        "strengths": pd.DataFrame(
            [
                {"as_of": d, "s_t": k["track"], "s_c": k["broader_pair"], "s_g": k["language_pair"], "s_p": k["pair"]}
                for d, k in laws.inputs.strengths.items()
            ]
        ),
        "snapshots": pd.DataFrame({"as_of": list(laws.inputs.as_of)}),
    }
    for name, frame in given.items():
        db.register(f"_{name}", frame)
        cast = "* REPLACE (CAST(as_of AS DATE) AS as_of)" if "as_of" in frame else "*"
        db.execute(f"CREATE TEMP TABLE {name} AS SELECT {cast} FROM _{name}")
    for statement in oracle.statements():
        db.execute(statement)
    for level in oracle.LEVELS:
        db.execute(oracle.sums_sql(level, NEEDED))
    return db


def _artists(laws: Laws) -> pd.DataFrame:
    tracks = laws.inputs.tracks.select("track_id", "work_id", F.col("artists_normal")[0].alias("artist")).toPandas()
    tracks["work_id"] = tracks["work_id"].fillna(tracks["track_id"])
    return tracks


def _types(source: str) -> dict[str, str]:
    text = dict.fromkeys(("search_id", "ts"), "VARCHAR")
    if source == "searches":
        names = ("user_id", "client", "locale", "raw_query", "variant")
        return text | dict.fromkeys(names, "VARCHAR") | {"results": "VARCHAR[]", "propensity": "DOUBLE"}
    return (
        text | dict.fromkeys(("event_id", "track_id", "kind"), "VARCHAR") | {"position": "BIGINT", "dwell_ms": "BIGINT"}
    )


def _computed(
    db: duckdb.DuckDBPyConnection, base: pd.DataFrame, grain: str, wanted: dict[str, str], laws: Laws
) -> pd.DataFrame:
    keys = [k.name for k in KEYS[grain]]  # type: ignore[index]
    rows = base[["as_of", *keys]].copy()
    if grain == "track":
        rows = rows.merge(_artists(laws), on="track_id")
    else:
        broader = laws.inputs.needs.select("need", "broader").toPandas()
        rows = rows.merge(broader, on="need")
        rows["language"] = rows["locale"].str[:2]
    if grain == "need_track":
        rows = rows.merge(_artists(laws)[["track_id", "work_id"]], on="track_id")
    db.register("_rows", rows)
    db.execute("CREATE OR REPLACE TEMP TABLE rows AS SELECT * REPLACE (CAST(as_of AS DATE) AS as_of) FROM _rows")
    found = db.execute(oracle.columns_sql(grain, keys, wanted, oracle.sums_named(wanted))).df()
    found["as_of"] = found["as_of"].dt.date
    return found.sort_values(["as_of", *keys]).reset_index(drop=True)


@pytest.mark.parametrize(
    ("grain", "wanted"), [("need_track", oracle.PAIR), ("need", oracle.NEED), ("track", oracle.TRACK)]
)
def test_counted_features_equal_duckdb(
    laws: Laws, counted: duckdb.DuckDBPyConnection, grain: str, wanted: dict[str, str]
) -> None:
    ours, theirs = laws.base[grain], _computed(counted, laws.base[grain], grain, wanted, laws)
    assert len(ours) == len(theirs)
    sketched = {c.name for c in columns() if c.feature.oracle == "sketch"}
    for name in wanted:
        if (
            name in sketched
        ):  # so far off is one HyperLogLog of 2^10 registers in a million, and few have more than it knows by heart
            np.testing.assert_allclose(ours[name], theirs[name], rtol=0.15, equal_nan=True, err_msg=name)
            continue
        # 1e-9, and the rounding to 1e-9 of what is stored
        np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-9, atol=2e-9, equal_nan=True, err_msg=name)


@pytest.mark.parametrize("grain", list(KEYS))
def test_attribute_features_equal_plain_python(laws: Laws, grain: str) -> None:
    ours = laws.base[grain]
    sample = ours.iloc[:: max(1, len(ours) // 3_000)].copy()
    tracks = laws.inputs.tracks.toPandas()
    needs = laws.inputs.needs.toPandas()
    rows = sample[["as_of", *[k.name for k in KEYS[grain]]]]  # type: ignore[index]
    if grain != "track":
        rows = rows.merge(needs, on="need", how="left")
        rows["language"] = rows["locale"].str[:2]
    if grain != "need":
        known = laws.inputs.popularity.toPandas()  # type: ignore[union-attr]
        rows = rows.merge(tracks.drop(columns="popularity"), on="track_id", how="left")
        rows = rows.merge(known, on=["as_of", "track_id"], how="left")
    wanted = {
        "need_track": attributes_oracle.PAIR,
        "need": attributes_oracle.NEED,
        "track": attributes_oracle.TRACK,
    }[grain]
    if grain == "need_track":
        wanted = {**wanted, **attributes_oracle.of_catalog(tracks.to_dict("records"))}  # type: ignore[arg-type]
    records = [{k: _known(v) for k, v in r.items()} for r in rows.to_dict("records")]
    for name, expected in wanted.items():
        theirs = np.array([np.nan if (v := expected(r)) is None else v for r in records], dtype=float)
        np.testing.assert_allclose(sample[name].to_numpy(), theirs, rtol=2e-9, atol=2e-9, equal_nan=True, err_msg=name)


def test_collaborative_features_equal_numpy(laws: Laws) -> None:
    ours = laws.base["need_track"]
    known = laws.inputs.vectors.toPandas()  # type: ignore[union-attr]
    of = {(r.as_of, r.kind, r.language, r.key): np.array(r.vector) for r in known.itertuples()}
    plays, named = company_of(laws), _named(laws)
    met = beside = 0
    for row in ours.iloc[:: max(1, len(ours) // 3_000)].itertuples():
        language = "*" if row.need in named else row.locale[:2]
        need = of.get((row.as_of, "need", language, row.need))
        track = of.get((row.as_of, "track", "*", row.track_id))
        if need is None or track is None:
            assert np.isnan(row.affinity) and np.isnan(row.taste_cosine)
            assert np.isnan(row.near_played_tracks_28d) and np.isnan(row.near_playing_needs_28d)
            continue
        met += 1
        assert row.affinity == pytest.approx(float(need @ track), abs=2e-9)
        lengths = float(np.linalg.norm(need) * np.linalg.norm(track))
        cosine = float(need @ track) / lengths if lengths else np.nan  # a vector of zeros has no direction
        assert row.taste_cosine == pytest.approx(cosine, abs=2e-9, nan_ok=True)
        mine, theirs = ("need", language, row.need), ("track", "*", row.track_id)
        for ours_, own, other in (
            (row.near_played_tracks_28d, mine, theirs),
            (row.near_playing_needs_28d, theirs, mine),
        ):
            others = {k: n for k, n in plays[row.as_of, own].items() if k != other and of[(row.as_of, *k)].any()}
            near = sum(n * cosine_of(of[(row.as_of, *k)], of[(row.as_of, *other)]) for k, n in others.items())
            expected = near / sum(others.values()) if others and of[(row.as_of, *other)].any() else np.nan
            if row.need in named and row.locale != "*":  # the own plays of all languages are not known there
                expected = np.nan
            beside += not np.isnan(expected)
            assert ours_ == pytest.approx(expected, abs=2e-9, nan_ok=True)
    assert met > 100 and beside > 100


def _named(laws: Laws) -> set[str]:
    """The needs that name something: they have one vector for all languages."""
    needs = laws.inputs.needs.toPandas()
    return set(needs.loc[needs["intent_group"].isin(["known_item", "artist"]), "need"])


def cosine_of(a: np.ndarray, b: np.ndarray) -> float:
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else np.nan


def company_of(laws: Laws) -> dict[tuple[date, Key], dict[Key, float]]:
    """By snapshot and need or track with a vector: ln(1 + long plays of the 28 days) of each one with a vector it was played with."""
    daily = (
        laws.inputs.daily.where("long_plays > 0")
        .select("search_date", "locale", "query", "track_id", "long_plays")
        .toPandas()
    )
    wordings, named = laws.inputs.wordings.toPandas(), _named(laws)
    known = laws.inputs.vectors.select("as_of", "kind", "language", "key").toPandas()  # type: ignore[union-attr]
    held = {(r.as_of, (r.kind, r.language, r.key)) for r in known.itertuples()}
    out: dict[tuple[date, Key], dict[Key, float]] = defaultdict(dict)
    daily["language"] = daily["locale"].str[:2]
    for as_of in laws.inputs.as_of:
        ages = daily["search_date"].map(lambda d, as_of=as_of: (as_of - d).days)
        recent = daily[(ages >= 1) & (ages <= 28)].merge(wordings[wordings["as_of"] == as_of], on=["language", "query"])
        recent.loc[recent["need"].isin(named), "language"] = "*"
        for (language, need, track), n in recent.groupby(["language", "need", "track_id"])["long_plays"].sum().items():
            a, b = ("need", language, need), ("track", "*", track)
            if {(as_of, a), (as_of, b)} <= held:
                out[as_of, a][b] = out[as_of, b][a] = float(np.log1p(n))
    return out


def _known(value: object) -> object:
    """NULL comes back from pandas as nan or NaT."""
    if isinstance(value, float) and np.isnan(value):
        return None
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if value is pd.NaT else value


def test_every_column_has_its_oracle() -> None:
    known = {*oracle.PAIR, *oracle.NEED, *oracle.TRACK, *attributes_oracle.OF_CATALOG}
    known |= {*attributes_oracle.PAIR, *attributes_oracle.NEED, *attributes_oracle.TRACK}
    known |= {"affinity", "taste_cosine", "near_played_tracks_28d", "near_playing_needs_28d"}
    assert {c.name for c in columns()} == known
