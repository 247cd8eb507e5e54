"""What scoring costs, as a number that does not depend on the machine: comparisons of a feature with a threshold for one row."""

from __future__ import annotations


def comparisons_by_tree(model: str) -> list[float]:
    """The mean number of comparisons that each tree of a LightGBM model makes for a row of its training data.

    A row makes one comparison at each inner node on its way; the rows of a leaf are its `leaf_count`.

    Args:
        model: LightGBM's text of the model.
    """
    return [_of_tree(block) for block in model.split("\nTree=")[1:]]


def _of_tree(block: str) -> float:
    values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    if int(values["num_leaves"]) < 2:
        return 0.0
    children = [[int(child) for child in values[side].split()] for side in ("left_child", "right_child")]
    rows = [int(count) for count in values["leaf_count"].split()]
    total = 0
    below = [(0, 1)]  # (inner node, comparisons up to and with it)
    while below:
        node, depth = below.pop()
        for side in children:
            child = side[node]
            if child >= 0:
                below.append((child, depth + 1))
            else:
                total += depth * rows[~child]
    return total / max(sum(rows), 1)
