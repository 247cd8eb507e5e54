"""Tests of stores, clusters and schedulers: `make test-anywhere`. They need environments of their own and are no part of `make test`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / "var" / "anywhere"  # of servers whose packages do not go together with ours
WANTED = os.environ.get("PLAYFIRST_ANYWHERE") == "1"
# a night of all steps in a fraction of the time: four families of columns, and fewer suggested needs
SMALL = ("features.only=[coec,text,trend,collaborative]", "closure.min_tracks=60")
collect_ignore_glob = [] if WANTED else ["test_*.py"]


@dataclass(frozen=True)
class S3:
    """A local S3 server: its port, a bucket, and the file with its requests by method."""

    port: int
    bucket: str
    counts: Path

    def url(self, host: str = "127.0.0.1") -> str:
        """The server's address from a host."""
        return f"http://{host}:{self.port}"

    def requests(self) -> dict[str, int]:
        """Requests so far by method, up to the last hundred."""
        return dict(json.loads(self.counts.read_text())) if self.counts.exists() else {}


def environment(name: str, *packages: str) -> Path:
    """The Python of an environment with these packages, made once."""
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, timeout=120)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True, timeout=900)
        (folder / "ready").touch()
    return python


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """The server, whose address and made-up credentials are in this process's environment."""
    python, counts = environment("moto", "moto[server,s3]>=5.2,<6"), tmp_path_factory.mktemp("s3") / "counts.json"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    server = subprocess.Popen(
        [str(python), str(Path(__file__).parent / "s3_server.py"), "0.0.0.0", str(port), str(counts)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    made = S3(port, "music", counts)
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": made.url(),
        "AWS_ALLOW_HTTP": "true",
    }
    try:
        _make_bucket(made)
        yield made
    finally:
        server.kill()
        server.wait(timeout=30)


def _make_bucket(s3: S3) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(f"{s3.url()}/{s3.bucket}", method="PUT"), timeout=10)
            return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def simulate(root: Path) -> Path:
    """Simulate a small world into `root`, 22 days of 250 searches over 5,000 tracks, and return it."""
    words = [f"out={root}", "days=22", "searches_per_day=250", "seed=5", "first_date=2026-03-01", "catalog_tracks=5000"]
    subprocess.run([sys.executable, "-m", "simulator.generate", *words], check=True, timeout=300, capture_output=True)
    return root
