"""No pattern of the room repeats a repetition: such patterns take exponential time on hostile text."""

import importlib
import pkgutil
import re
from re import _parser

import pytest

import queries

_REPEATS = {"MAX_REPEAT", "MIN_REPEAT"}


def patterns():
    for module in pkgutil.iter_modules(queries.__path__):
        held = vars(importlib.import_module(f"queries.{module.name}"))
        yield from ((f"{module.name}.{name}", one.pattern) for name, one in held.items() if isinstance(one, re.Pattern))


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


@pytest.mark.parametrize(("name", "pattern"), sorted(patterns()))
def test_no_nested_repetition(name, pattern):
    assert not nested(_parser.parse(pattern)), name
