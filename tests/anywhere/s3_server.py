"""A local S3 server: moto's, with one request at a time, since its conditional puts are not atomic among threads.

    python s3_server.py HOST PORT COUNTS      (in an environment with moto[server]; COUNTS: file with the requests by method)

Without the lock, 1 of 100 races of ten conditional puts had two winners (moto 5.2.5).
"""

from __future__ import annotations

import io
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple


class OneAtATime:
    """A WSGI application that hands one request at a time to another, and counts requests by method."""

    def __init__(self, application: Callable[..., Iterable[bytes]], counts: Path) -> None:
        self._application, self._counts, self._lock = application, counts, threading.Lock()
        self._requests: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """Answer one request; its body is read before its turn, since a client that was stopped in mid-request would stop all."""
        is_whole = environ.get("wsgi.input_terminated", False)
        size = -1 if is_whole else int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(size))
        with self._lock:
            kind = environ["REQUEST_METHOD"]
            if "list-type" in environ.get("QUERY_STRING", ""):
                kind = "LIST"
            self._requests[kind] += 1
            if sum(self._requests.values()) % 100 == 0:
                self._counts.write_text(json.dumps(self._requests))
            return [b"".join(self._application(environ, start_response))]


if __name__ == "__main__":
    host, port, counts = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    application = OneAtATime(DomainDispatcherApplication(create_backend_app), counts)
    run_simple(host, port, application, threaded=True)
