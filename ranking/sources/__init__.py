"""The candidate sources, which propose tracks. A new source is one file here with its SOURCE, and one line in SOURCES."""

from __future__ import annotations

from ranking.sources import constraint, engagement, linked, popular, text
from ranking.sources.source import Source

SOURCES: tuple[Source, ...] = (engagement.SOURCE, text.SOURCE, linked.SOURCE, constraint.SOURCE, popular.SOURCE)
