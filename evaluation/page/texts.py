"""Texts of other people for the page: short, on one line, and without characters that reorder or hide what stands around them."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

from markupsafe import Markup, escape

LONGEST = 120  # characters of a title, an artist or a need
# what changes the direction of the text after it (Unicode Standard Annex 9: embeddings, overrides, isolates)
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_BLANKS = frozenset("\t\n\r\x0b\x0c\x85\u2028\u2029")
DASH = "–"


def shown(text: object, longest: int = LONGEST) -> str:
    """The text on one line, cut after `longest` characters, with controls, directional overrides and half characters as `‹U+202E›`.

    The page isolates each such text, too, so that marks for right-to-left writing reorder nothing around it; escaping for HTML is
    done where it is put in.
    """
    out: list[str] = []
    length = 0
    for character in str(text)[: longest + 1]:
        if character in _BLANKS:
            character = " "
        elif character in _DIRECTIONS or unicodedata.category(character) in ("Cc", "Cs"):
            character = f"‹U+{ord(character):04X}›"
        length += len(character)
        if length > longest:
            return "".join(out) + "…"
        out.append(character)
    return "".join(out)


def number(value: float | None, decimals: int = 3) -> str:
    """A number such as 0.891; a dash where it is unknown."""
    return DASH if _is_unknown(value) else f"{value:.{decimals}f}"


def signed(value: float | None, decimals: int = 3) -> str:
    """A difference such as +0.018 or −0.005."""
    return DASH if _is_unknown(value) else f"{value:+.{decimals}f}".replace("-", "−")


def share(value: float | None) -> str:
    """A share such as 98.0 %."""
    return DASH if _is_unknown(value) else f"{100 * float(value or 0):.1f} %"


def count(value: float | None) -> str:
    """A count such as 4,795."""
    return DASH if _is_unknown(value) else f"{float(value or 0):,.0f}"


def ends(low: float | None, high: float | None, decimals: int = 3) -> str:
    """An interval of a difference such as +0.005 to +0.031; empty where it is unknown."""
    return "" if _is_unknown(low) or _is_unknown(high) else f"{signed(low, decimals)} to {signed(high, decimals)}"


def words(name: str) -> str:
    """A name of a column, arm or figure as words: `ctr_smoothed` is "ctr smoothed"."""
    return shown(name.replace("_", " "))


def breakable(name: str) -> Markup:
    """The name of a column, which may break into lines behind its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in shown(name).split("_"))


def embedded(value: Any) -> Markup:
    """Plain values as JSON for a `<script type="application/json">`: nothing in it can end the element or open a comment.

    `<`, `>` and `&` are written as escapes of JSON (HTML Standard, "Restrictions for contents of script elements").
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _is_unknown(value: float | None) -> bool:
    return value is None or not math.isfinite(value)
