"""The page: nothing that people wrote can act in it, it needs no other file, and no amount of input makes it greater than 5 MB."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from evaluation.page.content import (
    ColumnUse,
    CurvePoint,
    Drift,
    GradeRate,
    Listed,
    PageContent,
    Track,
    Turnover,
    Worst,
)
from evaluation.page.figures import arms, ceilings, measures, others
from evaluation.page.page import MOST_BYTES, TEMPLATES, page
from evaluation.page.texts import embedded, ends, shown, signed

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<!--<script>",
    '" onmouseover="alert(3)',
    "' autofocus onfocus='alert(4)",
    "<img src=x onerror=alert(5)>",
    "]]><svg onload=alert(6)>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(7)",
    "&lt;b&gt; &amp; \\u003c/script>",
    "\u202eGNIHSUP\u2066 \u200f\u05e9\u05dc\u05d5\u05dd",
    "a\u2028b\x00c\ud800d",
)


def night_json() -> dict:
    """A small `night.json` with an arm and a measure that nobody has declared."""
    arms = {"playfirst": 0.9, "plays_text": 0.85, "brand_new_arm": 0.8, "skyline": 0.98, "own_order": 0.91}
    lead = {"mean": 0.05, "low": 0.01, "high": 0.09, "across_locales_low": 0.0, "across_locales_high": 0.1}
    part = {"searches": 10.0, "needs": 3, "ndcg10": {"mean": 0.8, "low": 0.7, "high": 0.9}}
    part |= {"ahead": {"mean": 0.05, "low": -0.01, "high": None}, "never_shown": {"share": 0.2, "reached": None}}
    slices = {"searches": 10.0, "ndcg10": 0.8, "coverage": 0.9, "wrong": 0.1}
    return {
        "run_date": "2026-10-29",
        "metric": "ndcg@10[gain=<b>]",
        "ndcg10": arms,
        "rbo_of_lists": {"playfirst": 0.71, "plays_text": 0.62},
        "lists": {
            "measures": {"gini": "Gini of <b>all</b> tracks"},
            "arms": {"playfirst": {"gini": 0.3131}, "plays_text": {"gini": None}},
        },
        "diff": {"plays_text": lead, "brand_new_arm": {**lead, "mean": 0.1, "low": 0.05}},
        "coverage": 0.98,
        "entries": {"released": 100},
        "shown_skyline": 0.95,
        "never_shown": {"share": 0.28, "reached": 0.09},
        "strongest": {"without_learning": "plays_text", "lead": 0.05},
        "ndcg10_all": 0.87,
        "all": {
            **slices,
            "by_kind": {"genre": slices},
            "other_answered": 0.01,
            "risk_curve": [
                {"least_confidence": c, "coverage": 1 - c / 2, "risk": 0.02 - c / 100, "other_answered": 0.0}
                for c in (0.0, 0.5, 1.0)
            ],
        },
        "segments": {"rival": "plays_text", "kind": {"genre": part}, "locale": {"es-MX": part}},
        "calibration": {
            "scores": [
                {"low": i, "high": i, "rows": 5, "gain": {"mean": i, "low": i - 1, "high": i + 1}} for i in (1, 2)
            ],
            "grades": [{"grade": i, "rows": 5, "gain": {"mean": i, "low": None, "high": None}} for i in range(5)],
        },
    }


def content(texts: tuple[str, ...] = ("Hola",), lists: int = 3, *, judged: bool = True) -> PageContent:
    """A page with every section, whose titles, artists, needs, wordings and reasons are the texts in turn."""

    def text(i: int) -> str:
        return texts[i % len(texts)]

    ids = [f"t{i}" for i in range(lists * 3)]
    rows = [
        Listed(
            "es",
            f"words={text(i)}",
            "other",
            lists - i,
            (text(i + 1),),
            tuple(ids[i : i + 3]),
            (text(i),) * 3,
            (True, False, True),
        )
        for i in range(lists)
    ]
    best = {"track_id": "t1", "gain": 7.0, "rank": None, "state": "never shown"}
    summary = {
        "run_date": "2026-10-29",
        "figures": night_json(),
        "coverage": {"answered_share": 0.9},
        "importance": {"coec_28d": 0.4},
    }
    return PageContent(
        run_date="2026-10-29",
        release_id="2026-10-29-5d85bc3a5348",
        is_simulated=judged,
        summary=summary,
        before={**summary, "run_date": "2026-10-28", "release_id": "", "importance": {"coec_28d": 0.5}},
        figures=night_json() if judged else None,
        missing=() if judged else (text(0),),
        coverage={"answered_share": 0.9, "entries": 100.0},
        unseen=[("genre", 12, 0.25)],
        uses=[ColumnUse("coec_28d", "engagement", 0.4, 12, 0.8, [(0.1, 0.0), (-0.3, 1.0)])],
        sampled=2,
        curves=[CurvePoint("mobile", g, i, 1 / i, 9, 0.5 / i, 1 / i) for g in ("all", "broad") for i in range(1, 12)],
        grades=[GradeRate(g, 10, 0.1 * g, 0.0, 0.2 + 0.1 * g) for g in range(5)],
        drift=[Drift("need_features", "need_coec_28d", 0.31, 0.1, 4)],
        turnover=Turnover(3, 0.9, 0.8, 1, 2, [("es", text(0), 5, 0.5)]),
        worst=[Worst(one, "es", 3.0, (("searches", "5"),), (0.0, 3.0, 7.0), (best,)) for one in rows[:50]],
        worst_by="by what they lose",
        lists=rows,
        lists_released=lists,
        tracks={t: Track(text(i), text(i + 2)) for i, t in enumerate(ids)},
    )


class Reader(HTMLParser):
    """Collects elements, attributes and the texts of scripts as a browser's parser would."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        else:
            self.texts.append(data)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_people_wrote_is_text_and_nothing_else(hostile: str) -> None:
    plain, text = Reader(page(content())), Reader(page(content((hostile,))))
    assert [tag for tag, _ in text.tags] == [tag for tag, _ in plain.tags]  # no element more or less
    names = lambda reader: [sorted(attributes) for _, attributes in reader.tags]  # noqa: E731
    assert names(text) == names(plain)  # no attribute more or less
    assert text.scripts[1] == plain.scripts[1]
    data = json.loads(text.scripts[0])
    assert data["tracks"][0] == [shown(hostile, 80), shown(hostile, 80)]
    assert data["lists"][0][1] == shown(f"words={hostile}", 80) and data["reasons"] == [shown(hostile, 80)]
    assert shown(hostile, 60) in text.texts  # a reader sees it as it was written


