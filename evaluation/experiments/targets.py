"""The target lists of an off-policy judgement: each variant of the log served alone, or lists of a scientist's file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.errors import TargetsUnreadable
from evaluation.experiments.policies import BETWEEN, CONTEXT, POSITIONS, Context, known_contexts
from queries.text.normalise import normal_form


def targets_of_variants(rows: pd.DataFrame) -> dict[str, dict[Context, str]]:
    """Variant → context → the list that it served there, in the contexts that the log knows with all their lists (`known_contexts`).

    In the others a variant would have a target only where it happened to be drawn: of a rare one just the contexts with its own, heavily
    weighted searches, and inverse propensity scoring would be far too high.
    """
    known = known_contexts(rows)
    lists = rows.groupby([*CONTEXT, "variant"])["results"].agg(["nunique", "first"]).reset_index()
    single = lists[lists["nunique"] == 1]
    out: dict[str, dict[Context, str]] = {}
    for *context, variant, _, served in single.itertuples(index=False, name=None):
        if tuple(map(str, context)) in known:
            out.setdefault(str(variant), {})[tuple(context)] = served
    return out


def target_lists(file: Path) -> dict[str, dict[Context, str]]:
    """Policy → (release_id, locale, wording) → list, from a file of one JSON object per line.

    Fields: `policy`, `locale`, `raw_query`, `results`; optional `release_id`, the release that answered in the log.

    Raises:
        TargetsUnreadable: the file is missing, or a row lacks a field; the message names the row.
    """
    if not file.exists():
        raise TargetsUnreadable(
            f"{file}: missing. Say experiments.policies=FILE, one JSON object per line (docs/experiments.md)"
        )
    out: dict[str, dict[Context, str]] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
        except ValueError as error:
            raise TargetsUnreadable(f"{file}, row {number}: no JSON ({error}); expected one object per line") from error
        wrong = _wrong_field(row)
        if wrong:
            raise TargetsUnreadable(
                f"{file}, row {number}: {wrong}; expected policy, locale, raw_query (texts) and results (track ids)"
            )
        context = (str(row.get("release_id") or ""), row["locale"], normal_form(row["raw_query"], row["locale"]))
        out.setdefault(row["policy"], {})[context] = BETWEEN.join(row["results"][:POSITIONS])
    if not out:
        raise TargetsUnreadable(f"{file}: no row. Write a target list per line (docs/experiments.md)")
    return out


def _wrong_field(row: Any) -> str:
    if not isinstance(row, dict):
        return "no JSON object"
    for name in ("policy", "locale", "raw_query"):
        if not isinstance(row.get(name), str) or not row[name]:
            return f"{name} is {row.get(name)!r}"
    results = row.get("results")
    if not isinstance(results, list) or not results or not all(isinstance(track, str) for track in results):
        return f"results is {results!r}"
    return ""
