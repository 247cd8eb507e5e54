"""Read a catalog in the form of the input contract, and write the catalog of a simulation."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from simulator.settings import BadSimulation

FIELDS = (
    "track_id",
    "title",
    "artists",
    "album",
    "release_date",
    "genres",
    "duration_ms",
    "explicit",
    "popularity",
    "audio",
    "moods",
    "work_id",
    "markets",
    "available_from",
    "available_to",
)
OPTIONAL = FIELDS[10:]
_TYPES: dict[str, tuple[type, ...]] = {
    "track_id": (str,),
    "title": (str,),
    "artists": (list,),
    "album": (str, NoneType),
    "release_date": (str, date, NoneType),
    "genres": (list, NoneType),
    "duration_ms": (int, float, NoneType),
    "explicit": (bool, NoneType),
    "popularity": (int, float, NoneType),
    "audio": (dict, NoneType),
}


def catalog_rows(path: Path) -> list[dict[str, Any]]:
    """Every track of a file or folder (.jsonl, .jsonl.gz, .parquet). Raises BadSimulation that names file and line."""
    if not path.exists():
        raise BadSimulation(f"catalog={path}: no such file or folder. Give a .jsonl, .jsonl.gz or .parquet catalog.")
    files = (
        sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(("_", ".")))
        if path.is_dir()
        else [path]
    )
    rows = [_track(row, where) for file in files for row, where in _raw(file)]
    seen = {r["track_id"] for r in rows}
    if len(rows) < 100:
        raise BadSimulation(f"catalog={path}: expected at least 100 tracks, found {len(rows)}. Give a larger catalog.")
    if len(seen) < len(rows):
        raise BadSimulation(f"catalog={path}: {len(rows) - len(seen)} track_id occur twice. Keep one row a track_id.")
    return rows


def _raw(file: Path) -> Iterator[tuple[Any, str]]:
    where = ""
    try:
        if file.suffix == ".parquet":
            for i, row in enumerate(pq.read_table(file).to_pylist(), 1):
                yield row, f"{file} row {i}"
            return
        lines = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        for i, line in enumerate(lines.decode("utf-8").split("\n"), 1):
            where = f"line {i}, "
            if line.strip():
                yield json.loads(line), f"{file} line {i}"
    except (json.JSONDecodeError, UnicodeDecodeError, OSError, EOFError, zlib.error, pa.ArrowInvalid) as error:
        reason = where + str(error).splitlines()[0]
        raise BadSimulation(
            f"catalog {file}: not JSON Lines or Parquet in the contract's form ({reason}). Check the file."
        ) from None


def _track(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise BadSimulation(f"catalog {where}: expected an object, found {type(row).__name__}. One JSON object a line.")
    for name, types in _TYPES.items():
        if not isinstance(row.get(name), types) or (name == "artists" and not row[name]):
            expected = " or ".join("null" if t is NoneType else t.__name__ for t in types)
            value = json.dumps(row.get(name), default=str)[:60]
            raise BadSimulation(f"catalog {where}: {name}: expected {expected}, found {value}. Mend the row.")
    audio = row.get("audio") or {}
    if not all(v is None or isinstance(v, int | float) for v in audio.values()):
        raise BadSimulation(f"catalog {where}: audio: expected numbers or null. Mend the row.")
    out = {k: row.get(k) for k in FIELDS if k not in OPTIONAL or row.get(k) is not None}
    out["genres"] = out["genres"] or []
    return out


def write_catalog(rows: list[dict[str, Any]], path: Path) -> None:
    """Write a catalog in the form of the contract as gzipped JSON Lines; the same rows give the same bytes."""
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=5, mtime=0) as out:
        for row in rows:
            out.write((json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=str) + "\n").encode("utf-8"))
