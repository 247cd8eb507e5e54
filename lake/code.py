"""Which code a result follows from: a fingerprint over the import closure of the modules that compute it.

Comments, docstrings, blank lines, imports for type checkers and the block under `if __name__ == "__main__"` do not enter: they cannot
change a value. Modules that move data but compute none (`_MOVES_DATA`) are not followed, so that a change to the lake's reader or to a
step's printed line makes no year of days pending.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path

from lake.fingerprint import fingerprint

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    "jobs",
    "night",
    "lake",
    "events",
    "queries",
    "features",
    "labels",
    "ranking",
    "tuning",
    "evaluation",
    "quality",
    "serving",
    "simulator",
    "tools",
    "benchmarks",
    "conf",
)
# reading and writing, settings, the gate, the release's files: none of them decides what a computed value is
_MOVES_DATA = (
    "night.night",
    "night.command",
    "night.settings",
    "night.checks",
    "night.gate",
    "night.summary",
    "night.answers",
    "lake",
    "quality",
    "serving",
)
_COMPUTES = ("lake.places", "lake.columns")  # the modules of those rooms that do
# steps share functions of `night`: of its modules only what is named, and what that uses, enters
_BY_NAME = ("jobs.", "night.")
_CACHE_VERSION = 1


@dataclass
class Module:
    """What the fingerprint needs of one source file; plain data, so that it can be cached as JSON.

    `whole`: hash of all code; `other`: of the statements at top level that define no name; `definitions`: top-level name -> (hash of its
    code, names that it uses); `imports`: local name -> (module, attribute or ""); `texts`: string constants, by which files in the
    room's `data/` folder and modules imported by name are recognised.
    """

    whole: str
    other: str
    definitions: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)


@cache
def code_fingerprint(*entries: str) -> str:
    """Fingerprint of the code that `entries` (modules such as `jobs.grade`, or whole rooms) run, imports of ours included.

    Files in a room's `data/` folder enter with the modules that name them; with a whole room, all its settings and data.
    Raises ValueError for an entry that is no module of ours.
    """
    return Sources(ROOT).fingerprint(*entries)


def library_versions(*distributions: str) -> dict[str, str]:
    """Installed versions of the libraries that can change a stored value, for the mark of what they compute."""
    return {name: metadata.version(name) for name in distributions}


class Sources:
    """The source files under `root`; each is parsed once for the content that it has."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._modules: dict[str, Module] = {}
        self._cache_file = root / "lake" / "__pycache__" / "code_marks.json"
        self._parsed: dict[str, Module] = _read_cache(self._cache_file)
        self._has_new = False

    def fingerprint(self, *entries: str) -> str:
        """See `code_fingerprint`."""
        parts = dict(sorted(self.parts(entries)))
        if self._has_new:
            _write_cache(self._cache_file, self._parsed)
            self._has_new = False
        return fingerprint(parts)

    def parts(self, entries: Sequence[str]) -> Iterator[tuple[str, str]]:
        """(module, module:definition or data file; hash of its code) of everything in the import closure of `entries`."""
        todo: list[tuple[str, str]] = [(module, "") for entry in entries for module in self._modules_of(entry)]
        seen = set(todo)
        rooms = [self.root / entry for entry in entries if entry in ROOMS]
        data = {p for room in rooms for p in room.rglob("*") if p.suffix in (".yaml", ".json", ".zip")}
        while todo:
            module, name = todo.pop()
            source = self._module(module)
            if name and name in source.definitions:
                code, used = source.definitions[name]
                yield f"{module}:{name}", code
                yield f"{module}:", source.other
                more = self._used_by(module, source, used)
            else:
                yield module, source.whole
                more = [(m, n) for at in source.imports.values() for m, n in self._resolved(*at)]
                more += [(m, "") for m in self._imported_by_name(source)]
                data |= self._data_files(module, source)
            for one in more:
                if one not in seen:
                    seen.add(one)
                    todo.append(one)
        for path in data:
            yield path.relative_to(self.root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()

    def _used_by(self, module: str, source: Module, used: Iterable[str]) -> list[tuple[str, str]]:
        more: list[tuple[str, str]] = []
        for name in used:
            if name in source.definitions:
                more.append((module, name))
            elif name in source.imports:
                more += self._resolved(*source.imports[name])
        return more

    def _resolved(self, module: str, attribute: str) -> list[tuple[str, str]]:
        """The module of ours (and name in it, for steps) that an import brings in; nothing for libraries and what only moves data."""
        submodule = f"{module}.{attribute}"
        if attribute and self._file(submodule) is not None:
            module, attribute = submodule, ""
        if self._file(module) is None or (_is_in(module, _MOVES_DATA) and not _is_in(module, _COMPUTES)):
            return []
        return [(module, attribute if module.startswith(_BY_NAME) else "")]

    def _imported_by_name(self, source: Module) -> list[str]:
        """Modules that a text of the file names where it calls `importlib.import_module` on a room: the families of features."""
        rooms = (
            [t for t in source.texts if t.endswith(".") and t[:-1] in ROOMS] if "importlib" in source.imports else []
        )
        return [
            f"{r}{t}" for r in rooms for t in source.texts if t.isidentifier() and self._file(f"{r}{t}") is not None
        ]

    def _data_files(self, module: str, source: Module) -> set[Path]:
        """Files of the room's data folder that a file names; every JSON there where it names the folder alone."""
        folder = self.root / module.split(".")[0] / "data"
        if "data" not in source.texts or not folder.is_dir():
            return set()
        named = {folder / t for t in source.texts if (folder / t).is_file()}
        return named or set(folder.glob("*.json"))

    def _modules_of(self, entry: str) -> list[str]:
        if entry in ROOMS:
            return [
                ".".join(p.relative_to(self.root).with_suffix("").parts)
                for p in sorted((self.root / entry).rglob("*.py"))
            ]
        if self._file(entry) is None:
            raise ValueError(f"{entry} is no module of {', '.join(ROOMS)}")
        return [entry]

    def _file(self, module: str) -> Path | None:
        parts = module.split(".")
        if parts[0] not in ROOMS:
            return None
        path = self.root.joinpath(*parts)
        return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)

    def _module(self, module: str) -> Module:
        if module not in self._modules:
            path = self._file(module)
            assert path is not None  # only modules with a file are followed
            content = path.read_bytes()
            key = hashlib.sha256(content).hexdigest()
            if key not in self._parsed:
                self._parsed[key] = parsed(content.decode("utf-8"))
                self._has_new = True
            self._modules[module] = self._parsed[key]
        return self._modules[module]


