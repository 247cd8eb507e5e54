"""The HTTP service over the current release, for programs that do not embed a reader; bound to 127.0.0.1.

    python -m serving.http [--releases DIR] [--port 8080]

GET /v1/rankings?q=…&locale=…&unit=… answers with the JSON of serving.lookup, GET /healthz with release_id, age_s, stale. `unit` is who asks;
it chooses among the variants of a list, and may be left out.
"""

import contextlib
import json
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from serving.command import OneLineParser, guarded, hours, local_path, port_number
from serving.errors import ReleaseError
from serving.layout import DEFAULT_RELEASES, MAX_REQUEST_CHARACTERS, is_locale
from serving.reader import ReleaseReader

MOST_CONNECTIONS = 512  # each has a thread; one more is answered with 503 and closed
REQUEST_S = 10.0  # within this time a request is read to its end and answered, or its connection is closed
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nServer: playfirst\r\nContent-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\nRetry-After: 1\r\n\r\n%b"
)


class RankingService(ThreadingHTTPServer):
    """One thread per connection over one shared reader; `server_close` waits for the requests that were read completely.

    Clients that open connections without end, or send a request byte by byte, use up at most MOST_CONNECTIONS threads for REQUEST_S.
    """

    daemon_threads = False
    allow_reuse_address = True
    # socketserver's default of 5 makes the other connections of a burst retry only after 1, 3 and 7 seconds
    request_queue_size = 128

    def __init__(self, reader: ReleaseReader, port: int) -> None:
        """Bind to 127.0.0.1:`port` (0 takes a free one). Raises OSError if the port is taken."""
        self.reader = reader
        self.stopping = False
        self._connections: dict[Any, float] = {}  # connection -> time.monotonic() at which its next request began
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Register a connection and serve it in its own thread; refuse it if there are too many."""
        if len(self._connections) >= MOST_CONNECTIONS:
            body = json.dumps(_error("busy", f"{MOST_CONNECTIONS} connections are open; try again")).encode()
            with contextlib.suppress(OSError):  # the client is gone
                request.setblocking(False)
                request.send(_FULL % (len(body), body))
            super().shutdown_request(request)
            return
        self.expect_request(request)
        super().process_request(request, client_address)

    def expect_request(self, connection: Any) -> None:
        """The time for the connection's next request begins."""
        self._connections[connection] = time.monotonic()

    def service_actions(self) -> None:
        """End the connections whose request takes too long; called several times a second."""
        latest = time.monotonic() - REQUEST_S
        for connection, since in self._connections.copy().items():
            if since < latest:
                with contextlib.suppress(OSError):  # the connection has ended already
                    connection.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        self._connections.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that ended in an error: one that its client has ended is normal; another is named on stderr without its request."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            _tell(error)

    def server_close(self) -> None:
        """Answer the requests already read and read no more, so that an idle or slow client does not delay the shutdown."""
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):  # the connection has ended already
                connection.shutdown(socket.SHUT_RD)
        super().server_close()


class _BadRequest(Exception):
    """An invalid request; the message says what is expected."""


def _parts(path: str) -> SplitResult:
    """The parts of a URL. Raises _BadRequest."""
    try:
        return urlsplit(path)
    except ValueError as error:
        raise _BadRequest(str(error)) from None


def _asked(query: str) -> tuple[str, str, str | None]:
    """The request, the locale and the unit of a URL's query. Raises _BadRequest."""
    try:
        fields = parse_qs(query, keep_blank_values=True, max_num_fields=10)
    except ValueError as error:
        raise _BadRequest(str(error)) from None
    requests, locales = fields.get("q", []), fields.get("locale", ["en-US"])
    units = fields.get("unit", [""])
    if len(requests) != 1 or len(locales) != 1 or len(units) != 1:
        raise _BadRequest(
            "expected one q, at most one locale and one unit, as in /v1/rankings?q=play+hello&locale=en-US&unit=d42"
        )
    if len(requests[0]) > MAX_REQUEST_CHARACTERS:
        raise _BadRequest(f"q has {len(requests[0])} characters, expected at most {MAX_REQUEST_CHARACTERS}")
    if not is_locale(locales[0].replace("_", "-")):
        raise _BadRequest("locale is no BCP-47 name such as es-MX")
    return requests[0], locales[0], units[0] or None


