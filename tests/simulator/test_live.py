"""Days that are simulated one after another, answered by the policy or by a service."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pyarrow.parquet as pq
import pytest

from simulator.generate import main as generate
from simulator.listeners import Plays
from simulator.live import _gini, figures
from simulator.live import main as live
from simulator.searches import Searches, liking_left
from simulator.settings import settings_from
from simulator.world import World, built_world

SMALL = ["days=3", "searches_per_day=60", "seed=5", "catalog_tracks=5000"]
DAYS = ("2026-10-01", "2026-10-02", "2026-10-03")


def read(root: Path, kind: str, day: str) -> bytes:
    return (root / "logs" / kind / f"date={day}" / "part-00000.parquet").read_bytes()


def test_days_one_by_one_are_those_of_one_simulation(tmp_path: Path) -> None:
    assert generate([f"out={tmp_path / 'at once'}", *SMALL]) == 0
    for until in (1, 3, 3):
        assert live([f"out={tmp_path / 'live'}", f"until={until}", *SMALL]) == 0
    for day in DAYS:
        for kind in ("searches", "events"):
            assert read(tmp_path / "live", kind, day) == read(tmp_path / "at once", kind, day)
    rows = [json.loads((tmp_path / "live" / "live" / f"{day}.json").read_text()) for day in DAYS]
    assert [row["day"] for row in rows] == [0, 1, 2] and all(0 < row["success"] < 1 for row in rows)
    assert [row["answered"] for row in rows] == [0, 0, 0]


class _Front(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        self.server.asked.append((asked["q"][0], asked["locale"][0], asked["unit"][0]))  # type: ignore[attr-defined]
        knows = len(asked["q"][0]) % 2 == 0
        tracks = [{"track_id": t} for t in self.server.tracks] if knows else []  # type: ignore[attr-defined]
        body = json.dumps({"found": knows, "tracks": tracks, "variant": 1, "propensity": 0.25}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Front) as server:
        server.asked, server.tracks = [], []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=10)


def test_two_services_face_the_same_first_requests(tmp_path: Path, service: ThreadingHTTPServer) -> None:
    """What a service answers decides how many random numbers its listeners need, but not who comes and what they want."""
    asked = {}
    for name in ("good", "bad"):
        words = [f"out={tmp_path / name}", *SMALL]
        assert live([*words, "until=1"]) == 0
        first = pq.read_table(tmp_path / name / "logs" / "searches" / f"date={DAYS[0]}").to_pandas()
        service.tracks = [t for r in first.results for t in r][: 3 if name == "good" else 1]  # type: ignore[attr-defined]
        assert live([*words, "until=2", f"service=http://127.0.0.1:{service.server_port}"]) == 0
        rows = pq.read_table(tmp_path / name / "logs" / "searches" / f"date={DAYS[1]}").to_pandas()
        asked[name] = {(r.user_id, r.ts, r.raw_query) for r in rows.itertuples()}
    assert 0.5 < len(asked["good"] & asked["bad"]) / len(asked["good"]) < 1


def test_a_day_that_was_cut_off_is_simulated_again_as_if_nothing_had_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cut", "whole"):
        assert live([f"out={tmp_path / name}", *SMALL, "until=1"]) == 0
    with monkeypatch.context() as dying:
        dying.setattr("simulator.live.figures", lambda *_: 1 / 0)  # after the day's logs and what waits are written
        with pytest.raises(ZeroDivisionError):
            live([f"out={tmp_path / 'cut'}", *SMALL, "until=2"])
    for name in ("cut", "whole"):
        assert live([f"out={tmp_path / name}", *SMALL, "until=3"]) == 0
    for day in DAYS:
        for kind in ("searches", "events"):
            assert read(tmp_path / "cut", kind, day) == read(tmp_path / "whole", kind, day)


def test_a_service_answers_what_it_knows_and_the_log_says_so(tmp_path: Path, service: ThreadingHTTPServer) -> None:
    words = [f"out={tmp_path}", *SMALL]
    assert live([*words, "until=1"]) == 0
    first = pq.read_table(tmp_path / "logs" / "searches" / f"date={DAYS[0]}").to_pandas()
    service.tracks = list(first.results[0][:3])  # type: ignore[attr-defined]
    assert live([*words, "until=2", f"service=http://127.0.0.1:{service.server_port}"]) == 0
    rows = pq.read_table(tmp_path / "logs" / "searches" / f"date={DAYS[1]}").to_pandas()
    known = rows.raw_query.str.len() % 2 == 0
    assert 0 < known.sum() < len(rows)
    assert all(list(r) == service.tracks for r in rows.results[known])  # type: ignore[attr-defined]
    assert set(rows.variant[known]) == {"1"} and set(rows.propensity[known]) == {0.25}
    assert not rows.variant[~known].isin(["1"]).any()
    of_day = json.loads((tmp_path / "live" / f"{DAYS[1]}.json").read_text())
    assert of_day["served"] and 0 < of_day["answered"] < 1 and of_day["answered"] == of_day["explored"]
    asked = service.asked  # type: ignore[attr-defined]
    assert len(asked) == len(set(asked)) and all(unit.startswith("u") for _, _, unit in asked)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["until=4"], "until=4: expected 1 to days=3"),
        (["until=soon"], "until=soon: expected the number of days"),
        (["until=1", "service=ftp://x"], "expected http://host:port"),
        (["until=1", "service=http://127.0.0.1:9"], "Is it running?"),
    ],
)
def test_a_bad_call_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], why: str) -> None:
    assert live([f"out={tmp_path}", *SMALL, *words]) == 2
    assert why in capsys.readouterr().err


@pytest.fixture(scope="module")
def tiring(tmp_path_factory: pytest.TempPathFactory) -> World:
    return built_world(settings_from([f"out={tmp_path_factory.mktemp('tiring')}", *SMALL, "world=tiring"]))


def batch_of(world: World, kind: str, tracks: list[int]) -> Searches:
    concept = next(c for c, one in enumerate(world.listed) if one.kind == kind)
    results = np.full((1, 10), -1, dtype=np.int32)
    results[0, : len(tracks)] = tracks
    zero = np.zeros(1, dtype=np.int64)
    return Searches(zero, zero, zero, zero, zero, zero + concept * 5, results, zero, np.ones(1))


def test_listeners_of_broad_lists_tire_of_an_artist(tiring: World) -> None:
    artist = tiring.tracks.artist
    many = np.flatnonzero(artist == np.bincount(artist).argmax())
    other = int(np.flatnonzero(artist != artist[many[0]])[0])
    tracks = [int(many[0]), other, int(many[1]), int(many[2])]
    assert liking_left(tiring, batch_of(tiring, "genre", tracks))[0, :4].tolist() == [1, 1, 0.5, 0.25]
    assert liking_left(tiring, batch_of(tiring, "artist", tracks))[0, :4].tolist() == [1, 1, 1, 1]


def test_figures_of_one_search(tiring: World) -> None:
    """The best ten tracks have NDCG 1; one of grade 0 has none; the pleased listener counts once."""
    batch = batch_of(tiring, "genre", [])
    rows = np.flatnonzero(tiring.grades.need == batch.need[0])
    best = tiring.grades.track[rows][np.argsort(-tiring.grades.grade[rows], kind="stable")][:10]
    batch.results[0, :] = best
    plays = Plays(*(np.array([0, 0]) for _ in range(5)), np.array([True, True]), np.array([False, False]))
    new = np.zeros((1, 10), dtype=bool)
    new[0, :3] = True
    of_day = figures(tiring, batch, plays, new)
    assert (of_day["success"], of_day["ndcg10"], of_day["broad"]["searches"]) == (1.0, pytest.approx(1.0), 1)
    assert of_day["broad"]["new_good"] == 3 * (tiring.grades.of(batch.need[:, None], best)[0, :3] >= 3).mean()
    bad = next(t for t in range(len(tiring.tracks)) if tiring.grades.of(batch.need, np.array([t]))[0] == 0)
    batch.results[0, :] = -1
    batch.results[0, 0] = bad
    assert figures(tiring, batch, plays, new)["ndcg10"] == 0.0


def test_gini() -> None:
    assert _gini(np.array([3, 3, 3])) == pytest.approx(0)
    assert _gini(np.array([0, 0, 0, 8])) == pytest.approx(0.75)


def test_lists_of_fewer_tracks_are_more_concentrated(tiring: World) -> None:
    """Also if each of the tracks that are left is listed equally often: those that dropped out count."""

    def gini(tracks: list[int]) -> float:
        plays = Plays(
            *(np.zeros(0, dtype=np.int64) for _ in range(5)), np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
        )
        return float(figures(tiring, batch_of(tiring, "genre", tracks), plays, np.zeros((1, 10), dtype=bool))["gini"])

    assert gini([1, 2]) > gini([1, 2, 3, 4, 5, 6, 7, 8])


def test_what_is_new_is_new_against_the_same_first_days_whoever_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[int] = []
    real = figures

    def looked(world: World, batch: Searches, plays: Plays, is_new: np.ndarray) -> dict[str, object]:
        known.append(int(((batch.results >= 0) & (batch.need[:, None] >= 0) & ~is_new).sum()))
        return real(world, batch, plays, is_new)

    monkeypatch.setattr("simulator.live.figures", looked)
    assert live([f"out={tmp_path}", *SMALL, "until=3", "history=1"]) == 0
    stored = pq.read_table(tmp_path / "shown.parquet").num_rows
    assert known[0] == 0 < known[1]
    assert live([f"out={tmp_path / 'longer'}", *SMALL, "until=1", "history=1"]) == 0
    assert pq.read_table(tmp_path / "longer" / "shown.parquet").num_rows == stored  # days 2 and 3 added none


def test_days_of_other_settings_are_not_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert live([f"out={tmp_path}", *SMALL, "until=1"]) == 0
    assert live([f"out={tmp_path}", *SMALL[1:], "days=9", "until=2"]) == 2
    assert "its 1 days were simulated with days=3 (now 9)" in capsys.readouterr().err
