"""Paths and file names of releases, the limits of the format and its version; no logic beyond names."""

import re
from functools import lru_cache
from pathlib import Path

FORMAT_VERSION = 2
OLDEST_FORMAT_READ = 1
"""A reader of format N also reads format N-1."""

DEFAULT_RELEASES = Path("var/releases")
DEFAULT_MAX_AGE_H = 36.0
"""The limit of a release whose manifest has none: a nightly release is at most 24 h old, plus 12 h for a late night."""

MAX_REQUEST_CHARACTERS = 1_000
"""A longer request is a miss. It is five times the longest query (200), so that carrier phrases and odd spacing still fit."""

RANKINGS = "rankings.lmdb"
GRAMMAR = "grammar.json"
MANIFEST = "manifest.json"
VERIFIED = "VERIFIED"
DATA_FILES = {1: ("carrier.json", RANKINGS), 2: (GRAMMAR, RANKINGS)}

CURRENT = "CURRENT"
HOLD = "HOLD"
HISTORY = "HISTORY"
LOCK = ".lock"
TEMPORARY = ".tmp-"
TRASH = ".trash-"

SUB_DATABASES = {
    1: ("aliases", "rankings", "reasons", "tracks"),
    2: (
        "compact",
        "names",
        "needs",
        "numbered",
        "pairs",
        "reasons",
        "sounds",
        "tracks",
        "trigrams",
        "variants",
        "wordings",
    ),
}
ADDED_LATER = ("variants",)
"""Sub-databases that releases of the format may lack, since they came after its first night."""

MAX_TRACKS = 200
"""Tracks per entry: 12 + 200 x 8 = 1,612 bytes, so that LMDB keeps key and value inline in a 4 KiB page (limit 2,038)."""
MAX_VARIANTS = 3
"""Of a list, beside itself."""
MAX_REASONS = 10
MAX_REASON_BYTES = 180
MAX_TITLE_BYTES = 512
MAX_ARTISTS_BYTES = 1_000
MAX_TRACK_ID_BYTES = 255
MAX_VALUE_BYTES = 2_000
MAX_KEY_BYTES = 511
MAX_QUERY_BYTES = 480
MAX_NAME_BYTES = 480
SHORT_LIST = 10
"""Tracks of a name that are stored with it."""
MAX_LOCALE_BYTES = 30

MANIFEST_MUST_HOLD = ("inputs", "config_fingerprint", "ranker_fingerprint", "gates", "coverage")
"""Manifest keys that the publishing job must give (a value may be null); the writer adds the rest."""

_RELEASE_ID = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{12}")
_LOCALE = re.compile(r"\*|[A-Za-z0-9]+(-[A-Za-z0-9]+)*")


def is_release_id(text: str) -> bool:
    """Whether `text` has the form `<run_date>-<12 hex>`; the check also keeps paths out of CURRENT."""
    return _RELEASE_ID.fullmatch(text) is not None


def run_date_of(release_id: str) -> str:
    """The night of a release, `YYYY-MM-DD`, which is the beginning of its id."""
    return release_id[:10]


def is_locale(text: str) -> bool:
    """Whether `text` can be a locale of a key: `*`, or letters and digits joined by hyphens, at most 30 bytes."""
    return len(text) <= MAX_LOCALE_BYTES and text.isascii() and _LOCALE.fullmatch(text) is not None


def release_ids(root: Path) -> list[str]:
    """The release folders under `root`, sorted by name (so by run_date); empty if `root` does not exist."""
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if is_release_id(path.name) and path.is_dir())


def locale_chain(locale: str) -> tuple[str, ...]:
    """The locales to try in order: the locale, its language, then `*`. `es_mx` counts as `es-MX`."""
    return (_known_chain if len(locale) <= 2 * MAX_LOCALE_BYTES else _chain)(locale)  # no hostile text stays in memory


def _chain(locale: str) -> tuple[str, ...]:
    language, *rest = locale.strip().replace("_", "-").split("-")
    shaped = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in rest]
    full = "-".join([language.lower(), *shaped])
    return tuple(dict.fromkeys(name for name in (full, language.lower(), "*") if is_locale(name)))


_known_chain = lru_cache(maxsize=256)(_chain)
