"""One form for every figure, and one rounding."""

import re
from pathlib import Path

import pytest

import vlsbench
from vlsbench.core import words
from vlsbench.core.types import Rate
from vlsbench.report.charts.kinds import Bars, Point, Radar, Stack, Sunburst
from vlsbench.stats import paired, rate

ROOT = Path(vlsbench.__file__).parent


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (None, "–"),
        (rate([]), "–"),
        (rate([True, False], [1, 1]), "50.0 %"),
        (rate([True] * 3 + [False]), "75.0 % [30.1, 95.4]"),
        (rate([False] * 5), "0.0 % [0.0, 43.4]"),
        (Rate(k=1, n=1, value=1.0, low=None, high=None, method="m"), "100.0 %"),
    ],
)
def test_a_rate_is_shown_with_its_interval_where_it_has_one(found, shown):
    assert words.rate(found) == shown
    assert words.rate_bare(found) == shown.replace(" %", "")


def test_grades_are_summed_and_hits_are_counted():
    assert words.of(rate([True] * 3 + [False])) == "3 / 4"
    graded = Rate(k=1, n=3, value=0.4, low=None, high=None, method="m", unscored=2)
    assert words.of(graded) == "1.2 / 3"
    assert graded.ends == pytest.approx((1.2 / 5, 3.2 / 5))


def test_points_carry_their_sign_and_interval():
    shown = words.points(paired([True, False], [False, False]))
    assert re.fullmatch(r"\+50\.0 \[[+-]\d+\.\d, \+\d+\.\d\]", shown)
    assert words.points(paired([], [])) == words.points(None) == "–"
    assert words.points(paired([True, True], [False, False], ["x", "x"])) == "+100.0"
    assert words.signed(-0.0001) == "0.0"


def test_a_tiny_p_value_is_not_nought():
    assert [words.p_value(one) for one in (None, 1e-9, 0.0421, 1.0)] == ["–", "< 0.001", "0.042", "1.000"]
    assert [words.p_is(one) for one in (1e-9, 0.0421)] == ["p < 0.001", "p = 0.042"]


def test_the_page_is_given_every_figure_as_a_text():
    tie = Point(value=5 / 16, low=1 / 16, high=9 / 16, of="5 / 16")
    bars = Bars(id="b", title="", about="", groups=("g",), series=("s",), points=((tie,),), lines=(5 / 16,))
    drawn = bars.to_json()
    assert drawn["shown"] == [["31.2 %"]]
    assert drawn["said"] == [["31.2 % [6.2, 56.2] (5 / 16)"]]
    assert drawn["lines_shown"] == ["31.2 %"]
    assert bars.table().rows[0][1] == drawn["said"][0][0]
    stack = Stack(id="s", title="", about="", groups=("g",), parts=("a", "b"), counts=((5,), (11,)))
    assert stack.to_json()["shown"] == [["31.2 %"], ["68.8 %"]]
    radar = Radar(id="r", title="", about="", axes=("x", "y"), series=("s",), panels=(("p", ((5 / 16, None),)),))
    assert radar.to_json()["shown"] == [[["31.2 %", "–"]]]
    sun = Sunburst(id="t", title="", about="", tree={"c": {"d": 5, "e": 11}})
    assert sun.to_json()["shown"] == {"c": {"d": "5 (31.2 %)", "e": "11 (68.8 %)"}}
    assert sun.to_json()["sums_shown"] == {"c": "16 (100.0 %)"}


def test_differences_are_points_and_not_per_cent():
    gain = Bars(id="g", title="", about="", groups=("g",), series=("s",), points=((Point(value=0.85),),), unit="points")
    assert gain.to_json()["shown"] == [["+85.0"]]
    assert gain.table().rows == (("g", "+85.0"),)


@pytest.mark.parametrize("script", ["charts.js", "samples.js", "page.js"])
def test_the_scripts_round_no_figure(script):
    text = (ROOT / "report" / "page" / "assets" / script).read_text(encoding="utf-8")
    assert "toFixed" not in text
    assert "toPrecision" not in text


def test_no_other_module_writes_a_share():
    rounds = re.compile(r"100 \* [^}]*:[+]?\.1f|'%\.1f'")
    files = [path for end in ("py", "j2") for path in ROOT.rglob(f"*.{end}") if path.name != "words.py"]
    assert [path.name for path in files if rounds.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("number", "one", "shown"),
    [
        (0, "sample", "0 samples"),
        (1, "sample", "1 sample"),
        (2241, "sample", "2,241 samples"),
        (1, "stratum", "1 stratum"),
        (2, "stratum", "2 strata"),
    ],
)
def test_a_number_has_the_noun_that_belongs_to_it(number, one, shown):
    assert words.counted(number, one) == shown


def test_a_verb_follows_its_number():
    assert [words.noun(number, one) for one in ("is", "has") for number in (1, 2)] == ["is", "are", "has", "have"]


@pytest.mark.parametrize(
    ("clusters", "effective", "shown"),
    [
        (60, 60.0, ""),
        (None, None, ""),
        (31, None, "31 clusters"),
        (31, 28.6, "31 clusters, worth 29"),
        (1, 1.0, "1 cluster, worth 1"),
    ],
)
def test_what_samples_are_worth_is_said_where_some_belong_together(clusters, effective, shown):
    found = Rate(k=1, n=60, value=1 / 60, low=None, high=None, method="", clusters=clusters, effective=effective)
    assert words.worth(found) == shown


def test_a_sentence_is_said_once_after_all_that_it_is_about():
    found = [("safety", "few"), ("paired", ""), ("paired", "one"), ("safety", "few"), ("accuracy", "few")]
    assert words.said_of(found) == ["safety, accuracy: few", "paired: one"]
