"""The benchmark of lookups: its arms answer alike, and what it tells is of them all. No time is judged here."""

import json
from pathlib import Path

from benchmarks import lookup


def test_all_arms_give_the_same_answers(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "lookup.json"
    assert lookup.main(["--entries", "40", "--tracks", "5", "--requests", "200", "--json", str(out)]) == 0
    told = json.loads(out.read_text())
    assert set(told["arms"]) == {"playfirst, first", "playfirst", "SQLite", "dictionary"}
    assert set(told["answers_apart"].values()) == {0}
    assert "SQLite takes" in capsys.readouterr().out


def test_each_kind_of_request_is_answered_as_it_is_meant() -> None:
    made, known = lookup.content(40, 5)
    arm = lookup.in_memory(made, known, lookup.load_grammar())
    answers = [arm(text, lookup.LOCALE) for text in lookup.requests(40, 200)]
    assert all(len(a) == 5 for at, a in enumerate(answers) if at % 4 < 3) and not any(answers[3::4])
    assert len({t for a in answers for t, *_ in a}) > 5
