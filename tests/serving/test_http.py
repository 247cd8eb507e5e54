"""The HTTP service as a process: the same JSON, its limits, its health, and a graceful end."""

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.serving.conftest import night


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
    assert (status, answer["found"], answer["matched_by"], answer["release_id"]) == (200, True, "stripped", published)
    assert answer["tracks"][0]["artists"] == ["Los Lobos", "Antonio Banderas"]
    assert ask(port, "/v1/rankings?q=goodbye")[1]["found"] is False
    status, health = ask(port, "/healthz")
    assert status == 200 and health["release_id"] == published and set(health) >= {"age_s", "stale", "problem"}

    for fields in ("", "?q=a&q=b", "?q=a&locale=en%20US", "?q=" + "x" * 1001, "?" + "a=b&" * 20 + "q=a"):
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


def test_the_service_without_a_release_is_one_line_and_exit_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "serving.http", "--releases", str(tmp_path), "--port", "0"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert run.returncode == 2 and run.stderr.count("\n") == 1 and "make nightly" in run.stderr


def test_a_taken_port_is_one_line(service: tuple["subprocess.Popen[str]", int], root: Path) -> None:
    command = [sys.executable, "-m", "serving.http", "--releases", str(root), "--port", str(service[1])]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert run.returncode == 1 and run.stderr.count("\n") == 1
