"""`python -m queries.link --catalog FILE --top 50 --json`: candidate tracks for each request of standard input."""

import argparse
import json
import sys

from queries.catalog.index import CatalogUnreadable, load_catalog
from queries.catalog.linker import Linker, linked
from queries.explain import lines
from queries.grammar.lexicon import load_lexicon
from queries.reading import likely_locale

_BAD_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """Link the requests of standard input, one per line, to tracks; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m queries.link", description="Candidate tracks for each request.")
    parser.add_argument("--catalog", required=True, help="tracks of the contract (.jsonl, .jsonl.gz)")
    parser.add_argument("--top", type=_positive, default=50, help="candidates a request (50)")
    parser.add_argument("--locale", help="such as en-US or es-MX; without it, guessed from the words")
    parser.add_argument("--json", action="store_true", help="one JSON line a request")
    options = parser.parse_args(arguments)
    try:
        linker = Linker(load_catalog(options.catalog))
    except CatalogUnreadable as error:
        print(error, file=sys.stderr)
        return _BAD_INPUT
    lexicon = load_lexicon()
    for request in lines(sys.stdin.buffer):
        answer = linked(request, options.locale or likely_locale(request, lexicon), linker, options.top)
        if options.json:
            print(json.dumps(answer, ensure_ascii=False), flush=True)
        else:
            best = [f"{one['track_id']} ({one['score']:.3f})" for one in answer["candidates"]]
            print(f"{request}: {', '.join(best) or 'no candidate'}", flush=True)
    return 0


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


if __name__ == "__main__":
    sys.exit(main())
