"""Which list of a release answers which request."""

from collections.abc import Mapping

import pandas as pd

from evaluation.truth import KEY

Answers = Mapping[tuple[str, str], tuple[str, str]]


def answered(asked: pd.DataFrame, answers: Answers) -> pd.DataFrame:
    """`asked` with the list that answers each row: `entry_locale` (its place) and `entry_need`, both null for a miss.

    Grain: that of `asked`.

    Args:
        asked: requests with the columns locale and query.
        answers: (locale, normal form of a request) -> (place, need) of the list that the release gives for it.
    """
    requests = asked[KEY].drop_duplicates()
    lists = [answers.get((str(locale), str(query))) for locale, query in requests.itertuples(index=False)]
    requests["entry_locale"] = [None if one is None else one[0] for one in lists]
    requests["entry_need"] = [None if one is None else one[1] for one in lists]
    return asked.merge(requests, on=KEY, how="left")
