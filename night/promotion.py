"""How a sweep's winner becomes the nights': after a paired comparison with the parameters in use, on a snapshot that it never read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from lake.errors import BadConfiguration
from night.checks import search_settings
from night.examples import EXAMPLES, examples_path
from night.night import Night
from night.sweeps import NIGHTS, PROMOTED_ON, result_file, winner_file, winner_of, write_result
from ranking.ranker import RankerParams
from ranking.scoring import feature_list
from tuning.comparison import compare
from tuning.listing import PROMOTION
from tuning.recommend import RESULT
from tuning.winner import Result, Winner


@dataclass(frozen=True)
class Verdict:
    """What a comparison has decided: in words, whether the winner was promoted, and whether an earlier run had decided it."""

    words: str
    is_promoted: bool
    was_known: bool = False


def incumbent_of(night: Night, winner: Winner) -> tuple[Result, str]:
    """The parameters in use and where they come from: of the newest ranker not after D, else of the nights' winner, else the default.

    Args:
        night: the night.
        winner: the sweep's winner, whose trial of the default parameters has their number of trees.
    """
    fingerprint = feature_list().fingerprint
    for card_file in sorted(Path(night.settings.rankers).glob("*/ranker.json"), reverse=True):
        if card_file.parent.name <= night.settings.run_date:
            card = json.loads(card_file.read_text())
            if card["features_fingerprint"] == fingerprint:
                params = RankerParams.from_dict(card["params"]).to_dict()
                return Result(params, int(card["trees"]), 0.0, fingerprint), f"the ranker of {card_file.parent.name}"
    if nights := winner_of(night):
        return nights, f"the winner of {nights.sweep}"
    if winner.default is None:
        raise BadConfiguration(
            f"sweep={winner.sweep}: it has no trial of the default. Run it again; nothing was changed."
        )
    base = search_settings(night.settings).base_params().to_dict()
    return Result(base, winner.default.trees, 0.0, fingerprint), "the default parameters"


def promote(night: Night, name: str) -> Verdict:
    """Compare the winner of a sweep with the parameters in use, and write it as the winner of D if it is better.

    Better means that the whole 95 % interval of the paired difference lies above 0; otherwise what is in use stays. The verdict is
    stored in the sweep's folder, and a second run over the same examples and incumbent reads it there: the later snapshot is
    looked at once. The same pair is compared again only on labels that the last comparison did not have, `label_days` later: a sweep
    that is tried every night on nearly the same days would pass in the end by chance.

    Args:
        night: the night of D.
        name: the sweep.

    Raises:
        BadConfiguration: there is no finished sweep of that name, it is of other features, or no snapshot of D is late enough.
    """
    stored, winner = _finished(night, name)
    incumbent, of = incumbent_of(night, winner)
    judged_on = winner.data.get("judged_on", "")
    if not judged_on:
        raise BadConfiguration(
            f"sweep={name}: it does not say which snapshots it read (an earlier version ran it). Run jobs.tune again; nothing was changed."
        )
    asked = {
        "examples": night.lake.fingerprint(EXAMPLES, night.run_date),
        "challenger": [winner.params, winner.trees],
        "incumbent": [incumbent.params, incumbent.trees],
    }
    file = result_file(night.settings, name).with_name(PROMOTION)
    known = json.loads(file.read_text()) if file.exists() else {}
    if known.get("asked") == asked:
        return Verdict(known["words"], known["is_better"], was_known=True)
    if asked["challenger"] == asked["incumbent"]:
        return Verdict(f"{of} has these parameters already", is_promoted=False, was_known=True)
    is_again = all(known.get("asked", {}).get(side) == asked[side] for side in ("challenger", "incumbent"))
    comparison = compare(
        examples_path(night),
        feature_list(),
        max(judged_on, str(known["snapshot"])) if is_again else judged_on,
        night.settings.labels.label_days,
        winner,
        incumbent,
        night.settings.tuning.threads,
    )
    verdict = "promoted" if comparison.is_better else f"no better: {of} stays"
    words = f"{verdict}; {comparison.words()}"
    earlier = [*known.get("earlier", []), {k: v for k, v in known.items() if k != "earlier"}] if known else []
    write_result(file, {**comparison.to_dict(), "asked": asked, "words": words, "earlier": earlier})
    if comparison.is_better:
        write_result(winner_file(night.settings), {**stored, PROMOTED_ON: comparison.snapshot})
    return Verdict(words, comparison.is_better)


def use_first_winner(night: Night, name: str) -> None:
    """Write the winner of a night's own sweep as the winner of D if no earlier night has one: there is nothing else to compare with.

    `jobs.train` then chooses between it and the default parameters, which the sweep has evaluated on the same needs.

    Args:
        night: the night.
        name: the sweep of the night.
    """
    stored, _ = _finished(night, name)
    target = winner_file(night.settings)
    earlier = winner_of(night, before=night.settings.run_date)
    if earlier is None and not (target.exists() and json.loads(target.read_text()) == stored):
        write_result(target, stored)


def to_be_judged(night: Night) -> str:
    """The newest sweep of an earlier night whose winner is neither in use nor judged yet, once a snapshot of D is late enough.

    Empty if there is none, or if D is too early for it.
    """
    incumbent, folder = winner_of(night), Path(night.settings.tuning.sweeps)
    for file in sorted(folder.glob(f"{NIGHTS}*/{RESULT}"), reverse=True):
        name, winner = file.parent.name, Winner.from_dict(json.loads(file.read_text())["winner"])
        is_usable = winner.features_fingerprint == feature_list().fingerprint and winner.data.get("judged_on")
        if name.removeprefix(NIGHTS) >= night.settings.run_date or not is_usable:
            continue
        if incumbent is None or incumbent.sweep == name or file.with_name(PROMOTION).exists() or not night.as_of:
            return ""
        first = date.fromisoformat(winner.data["judged_on"]) + timedelta(days=night.settings.labels.label_days)
        return name if night.as_of[-1] >= first else ""
    return ""


def _finished(night: Night, name: str) -> tuple[dict[str, Any], Winner]:
    """The stored result of a finished sweep, and its winner."""
    folder, file = Path(night.settings.tuning.sweeps), result_file(night.settings, name)
    if not name or not file.exists():
        finished = ", ".join(sorted(f.parent.name for f in folder.glob(f"*/{RESULT}"))) or "none"
        raise BadConfiguration(
            f"sweep={name}: no finished sweep of that name. Finished in {folder}: {finished}. Give sweep=NAME."
        )
    stored = json.loads(file.read_text())
    winner = Winner.from_dict(stored["winner"])
    if winner.features_fingerprint != feature_list().fingerprint:
        raise BadConfiguration(f"sweep={name}: its features are not today's. Run jobs.tune again; nothing was changed.")
    return stored, winner
