"""The night's ranker: how it is chosen and saved, and whether the saved one is intact and of this night's examples."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lake.errors import StaleRanker
from night.examples import EXAMPLES
from night.night import Night
from night.sweeps import is_promoted, is_tonights
from ranking.dataset import Examples, FeatureList
from ranking.ranker import Ranker, RankerCorrupt, RankerParams, fit, load
from tuning.winner import Result, Winner, assert_shipped, choose


def ranker_folder(night: Night) -> Path:
    """The folder of the ranker of D."""
    return Path(night.settings.rankers) / night.settings.run_date


def ranker_of(night: Night) -> Path | None:
    """The folder of the night's ranker; None while the history is too short to train one.

    Raises StaleRanker if the history is long enough and the ranker is missing, or was trained on other examples than the night's.
    """
    folder = ranker_folder(night)
    if not night.can_train:
        return None
    card, day = folder / "ranker.json", night.settings.run_date
    earlier = [f.parent.name for f in folder.parent.glob("*/ranker.json") if f.parent.name < day]
    last = f"the last ranker is of {max(earlier)}" if earlier else "there is no earlier one"
    if not card.exists():
        raise StaleRanker(
            f"no ranker in {folder}, and {night.history_days} days of history can train one; {last}. Run jobs.train run_date={day}; "
            "CURRENT stays as it is."
        )
    if trained_on(folder) != night.lake.fingerprint(EXAMPLES, night.run_date):
        raise StaleRanker(
            f"the ranker in {folder} was trained on other examples than the lake holds of {day}; {last}. Run jobs.train run_date={day}; "
            "CURRENT stays as it is."
        )
    return folder


def trained_on(folder: Path) -> str | None:
    """Fingerprint of the examples that the ranker in a folder was trained on. Raises RankerCorrupt if it cannot be read."""
    return _metadata(folder).get("examples")


def sweep_of(folder: Path) -> str | None:
    """The sweep whose winner was compared with the default parameters when the ranker was trained; None without a sweep."""
    return _metadata(folder).get("sweep")


def _metadata(folder: Path) -> dict[str, Any]:
    """The metadata that `jobs.train` stored beside the model; read without LightGBM."""
    try:
        return dict(json.loads((folder / "ranker.json").read_bytes())["metadata"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RankerCorrupt(f"ranker {folder}: unreadable ({error!r}); run jobs.train again") from error


def _judged(examples: Examples, params: dict[str, Any], threads: int) -> Result:
    """The result of the parameters on the validation snapshot, with early stopping."""
    return Result.of(fit(examples, RankerParams.from_dict(params), seed=1, threads=threads))


def is_same(swept: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether two sets of parameters are equal once the defaults are filled in.

    Args:
        swept: the default parameters that a sweep evaluated.
        wanted: the parameters of the settings.
    """
    return RankerParams.from_dict(dict(swept)) == RankerParams.from_dict(dict(wanted))


def chosen_parameters(night: Night, winner: Winner | None, examples: Examples) -> tuple[Result, Result]:
    """Choose the sweep's winner, unless its validation NDCG@10 is worse than that of the default parameters.

    A sweep over the night's own examples has evaluated both, and its results are used. The winner of any other sweep is fitted
    and evaluated again here, and so are default parameters that have changed since the sweep. A winner that `jobs.promote` has
    promoted stays, whatever the two reach this night.

    Args:
        night: the night.
        winner: the newest winner of a sweep, if there is one.
        examples: the night's training examples.

    Returns:
        The chosen result, and the result of the default parameters.
    """
    settings, threads = night.settings, night.settings.tuning.threads
    known = winner.default if winner and is_tonights(night, winner) else None
    if winner and known and not is_promoted(night, winner) and is_same(known.params, settings.ranker):
        return choose(known, winner), known
    default = _judged(examples, settings.ranker, threads)
    if not winner:
        return default, default
    again = _judged(examples, winner.params, threads)
    # a promoted winner was better on a snapshot that its sweep never read; one night's noise does not undo that
    stays = is_promoted(night, winner) or again.valid_ndcg10 >= default.valid_ndcg10
    return (again if stays else default), default


def is_up_to_date(folder: Path, features: FeatureList, mark: str) -> bool:
    """Whether the folder holds an intact ranker with these features and this mark; otherwise it has to be trained again."""
    if not (folder / "ranker.json").exists():
        return False
    try:
        return load(folder, features).metadata.get("fingerprint") == mark
    except (StaleRanker, RankerCorrupt):
        return False


def ship(ranker: Ranker, chosen: Result, folder: Path) -> None:
    """Save the ranker beside its folder, check that it is the chosen one, and then replace the folder.

    Raises StaleRanker if the saved ranker is not what was chosen; the folder is then unchanged.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    ranker.save(partial)
    assert_shipped(chosen, load(partial, ranker.features))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
