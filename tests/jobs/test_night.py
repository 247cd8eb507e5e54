"""The whole night on a small simulated world, on the shared session: it ends, answers, repeats, and holds when poisoned."""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from evaluation.ablation import read_ablation
from features.catalogue import FAMILIES, feature_table, matrix_names
from features.explain import explained
from jobs import ablate, build_features, nightly, publish, rank_head, replay, report, try_feature, validate
from jobs.graph import GRAPH
from lake.commits import units_written
from lake.errors import BadConfiguration, MissingPartition, QualityGateFailed, ReleaseHeld, StaleRanker
from lake.io import Lake
from lake.places import places
from lake.session import LazySession, SessionSettings
from lake.tables.daily import DAILY_ENGAGEMENT, DAILY_SEARCHES
from lake.tables.logs import DELIVERED_FILES
from lake.tables.models import FEATURE_AUDITS, LEDGER
from lake.tables.nightly import CANDIDATES, HEAD_RANKINGS, JUDGEMENTS, LIST_VARIANTS, NEEDS, WORDINGS
from night.answers import chosen_requests
from night.evaluated import GRADES, judged_night, truth_of_grades
from night.lineage import made_from, refuse_losses
from night.night import Night
from night.plan import planned
from night.tables import gated
from night.truth import ablation_file, report_file
from night.wordings import mapping
from queries.nightly.by_need import by_need
from queries.text.normalise import normal_form
from ranking.examples import training_examples_table
from ranking.ranker import load
from ranking.scoring import feature_list
from serving.reader import ReleaseReader
from tests.conftest import RUN_DATE, World

PAIR = feature_table("need_track")
SWEEP = ("nightly.tune=always", "tuning.trials=2", "tuning.max_trees=60")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def done(spark: SparkSession, world: World, home: Path) -> Night:
    """A night with a small sweep."""
    night = world.night(spark, home, *SWEEP)
    nightly.run(night, nightly.steps_of(night), Console(quiet=True))
    night.lake.flush_ledger()
    return night


def test_it_ends_with_a_release_that_answers(done: Night, home: Path) -> None:
    reader = ReleaseReader(home / "releases", max_age_h=36)
    asked = chosen_requests(done)
    assert len(asked) >= 2
    for locale, request in asked:
        answer = reader.lookup(request, locale)
        assert answer.is_hit and answer.tracks and answer.release_id.startswith(RUN_DATE), (locale, request)
        assert [t.score for t in answer.tracks] == sorted((t.score for t in answer.tracks), reverse=True)


def test_the_reader_leads_every_public_wording_to_the_need_of_the_night(done: Night, home: Path) -> None:
    reader = ReleaseReader(home / "releases", max_age_h=1e6)
    rows = done.lake.read(WORDINGS, [done.run_date]).where("is_public").select("locale", "query", "need", "is_music")
    public = rows.collect()
    apart = []
    for place, query, need, is_music in public:
        for locale in ("en-US", "es-ES") if place == "*" else (place,):
            answer = reader.lookup(query, locale, explain=True)
            if answer.need != (need if is_music else None):
                apart.append((place, query, need, answer.need))
    # a wording of `*` may mean another thing in a narrower place, where it is public, too
    narrower = {(r["locale"][:2], r["query"]) for r in public if r["locale"] != "*"}
    apart = [row for row in apart if row[0] != "*" or not {("en", row[1]), ("es", row[1])} & narrower]
    assert len(public) > 100 and not apart, apart[:5]


def test_what_is_like_an_artist_is_by_others(done: Night, home: Path) -> None:
    reader = ReleaseReader(home / "releases", max_age_h=1e6)
    tracks = done.tracks(allow_unvalidated=False).orderBy(F.desc("popularity"), "track_id").limit(50).collect()
    answers = [(r["artists_normal"][0], reader.lookup(f"songs like {r['artists_normal'][0]}", "en-US")) for r in tracks]
    hits = [(artist, a) for artist, a in answers if a.is_hit and a.need == f"similar_to=artist%3D{artist}"]
    assert len(hits) >= 10
    assert all(normal_form(t.artists[0], "en") != artist for artist, a in hits for t in a.tracks)


