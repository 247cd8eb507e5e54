"""The grammar as one file of data, which a release carries: requests are then read as on the night that wrote it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from queries.grammar.lexicon import FILES, Lexicon, content_of, lexicon_of, with_genres
from queries.text.carrier import CarrierGrammarInvalid, grammar_bytes, grammar_of

BUNDLE_VERSION = 1


@dataclass(frozen=True)
class Bundle:
    """A grammar that was read from a bundle.

    Attributes:
        lexicon: Phrases, word lists and carrier grammar, with the genres of the catalog.
        least_confidence: Readings below it are no answer, 0 to 1.
    """

    lexicon: Lexicon
    least_confidence: float


def grammar_bundle(genres: Iterable[str], least_confidence: float) -> bytes:
    """The packaged grammar as canonical JSON: sorted keys, no blanks, non-ASCII characters as they are.

    Args:
        genres: Genres as the catalog writes them.
        least_confidence: Readings below it are no answer, 0 to 1.
    """
    content = {
        "bundle": BUNDLE_VERSION,
        "carrier": json.loads(grammar_bytes()),
        "lexicon": {kind: content_of(kind) for kind in FILES},
        "genres": sorted(set(genres)),
        "least_confidence": least_confidence,
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def read_bundle(raw: bytes, source: object) -> Bundle:
    """The grammar of a bundle.

    Args:
        raw: What `grammar_bundle` gave.
        source: Where it came from, for messages.

    Raises:
        CarrierGrammarInvalid: It is not such a bundle.
    """
    try:
        content = json.loads(raw)
        if content["bundle"] != BUNDLE_VERSION:
            raise ValueError(f"version {content['bundle']}, expected {BUNDLE_VERSION}")
        base = lexicon_of(content["lexicon"], grammar_of(content["carrier"], source))
        return Bundle(with_genres(base, content["genres"]), float(content["least_confidence"]))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CarrierGrammarInvalid(f"grammar {source}: not a grammar bundle: {error!r}.") from error
