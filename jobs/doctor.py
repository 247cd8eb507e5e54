"""Check that this machine can run a night: Java, JARs, disk, key, lock, last nights, release; each with a next step."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from hydra import compose, initialize_config_module
from rich.console import Console

from events.privacy import check_key
from lake.commits import units_written
from lake.errors import PlayfirstError
from lake.jars import SHARE
from lake.lock import LOCK, holder, is_held
from lake.session import java_home
from lake.store import is_elsewhere, place
from night.night import Night
from night.settings import Settings
from serving.layout import release_ids, run_date_of

Finding = tuple[bool, str]
MIN_FREE_GB = 5


def findings(settings: Settings) -> list[tuple[str, Finding]]:
    """The result of every check: its name, whether it passed, and a line of detail that says what to do if it did not."""
    checks: list[tuple[str, Callable[[Settings], Finding]]] = [
        ("Java", _java),
        ("Delta's JARs", _jars),
        ("disk", _disk),
        ("pseudonym key", _key),
        ("lock", _lock),
        ("last nights", _nights),
        ("release", _release),
    ]
    return [(name, _tried(check, settings)) for name, check in checks]


def _tried(check: Callable[[Settings], Finding], settings: Settings) -> Finding:
    """What a check finds; what it cannot find out, such as of a store that does not answer, is a finding, too."""
    try:
        return check(settings)
    except Exception as error:
        return False, f"not known: {next(iter(str(error).splitlines()), '') or type(error).__name__}"


def _java(_: Settings) -> Finding:
    try:
        return True, java_home()
    except PlayfirstError as error:
        return False, str(error)


def _jars(_: Settings) -> Finding:
    count = len(list((SHARE / "jars").glob("*.jar")))
    return (True, f"{count} in {SHARE / 'jars'}") if count else (False, f"none in {SHARE / 'jars'}: run `make setup`")


def _disk(settings: Settings) -> Finding:
    # of a lake elsewhere, the disk of this machine holds scratch alone
    root = Path(settings.cluster.work_dir if is_elsewhere(settings.lake.root) else settings.lake.root)
    while not root.exists():
        root = root.parent if root.parent != root else Path(".")
    free = shutil.disk_usage(root).free / 1e9
    detail = f"{free:.0f} GB free at {root}"
    return (True, detail) if free >= MIN_FREE_GB else (False, f"{detail}: make room, {MIN_FREE_GB} GB at least")


def _key(settings: Settings) -> Finding:
    key, mark = Night(settings, None).key_file, place(settings.lake.root) / "pseudonym_key.json"  # type: ignore[arg-type]
    if not key.exists():
        return (
            (False, f"{key} is gone but the lake was written with it: put it back")
            if mark.exists()
            else (True, f"{key}: made by the first night")
        )
    try:
        check_key(key, place(settings.lake.root))
    except PlayfirstError as error:
        return False, str(error)
    mode = stat.S_IMODE(os.stat(key).st_mode)
    return (True, str(key)) if mode & 0o077 == 0 else (False, f"{key} has mode {mode:o}: chmod 600 {key}")


def _lock(settings: Settings) -> Finding:
    path = place(settings.lake.root) / LOCK
    return (False, f"held by {holder(path)}: wait for it to end") if is_held(path) else (True, "free")


def _nights(settings: Settings) -> Finding:
    """The last three nights: begun if they have committed `wordings`, their first table, and ranked if `head_rankings`."""
    root, releases = place(settings.lake.root), place(settings.releases)
    begun, ranked = (units_written(root, table) for table in ("wordings", "head_rankings"))
    last = sorted({*begun, *ranked})[-3:]
    if not last:
        return True, "none yet: run `make nightly`"
    nights = "; ".join(f"{n}: {f'{ranked[n]:,} ranked rows' if n in ranked else 'held or cut off'}" for n in last)
    newest, again = last[-1], "run it again: it goes on, or its line says what holds it"
    if is_held(root / LOCK):
        return True, f"{nights}. One is at work"
    if newest not in ranked:
        return False, f"{nights}. The night of {newest} is not through: {again}"
    if newest not in map(run_date_of, release_ids(releases)):
        return False, f"{nights}. The night of {newest} is ranked but not published: {again}"
    return True, nights


def _release(settings: Settings) -> Finding:
    current = place(settings.releases) / "CURRENT"
    if not current.exists():
        return True, "none yet"
    name = current.read_text().strip()
    there = (current.parent / name / "manifest.json").exists()
    return (
        (True, name)
        if there
        else (False, f"CURRENT names {name}, which is not there: python -m serving.release rollback, then resume")
    )


def main() -> int:
    """Print every check; returns 0 if all pass, 1 if one fails, 2 for a bad setting.

    It takes the same overrides as the jobs; run_date is not needed.
    """
    from night.command import settings_of

    overrides = [a for a in sys.argv[1:] if not a.startswith("run_date=")]
    try:
        with initialize_config_module("conf", version_base="1.3"):
            settings = settings_of(compose("night", overrides=["run_date=1970-01-01", *overrides]))
    except Exception as error:
        print(f"jobs.doctor: {str(error).splitlines()[0]} Keys and their meaning: conf/night.yaml.", file=sys.stderr)
        return 2
    console, all_good = Console(), True
    for name, (good, detail) in findings(settings):
        all_good &= good
        console.print(
            f"[{'green' if good else 'red'}]{'✓' if good else '✗'}[/] {name:<14} {detail}",
            highlight=False,
            soft_wrap=True,
        )
    return 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main())