def test_the_graph_declares_what_the_steps_read_and_write(done: Night) -> None:
    for step in nightly.steps_of(done):
        used = done.lake.used.get(step.name, {"read": set(), "written": set()})
        read, written = ({table for table, _ in used[verb]} for verb in ("read", "written"))
        # what a step has just written it may read back
        assert read - written <= {t.name for t in step.reads}, step.name
        assert written == {t.name for t in step.writes}, step.name  # all of them: nothing was there before


def test_a_night_that_is_done_has_nothing_to_do_and_the_record_says_what_it_did(done: Night, home: Path) -> None:
    assert [p for p in planned(done, nightly.steps_of(done), GRAPH) if p.why] == []
    [file] = (home / "reports" / "runs").glob("*.json")
    record = json.loads(file.read_text())
    assert record["outcome"] == "passed" and [s["step"] for s in record["steps"]] == [
        s.name for s in nightly.steps_of(done)
    ]
    published = next(s for s in record["steps"] if s["step"] == "publish")
    assert ["head_rankings", RUN_DATE] in published["read"] and published["rows_out"] > 0


def test_every_delivered_row_is_accounted_for(done: Night) -> None:
    files = done.lake.read(DELIVERED_FILES).toPandas()
    assert len(files) == 44
    assert (files["received"] == files["accepted"] + files["duplicate"] + files["quarantined"]).all()
    assert files["duplicate"].sum() > 0


def test_tuned_is_shipped(done: Night, home: Path) -> None:
    winner = json.loads((home / "sweeps" / f"winner-{RUN_DATE}.json").read_text())["winner"]
    ranker = load(home / "rankers" / RUN_DATE, feature_list())
    chosen = winner if ranker.metadata["chosen"] == "sweep" else winner["default"]
    assert ranker.params.to_dict() == {**ranker.params.to_dict(), **chosen["params"]}
    assert ranker.trees == chosen["trees"] and ranker.features.names == matrix_names()
    assert winner["valid_ndcg10"] >= 0 and len(winner["rows"]) == 2


def test_the_report_holds_every_arm(done: Night) -> None:
    said = json.loads(report_file(done.settings).read_text())
    assert {"playfirst", "popularity", "ctr", "coec", "bm25", "skyline", "random"} <= set(said["ndcg10"])
    assert said["ndcg10"]["skyline"] >= said["ndcg10"]["playfirst"] > said["ndcg10"]["random"]


def test_a_replay_judges_a_stored_night_as_its_report_did(done: Night, home: Path) -> None:
    def again() -> AbstractContextManager[Night]:
        return nullcontext(done)

    assert replay.run(again, 1, "auto").startswith("lead over ")
    figures = json.loads((home / "reports" / f"replay-{RUN_DATE}-1-truth.json").read_text())
    reported = json.loads(report_file(done.settings).read_text())
    assert figures["ndcg10"] == pytest.approx(reported["ndcg10"]) and list(figures["nights"]) == [RUN_DATE]
    rival = figures["strongest"]
    assert rival == reported["strongest"]["without_learning"]
    by_want = [figures["leads"][rival][key] for key in ("mean", "low", "high")]
    wanted = reported["diff"][rival]
    assert by_want == pytest.approx([wanted["mean"], wanted["across_locales_low"], wanted["across_locales_high"]])
    with pytest.raises(BadConfiguration, match="its week of reactions is not whole"):
        replay.run(again, 1, "grades")
    with pytest.raises(BadConfiguration, match=r"nights=99: the first would be .* Give fewer"):
        replay.run(again, 99, "truth")


