"""The HTTP service as a process: the same JSON, its limits, its health, and a graceful end."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from serving.http import RankingService
from serving.reader import ReleaseReader
from tests.serving.conftest import night
from tests.serving.test_variants import units_of


@pytest.fixture
def service(root: Path, published: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    command = [sys.executable, "-m", "serving.http", "--releases", str(root), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        yield process, int(said.rsplit(":", 1)[1])
    finally:
        process.kill()
        process.communicate(timeout=10)


@contextlib.contextmanager
def running(service: RankingService) -> Iterator[int]:
    """The port of a service that answers in a thread of this process."""
    with service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield service.server_port
        finally:
            service.shutdown()
            thread.join(timeout=10)


def ask(port: int, path: str, method: str = "GET") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read()
        assert response.headers["Content-Type"].startswith("application/json")
        return response.status, json.loads(body) if body else None
    finally:
        connection.close()


def test_the_service_answers_and_ends_gracefully(
    service: tuple["subprocess.Popen[str]", int], root: Path, published: str
) -> None:
    process, port = service
    status, answer = ask(port, f"/v1/rankings?q={quote('pon Canción del Mariachi')}&locale=es-MX")
    assert (status, answer["found"], answer["matched_by"], answer["release_id"]) == (200, True, "reading", published)
    assert answer["tracks"][0]["artists"] == ["Los Lobos", "Antonio Banderas"]
    assert ask(port, "/v1/rankings?q=goodbye")[1]["found"] is False
    for unit, variant in ((None, 0), *((unit, variant) for variant, unit in units_of(published).items())):
        answer = ask(port, "/v1/rankings?q=play+music" + (f"&unit={unit}" if unit else ""))[1]
        expected = 1.0 if unit is None else [0.625, 0.25, 0.125][variant]
        assert (answer["variant"], answer["propensity"]) == (variant, expected)
    status, health = ask(port, "/healthz")
    assert status == 200 and health["release_id"] == published and set(health) >= {"age_s", "stale", "problem"}

    for fields in (
        "",
        "?q=a&q=b",
        "?q=a&locale=en%20US",
        "?q=a&unit=b&unit=c",
        "?q=" + "x" * 1001,
        "?" + "a=b&" * 20 + "q=a",
    ):
        status, error = ask(port, "/v1/rankings" + fields)
        assert status == 400 and error["error"]["message"], fields
    assert ask(port, "/v1/other")[0] == 404
    assert ask(port, "/v1/rankings?q=a", "POST")[0] == 501
    assert ask(port, "/" + "x" * 70_000)[0] == 414

    newer = night(root, 22)
    time.sleep(0.3)  # the reader looks at CURRENT every 250 ms
    assert ask(port, "/v1/rankings?q=hello")[1]["release_id"] == newer

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    assert process.stderr is not None and process.stderr.read() == ""


def test_a_burst_of_connections_finds_room(root: Path, published: str) -> None:
    """Nobody accepts yet. Of a queue that is full the kernel drops the rest, and clients come again after a second."""
    service = RankingService(ReleaseReader(root), 0)
    with service, contextlib.ExitStack() as connected:
        for _ in range(64):
            connected.enter_context(socket.create_connection(service.server_address[:2], timeout=10))


def test_an_error_of_our_own_has_a_status_and_does_not_blame_the_client(
    root: Path, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = ReleaseReader(root)

    def fails(*asked: object) -> None:
        raise ValueError("within")

    monkeypatch.setattr(reader, "lookup", fails)
    with running(RankingService(reader, 0)) as port:
        status, said = ask(port, "/v1/rankings?q=hello")
    assert status == 500 and said["error"]["kind"] == "internal" and "within" not in str(said)


def raw(port: int, request: bytes) -> list[bytes]:
    """What comes back for bytes as they are, until the service closes the connection: the parts between blank lines."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read().split(b"\r\n\r\n")


