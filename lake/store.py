"""Places: a folder or file of a local disk, or of an object store, behind the interface of `pathlib.Path`.

A place without a scheme is a `pathlib.Path`. One with a scheme (s3://bucket/lake) is a `UPath` of universal_pathlib over obstore,
the optional extra `store`; both have `exists`, `iterdir`, `glob`, `open`, `read_bytes`, `write_bytes` and `/`. What differs is
written here once: atomic replacement, creation by the first of several, compare-and-set, and removal of a folder.

Object stores replace a file atomically, and S3, GCS and Azure offer conditional puts. HDFS has none: there the lake's lock is
refused, and a cluster of one writer has to be arranged from outside.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from lake.errors import BadConfiguration
from lake.local_path import SCHEME, why_not_local

OBJECT_STORES = {"s3": "s3", "s3a": "s3", "gs": "gs", "abfs": "abfs", "abfss": "abfs"}  # scheme -> fsspec's name
OTHERS = ("hdfs",)
EXTRA = "pip install 'playfirst[store]'"
EXIT_WAIT_S = 10.0


def why_no_place(text: str) -> str | None:
    """Part of an error message: why no place can be made of a setting's value, and what to do; None if it is one."""
    match = SCHEME.match(text)
    if match is None or match[1].lower() in (*OBJECT_STORES, *OTHERS):
        return None
    if match[1].lower() == "file":
        return why_not_local(text)
    known = ", ".join(f"{scheme}://" for scheme in (*OBJECT_STORES, *OTHERS))
    return f"expected a local path, or a URI that begins with {known}"


def place(text: str) -> Path:
    """The place that a setting names.

    Raises:
        BadConfiguration: The scheme is unknown, or the extra `store` is not installed.
    """
    if why := why_no_place(text):
        raise BadConfiguration(f"{text!r}: {why}.")
    match = SCHEME.match(text)
    if match is None:
        return Path(text)
    scheme = match[1].lower()
    path = f"{OBJECT_STORES.get(scheme, scheme)}://{text[match.end() :].strip().rstrip('/')}"
    return cast(Path, _upath()(path))


@cache
def _upath() -> Any:
    try:
        from obstore.fsspec import register
        from upath import UPath
    except ImportError as error:
        raise BadConfiguration(f"a place on another store needs {error.name}: {EXTRA}.") from None
    register(list(dict.fromkeys(OBJECT_STORES.values())))
    atexit.register(_wait_for_threads_of_the_client)
    return UPath


def _wait_for_threads_of_the_client() -> None:
    """Wait until no thread that Python did not start runs Python code, for EXIT_WAIT_S at most.

    A thread of obstore hands a reply over by Python code. If the interpreter ends while it does, it ends the whole process with
    SIGABRT, whatever the exit code was to be (pyo3-async-runtimes, issue 40).
    """
    until = time.monotonic() + EXIT_WAIT_S
    while (
        sys._current_frames().keys() - {thread.ident for thread in threading.enumerate()} and time.monotonic() < until
    ):
        time.sleep(0.001)


def is_local(path: Path) -> bool:
    """Whether the path is of a local or mounted disk."""
    return isinstance(path, Path)


def scheme_of(text: str) -> str | None:
    """The scheme of a setting's value as Spark and fsspec are told it, such as s3 for s3a://…; None for a local path."""
    match = SCHEME.match(text)
    return None if match is None else OBJECT_STORES.get(match[1].lower(), match[1].lower())


def is_elsewhere(text: str) -> bool:
    """Whether a setting's value names a place that is no local path."""
    return scheme_of(text) is not None


def absolute(path: Path) -> Path:
    """The path with no part that depends on the working folder."""
    return path.resolve() if is_local(path) else path


def version_of(path: Path) -> list[object]:
    """What changes when the file is replaced: [size, modification time in ns] on a disk, [size, etag] in an object store."""
    if is_local(path):
        stat = path.stat()
        return [stat.st_size, stat.st_mtime_ns]
    if not _is_object(path):
        info = cast(Any, path).fs.info(str(path))
        return [info["size"], str(info.get("mtime"))]
    import obstore

    store, key = _object(path)
    return _version(obstore.head(store, key))


def write_file(path: Path, data: bytes) -> None:
    """Write or replace a file, so that a reader sees the old content or the new one, also after a power cut."""
    if not is_local(path):
        path.write_bytes(data)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}")  # threads write here, too
    try:
        with partial.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def create_file(path: Path, data: bytes) -> str | None:
    """Write a file that does not exist yet, and return its tag; None, and nothing is written, if another has written it first."""
    if is_local(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}")  # threads write here, too
        try:
            partial.write_bytes(data)
            os.link(partial, path)
        except FileExistsError:
            return None
        finally:
            partial.unlink(missing_ok=True)
        return str(version_of(path)[1])
    return _put(path, data, "create")


def tag_of(path: Path) -> str | None:
    """The etag of a file of an object store; None if there is no such file."""
    try:
        return str(version_of(path)[1])
    except FileNotFoundError:
        return None


def swap_file(path: Path, data: bytes, tag: str) -> str | None:
    """Replace a file of an object store if its etag is still `tag`; returns the new etag, or None, with nothing written, if it is not."""
    return _put(path, data, {"e_tag": tag})


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, or a file; nothing happens if there is none."""
    if is_local(path):
        path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
        return
    filesystem = cast(Any, path).fs
    if names := filesystem.find(cast(Any, path).path):
        filesystem.rm(names)


def files_below(path: Path) -> dict[str, list[object]]:
    """Name below the folder -> `version_of` it, of every file; in an object store by one listing of 1,000 files each."""
    if is_local(path):
        files = (f for f in sorted(path.rglob("*")) if f.is_file()) if path.is_dir() else iter(())
        return {f.relative_to(path).as_posix(): version_of(f) for f in files}
    if not _is_object(path):
        root = str(cast(Any, path).path)
        listed = cast(Any, path).fs.find(root, detail=True)
        return {name[len(root) :].strip("/"): [i["size"], str(i.get("mtime"))] for name, i in sorted(listed.items())}
    import obstore

    store, key = _object(path)
    objects = (one for part in obstore.list(store, prefix=f"{key}/") for one in part)
    return {
        str(one["path"])[len(key) + 1 :]: _version(one) for one in sorted(objects, key=lambda one: str(one["path"]))
    }


def _put(path: Path, data: bytes, mode: Any) -> str | None:
    """A conditional put; returns the new etag, or None if its condition does not hold."""
    if not _is_object(path):
        raise BadConfiguration(
            f"{path}: this store has no conditional put, so two nights could not be kept apart. Use S3, GCS, Azure or a disk."
        )
    import obstore
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    store, key = _object(path)
    try:
        return str(obstore.put(store, key, data, mode=mode)["e_tag"])
    except (AlreadyExistsError, PreconditionError):
        return None


def _is_object(path: Path) -> bool:
    return str(path).split(":", 1)[0] in OBJECT_STORES.values()


def _object(path: Path) -> tuple[Any, str]:
    """(store of the bucket, key) of a place in an object store."""
    scheme, rest = str(path).split("://", 1)
    bucket, _, key = rest.partition("/")
    return _bucket(f"{scheme}://{bucket}"), key.strip("/")


@cache
def _bucket(url: str) -> Any:
    """The store of a bucket. Address and credentials come from the environment, as AWS_ENDPOINT_URL and AWS_ACCESS_KEY_ID."""
    from obstore.store import from_url

    return from_url(url)


def _version(head: Mapping[str, Any]) -> list[object]:
    return [head["size"], head.get("e_tag") or str(head.get("last_modified"))]
