"""Look up requests in the current release.

    python -m serving.lookup [--releases DIR] [--locale es-ES] [--json] [--explain] "pon rock de los noventa"

Without a request it reads one request per line from standard input. Exit codes: 0 also for a miss, 2 without a release.
"""

import json
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence

from serving.answer import Answer
from serving.command import OneLineParser, guarded, hours, local_path
from serving.layout import DEFAULT_RELEASES
from serving.reader import ReleaseReader


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = OneLineParser(prog="serving.lookup", description="Look up requests in the current release.")
    parser.add_argument("request", nargs="*", help="what the listener said; without it, one per line from stdin")
    parser.add_argument("--releases", type=local_path, default=DEFAULT_RELEASES, help="default: %(default)s")
    parser.add_argument("--locale", default="en-US", help="BCP-47, default: %(default)s")
    parser.add_argument(
        "--unit", help="who asks (a person, a device): chooses among the variants of a list; without it, the list"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--explain", action="store_true", help="what was tried, and why the first ten tracks")
    parser.add_argument(
        "--max-age-h", type=hours, help="older is stale; default: what the release says (serving.max_age_h)"
    )
    options = parser.parse_args(arguments)

    def run() -> None:
        reader = ReleaseReader(options.releases, max_age_h=options.max_age_h)
        for request in options.request or _lines(sys.stdin):
            answer = reader.lookup(request, options.locale, options.explain, options.unit)
            text = json.dumps(answer.as_json(), ensure_ascii=False) if options.json else "\n".join(_card(answer))
            print(text, flush=True)

    return guarded("serving.lookup", run)


def _lines(stream: Iterable[str]) -> Iterator[str]:
    # A blank line gets an answer too, so that answer n belongs to line n of the input.
    return (line.rstrip("\r\n") for line in stream)


def _card(answer: Answer) -> Iterator[str]:
    how = f"matched by {answer.matched_by}" if answer.is_hit else "no answer"
    if answer.need is not None:
        how += f", need {answer.need}"
    if answer.dropped:
        how += f", without {', '.join(answer.dropped)}"
    yield f"{answer.raw_query}  [{answer.locale}]  {how}"
    width = max((len(track.title) for track in answer.tracks), default=0)
    why = answer.explanation
    for rank, track in enumerate(answer.tracks, start=1):
        yield f"{rank:4d}  {track.score:10.4f}  {track.title[:48]:<{min(width, 48)}}  {', '.join(track.artists)[:48]}"
        if why is not None and rank <= len(why.reasons):
            yield f"      {why.reasons[rank - 1]}"
    if why is not None:
        yield f"  normal form  {answer.query}"
        yield f"  stripped     {why.stripped}"
        yield f"  tried        {' > '.join(why.tried)}"
        yield f"  entry        {f'{why.entry[1]} ({why.entry[0]})' if why.entry else 'none'}"
    if answer.variant is not None and answer.propensity is not None and answer.propensity < 1:
        yield f"  variant {answer.variant} of the list, propensity {answer.propensity:.4f}"
    stale = ", STALE" if answer.stale else ""
    yield f"  release {answer.release_id}, built {answer.age_s / 3600:.1f} h ago{stale}"


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