class _Handler(BaseHTTPRequestHandler):
    server: RankingService
    protocol_version = "HTTP/1.1"
    server_version = "playfirst"
    timeout = 5.0  # s; an idle connection must not delay a shutdown
    wbufsize = -1  # headers and body leave in one packet, else Nagle and delayed ACK add 40 ms

    def do_GET(self) -> None:
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # the body is not read and must not be taken for the next request
        try:
            # http.server decodes the request line as Latin-1, but clients that do not quote send UTF-8
            parts = _parts(self.path.encode("latin-1", "replace").decode("utf-8", "replace"))
            if parts.path == "/v1/rankings":
                self._rankings(parts.query)
            elif parts.path == "/healthz":
                self._healthz()
            else:
                self._reply(404, _error("not_found", "paths are /v1/rankings and /healthz"))
        except _BadRequest as error:
            self._reply(400, _error("bad_request", str(error)))
        except ReleaseError as error:
            self._reply(503, _error(type(error).__name__, str(error)))
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True  # the client is gone
        except Exception as error:
            _tell(error)
            self._reply(500, _error("internal", f"{type(error).__name__}: the service's own error, told on its stderr"))

    def _rankings(self, query: str) -> None:
        request, locale, unit = _asked(query)
        self._reply(200, self.server.reader.lookup(request, locale, unit=unit).as_json())

    def _healthz(self) -> None:
        reader = self.server.reader
        reader.hold()
        health = {"release_id": reader.release_id, "age_s": reader.age_s, "stale": reader.stale}
        self._reply(200, {"status": "ok", **health, "problem": reader.problem})

    def _reply(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content, ensure_ascii=False).encode(errors="backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.server.stopping or self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()  # here, where a client that is gone is expected
        self.server.expect_request(self.connection)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send errors of the HTTP protocol (a line too long, an unknown method) as JSON too."""
        self.close_connection = True
        self._reply(code, _error("http", message or self.responses.get(code, ("error",))[0]))

    def log_message(self, format: str, *args: object) -> None:
        """There is no access log, because requests are what people said and must not be logged."""


def _tell(error: BaseException) -> None:
    """Print an error of the service and where it arose, but not its message, which may have what somebody said."""
    places = " < ".join(
        f"{Path(f.filename).name}:{f.lineno}" for f in reversed(traceback.extract_tb(error.__traceback__))
    )
    print(f"serving.http: {type(error).__name__} at {places}", file=sys.stderr, flush=True)


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "message": message}}


def serve(root: Path, port: int, max_age_h: float | None) -> None:
    """Serve until SIGTERM or SIGINT, then finish the running requests. Raises the errors of ReleaseReader."""
    with RankingService(ReleaseReader(root, max_age_h=max_age_h), port) as service:

        def stop(*_: object) -> None:
            service.stopping = True
            # shutdown waits for the loop that this signal handler interrupts, so another thread must call it.
            threading.Thread(target=service.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        print(f"serving {service.reader.release_id} on http://127.0.0.1:{service.server_port}", flush=True)
        service.serve_forever(poll_interval=0.1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = OneLineParser(prog="serving.http", description="Serve the current release over HTTP on 127.0.0.1.")
    parser.add_argument("--releases", type=local_path, default=DEFAULT_RELEASES, help="default: %(default)s")
    parser.add_argument("--port", type=port_number, default=8080, help="default: %(default)s; 0 takes a free one")
    parser.add_argument(
        "--max-age-h", type=hours, help="older is stale; default: what the release says (serving.max_age_h)"
    )
    options = parser.parse_args(arguments)
    return guarded("serving.http", lambda: serve(options.releases, options.port, options.max_age_h))


if __name__ == "__main__":
    sys.exit(main())
