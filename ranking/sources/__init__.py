"""The candidate sources, which propose tracks. A new source is one file here with its SOURCE, and one line in SOURCES."""

from __future__ import annotations

from ranking.sources import cluster, constraint, engagement, popular, text
from ranking.sources.source import Source

SOURCES: tuple[Source, ...] = (engagement.SOURCE, cluster.SOURCE, text.SOURCE, constraint.SOURCE, popular.SOURCE)
