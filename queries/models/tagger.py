"""Tags the names in a request with a linear-chain conditional random field over `queries.models.token_features`.

Source: Lafferty, McCallum & Pereira 2001; fitted and decoded by CRFsuite (Okazaki 2007, through python-crfsuite). The grammar's
reading and the catalog's names are among its features, so it learns when to trust them.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.lexicon import Lexicon
from queries.models.token_features import token_features
from queries.text.spans import TaggedSpan, spans

if TYPE_CHECKING:
    from queries.grammar.interpret import Interpretation

_PACKAGED = Path(__file__).parent.parent / "data" / "tagger.v1.zip"
LEAST_MARGINAL = 0.5  # of each tag of a span that is kept
_WEIGHTS, _COMMON = "weights.crfsuite", "common.json"


class TaggerUnreadable(ValueError):
    """The tagger's file is missing or was not written by `Tagger.write`."""


class Tagger:
    """A fitted tagger; `common` are the words that were frequent outside of names. Deterministic; not thread-safe."""

    def __init__(self, weights: bytes, common: frozenset[str]) -> None:
        import pycrfsuite

        self.weights, self.common = weights, common
        self._crf: Any = pycrfsuite.Tagger()
        self._crf.open_inmemory(weights)

    def tagged(
        self, interpretation: Interpretation, lexicon: Lexicon, vocabulary: Vocabulary | None
    ) -> list[TaggedSpan]:
        """The tagged spans of a request, from left to right and without overlaps.

        The tagger abstains: a span with a tag whose marginal probability is below LEAST_MARGINAL is left out. (The probability that a word
        is in a name of the kind, wherever that begins, was measured as well and is no better.)

        Args:
            interpretation: The request as the grammar reads it.
            lexicon: Phrases and word lists.
            vocabulary: The names of the catalog; None if there is none.
        """
        if not interpretation.query:
            return []
        tags = self._crf.tag(token_features(interpretation, lexicon, vocabulary, self.common))
        sure = [self._crf.marginal(tag, at) >= LEAST_MARGINAL for at, tag in enumerate(tags)]
        return [one for one in spans(tags) if all(sure[one.start : one.end])]

    def write(self, path: Path) -> None:
        """Write the tagger to one file; the same fit gives the same bytes."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in ((_WEIGHTS, self.weights), (_COMMON, json.dumps(sorted(self.common)).encode())):
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def load_tagger(path: Path = _PACKAGED) -> Tagger:
    """Load a tagger that `Tagger.write` wrote (default: the packaged one).

    Raises:
        TaggerUnreadable: The file is missing or is not such a tagger.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return Tagger(archive.read(_WEIGHTS), frozenset(json.loads(archive.read(_COMMON))))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise TaggerUnreadable(
            f"tagger {path}: expected a file of queries.training.train, found {type(error).__name__}. Restore it, or make it "
            "again with `python -m queries.training.train`."
        ) from error
