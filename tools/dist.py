"""`make dist`: the wheel, and the environment archive that the executors of a cluster unpack.

The archive has our packages, as the wheel carries them, and the libraries that functions on executors import, with their
dependencies; not PySpark, which every worker has. It is copied from this environment, so it needs no network, and is for the same
Python version and platform.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from lake.archive import CARD, card

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
ARCHIVE = "playfirst-environment.tar.gz"
ON_EXECUTORS = ("numpy", "pandas", "pyarrow", "scipy", "lightgbm", "lmdb", "rapidfuzz", "python-crfsuite", "jellyfish")
LIMIT_S = 600
LEFT_OUT = ("tests", "test", "__pycache__", "include")  # folders of libraries that no function imports


def with_dependencies(names: tuple[str, ...]) -> list[str]:
    """The distributions and all that they require on this platform, sorted; PySpark is left out."""
    todo, known = list(names), set[str]()
    while todo:
        name = todo.pop()
        if name in known or name == "pyspark":
            continue
        known.add(name)
        wanted = (Requirement(text) for text in metadata.requires(name) or [])
        todo += [r.name.lower() for r in wanted if r.marker is None or r.marker.evaluate({"extra": ""})]
    return sorted(known)


def files_of(distribution: str) -> Iterator[tuple[str, Path]]:
    """(path in the archive, file) of an installed distribution, without its tests and scripts."""
    for file in metadata.files(distribution) or []:
        parts = file.parts
        path = Path(str(file.locate()))
        if ".." not in parts and not set(parts[:-1]) & set(LEFT_OUT) and path.is_file():
            yield file.as_posix(), path


def build_wheel(folder: Path) -> Path:
    """Build our wheel into `folder` and return its file."""
    for old in folder.glob("playfirst-*.whl"):
        old.unlink()
    shutil.rmtree(ROOT / "build", ignore_errors=True)  # files that are gone by now would come back from it
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, timeout=LIMIT_S)
    shutil.rmtree(
        ROOT / "build", ignore_errors=True
    )  # setuptools would put files that are gone by now into the next wheel
    [wheel] = folder.glob("playfirst-*.whl")
    return wheel


def build_archive(wheel: Path, archive: Path) -> int:
    """Write the archive and return the number of its files. The same input gives the same bytes."""
    content: dict[str, bytes | Path] = {}
    for distribution in with_dependencies(ON_EXECUTORS):
        content |= dict(files_of(distribution))
    with zipfile.ZipFile(wheel) as packed:
        content |= {name: packed.read(name) for name in packed.namelist()}
    partial = archive.with_suffix(".partial")
    with (
        partial.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as out,
    ):
        _add(out, CARD, json.dumps(card(), sort_keys=True).encode())
        for name, data in sorted(content.items()):
            _add(out, name, data if isinstance(data, bytes) else data.read_bytes())
    partial.replace(archive)
    return len(content) + 1


def _add(out: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o644
    out.addfile(member, io.BytesIO(data))


def main() -> int:
    """Build both into dist/ and print their names and sizes."""
    DIST.mkdir(exist_ok=True)
    wheel = build_wheel(DIST)
    archive = DIST / ARCHIVE
    files = build_archive(wheel, archive)
    print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size / 1e6:,.1f} MB")
    print(f"{archive.relative_to(ROOT)}: {archive.stat().st_size / 1e6:,.1f} MB, {files:,} files")
    print(f"On a cluster: cluster=standalone cluster.archive={archive.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
