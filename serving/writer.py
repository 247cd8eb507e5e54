"""Write a release: into a temporary folder, in key order, with fsync, read-back check and rename; memory does not grow with it."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from queries.grammar.bundle import read_bundle
from queries.text.normalise import NORMAL_FORM_VERSION
from serving import layout
from serving.content import ReleaseRows
from serving.errors import ReleaseCorrupt, ReleaseExists, ReleaseInput
from serving.files import folder_lock, locked, sync, write_file
from serving.manifest import instant, manifest_bytes, read_manifest
from serving.mapped import mapped
from serving.publish import PublishOutcome, publish
from serving.rows import Written, digest_of, stored_rows, write_rows
from serving.stamp import full_check
from serving.values import ranking, split_key
from serving.verify import content_sha256

__all__ = ["PublishOutcome", "publish", "write_release"]


def write_release(root: Path, given: ReleaseRows) -> str:
    """Write an immutable release under `root` and return its release_id; CURRENT is not changed.

    Equal rows give equal bytes of every file but manifest.json, which contains `built`. If the folder exists with the same data
    files, nothing is written. If the files differ (same content hash, other titles, reasons or propensities), a folder that was
    never verified is replaced, and a verified one raises ReleaseExists.

    Args:
        root: the releases folder.
        given: the release. Its manifest has at least the keys of `layout.MANIFEST_MUST_HOLD`, its `built` at least `at`, an ISO
            instant in UTC.

    Raises:
        ReleaseInput: lists every broken rule of the input.
        ReleaseExists: a verified release has the same rankings and other contents.
        ReleaseCorrupt: the bytes read back differ from those written.
    """
    _check_manifest(given.run_date, given.manifest, given.built)
    with _temporary_folder(root) as folder:
        _write_grammar(folder / layout.GRAMMAR, given.grammar)
        path = folder / layout.RANKINGS
        written = write_rows(path, given.rows, given.room, layout.SUB_DATABASES[layout.FORMAT_VERSION])
        if not written.counts["needs"]:
            raise ReleaseInput("release not written: no entry: a release that answers nothing is not written.")
        content = content_sha256(folder, layout.FORMAT_VERSION, NORMAL_FORM_VERSION)
        release_id = f"{given.run_date}-{content[:12]}"
        names = layout.DATA_FILES[layout.FORMAT_VERSION]
        full_manifest = {
            **given.manifest,
            "format_version": layout.FORMAT_VERSION,
            "release_id": release_id,
            "run_date": given.run_date,
            "content_sha256": content,
            "normal_form_version": NORMAL_FORM_VERSION,
            "counts": _counts(written, path),
            "cut": {what: count for what, count in sorted(written.cut.items()) if count},
            "files": {name: _described(folder / name) for name in names},
            "built": dict(given.built),
        }
        write_file(folder / layout.MANIFEST, manifest_bytes(full_manifest))
        _read_back(folder, written)
        for name in (*names, layout.MANIFEST):
            (folder / name).chmod(0o444)  # a mapped file must never be changed in place
        sync(folder)
        with folder_lock(root):
            _move_into_place(folder, root / release_id)
    return release_id


def _check_manifest(run_date: str, manifest: Mapping[str, object], built: Mapping[str, object]) -> None:
    problems = [f"manifest lacks {key}" for key in layout.MANIFEST_MUST_HOLD if key not in manifest]
    own = {"format_version", "release_id", "run_date", "content_sha256", "normal_form_version", "counts", "cut"}
    own |= {"files", "built", "manifest_sha256"}
    problems += [f"manifest key {key} is the writer's own" for key in sorted(own & manifest.keys())]
    try:
        if date.fromisoformat(run_date).isoformat() != run_date:
            raise ValueError(f"run_date {run_date!r} is not YYYY-MM-DD")
        instant(built.get("at"))
    except ValueError as error:
        problems.append(f"run_date or built.at: {error}")
    if problems:
        raise ReleaseInput(f"release of {run_date} not written: {'; '.join(problems)}. Mend jobs.publish.")


@contextlib.contextmanager
def _temporary_folder(root: Path) -> Iterator[Path]:
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{layout.TEMPORARY}{os.getpid()}-{secrets.token_hex(4)}"
    folder.mkdir()
    lease = os.open(folder, os.O_RDONLY)
    locked(lease, fcntl.LOCK_SH)  # prune does not delete a folder with a lock
    try:
        yield folder
    finally:
        os.close(lease)
        shutil.rmtree(folder, ignore_errors=True)


def _write_grammar(path: Path, grammar: bytes) -> None:
    write_file(path, grammar)
    try:
        read_bundle(grammar, path.name)
    except ValueError as error:
        raise ReleaseInput(f"grammar not written: {error}. Give queries.grammar.bundle.grammar_bundle().") from None


def _counts(written: Written, path: Path) -> dict[str, int]:
    """Rows by sub-database; of the lists also their ranked tracks and their places."""
    stored = mapped(path)
    ranked, places = 0, set()
    with stored.env.begin(buffers=True) as txn:
        for key, value in txn.cursor(stored.tables["needs"]):
            ranked += len(ranking(bytes(key), value).ordinals)
            places.add(split_key(key)[0])
        counts = {name: int(txn.stat(table)["entries"]) for name, table in stored.tables.items() if name != "needs"}
    return counts | {"entries": written.counts["needs"], "ranked_tracks": ranked, "locales": len(places)}


def _described(path: Path) -> dict[str, object]:
    with path.open("rb") as stream:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def _read_back(folder: Path, written: Written) -> None:
    """Compare what is on disk with what was to be written: the hashes of the files, then every row."""
    full_check(folder, read_manifest(folder))
    stored = mapped(folder / layout.RANKINGS)
    if digest_of(stored_rows(stored.env, stored.tables)) != written.digest:
        raise ReleaseCorrupt(f"{folder}: read back otherwise than written. Check the disk, run again.")


def _move_into_place(folder: Path, final: Path) -> None:
    if final.is_dir():
        try:
            same = read_manifest(final).content["files"] == read_manifest(folder).content["files"]
            full_check(final, read_manifest(final))
        except ReleaseCorrupt:
            same = False
            _set_aside(final)
        else:
            if not same and (final / layout.VERIFIED).exists():
                raise ReleaseExists(
                    f"{final.name} is published with the same rankings but other titles, reasons or propensities"
                    "; a release never changes. Nothing is to mend: it answers as it is, and the next night brings the others."
                )
            if not same:
                _set_aside(final)
        if same:
            return
    os.rename(folder, final)
    sync(final.parent)


def _set_aside(final: Path) -> None:
    aside = final.with_name(f"{layout.TRASH}{final.name}-{secrets.token_hex(4)}")
    os.rename(final, aside)  # readers that have mapped it keep their pages
    shutil.rmtree(aside, ignore_errors=True)
