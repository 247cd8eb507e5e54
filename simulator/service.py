"""Asks a service over HTTP, as a music service's own front end would ask it."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlencode, urlsplit

from simulator.settings import BadSimulation
from simulator.world import Reply, Service

LIMIT_S = 30.0


def service_at(url: str) -> Service:
    """A service that answers GET <url>/v1/rankings?q=…&locale=…&unit=… with JSON: `found`, `tracks`, `variant`, `propensity`.

    Equal requests are asked once. Raises BadSimulation if it cannot be reached or answers with an error.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise BadSimulation(f"service={url}: expected http://host:port.")
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=LIMIT_S)
    known: dict[tuple[str, str, str], Reply | None] = {}

    def ask(request: str, locale: str, unit: str) -> Reply | None:
        key = (request, locale, unit)
        if key not in known:
            known[key] = _reply(connection, url, key)
        return known[key]

    return ask


def _reply(connection: http.client.HTTPConnection, url: str, asked: tuple[str, str, str]) -> Reply | None:
    query = urlencode(dict(zip(("q", "locale", "unit"), asked, strict=True)))
    try:
        connection.request("GET", f"/v1/rankings?{query}")
        response = connection.getresponse()
        body = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise BadSimulation(f"service={url}: no answer to {asked[0]!r} ({error}). Is it running?") from None
    if response.status != 200:
        raise BadSimulation(f"service={url}: {response.status} for {asked[0]!r}: {body}.")
    if not body["found"]:
        return None
    return Reply([track["track_id"] for track in body["tracks"]], str(body["variant"]), float(body["propensity"]))