def test_without_a_truth_the_grades_of_the_week_after_say_what_was_right(done: Night) -> None:
    """The lists of D against the reactions of a week that the lake has, in place of the one after D."""
    snapshot = done.as_of[-1]

    class Later(Night):
        def days(self, first: date, before: date) -> list[str]:
            return super().days(snapshot, snapshot + (before - first))

    newest = Later(replace(done.settings, run_date="2026-06-01"), done.lake)
    truth, looked_up = truth_of_grades(done, newest)
    week = done.days(snapshot, snapshot + timedelta(days=done.settings.labels.label_days))
    searches = done.lake.read(DAILY_SEARCHES, week).agg(F.sum("searches")).collect()[0][0]
    assert truth.asked["searches"].sum() == searches > 0
    answered = truth.asked[truth.asked["need_id"] != ""]
    assert 0 < len(answered) <= len(truth.asked)
    stored = done.lake.read(JUDGEMENTS, [RUN_DATE]).where((F.col("as_of") == F.lit(snapshot)) & F.col("is_shown"))
    grades = {(f"{r.locale} {r.need}", r.track_id): r.grade for r in stored.collect()}
    pairs = list(truth.relevance.itertuples(index=False, name=None))
    shared = [(grade, grades[need, track]) for need, track, grade in pairs if (need, track) in grades]
    # curves, and needs of wordings that moved, are those of D here
    assert len(shared) > 50 and np.mean([abs(one - other) <= 1 for one, other in shared]) > 0.95
    result = judged_night(done, truth, looked_up)
    assert result.source == GRADES and 0 < result.ndcg10["random"] < result.ndcg10["skyline"] <= 1


def test_no_feature_of_the_catalogue_reads_the_future(done: Night, home: Path) -> None:
    """The night's own look, at every column; tests/laws/test_audit.py shows that it finds one that does."""
    assert units_written(home / "lake", FEATURE_AUDITS.name) == {"future": len(matrix_names())}
    told = done.lake.read(FEATURE_AUDITS, allow_unvalidated=True).toPandas()
    assert list(told.sort_values("column_name")["column_name"]) == sorted(matrix_names())
    assert told["reads"].str.contains("exposure curve").any() and set(told["as_of"]) == {done.as_of[-1]}
    assert any(f"the {len(matrix_names())} columns read nothing after" in note for note in done.notes)


def test_what_was_proposed_and_not_shown_teaches_requests_that_name_something(done: Night) -> None:
    rows = done.lake.read(training_examples_table(), [RUN_DATE])
    groups = done.lake.read(NEEDS, [RUN_DATE]).select("locale", "need", "intent_group")
    told = rows.where("not is_shown").join(groups, ["locale", "need"]).toPandas()
    assert len(told) > 50 and set(told["intent_group"]) == {"known_item", "artist"}
    assert set(told["grade"]) == {0} and told.groupby("qid").size().max() <= 5
    assert set(told["as_of"]) == set(done.as_of)
    week = F.expr("search_date >= as_of and search_date < date_add(as_of, 7)")
    daily = done.lake.read(DAILY_ENGAGEMENT).withColumn("as_of", F.explode(F.array(*[F.lit(d) for d in done.as_of])))
    shown = by_need(daily, mapping(done, done.as_of)).withColumn("locale", F.explode(places())).where(week)
    assert shown.join(rows.where("not is_shown"), ["as_of", "locale", "need", "track_id"]).count() == 0
    proposed = done.lake.read(CANDIDATES, [RUN_DATE]).where(F.arrays_overlap("sources", F.lit(["engagement"])))
    assert rows.where("not is_shown").join(proposed, ["locale", "need", "track_id"]).count() == 0
    # they come with their features, as all others do
    assert told["need_impressions_log1p_28d"].notna().any() and told["title_words_share"].notna().any()


def test_a_second_run_writes_nothing(done: Night, spark: SparkSession, world: World, home: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (home / "lake").rglob("*.json")}
    again = world.night(spark, home, *SWEEP)
    summary = nightly.run(again, nightly.steps_of(again), Console(quiet=True))
    again.lake.flush_ledger()
    assert {name: d for name, d, _ in summary.steps if not d.skipped} == {}
    assert {p: p.stat().st_mtime_ns for p in (home / "lake").rglob("*.json")} == before
    assert "already CURRENT" in next(d.note for n, d, _ in summary.steps if n == "publish")


