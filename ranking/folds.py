"""Cross-validation folds by alias cluster, so that wordings of the same request are never on both sides of a split."""

from __future__ import annotations

import hashlib

from lake.errors import BadConfiguration

_SALT = b"playfirst.fold.v1:"  # makes folds independent of other uses of the cluster id's hash


def fold_of(cluster_id: str, folds: int) -> int:
    """The fold, 0 … `folds` − 1, of an alias cluster: the same on every run, machine and data set.

    It is the first 64 bits of SHA-256 modulo `folds`. All queries, locales and snapshots of a cluster share it, so that no
    cluster is split. Raises BadConfiguration if `folds` is less than 1.
    """
    if folds < 1:
        raise BadConfiguration(f"folds: found {folds}, expected 1 or more; set tuning.folds")
    return int.from_bytes(hashlib.sha256(_SALT + cluster_id.encode()).digest()[:8], "big") % folds