def test_every_section_is_there_with_what_it_says() -> None:
    text = page(content())
    seen = Reader(text)
    identities = [a["id"] for _, a in seen.tags if "id" in a]
    assert len(identities) == len(set(identities))
    links = {a["href"][1:] for tag, a in seen.tags if tag == "a" and a["href"]}
    assert links <= set(identities) and {"arms", "segments", "change", "model", "curves", "worst", "search"} <= links
    words = " ".join(" ".join(seen.texts).split())
    assert "brand new arm" in words and "rbo of lists" in words and "0.7100" in words  # nobody declared them
    assert (
        "+0.050" in words
        and "entries · released" in words
        and "es-MX" in words
        and "need_coec_28d" in "".join(seen.texts)
    )
    drawn = [a for tag, a in seen.tags if tag == "svg" and a.get("role") == "img"]
    assert len(drawn) > 10 and all(a["viewbox"] for a in drawn) and text.count("<title>") == len(drawn) + 1


def test_measures_and_other_figures_are_read_wherever_they_stand() -> None:
    figures = night_json()
    assert list(measures(figures)) == ["ndcg10", "rbo_of_lists", "gini"]
    assert measures(figures)["gini"] == {"playfirst": 0.3131, "plays_text": None}
    assert others(figures) == [("entries · released", 100)]
    assert [a.name for a in arms(figures)] == ["own_order", "playfirst", "plays_text", "brand_new_arm"]  # no ceiling
    assert ceilings({**figures, "ceilings": {"of_all": 0.99}}) == [
        ("of all", 0.99),
        ("best order of the candidates", 0.98),
        ("best order of what was ever shown", 0.95),
    ]


def test_it_works_without_the_truth_a_ranker_or_a_night_before() -> None:
    bare = PageContent("2026-10-29", "", False, {}, missing=("There is no truth.",))
    words = " ".join(Reader(page(bare)).texts)
    assert "There is no truth." in words and "no earlier night" in words and "no ranker" in words
    without = Reader(page(content(judged=False)))
    assert not [a for _, a in without.tags if a.get("id") in ("arms", "segments")]
    assert "10 searches" not in " ".join(without.texts)


