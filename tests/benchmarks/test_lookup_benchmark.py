"""The benchmark of lookups: its arms answer alike, and what it tells is of them all. No time is judged here."""

import json
from pathlib import Path

from benchmarks import lookup


def test_all_arms_give_the_same_answers(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "lookup.json"
    assert lookup.main(["--needs", "40", "--tracks", "5", "--requests", "200", "--json", str(out)]) == 0
    told = json.loads(out.read_text())
    alone = {f"{arm}, wordings alone" for arm in ("playfirst", "SQLite", "dictionary")}
    assert set(told["arms"]) == {"playfirst, first", "playfirst", "SQLite", "dictionary"} | alone
    assert set(told["answers_apart"].values()) == {0} and told["misread_share"] <= 0.1
    assert set(told["arms"]["playfirst"]) == {"wording", "stripped", "reading", "near"}
    assert "SQLite takes" in capsys.readouterr().out


def test_each_kind_of_request_is_answered_as_it_is_meant() -> None:
    known = lookup.tracks_of(None, 40)
    entries, wordings = lookup.content(40, 5, known)
    arm = lookup.in_memory(entries, wordings, known, lookup.load_grammar())
    asked = lookup.requests(40, 200, sorted(lookup.names_of(known).by_kind["title"]))
    answers = [arm(text, lookup.LOCALE) for text, _ in asked]
    assert all(len(a) == 5 for at, a in enumerate(answers) if at % 4 < 2)
    assert not any(a for at, a in enumerate(answers) if at % 4 > 1)  # the rivals read nothing