def test_requests_that_no_library_would_send(service: tuple["subprocess.Popen[str]", int]) -> None:
    process, port = service
    # UTF-8 as it is typed, without percent signs
    head, body = raw(port, "GET /v1/rankings?q=canción+del+mariachi&locale=es-MX HTTP/1.0\r\n\r\n".encode())
    assert head.startswith(b"HTTP/1.1 200") and json.loads(body)["found"] is True
    head, body = raw(port, b"GET http://[ HTTP/1.0\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400") and json.loads(body)["error"]["kind"] == "bad_request"
    # a body is not the next request
    smuggled = b"GET /healthz HTTP/1.1\r\n\r\n"
    parts = raw(port, b"GET /v1/rankings?q=hello HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(smuggled), smuggled))
    assert len(parts) == 2 and b"Connection: close" in parts[0] and json.loads(parts[1])["query"] == "hello"
    assert process.poll() is None


def test_whoever_sends_a_request_byte_by_byte_does_not_hold_up_the_end(
    service: tuple["subprocess.Popen[str]", int],
) -> None:
    process, port = service
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        ended = threading.Event()

        def trickle() -> None:
            with contextlib.suppress(OSError):  # the service hangs up: that is what is wanted
                while not ended.wait(0.1):
                    connection.sendall(b"G")

        sender = threading.Thread(target=trickle)
        sender.start()
        try:
            assert ask(port, "/healthz")[0] == 200  # the service is up, and the trickle has begun before its end
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
        finally:
            ended.set()
            sender.join(timeout=10)
    assert process.stderr is not None and process.stderr.read() == ""


def test_connections_without_end_are_refused_and_slow_requests_are_ended(
    root: Path, published: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("serving.http.MOST_CONNECTIONS", 2)
    with running(RankingService(ReleaseReader(root), 0)) as port, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10)) for _ in range(2)]
        for connection in slow:
            connection.sendall(b"GET /heal")
        status, answer = ask(port, "/healthz")
        assert status == 503 and answer["error"]["kind"] == "busy"
        monkeypatch.setattr("serving.http.REQUEST_S", 0.5)
        for connection in slow:  # a byte now and then keeps no connection: its whole request has one limit
            with contextlib.suppress(OSError):
                for _ in range(20):
                    connection.sendall(b"t")
                    connection.settimeout(0.1)
                    with contextlib.suppress(TimeoutError):
                        if connection.recv(1) == b"":
                            break
                else:
                    pytest.fail("the slow request was not ended")
        last = time.monotonic() + 10
        while (status := ask(port, "/healthz")[0]) == 503 and time.monotonic() < last:
            continue  # a thread of an ended connection is about to leave
        assert status == 200
    assert capsys.readouterr().err == ""


def test_the_service_without_a_release_is_one_line_and_exit_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "serving.http", "--releases", str(tmp_path), "--port", "0"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert run.returncode == 2 and run.stderr.count("\n") == 1 and "make nightly" in run.stderr


def test_a_taken_port_is_one_line(service: tuple["subprocess.Popen[str]", int], root: Path) -> None:
    command = [sys.executable, "-m", "serving.http", "--releases", str(root), "--port", str(service[1])]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert run.returncode == 1 and run.stderr.count("\n") == 1


def test_an_error_of_the_service_is_told_on_stderr_by_its_place_and_without_what_was_said(
    root: Path, published: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = ReleaseReader(root)

    def broken(request: str, *_: object, **__: object) -> None:
        raise KeyError(request)

    monkeypatch.setattr(reader, "lookup", broken)
    with running(RankingService(reader, 0)) as port:
        status, answer = ask(port, "/v1/rankings?q=my+secret+wish")
        hung_up = socket.create_connection(("127.0.0.1", port))
        hung_up.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # ends with a reset
        hung_up.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        hung_up.close()
        assert ask(port, "/healthz")[0] == 200
    assert status == 500 and answer["error"]["kind"] == "internal"
    told = capsys.readouterr().err
    assert told.startswith("serving.http: KeyError at test_http.py:") and told.count("\n") == 1, told
    assert "secret" not in told and "Traceback" not in told


@pytest.mark.parametrize("words", [["--port", "99999"], ["--port", "x"], ["--max-age-h", "nan"], ["--max-age-h", "-1"]])
def test_wrong_arguments_are_one_line(words: list[str], root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from serving.http import main

    with pytest.raises(SystemExit) as caught:
        main(["--releases", str(root), *words])
    assert caught.value.code == 2 and "expected" in (told := capsys.readouterr().err) and told.count("\n") == 1
