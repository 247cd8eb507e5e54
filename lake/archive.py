"""The environment archive of `make dist`, which gives the executors of a cluster our code and the libraries that it imports.

It is a .tar.gz of a folder for PYTHONPATH, with a card that names the code it was made of. An archive of other code than the
driver's would compute with other functions than the marks say, so it is refused.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path

from lake.code import code_fingerprint
from lake.errors import BadConfiguration

CARD = "playfirst.json"
SHIPPED = ("events", "features", "labels", "lake", "queries", "ranking")  # rooms whose functions executors call


def card() -> dict[str, str]:
    """What an archive of this code and Python says of itself: the fingerprint of the code, and the Python version (X.Y)."""
    return {"code": code_fingerprint(*SHIPPED), "python": f"{sys.version_info.major}.{sys.version_info.minor}"}


def check_archive(archive: Path) -> None:
    """Raise BadConfiguration if the archive is missing, unreadable, or of other code or another Python than the driver's."""
    try:
        with tarfile.open(archive) as packed:
            # the card is the first member, so that the rest is not read
            first = packed.next()
            content = packed.extractfile(first) if first is not None and first.name == CARD else None
            stored = json.loads(content.read()) if content is not None else {}
    except (OSError, tarfile.TarError, ValueError) as error:
        raise BadConfiguration(f"cluster.archive is {archive}: unreadable ({error}). Run `make dist`.") from None
    for what, value in card().items():
        if stored.get(what) != value:
            raise BadConfiguration(
                f"cluster.archive is {archive}: made for {what} {stored.get(what)}, and the driver has {value}. Run `make dist` again."
            )