def test_nothing_is_loaded_from_elsewhere_and_the_browser_is_told_so() -> None:
    text = Reader(page(content(HOSTILE)))
    loads = [(t, n, v) for t, a in text.tags for n, v in a.items() if n in ("src", "href", "action", "data", "srcset")]
    assert all(t == "a" and (v or "").startswith("#") for t, _, v in loads) and loads
    assert not {t for t, _ in text.tags} & {"link", "iframe", "object", "embed", "img", "base"}
    [policy] = [a["content"] for t, a in text.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None and "default-src 'none'" in policy and "script-src 'sha256-" in policy
    assert "unsafe-inline'; script" in policy and "script-src 'unsafe" not in policy
    assert "@import" not in page(content()) and "url(" not in page(content())


def test_the_policy_names_the_hash_of_the_script_that_is_there() -> None:
    import base64
    import hashlib

    text = page(content())
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert len(script) == 1
    digest = base64.b64encode(hashlib.sha256(script[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in text


def test_templates_escape_everything() -> None:
    for file in TEMPLATES.glob("*.html"):
        text = file.read_text()
        assert "|safe" not in text.replace(" ", "") and "autoescape" not in text and "innerHTML" not in text
    script = (TEMPLATES / "search.js").read_text()
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|fetch\(|XMLHttp", script
    )


def test_the_page_is_at_most_5_mb_whatever_it_is_given() -> None:
    long = tuple(f"{c * 3000}{i}" for i, c in enumerate(("<", "'", "\u202e", "😀", "&", '"')))
    big = content(long, lists=20_000)
    many = {f"arm{i}" + "<" * 500: 0.5 for i in range(5000)}
    figures = {
        **night_json(),
        **{f"measure{i}": many for i in range(50)},
        "deep": {str(i): float(i) for i in range(99_999)},
    }
    figures |= {
        "ndcg10": {**night_json()["ndcg10"], **many},
        "diff": {a: night_json()["diff"]["plays_text"] for a in many},
    }
    figures["segments"] = {
        "rival": "plays_text",
        "kind": {"<" * 900 + str(i): night_json()["segments"]["kind"]["genre"] for i in range(5000)},
    }
    figures["all"] = {**night_json()["all"], "by_kind": {"&" * 900 + str(i): night_json()["all"] for i in range(5000)}}
    everything = replace(
        big,
        figures=figures,
        summary={**big.summary, "figures": figures},
        before={**(big.before or {}), "figures": figures},
        missing=long * 100,
        uses=[replace(big.uses[0], name=f"column{i}", points=[(0.1, 0.5)] * 5000) for i in range(2000)],
        drift=list(big.drift) * 5000,
        curves=[replace(p, client=f"client{i}") for i in range(500) for p in big.curves],
        grades=list(big.grades) * 3,
        unseen=list(big.unseen) * 5000,
        worst=[replace(w, ideal=w.ideal * 500, facts=w.facts * 500) for w in big.worst] * 50,
        turnover=replace(big.turnover, most_changed=list(big.turnover.most_changed) * 5000),  # type: ignore[union-attr,type-var]
    )
    text = page(everything)
    assert len(text.encode()) <= MOST_BYTES
    data = json.loads(Reader(text).scripts[0])
    assert 1000 < len(data["lists"]) < 20_000  # it is full, and says how many it holds
    assert f"{len(data['lists']):,} of 20,000 released lists" in text


def test_lists_that_fit_are_all_searchable_and_point_at_their_tracks() -> None:
    given = content(("Hola", "Año nuevo"), lists=200)
    data = json.loads(Reader(page(given)).scripts[0])
    assert len(data["lists"]) == 200
    for one, (place, need, intent, searches, wordings, tracks, reasons) in zip(given.lists, data["lists"], strict=True):
        assert (place, need, intent, searches, tuple(wordings)) == (
            one.place,
            one.need,
            one.intent,
            one.searches,
            one.wordings,
        )
        assert [data["tracks"][t] for t in tracks] == [
            [given.tracks[t].title, given.tracks[t].artists] for t in one.tracks
        ]
        assert tuple(data["reasons"][r] for r in reasons) == one.reasons


@pytest.mark.parametrize(
    ("text", "longest", "wanted"),
    [
        ("Año", 10, "Año"),
        ("one\ntwo\u2029three", 20, "one two three"),
        ("x\u202ey", 20, "x‹U+202E›y"),
        ("\ud800", 20, "‹U+D800›"),
        ("שלום\u200f", 20, "שלום\u200f"),  # a mark of right-to-left writing stays
        ("abcdef", 3, "abc…"),
        ("ab\u202e", 5, "ab…"),  # what a character becomes counts, too
    ],
)
def test_texts_stay_on_one_line_and_in_their_place(text: str, longest: int, wanted: str) -> None:
    assert shown(text, longest) == wanted


def test_embedded_json_is_the_same_value_and_has_no_character_of_markup() -> None:
    value = {"a": list(HOSTILE[:-1]), "b": [1, None, 0.5]}
    text = embedded(value)
    assert json.loads(text) == value
    assert not re.search("[<>&\u2028\u2029]", text)


def test_numbers_say_so_if_they_are_unknown() -> None:
    assert (signed(-0.0051), signed(None), signed(float("nan"))) == ("−0.005", "–", "–")
    assert ends(0.01, 0.1) == "+0.010 to +0.100" and ends(None, 0.1) == ""
