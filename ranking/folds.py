"""Cross-validation folds by need, so that places and versions of one need are never on both sides of a split."""

from __future__ import annotations

import hashlib

from lake.errors import BadConfiguration

_SALT = b"playfirst.fold.v1:"  # makes folds independent of other uses of the hash of a need


def fold_of(fold_key: str, folds: int) -> int:
    """The fold, 0 … `folds` − 1, of a need: the same on every run, machine and data set.

    It is the first 64 bits of SHA-256 modulo `folds`. All places, snapshots, versions and orders of a need share it, so that no
    need is split. Raises BadConfiguration if `folds` is less than 1.
    """
    if folds < 1:
        raise BadConfiguration(f"folds: found {folds}, expected 1 or more; set tuning.folds")
    return int.from_bytes(hashlib.sha256(_SALT + fold_key.encode()).digest()[:8], "big") % folds
