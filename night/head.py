"""The settings that choose the queries which get a list."""

from __future__ import annotations

from night.night import Night
from ranking.head import HeadSettings


def head_settings(night: Night) -> HeadSettings:
    """The part of the `ranking` section that `ranking.head` uses."""
    return HeadSettings(**{k: getattr(night.settings.ranking, k) for k in HeadSettings.__dataclass_fields__})