def test_a_night_that_is_done_starts_no_spark(done: Night, world: World, home: Path) -> None:
    """What is done is read from the Delta logs and the ledger's files: no step of a second run asks for a session."""
    night = Night(world.settings(home, *SWEEP), Lake(LazySession(SessionSettings()), home / "lake"))
    summary = nightly.run(night, nightly.steps_of(night), Console(quiet=True))
    assert [name for name, d, _ in summary.steps if not d.skipped] == [] and len(summary.steps) == 14
    assert chosen_requests(night) == chosen_requests(done)
    assert night.lake.started is None


def test_a_ranker_that_is_missing_or_of_other_examples_holds_the_night(
    done: Night, world: World, spark: SparkSession, home: Path
) -> None:
    """Another machine, a wiped disk: lists by shrunk COEC would take the ranker's place, and nobody would see it."""
    folder, aside = home / "rankers" / RUN_DATE, home / "rankers" / "2026-03-16"
    current = (home / "releases" / "CURRENT").read_text()
    folder.rename(aside)
    night = world.night(spark, home)
    try:
        for step in (rank_head.run, publish.run):
            with pytest.raises(
                StaleRanker, match=r"the last ranker is of 2026-03-16\. Run jobs.train run_date=2026-03-23"
            ) as caught:
                step(night)
            assert caught.value.exit_code == 3
    finally:
        aside.rename(folder)
    card = json.loads((folder / "ranker.json").read_text())
    other = card | {"metadata": card["metadata"] | {"examples": "of another day"}}
    (folder / "ranker.json").write_text(json.dumps(other))
    try:
        with pytest.raises(StaleRanker, match="trained on other examples"):
            rank_head.run(night)
    finally:
        (folder / "ranker.json").write_text(json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False))
    assert (home / "releases" / "CURRENT").read_text() == current
    assert rank_head.run(night).skipped


def test_a_release_that_lacks_what_the_one_before_had_is_held_or_forced(
    done: Night, world: World, spark: SparkSession, home: Path
) -> None:
    root, inputs = home / "releases", made_from(done)
    assert all(inputs[name] for name in ("ranker", "sweep", "vectors", "strengths", "curves", "events"))
    refuse_losses(done, root, inputs)
    for name in inputs:
        if inputs[name]:
            with pytest.raises(
                ReleaseHeld, match=rf"had {name}, and that of {RUN_DATE} has none: held, CURRENT stays"
            ) as caught:
                refuse_losses(done, root, inputs | {name: None})
            assert caught.value.exit_code == 3
    forced = world.night(spark, home, "publish.force='the vectors are rebuilt tomorrow'")
    refuse_losses(forced, root, inputs | {"vectors": None})
    assert "published all the same: the vectors are rebuilt tomorrow" in forced.notes[-1]


