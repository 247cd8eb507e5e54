"""Check that a path is on the local file system, where only such a path can be used.

A path with another scheme (`s3a://…`) would silently become a local folder of that name, so it is refused.
"""

from __future__ import annotations

import re

# matches s3a://bucket and hdfs:///x, and also s3a:/bucket, which is how pathlib writes it
SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):/+")


def why_not_local(path: str) -> str | None:
    """Part of an error message: what was expected instead of a path with a scheme, and what to do; None for a local path."""
    match = SCHEME.match(path)
    if match is None:
        return None
    if match[1].lower() == "file":
        return f"expected a path without a scheme: /{path[match.end() :].strip()}"
    return "expected a local path: this is read or written on a disk of this machine"
