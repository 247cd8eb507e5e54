"""Which variant of a list a unit gets: the list itself, or one with other first tracks."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from serving.mapped import value_of
from serving.matched import Matched
from serving.values import entry_key, variants_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from serving.mapped import Txn


class Served(NamedTuple):
    """A variant of a list: its number (0: the list itself), its ordinals, and the probability with which a unit gets it."""

    variant: int
    propensity: float
    ordinals: tuple[int, ...]


def drawn(release_id: str, place: str, need: str, unit: str) -> float:
    """A number of [0, 1) by which a unit gets a variant: BLAKE2b with 8 bytes of the four texts, joined by zero bytes, over 2^64."""
    key = f"{release_id}\0{place}\0{need}\0{unit}".encode(errors="replace")
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "big") / 2**64


def chosen(draw: float, probabilities: Sequence[float]) -> tuple[int, float]:
    """The variant of a draw, and its probability.

    Variants 1, 2, … take the lowest part of [0, 1), each as much as its probability; the list itself has the rest.
    """
    upto = 0.0
    for number, probability in enumerate(probabilities, start=1):
        upto += probability
        if draw < upto:
            return number, probability
    return 0, 1.0 - sum(probabilities)


def served_list(txn: "Txn", tables: "Mapping[str, Any]", release_id: str, match: Matched, unit: str | None) -> Served:
    """The variant of a matched list that a unit gets; without a unit, the list itself.

    Args:
        txn: a read transaction.
        tables: the sub-databases of the release; those of before have no `variants`.
        release_id: the release.
        match: the list.
        unit: who asks.
    """
    itself = Served(0, 1.0 if match.propensity is None else match.propensity, match.ordinals)
    if not unit or match.entry is None or "variants" not in tables:
        return itself
    key = entry_key(*match.entry)
    value = value_of(txn, tables["variants"], key)
    if value is None:
        return itself
    variants = variants_of(key, value)
    number, probability = chosen(drawn(release_id, *match.entry, unit), [p for p, _ in variants])
    if number == 0:
        return Served(0, probability, match.ordinals)
    first = variants[number - 1][1]
    ahead = set(first)
    return Served(number, probability, (*first, *(one for one in match.ordinals if one not in ahead)))
