"""Every path is of this machine's file system. One that names another store would become a folder of that name: it is refused."""

from __future__ import annotations

import re

# s3a://bucket, hdfs:///x, and what pathlib makes of them: s3a:/bucket
SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):/+")


def why_not_local(path: str) -> str | None:
    """For an error's line: what was expected instead of a path with a scheme, and what to do. None for a local path."""
    match = SCHEME.match(path)
    if match is None:
        return None
    if match[1].lower() == "file":
        return f"expected a path without a scheme: /{path[match.end() :].strip()}"
    return "expected a local path: other stores are not supported yet; give a folder of a local or mounted disk"
