"""Folds by alias cluster: wordings that ask for the same never stand on both sides of a split."""

from __future__ import annotations

import hashlib

from lake.errors import BadConfiguration

_SALT = b"playfirst.fold.v1:"  # apart from every other use of the cluster id's hash


def fold_of(cluster_id: str, folds: int) -> int:
    """The fold, 0 … `folds` − 1, of an alias cluster: the same on every run, machine and data set.

    The first 64 bits of SHA-256 modulo `folds`; a cluster's queries, locales and as-of days share it, so none is
    split. Raises BadConfiguration if `folds` is under 1.
    """
    if folds < 1:
        raise BadConfiguration(f"folds: found {folds}, expected 1 or more; set tuning.folds")
    return int.from_bytes(hashlib.sha256(_SALT + cluster_id.encode()).digest()[:8], "big") % folds