def parsed(text: str) -> Module:
    """What a source file defines, imports and names, without its comments and docstrings."""
    tree = ast.parse(text)
    tree.body = [s for s in tree.body if not _is_for_checkers_or_main(s)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = _without_docstring(node.body)
    module = Module(whole=_hash(tree), other="")
    other: list[ast.stmt] = []
    for statement in tree.body:
        names = _defined(statement)
        for name in names:
            module.definitions[name] = (_hash(statement), _used(statement))
        if not names and not isinstance(statement, ast.Import | ast.ImportFrom):
            other.append(statement)
    module.other = _hash(ast.Module(other, []))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                module.imports[alias.asname or alias.name.split(".")[0]] = (alias.name, "")
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                module.imports[alias.asname or alias.name] = (node.module, alias.name)
    module.texts = sorted({n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)})
    return module


def _is_in(module: str, among: Iterable[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in among)


def _is_for_checkers_or_main(statement: ast.stmt) -> bool:
    """`if TYPE_CHECKING:` and `if __name__ == "__main__":`."""
    if not isinstance(statement, ast.If):
        return False
    names = {n.id for n in ast.walk(statement.test) if isinstance(n, ast.Name)}
    return bool(names & {"TYPE_CHECKING", "__name__"})


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:] or [ast.Pass()]
    return body


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [n.id for target in statement.targets for n in ast.walk(target) if isinstance(n, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []


def _used(statement: ast.stmt) -> list[str]:
    """Names that a definition reads, those that it imports itself among them."""
    names = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {a.asname or a.name.split(".")[0] for a in node.names}
    return sorted(names)


def _hash(node: ast.AST) -> str:
    return hashlib.sha256(ast.dump(node).encode()).hexdigest()[:16]


def _read_cache(file: Path) -> dict[str, Module]:
    """What an earlier run parsed, by the content of the file; nothing where there is none, or it is of another version."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        if stored["version"] != _CACHE_VERSION:
            return {}
        return {key: _module_from(module) for key, module in stored["modules"].items()}
    except (OSError, ValueError, KeyError, TypeError):  # a cache: whatever is wrong with it, the files are parsed again
        return {}


def _module_from(stored: dict[str, object]) -> Module:
    module = Module(**stored)  # type: ignore[arg-type]
    module.definitions = {n: (d[0], d[1]) for n, d in module.definitions.items()}
    module.imports = {n: (i[0], i[1]) for n, i in module.imports.items()}
    return module


def _write_cache(file: Path, modules: dict[str, Module]) -> None:
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(exist_ok=True)
        partial.write_text(
            json.dumps({"version": _CACHE_VERSION, "modules": {k: asdict(m) for k, m in modules.items()}})
        )
        partial.replace(file)
    except OSError:  # an installation that nobody may write to parses anew each time
        partial.unlink(missing_ok=True)