def test_a_feature_is_tried_on_the_training_pairs_alone(
    done: Night, spark: SparkSession, world: World, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is computed for the pairs alone is what the night computed, and the verdict has its interval.

    A column of the catalogue that the examples were made before is left out with a word: two new ones may be tried one by one.
    """
    tried = ("title_phrase", "long_play_rate_28d", "need_coec_28d", "audio_energy")  # every grain, sums and names
    night = world.night(spark, home, f"features.tried=[{','.join(tried)}]")
    held = night.lake.stored_columns(training_examples_table())
    monkeypatch.setattr(night.lake, "stored_columns", lambda table: held - {"genre_distance", "title_phrase"})
    said = try_feature.run(night)
    assert "genre_distance" not in spark.read.parquet(str(home / "spark" / "tried")).columns
    assert any("were made before them: genre_distance." in n for n in night.notes), night.notes
    keys = ["as_of", "locale", "need", "track_id"]
    stored = done.lake.read(training_examples_table(), [RUN_DATE]).select(*keys, *tried)
    anew = spark.read.parquet(str(home / "spark" / "tried")).select(*keys, *tried)
    both = [f.toPandas().sort_values(keys).reset_index(drop=True) for f in (stored, anew)]
    pd.testing.assert_frame_equal(both[0], both[1], check_exact=True)
    assert said.rows_in == len(both[0]) and said.rows_out == len(tried)
    assert re.search(r"difference [+-]0\.\d{4} \[[+-]\d\.\d{4}, [+-]\d\.\d{4}\] over \d+ needs", said.note), said.note


def test_every_family_is_left_out_once_and_the_report_tells_it(
    done: Night, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ablate, "SEEDS", (1,))
    ablate.run(done)
    found = read_ablation(ablation_file(done.settings), done.run_date, report.judged_mark(done))
    assert found is not None and {w.family for w in found.families} == set(FAMILIES)
    assert 0.3 < found.ndcg10 <= 1 and found.judged > 5
    assert sum(w.share_of_gain for w in found.families) == pytest.approx(1)
    assert sum(w.columns for w in found.families) == len(matrix_names())
    for w in found.families:
        assert w.ndcg10 == pytest.approx(found.ndcg10 - w.ahead.mean) and w.ahead.low <= w.ahead.mean <= w.ahead.high
    assert max(abs(w.ahead.mean) for w in found.families) > 0  # a family left out does change the order
    capsys.readouterr()
    report.run(done)
    assert "NDCG@10 without each family" in capsys.readouterr().out


@pytest.mark.parametrize(("names", "said"), [("[]", "features.tried is empty"), ("[coek]", "nearest: coec")])
def test_nothing_and_nonsense_are_not_tried(
    spark: SparkSession, world: World, home: Path, names: str, said: str
) -> None:
    with pytest.raises(BadConfiguration, match=said):
        try_feature.run(world.night(spark, home, f"features.tried={names}"))


def test_every_value_of_a_pair_is_explained_by_its_sums(done: Night) -> None:
    rows = done.lake.read(PAIR, [RUN_DATE]).where("long_play_rate_28d > 0 and locale = '*'")
    pair = rows.orderBy("need", "track_id").first()
    assert pair is not None
    partials, columns = explained(done.lake, pair["need"], pair["track_id"], done.run_date, "*")
    by_name = {c.column.name: c for c in columns}
    assert [n for n, c in by_name.items() if not c.agrees] == [] and set(by_name) == set(matrix_names())
    rate = by_name["long_play_rate_28d"]
    assert rate.stored == pytest.approx(rate.sums["pair__long_plays__28d"] / rate.sums["pair__impressions__28d"])
    ages = [(done.run_date - r["search_date"]).days for r in partials]
    assert (
        sum(r["long_plays"] for r, age in zip(partials, ages, strict=True) if age <= 28)
        == rate.sums["pair__long_plays__28d"]
    )


def test_stored_values_are_explained_beside_a_column_that_was_declared_since(
    done: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = done.lake.read(PAIR, [RUN_DATE]).where("locale = 'en'").first()
    assert pair is not None
    real = done.lake.stored_columns
    monkeypatch.setattr(done.lake, "stored_columns", lambda table: real(table) - {"title_phrase"})
    names = ("title_phrase", "title_equal")
    _, columns_of = explained(done.lake, pair["need"], pair["track_id"], done.run_date, "en", names)
    assert {e.column.name: e.is_stored for e in columns_of} == dict(zip(names, (False, True), strict=True))
    assert all(e.agrees for e in columns_of)


def test_a_pair_that_is_no_candidate_is_not_explained(done: Night) -> None:
    with pytest.raises(MissingPartition, match=r"python -m queries\.explain\)\? Else it was no candidate"):
        explained(done.lake, "title=no such need", "t0", done.run_date, "en")


def test_a_poisoned_feature_holds_the_night(done: Night, spark: SparkSession, world: World, home: Path) -> None:
    """One value out of bounds: exit 3 names it, nothing is published, the partition can't be read, a rebuild heals it."""
    released = sorted(p.name for p in (home / "releases").iterdir())
    lake = done.lake
    good = lake.fingerprint(PAIR, RUN_DATE)
    rows = lake.read(PAIR, [RUN_DATE]).localCheckpoint()
    one = rows.limit(1).withColumn("click_rate_28d", F.lit(7.5))
    lake.write(
        PAIR, rows.join(one.select(*PAIR.keys), list(PAIR.keys), "left_anti").unionByName(one), {RUN_DATE: "poisoned"}
    )
    with pytest.raises(QualityGateFailed) as caught:
        validate.run(done)
    said = str(caught.value)
    assert caught.value.exit_code == 3
    assert (
        f"need_track_features @ {RUN_DATE}" in said
        and "click_rate_28d" in said
        and "1 of " in said
        and "7.5" not in said
    )
    fresh = Lake(spark, home / "lake")
    assert fresh.state(PAIR, RUN_DATE) == "failed"
    with pytest.raises(MissingPartition, match="failed its gate"):
        fresh.read(PAIR, [RUN_DATE])
    assert sorted(p.name for p in (home / "releases").iterdir()) == released
    healed = world.night(spark, home)
    assert not build_features.run(healed).skipped and healed.lake.fingerprint(PAIR, RUN_DATE) == good
    validate.run(healed)
    assert healed.lake.state(PAIR, RUN_DATE) == "passed"


def test_one_index_shows_the_tables_of_both_gates_and_every_page(done: Night, home: Path) -> None:
    folder = home / "data-docs" / RUN_DATE
    text = (folder / "index.html").read_text("utf-8")
    named = re.findall(r'<td><a href="([^"]+)">(\w+)</a></td>', text)
    last = {JUDGEMENTS.name, HEAD_RANKINGS.name, LIST_VARIANTS.name, training_examples_table().name}
    judged = {t.name for t in gated("validate") if any(c.rows for c in done.lake.commits(t).values())}
    assert {table for _, table in named} == judged | last and len(judged) >= 18
    assert all((folder / page).is_file() for page, _ in named)
    assert "<td>validate</td>" in text and "<td>publish</td>" in text


def test_data_docs_name_tables_but_no_person_and_no_query(done: Night, home: Path) -> None:
    from lake.tables.logs import SEARCH_LOG

    pages = "".join(p.read_text(errors="replace") for p in (home / "data-docs").rglob("*.html"))
    assert "need_track_features" in pages
    log = done.lake.read(SEARCH_LOG)
    people = [r[0] for r in log.select("user_id").distinct().limit(200).collect()]
    long = log.where(F.size(F.split("query", " ")) >= 4)  # words that stand together by chance in no page
    asked = {r[0] for column in ("query", "raw_query") for r in long.select(column).distinct().limit(300).collect()}
    assert len(people) > 50 and len(asked) > 100
    assert not [told for told in (*people, *asked) if told in pages]


def test_a_night_killed_between_lists_and_variants_does_not_score_again(
    done: Night, spark: SparkSession, world: World, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variants alone are drawn, and they are those of before."""
    import shutil

    def drawn(night: Night) -> set[str]:
        rows = night.lake.read(LIST_VARIANTS, [done.run_date], allow_unvalidated=True)
        return {str(row) for row in rows.select("locale", "need", "variant", "probability", "tracks").collect()}

    before = drawn(done)
    shutil.rmtree(home / "lake" / LIST_VARIANTS.name)
    monkeypatch.setattr(rank_head, "_write_lists", lambda *_: pytest.fail("the lists were there"))
    again = world.night(spark, home)
    assert not rank_head.run(again).skipped and rank_head.run(again).skipped
    assert before and drawn(again) == before


def test_a_killed_night_goes_on(done: Night, spark: SparkSession, world: World, home: Path) -> None:
    """What a kill leaves (a step's table gone from the log's end on) is built again, and only that."""
    import shutil

    shutil.rmtree(home / "lake" / HEAD_RANKINGS.name)
    for noted in (f"published-{RUN_DATE}.json", "night.json"):
        (home / "reports" / noted).unlink()
    again = world.night(spark, home, "nightly.tune=never")
    summary = nightly.run(again, nightly.steps_of(again), Console(quiet=True))
    again.lake.flush_ledger()
    worked = [name for name, d, _ in summary.steps if not d.skipped]
    assert worked == ["rank_head", "publish", "report"]
    assert again.lake.exists(LEDGER)
    assert publish.run(again).skipped
