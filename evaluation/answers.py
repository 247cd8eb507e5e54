"""Which released entry answers which request, by the same rules as the serving reader."""

from collections.abc import Mapping

import pandas as pd

from evaluation.errors import RankingsUnfit
from queries.text.normalise import language_of

KEY = ["locale", "query"]
Forms = Mapping[tuple[str, str], str]


def answered(
    asked: pd.DataFrame, released: pd.DataFrame, stripped: Forms | None = None, aliases: Forms | None = None
) -> pd.DataFrame:
    """`asked` with the entry that answers each row: `entry_locale` and `entry_query`, both null for a miss.

    Grain: that of `asked`. The full form is tried in the locale, its language and `*`, then the stripped form in the same
    three; then both forms are tried in the same order as aliases.

    Args:
        asked: requests with the columns locale and query.
        released: the keys (locale, query) of the release, one row each.
        stripped: (locale, query) → stripped form; default: no stripped forms.
        aliases: (locale, wording) → the released query that answers for it; default: no aliases.

    Raises:
        RankingsUnfit: `released` repeats a key.
    """
    keys = set(zip(released["locale"], released["query"], strict=True))
    if len(keys) < len(released):
        raise RankingsUnfit(f"released keys: {len(released)} rows hold {len(keys)} keys; pass each key once")
    requests = asked[KEY].drop_duplicates()
    entries = [
        _entry(loc, query, keys, stripped or {}, aliases or {}) for loc, query in requests.itertuples(index=False)
    ]
    requests["entry_locale"] = [None if entry is None else entry[0] for entry in entries]
    requests["entry_query"] = [None if entry is None else entry[1] for entry in entries]
    return asked.merge(requests, on=KEY, how="left")


def _entry(
    locale: str, query: str, keys: set[tuple[str, str]], stripped: Forms, aliases: Forms
) -> tuple[str, str] | None:
    forms = [query]
    if (locale, query) in stripped:
        forms.append(stripped[(locale, query)])
    tried = [(place, form) for form in forms for place in (locale, language_of(locale), "*")]
    own = (key for key in tried if key in keys)
    by_alias = ((key[0], aliases[key]) for key in tried if key in aliases)
    return next(own, None) or next(by_alias, None)
