"""P(need | locale, query) and expected gains from a hand-made truth, and what an unreadable truth says."""

import gzip
import json
from datetime import date

import pandas as pd
import pytest

from evaluation.errors import TruthUnreadable
from evaluation.truth import expected_gains, ideal_lists, need_shares, night_truth

D = date(2026, 10, 29)
NOON, DAY_BEFORE = "2026-10-29T12:00:00.000Z", "2026-10-28T23:59:59.999Z"


def simulated(tmp_path, unseen_day=NOON):
    """Two needs behind "hello" in en-US (3 : 1), one in es-MX; a bot and a farm of one query."""
    folder = tmp_path / "truth"
    folder.mkdir()
    rows = [
        ("s1", "en-US", "Play Hello", "n1", False),
        ("s2", "en-US", "play hello", "n1", False),
        ("s3", "en-US", "play hello!", "n1", False),
        ("s4", "en-US", "play hello", "n2", False),
        ("s5", "es-MX", "pon hello", "n1", False),
        ("b1", "en-US", "play hello", None, True),
        ("b2", "en-US", "push my artist", None, True),
    ]
    unseen = pd.DataFrame(rows, columns=["search_id", "locale", "raw_query", "need_id", "is_bot"])
    unseen.assign(ts=unseen_day, client="alexa").to_parquet(folder / "unseen_searches.parquet")
    unseen[["search_id", "need_id", "is_bot"]].to_parquet(folder / "searches.parquet")
    pd.DataFrame(
        {"need_id": ["n1", "n2", "n9"], "locale": "en-US", "kind": ["title", "artist", "mood"], "slots": "{}"}
    ).to_parquet(folder / "needs.parquet")
    pd.DataFrame(
        [("n1", "t1", 4), ("n1", "t2", 1), ("n2", "t2", 2), ("n9", "t9", 4)], columns=["need_id", "track_id", "grade"]
    ).to_parquet(folder / "relevance.parquet")
    return tmp_path


def key_value(frame, value):
    return {tuple(row[:-1]): row[-1] for row in frame[[*frame.columns.drop(value), value]].itertuples(index=False)}


def test_the_unseen_day_without_bots(tmp_path):
    truth = night_truth(simulated(tmp_path), tmp_path / "logs", D)
    assert truth.source == "unseen_searches"
    assert key_value(truth.weights, "searches") == {("en-US", "play hello"): 4, ("es-MX", "pon hello"): 1}
    shares = key_value(truth.shares.drop(columns="searches"), "share")
    assert shares == {
        ("en-US", "play hello", "n1"): 0.75,
        ("en-US", "play hello", "n2"): 0.25,
        ("es-MX", "pon hello", "n1"): 1.0,
    }
    assert key_value(truth.gains, "gain") == {
        ("en-US", "play hello", "t1"): 0.75 * 15,
        ("en-US", "play hello", "t2"): 0.75 * 1 + 0.25 * 3,
        ("es-MX", "pon hello", "t1"): 15.0,
        ("es-MX", "pon hello", "t2"): 1.0,
    }
    assert set(truth.relevance["need_id"]) == {"n1", "n2"}  # nobody asked for n9
    assert truth.kinds["n2"] == "artist" and truth.wants["n2"] == "artist {}"


def test_another_day_is_read_from_its_log(tmp_path):
    root = simulated(tmp_path, unseen_day="2026-11-05T12:00:00.000Z")
    day = root / "logs" / "searches" / "date=2026-10-29"
    late = root / "logs" / "searches" / "date=2026-10-31"
    for folder in (day, late):
        folder.mkdir(parents=True)
    row = {"locale": "en-US", "raw_query": "play hello", "client": "web", "user_id": "u", "results": []}
    pd.DataFrame(
        [
            {**row, "search_id": "s1", "ts": NOON},
            {**row, "search_id": "s2", "ts": DAY_BEFORE},
            {**row, "search_id": "b1", "ts": NOON},
        ]
    ).to_parquet(day / "part-00000.parquet")
    (day / "_SUCCESS").touch()
    with gzip.open(late / "part-00000.jsonl.gz", "wt") as lines:  # delivered two days late, and s1 again
        lines.writelines(json.dumps({**row, "search_id": i, "ts": NOON}) + "\n" for i in ("s4", "s1"))
    truth = night_truth(root, root / "logs", D)
    assert truth.source == "logs"
    assert key_value(truth.asked, "searches") == {("en-US", "play hello", "n1"): 1, ("en-US", "play hello", "n2"): 1}


def test_mixing_two_requests_into_one_entry_weighs_them_by_traffic():
    asked = pd.DataFrame(
        [("es", "pon hello", "n1", 1), ("es", "pon hello", "n1", 2), ("es", "pon hello", "", 1)],
        columns=["locale", "query", "need_id", "searches"],
    )
    shares = need_shares(asked)
    assert dict(zip(shares["need_id"], shares["share"], strict=True)) == {"n1": 0.75, "": 0.25}
    gains = expected_gains(shares, pd.DataFrame({"need_id": ["n1"], "track_id": ["t1"], "grade": [2]}))
    assert gains["gain"].tolist() == [0.75 * 3]  # a search without a need weighs and finds nothing relevant


def test_ideal_lists_are_the_greatest_gains():
    gains = pd.DataFrame({"locale": "en", "query": "q", "track_id": list("abcd"), "gain": [1.0, 7.0, 7.0, 3.0]})
    best = ideal_lists(gains, 3)
    assert list(zip(best["track_id"], best["rank"], strict=True)) == [("b", 1), ("c", 2), ("d", 3)]


def test_what_is_missing_is_said_in_one_line(tmp_path):
    with pytest.raises(TruthUnreadable, match="judge the day after the last folder") as said:
        night_truth(simulated(tmp_path), tmp_path / "logs", date(2026, 12, 1))
    assert "\n" not in str(said.value)
    (tmp_path / "truth" / "relevance.parquet").write_text("not parquet")
    with pytest.raises(TruthUnreadable, match="not a Parquet file"):
        night_truth(tmp_path, tmp_path / "logs", D)
    pd.DataFrame({"need_id": ["n1"], "track_id": ["t1"]}).to_parquet(tmp_path / "truth" / "relevance.parquet")
    with pytest.raises(TruthUnreadable, match=r"missing \['grade'\]"):
        night_truth(tmp_path, tmp_path / "logs", D)
    (tmp_path / "truth" / "relevance.parquet").unlink()
    with pytest.raises(TruthUnreadable, match="missing, expected a table"):
        night_truth(tmp_path, tmp_path / "logs", D)


def test_a_log_of_another_simulation_is_refused(tmp_path):
    root = simulated(tmp_path, unseen_day=DAY_BEFORE)
    day = root / "logs" / "searches" / "date=2026-10-29"
    day.mkdir(parents=True)
    (day / "a.jsonl").write_text(
        json.dumps({"search_id": "zz", "ts": NOON, "locale": "en-US", "raw_query": "x"}) + "\n"
    )
    with pytest.raises(TruthUnreadable, match="lacks 1 of the 1"):
        night_truth(root, root / "logs", D)


def test_a_relevance_row_given_twice_is_refused(tmp_path):
    root = simulated(tmp_path)
    pd.DataFrame({"need_id": ["n1", "n1"], "track_id": ["t1", "t1"], "grade": [4, 3]}).to_parquet(
        root / "truth" / "relevance.parquet"
    )
    with pytest.raises(TruthUnreadable, match="1 rows repeat"):
        night_truth(root, root / "logs", D)
