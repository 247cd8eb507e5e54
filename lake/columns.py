"""Columns and values that several tables share, declared once."""

from __future__ import annotations

from dataclasses import replace

from lake.schema import Column

POSITIONS = 10  # by-position arrays hold ranks 1..10, then one tail cell
CLIENTS = ("alexa", "mobile", "web", "firetv")
BACKDATED = (
    "past-"  # marks of `tracks` units begin so where a later catalog stands in for one of a day before any was stored
)
KINDS = ("play", "skip", "complete", "stop", "click", "save", "add", "like", "dislike")
RUN_DATE = Column("run_date", "date", "the night D: the row knows only what was delivered before D")
SEARCH_DATE = Column("search_date", "date", "UTC day of the search")
DELIVERED_DATE = Column("delivered_date", "date", "date of the folder that delivered the row")
LOCALE = Column("locale", "string", "BCP-47 locale of the request")
LEVEL = Column("locale", "string", "BCP-47 locale, or a roll-up: its language (`en`, `es`), or `*`")
QUERY = Column("query", "string", "full normal form of the request, carrier phrase kept")
SPOKEN = replace(QUERY, personal=True)  # of one person, not of all who asked it
TRACK_ID = Column("track_id", "string", "track of the catalog")
CLIENT = Column("client", "string", "client as logged", values=CLIENTS)
