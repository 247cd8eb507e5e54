"""Three answers of the new release for the operator to look at: a title, a mood, and a Spanish genre with a decade."""

from __future__ import annotations

import json
from pathlib import Path

from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from lake.tables.nightly import NEEDS, WORDINGS
from night.night import Night
from night.settings import Settings

SHOWN = 5
Request = tuple[str, str]  # locale, request as a person would speak it


def chosen_requests(night: Night) -> list[Request]:
    """The most asked title and mood of the night, and its most asked Spanish genre with a decade; `nightly.ask` replaces them.

    They are stored in the folder of the reports, so that a second run of the night need not read the queries again.
    """
    if night.settings.nightly.ask:
        return [("es-ES" if _is_spanish(r) else "en-US", r) for r in night.settings.nightly.ask]
    file, made_from = Path(night.settings.reports) / "asked.json", night.lake.fingerprint(NEEDS, night.run_date)
    if file.exists() and (stored := json.loads(file.read_text()))["needs"] == made_from:
        return [(locale, request) for locale, request in stored["asked"]]
    asked = _most_asked(night)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"needs": made_from, "asked": asked}) + "\n")
    return asked


def _most_asked(night: Night) -> list[Request]:
    """The requests of `chosen_requests`, computed from the night's needs: each in its most frequent public wording."""
    lake, day = night.lake, [night.run_date]
    public = lake.read(NEEDS, day).where("is_public")
    wordings = (
        lake.read(WORDINGS, day).where("is_public AND is_music").select("locale", "need", "stripped", "searches_28d")
    )
    wanted = (
        ("*", "en-US", "play {}", F.col("intent") == "title"),
        ("en", "en-US", "play {}", F.col("intent") == "mood"),
        ("es", "es-ES", "pon {}", (F.size("genre") > 0) & (F.size("decade") > 0)),
    )
    requests = []
    for place, locale, phrase, which in wanted:
        asked = public.where((F.col("locale") == place) & which).select(
            "locale", "need", F.col("searches_28d").alias("n")
        )
        worded = asked.join(wordings, ["locale", "need"])
        top = worded.orderBy(F.desc("n"), "need", F.desc("searches_28d"), "stripped").select("stripped").first()
        requests += [(locale, phrase.format(top["stripped"]))] if top else []
    return requests


def _is_spanish(request: str) -> bool:
    from queries.text.carrier import load_grammar, stripped
    from queries.text.normalise import normal_form

    query, grammar = normal_form(request, "es"), load_grammar()
    return stripped(query, "es", grammar) != query and stripped(query, "en", grammar) == query


def print_answers(settings: Settings, asked: list[Request], console: Console) -> None:
    """Look the requests up with the reader that serves releases, and print the first tracks of each."""
    from serving.reader import ReleaseReader

    reader = ReleaseReader(Path(settings.releases), max_age_h=settings.serving.max_age_h)
    for locale, request in asked:
        answer = reader.lookup(request, locale)
        table = Table(
            title=f"“{request}” ({locale}), matched by {answer.matched_by or 'nothing'}",
            title_justify="left",
        )
        for name in ("#", "title", "artist", "score"):
            table.add_column(name, justify="right" if name in "#score" else "left")
        for i, track in enumerate(answer.tracks[:SHOWN], 1):
            table.add_row(str(i), track.title, ", ".join(track.artists), f"{track.score:.4f}")
        console.print(table)
