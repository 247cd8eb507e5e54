"""Which list of a release answers which request, by the same rules as the serving reader."""

from collections.abc import Mapping

import pandas as pd

from evaluation.truth import KEY
from queries.text.normalise import language_of

Forms = Mapping[tuple[str, str], str]
Answers = Mapping[tuple[str, str], tuple[str, str]]


def answered(asked: pd.DataFrame, answers: Answers, stripped: Forms | None = None) -> pd.DataFrame:
    """`asked` with the list that answers each row: `entry_locale` (its place) and `entry_need`, both null for a miss.

    Grain: that of `asked`. The full form is tried in the locale, its language and `*`, then the stripped form in the same three.

    Args:
        asked: requests with the columns locale and query.
        answers: (place, wording) -> (place, need) of the list that the release gives for it.
        stripped: (locale, query) -> stripped form; default: no stripped forms.
    """
    requests = asked[KEY].drop_duplicates()
    lists = [_list_of(loc, query, answers, stripped or {}) for loc, query in requests.itertuples(index=False)]
    requests["entry_locale"] = [None if one is None else one[0] for one in lists]
    requests["entry_need"] = [None if one is None else one[1] for one in lists]
    return asked.merge(requests, on=KEY, how="left")


def _list_of(locale: str, query: str, answers: Answers, stripped: Forms) -> tuple[str, str] | None:
    forms = [query]
    if (locale, query) in stripped:
        forms.append(stripped[(locale, query)])
    tried = ((place, form) for form in forms for place in (locale, language_of(locale), "*"))
    return next((answers[key] for key in tried if key in answers), None)
