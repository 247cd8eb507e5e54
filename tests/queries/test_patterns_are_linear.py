"""No pattern of the room repeats a repetition: such patterns take exponential time on hostile text."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from re import _parser

import pytest

import queries

_REPEATS = {"MAX_REPEAT", "MIN_REPEAT"}
_SOURCES = sorted(Path(queries.__path__[0]).rglob("*.py"))


def patterns():
    """(name, pattern) of every pattern that a module of the room holds."""
    for module in pkgutil.walk_packages(queries.__path__, "queries."):
        short = module.name.rsplit(".", 1)[-1]
        for name, one in vars(importlib.import_module(module.name)).items():
            if not name.startswith("__"):
                yield from ((f"{short}.{name} {found.pattern}", found.pattern) for found in held(one))


def held(value):
    """The patterns in a value, however deep in containers."""
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, Mapping):
        yield from held([*value, *value.values()])
    elif isinstance(value, Collection) and not isinstance(value, str | bytes):
        for one in value:
            yield from held(one)


def hidden(source):
    """Uses of `re` that `patterns` cannot see: in a line of a function, or anything but compiling."""
    tree = ast.parse(source)
    inside = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        by_another_name = (isinstance(node, ast.ImportFrom) and node.module == "re") or (
            isinstance(node, ast.Import) and any(one.name == "re" and one.asname for one in node.names)
        )
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if by_another_name or (called.startswith("re.") and (called != "re.compile" or node in inside)):
            yield node.lineno


def nested(tree, inside=False):
    for operation, argument in tree:
        repeats = str(operation) in _REPEATS and argument[1] > 1
        if repeats and inside:
            return True
        children = argument if isinstance(argument, tuple | list) else (argument,)
        for child in children:
            if isinstance(child, _parser.SubPattern) and nested(child, inside or repeats):
                return True
            if isinstance(child, list) and any(
                nested(one, inside or repeats) for one in child if isinstance(one, _parser.SubPattern)
            ):
                return True
    return False


def test_the_check_sees_a_nested_repetition():
    assert nested(_parser.parse(r"(a+)+"))
    assert nested(_parser.parse(r"(?:x|(?:b*c)*)"))
    assert not nested(_parser.parse(r"a+b*"))


def test_patterns_in_containers_are_seen():
    assert [one.pattern for one in held(({"x": [re.compile("a")]}, (re.compile("b"), "c")))] == ["a", "b"]
    assert sum(name.startswith("phonetic._SPANISH") for name, _ in patterns()) == 14


def test_hidden_patterns_are_seen():
    assert list(hidden("import re\nX = re.compile('a')\n")) == []
    assert list(hidden("import re\ndef f(x):\n    return re.sub('a', '', x)\n")) == [3]
    assert list(hidden("import re\nf = lambda x: re.compile(x)\n")) == [2]
    assert list(hidden("from re import sub\nimport re as r\n")) == [1, 2]


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: path.stem)
def test_no_pattern_is_hidden(path):
    assert list(hidden(path.read_text())) == [], f"{path.name}: compile the pattern at the top of the module"


@pytest.mark.parametrize(("name", "pattern"), sorted(patterns()))
def test_no_nested_repetition(name, pattern):
    assert not nested(_parser.parse(pattern)), name
