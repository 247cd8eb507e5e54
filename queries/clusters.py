"""Connected components of queries that share a stripped form or a constraint key (DESIGN §4)."""

from collections.abc import Iterable


def component_of(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each stripped form -> its component, named after the component's smallest stripped form.

    `pairs` are (stripped, non-empty constraint key); two forms are joined when a chain of shared keys links them.
    Deaf to the order of the pairs. Union-find with path halving (Tarjan & van Leeuwen 1984).
    """
    parent: dict[str, str] = {}

    def root(form: str) -> str:
        while parent[form] != form:
            parent[form] = parent[parent[form]]
            form = parent[form]
        return form

    by_key: dict[str, str] = {}
    for form, key in pairs:
        parent.setdefault(form, form)
        first = root(by_key.setdefault(key, form))
        second = root(form)
        if first != second:
            parent[max(first, second)] = min(first, second)
    return {form: root(form) for form in parent}
