"""Which words of a request are names: a linear-chain conditional random field over `queries.models.token_features`.

Source: Lafferty, McCallum & Pereira 2001; fitted and decoded by CRFsuite (Okazaki 2007, through python-crfsuite). The
grammar's reading and the catalog's names are among its features, so it learns when to believe them.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from queries.catalog.vocabulary import Vocabulary
from queries.grammar.lexicon import Lexicon
from queries.models.token_features import token_features
from queries.text.spans import Tagged, spans

if TYPE_CHECKING:
    from queries.grammar.interpret import Interpretation

_PACKAGED = Path(__file__).parent.parent / "data" / "tagger.v1.zip"
_WEIGHTS, _COMMON = "weights.crfsuite", "common.json"


class TaggerUnreadable(ValueError):
    """The tagger's file is missing or is not one that `queries.models.fit_tagger` wrote."""


class Tagger:
    """A fitted tagger. Deterministic; not to be shared between threads."""

    def __init__(self, weights: bytes, common: frozenset[str]) -> None:
        import pycrfsuite

        self.weights, self.common = weights, common
        self._crf: Any = pycrfsuite.Tagger()
        self._crf.open_inmemory(weights)

    def tagged(self, found: Interpretation, lexicon: Lexicon, vocabulary: Vocabulary | None) -> list[Tagged]:
        """The names in a request that the grammar has read as `found`, left to right, without overlaps."""
        if not found.query:
            return []
        return spans(self._crf.tag(token_features(found, lexicon, vocabulary, self.common)))

    def write(self, path: Path) -> None:
        """One file; the same fit gives the same bytes."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in ((_WEIGHTS, self.weights), (_COMMON, json.dumps(sorted(self.common)).encode())):
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def load_tagger(path: Path = _PACKAGED) -> Tagger:
    """The tagger of a file that `Tagger.write` made (default: the packaged one). Raises TaggerUnreadable."""
    try:
        with zipfile.ZipFile(path) as archive:
            return Tagger(archive.read(_WEIGHTS), frozenset(json.loads(archive.read(_COMMON))))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise TaggerUnreadable(
            f"tagger {path}: expected a file of benchmarks.train_queries, found {type(error).__name__}. Restore it, or make it "
            "again with `python -m benchmarks.train_queries`."
        ) from error
