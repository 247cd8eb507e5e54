"""Code fingerprints: a hash of the code that computes a result, over the import closure of the modules involved.

Comments, docstrings, blank lines, imports for type checkers and the block under `if __name__ == "__main__"` are left out,
because they cannot change a value. Modules that move data but compute no values (`_MOVES_DATA`) are not followed. Otherwise a
change to the lake's reader, or to a line that a step prints, would make a year of days pending.
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
ROOMS = (  # root packages
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
# reading and writing, settings, the gate and the release's files do not determine a computed value
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
_COMPUTES = ("lake.places", "lake.columns")  # exceptions: modules of these packages that do compute values
# of these modules only the imported names, and what those use, are hashed: steps share functions of `night`
_BY_NAME = ("jobs.", "night.")
DATA = (".yaml", ".json", ".zip")
_CACHE_VERSION = 1


@dataclass
class Module:
    """What the fingerprint needs to know of one source file; plain data, so that it can be cached as JSON.

    Attributes:
        whole: Hash of all code.
        other: Hash of the top-level statements that define no name.
        definitions: Top-level name -> (hash of its code, names that it uses).
        imports: Local name -> (module, attribute or "").
        texts: String constants, by which files in the package's `data/` folder and modules imported by name are recognised.
    """

    whole: str
    other: str
    definitions: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)


@cache
def code_fingerprint(*entries: str) -> str:
    """Fingerprint of the code of `entries` and of all modules of this project that they import, directly or indirectly.

    Files in a package's `data/` folder are included with the modules that name them; a whole package includes all its YAML,
    JSON and ZIP files.

    Args:
        *entries: Modules such as `jobs.grade`, or whole root packages such as `queries`.

    Raises:
        ValueError: An entry is not a module of this project.
    """
    return Sources(ROOT).fingerprint(*entries)


def library_versions(*distributions: str) -> dict[str, str]:
    """Distribution -> installed version, for the fingerprint of values that depend on these libraries."""
    return {name: metadata.version(name) for name in distributions}


class Sources:
    """The source files under `root`; each file content is parsed once, and the result is cached on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._modules: dict[str, Module] = {}
        self._cache_file = root / "lake" / "__pycache__" / "code_marks.json"
        self._parsed: dict[str, Module] = _read_cache(self._cache_file)
        self._has_new = False

    def fingerprint(self, *entries: str) -> str:
        """Fingerprint of the code of `entries`; see `code_fingerprint`."""
        parts = dict(sorted(self.parts(entries)))
        if self._has_new:
            _write_cache(self._cache_file, self._parsed)
            self._has_new = False
        return fingerprint(parts)

    def parts(self, entries: Sequence[str]) -> Iterator[tuple[str, str]]:
        """(name, hash) of everything in the import closure of `entries`.

        A name is `module`, `module:definition` or the path of a data file.
        """
        todo: list[tuple[str, str]] = [(module, "") for entry in entries for module in self._modules_of(entry)]
        seen = set(todo)
        rooms = [self.root / entry for entry in entries if entry in ROOMS]
        data = {p for room in rooms for p in room.rglob("*") if p.suffix in DATA and p.parent.name != "__pycache__"}
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
        """The (module, name) of this project that an import refers to; [] for libraries and for modules that only move data.

        The name is "" (the whole module) except for modules under `_BY_NAME`.
        """
        submodule = f"{module}.{attribute}"
        if attribute and self._file(submodule) is not None:
            module, attribute = submodule, ""
        if self._file(module) is None or (_is_in(module, _MOVES_DATA) and not _is_in(module, _COMPUTES)):
            return []
        return [(module, attribute if module.startswith(_BY_NAME) else "")]

    def _imported_by_name(self, source: Module) -> list[str]:
        """Modules that a file imports by name with `importlib`, such as the feature families.

        They are recognised by string constants: a root package with a dot at its end, and names of modules in it.
        """
        rooms = (
            [t for t in source.texts if t.endswith(".") and t[:-1] in ROOMS] if "importlib" in source.imports else []
        )
        return [
            f"{r}{t}" for r in rooms for t in source.texts if t.isidentifier() and self._file(f"{r}{t}") is not None
        ]

    def _data_files(self, module: str, source: Module) -> set[Path]:
        """Files in the package's `data/` folder that a source file names; all JSON files there if it names only the folder."""
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
            assert path is not None  # guaranteed: only modules with a file are followed
            content = path.read_bytes()
            key = hashlib.sha256(content).hexdigest()
            if key not in self._parsed:
                self._parsed[key] = parsed(content.decode("utf-8"))
                self._has_new = True
            self._modules[module] = self._parsed[key]
        return self._modules[module]


def parsed(text: str) -> Module:
    """Parse a source file into its definitions, imports and string constants, without comments and docstrings."""
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
    """Whether the statement is `if TYPE_CHECKING:` or `if __name__ == "__main__":`."""
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
    """Names that a definition uses, including those that it imports itself."""
    names = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {a.asname or a.name.split(".")[0] for a in node.names}
    return sorted(names)


def _hash(node: ast.AST) -> str:
    return hashlib.sha256(ast.dump(node).encode()).hexdigest()[:16]


def _read_cache(file: Path) -> dict[str, Module]:
    """SHA-256 of a source file -> its parsed module, from an earlier run; {} if there is no cache of this version."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        if stored["version"] != _CACHE_VERSION:
            return {}
        return {key: _module_from(module) for key, module in stored["modules"].items()}
    except (OSError, ValueError, KeyError, TypeError):  # an unusable cache is not an error: the files are parsed again
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
    except OSError:  # an installation without write permission parses its files each time
        partial.unlink(missing_ok=True)
