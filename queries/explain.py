"""`python -m queries.explain [--catalog FILE] [--locale L] [--json] [QUERY …]`: how a request is read."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import cache

from queries.catalog.index import CatalogIndex, CatalogUnreadable, load_catalog
from queries.catalog.resolve import Resolver
from queries.grammar.lexicon import Lexicon, load_lexicon
from queries.models.learned import MUSIC_SERVICE_SHARE, packaged
from queries.models.musicness import ASSISTANT_SHARE
from queries.reading import Reading, likely_locale, read

_BAD_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """Explain the request of the command line, or each line of standard input; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m queries.explain", description="How a request is read.")
    parser.add_argument("query", nargs="*", help="one request; without it, one a line from standard input")
    parser.add_argument("--catalog", help="tracks of the contract (.jsonl, .jsonl.gz): names are then looked up")
    parser.add_argument("--locale", help="such as en-US or es-MX; without it, guessed from the words")
    parser.add_argument(
        "--music-share",
        type=float,
        default=ASSISTANT_SHARE,
        metavar="S",
        help=f"of the requests made there, those for music (default {ASSISTANT_SHARE:g}, as of an assistant; nights read the "
        f"logs of a music service with {MUSIC_SERVICE_SHARE:g})",
    )
    parser.add_argument("--json", action="store_true", help="one JSON line a request")
    options = parser.parse_args(arguments)
    if not 0 < options.music_share < 1:
        parser.error(f"--music-share {options.music_share:g}: expected a share between 0 and 1, neither of them")
    try:
        catalog = load_catalog(options.catalog) if options.catalog else None
    except CatalogUnreadable as error:
        print(error, file=sys.stderr)
        return _BAD_INPUT
    lexicon = load_lexicon(catalog.genres if catalog else ())
    requests: Iterable[str] = [" ".join(options.query)] if options.query else lines(sys.stdin.buffer)
    resolver = cache(lambda: Resolver(catalog.vocabulary, lexicon.works)) if catalog else None
    for request in requests:
        reading = explained(request, options.locale, lexicon, catalog, options.music_share, resolver)
        print(json.dumps(asdict(reading), ensure_ascii=False) if options.json else card(reading), flush=True)
    return 0


def lines(source: Iterable[bytes]) -> Iterable[str]:
    """The requests of a byte stream, one per line; bytes that are not UTF-8 become U+FFFD."""
    for line in source:
        yield line.decode("utf-8", "replace").rstrip("\r\n")


def explained(
    request: str,
    locale: str | None,
    lexicon: Lexicon,
    catalog: CatalogIndex | None,
    music_share: float = ASSISTANT_SHARE,
    resolver: Callable[[], Resolver] | None = None,
) -> Reading:
    """Read one request with the packaged models.

    Args:
        request: The request as it was typed; lone surrogates are replaced.
        locale: Its locale; None guesses it from the words.
        lexicon: Phrases, word lists and the carrier grammar.
        catalog: The catalog in which names are looked up; None if there is none.
        music_share: Prior probability that a request asks for music.
        resolver: Gives the resolver of the catalog (`queries.reading.read`).
    """
    safe = request.encode("utf-8", "replace").decode("utf-8")
    return read(safe, locale or likely_locale(safe, lexicon), lexicon, catalog, packaged(), music_share, resolver)


def card(reading: Reading) -> str:
    """The reading, with its reasons, as a table for people."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"“{reading.raw_query}”"), show_header=False, title_justify="left")
    slots = ", ".join(f"{slot['type']} “{slot['value']}”" for slot in reading.slots)
    entities = ", ".join(f"{one['kind']} {one['id']} ({one['score']:g})" for one in reading.entities)
    for name, value in (
        ("query", reading.query),
        ("stripped", reading.stripped),
        ("language", reading.language),
        ("intent", reading.intent),
        ("slots", slots),
        ("key", reading.key),
        ("need", reading.need),
        ("entities", entities),
        ("answers as", reading.answers_as),
        ("because", "\n".join(reading.reasons)),
    ):
        table.add_row(name, Text(value or "-"))
    console = Console(width=110, highlight=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip("\n")


if __name__ == "__main__":
    sys.exit(main())
