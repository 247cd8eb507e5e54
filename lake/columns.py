"""Columns and constants that several tables share."""

from __future__ import annotations

from dataclasses import replace

from lake.schema import Column

POSITIONS = 10  # arrays by position hold ranks 1 to 10, then one cell for all later ranks
CLIENTS = ("alexa", "mobile", "web", "firetv")
# prefix of the fingerprint of a `tracks` unit where a later catalog replaces that of a day before any catalog was stored
BACKDATED = "past-"
KINDS = ("play", "skip", "complete", "stop", "click", "save", "add", "like", "dislike")
RUN_DATE = Column("run_date", "date", "the night D: the row knows only what was delivered before D")
SEARCH_DATE = Column("search_date", "date", "UTC day of the search")
DELIVERED_DATE = Column("delivered_date", "date", "date of the folder that delivered the row")
LOCALE = Column("locale", "string", "BCP-47 locale of the request")
LEVEL = Column("locale", "string", "BCP-47 locale, or a roll-up: its language (`en`, `es`), or `*`")
QUERY = Column("query", "string", "full normal form of the request, carrier phrase kept")
NEED = Column("need", "string", "what is asked for: canonical key such as `artist=adele|title=hello`")
NAMED_GROUPS = ("known_item", "artist")  # intent groups of needs that name a title, an album or an artist
OPEN_NEED = "open"  # the key of the need that asks for nothing in particular
SPOKEN = replace(QUERY, personal=True)  # in a table with one row per request, where it is the words of one person
TRACK_ID = Column("track_id", "string", "track of the catalog")
CLIENT = Column("client", "string", "client as logged", values=CLIENTS)
