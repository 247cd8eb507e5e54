"""What a measure is: a function over ragged lists, declared with its name; the full name says every convention.

The rows of one list are adjacent, and `group_sizes` gives the rows of each list. The conventions change the value (ties by up to
.157 per query, queries without a relevant track by .22 in the mean), so each is a parameter, and `name_of` puts it in the name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from evaluation.errors import MetricInput

Floats = npt.NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., Floats])

# options whose default is "taken from the rows": the word that the name has for it
_FROM_ROWS = {"ideal": "list", "relevant": "rows"}
# the order in a name; a convention that is not listed here comes last
_ORDER = (
    "gain",
    "max_grade",
    "min_grade",
    "p",
    "discount",
    "tail",
    "unit",
    "distance",
    "days",
    "ties",
    "empty",
    "over",
)


@dataclass(frozen=True)
class Kind:
    """A declared measure.

    Args:
        name: its short name, such as `ndcg`.
        function: one value per list from flat arrays; see `arrays`.
        fixed: the conventions that are no parameter, by name.
        equals: the libraries that a test compares it with.
    """

    name: str
    function: Callable[..., Floats]
    fixed: Mapping[str, str]
    equals: tuple[str, ...]

    @property
    def arrays(self) -> tuple[str, ...]:
        """The parameters that are arrays of one value per row and that must be given, in order."""
        names = list(inspect.signature(self.function).parameters)
        return tuple(names[: names.index("group_sizes")])

    @property
    def has_cut(self) -> bool:
        """Whether the measure counts the first k ranks only."""
        return "k" in inspect.signature(self.function).parameters

    @property
    def options(self) -> dict[str, Any]:
        """The conventions that are parameters, with their defaults."""
        listed = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in listed if p.kind is p.KEYWORD_ONLY and p.name != "tie_keys"}


KINDS: dict[str, Kind] = {}


def measure(name: str, *, equals: tuple[str, ...] = (), **fixed: str) -> Callable[[Function], Function]:
    """Declare a function as the measure `name`.

    Args:
        name: its short name.
        equals: the libraries that a test compares it with, to 1e-9.
        fixed: the conventions that are no parameter of the function, such as `discount="log2"`.
    """

    def declared(function: Function) -> Function:
        KINDS[name] = Kind(name, function, fixed, equals)
        return function

    return declared


def kind_of(function: Callable[..., Floats]) -> Kind:
    """The declaration of a measure's function; MetricInput if it is none."""
    for kind in KINDS.values():
        if kind.function is function:
            return kind
    raise MetricInput(f"{function!r} is no measure; there are: {', '.join(sorted(KINDS))}")


def name_of(function: Callable[..., Floats], k: int | None = None, **options: object) -> str:
    """The full name of a measure, such as `ndcg@10[gain=exp2,discount=log2,ties=expected,empty=excluded,ideal=list]`.

    Args:
        function: the measure's function.
        k: number of ranks that count; None for all.
        options: the parameters that differ from the defaults; `ideal` and `relevant` are given as words, such as "catalog".

    Raises:
        MetricInput: the measure has no such parameter, or no cut.
    """
    kind = kind_of(function)
    unknown = sorted(set(options) - set(kind.options)) + ([] if kind.has_cut or k is None else ["k"])
    if unknown:
        raise MetricInput(f"{kind.name}: no parameter {', '.join(unknown)}; there are: {', '.join(kind.options)}")
    chosen = {**kind.fixed, **kind.options, **options}
    words = {n: _FROM_ROWS[n] if v is None else v for n, v in chosen.items()}
    ordered = sorted(words, key=lambda n: (_ORDER.index(n) if n in _ORDER else len(_ORDER), n))
    cut = f"@{k}" if k is not None else ""
    return f"{kind.name}{cut}[{','.join(f'{n}={words[n]}' for n in ordered)}]"


@dataclass(frozen=True)
class Measure:
    """A measure with its conventions and the columns it is computed from; `name` says all conventions.

    Args:
        function: the measure's function, such as `evaluation.metrics.ndcg_by_group`.
        columns: the function's array parameters -> columns of the rows; `tie_keys` may be one of them.
        k: number of ranks that count; None for all, or where the measure has no cut.
        options: the other parameters that differ from the defaults.
    """

    function: Callable[..., Floats]
    columns: Mapping[str, str]
    k: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kind = kind_of(self.function)
        wrong = sorted(set(kind.arrays) - set(self.columns)) + sorted(set(self.columns) - {*kind.arrays, "tie_keys"})
        if wrong:
            raise MetricInput(f"{kind.name}: columns of {sorted(self.columns)}, expected {', '.join(kind.arrays)}")

    @property
    def name(self) -> str:
        """The full name (`name_of`)."""
        return name_of(self.function, self.k, **self.options)

    def by_group(self, rows: Mapping[str, npt.ArrayLike], group_sizes: npt.ArrayLike) -> Floats:
        """One value per list.

        Args:
            rows: column -> one value per row.
            group_sizes: rows per list.
        """
        arrays = {parameter: rows[column] for parameter, column in self.columns.items()}
        cut = {"k": self.k} if kind_of(self.function).has_cut else {}
        return self.function(**arrays, **cut, **self.options, group_sizes=group_sizes)
