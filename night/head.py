"""Which queries the night makes lists for."""

from __future__ import annotations

from night.night import Night
from ranking.head import HeadSettings


def head_settings(night: Night) -> HeadSettings:
    """The `ranking` section as the room wants it."""
    return HeadSettings(**{k: getattr(night.settings.ranking, k) for k in HeadSettings.__dataclass_fields__})
