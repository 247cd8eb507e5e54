"""Forget people: delete their rows from every table and file, compute again what was derived from them, and verify the result."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import hydra
from omegaconf import DictConfig

from events.forgetting import forget, pseudonyms, remember_forgotten
from events.privacy import check_key, key_frame
from jobs import assemble, build_features, candidates, count_engagement, fit_exposure, grade, understand, validate
from lake.errors import LeakageFound, PlayfirstError, QualityGateFailed
from lake.io import Lake
from lake.rerun import remove_reruns
from lake.store import remove_tree
from lake.tables.logs import FORGOTTEN_USERS, SEARCH_LOG, TRACKS
from lake.tables.nightly import NEEDS
from lake.upkeep import expire, files_containing, vacuum
from night.command import run_command
from night.examples import EXPORTS
from night.night import Done, Night, run_alone
from night.tables import all_tables, expiring
from serving.listing import released_ages

REBUILD = (count_engagement, understand, fit_exposure, candidates, build_features, validate, grade, assemble)


class NotForgotten(PlayfirstError):
    """A file of the lake still contains a pseudonym that was to be removed."""


def run(night: Night) -> Done:
    """Delete the rows, rebuild every night of the lake, vacuum the files, and search them for the pseudonyms."""
    settings, lake = night.settings, night.lake
    key_file = night.key_file
    check_key(key_file, lake.root)  # pseudonyms of another key match nobody, so nothing would be deleted
    named = pseudonyms(lake, Path(settings.user_ids), key_frame(night.spark, key_file))
    new = remember_forgotten(lake, named)
    gone = forget(lake, named)
    remove_reruns(lake.root)  # running such a night again writes them again
    nights = sorted(lake.commits(NEEDS))
    # all days are counted first; earlier nights then count only those again that had fewer rows for them
    count_engagement.run(Night(replace(settings, run_date=_after_all(lake)), lake))
    newest: PlayfirstError | None = None
    for unit in nights:  # in the order of dates, since a snapshot may depend on an earlier one
        one = Night(replace(settings, run_date=unit), lake)
        try:
            for step in REBUILD:
                step.run(one)
        except (QualityGateFailed, LeakageFound) as failure:
            if unit == nights[-1]:
                newest = failure  # raised at the end, since the files are purged in any case
                continue
            # if none of the night's own tables failed, the fault is in a table that all nights read
            if not any(lake.state(table, unit) == "failed" for table in expiring("as_of")):
                raise
            # the night does not pass its gate: its tables may still have rows from before, and nobody may read them
            for table in expiring("as_of"):
                expire(lake, table, [unit])
            night.notes.append(
                f"the night of {unit} cannot be made anew and was removed: {str(failure).splitlines()[0]}"
            )
    for table in all_tables():
        if lake.exists(table):
            vacuum(lake, table, 0)
    # training files, which a sweep writes again
    remove_tree(lake.root / EXPORTS)
    words = [str(r[0]) for r in named.collect()]
    left = files_containing(lake.root, words, exclude=(FORGOTTEN_USERS.name,))
    if left:
        raise NotForgotten(
            f"{len(left)} files still hold a forgotten pseudonym, the first is {left[0]}. Run jobs.forget again with the "
            f"same file; no reader may have the lake open meanwhile."
        )
    if newest is not None:
        raise newest
    night.notes.append(f"the raw folders under {settings.logs} still hold these people: their owner must delete them")
    night.notes += [f"holds aggregates only: {line}" for line in released_ages(Path(settings.releases))]
    night.notes += [
        f"holds aggregates only: ranker {p.name}" for p in sorted(Path(settings.rankers).glob("*")) if p.is_dir()
    ]
    counts = ", ".join(f"{n:,} of {name}" for name, n in gone.items())
    note = f"{len(words)} people ({new} new): {counts}; {len(nights)} nights rebuilt; no file holds a pseudonym"
    return Done(len(words), sum(gone.values()), note)


def _after_all(lake: Lake) -> str:
    """The first run date that is no past one for the lake: a past night would count into tables of its own."""
    after_searches = date.fromisoformat(max(lake.commits(SEARCH_LOG))) + timedelta(days=1)
    return max(str(after_searches), *lake.commits(TRACKS))


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="forget")
def main(config: DictConfig) -> None:
    """Run this step alone."""
    run_alone("forget", run, config)


if __name__ == "__main__":
    run_command(main, "jobs.forget")
