"""The line of progress: what it keeps where there is little room."""

from __future__ import annotations

import io
import sys
from collections import Counter

import pytest

from vlsbench.cli.progress import ProgressLine, describe, fitted
from vlsbench.core.usage import Price, Usage
from vlsbench.run.progress import RunCounts


def counts(**changes):
    made = RunCounts(
        total=2241,
        answered=1100,
        judged=1018,
        labels=Counter(refusal=300, warning=200, unsafe=518),
        unscored=Counter(unparsable=2),
        prompt_tokens=1_234_567,
        completion_tokens=65_432,
        new=1020,
        asking=32,
        judging=8,
        started=0.0,
        ended=80.0,
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_in_eighty_columns_there_is_a_bar_with_tokens_and_requests_in_flight():
    line = fitted(counts(), 79)
    assert len(line) <= 79
    assert line.startswith("████")
    assert "░" in line
    for shown in (" 46 %", "1,020/2,241", "in flight 32+8", "tokens 1.3M", "1m36s left"):
        assert shown in line


@pytest.mark.parametrize("width", [20, 40, 60, 79, 120, 200])
def test_the_line_never_exceeds_its_room_and_grows_with_it(width):
    line = fitted(counts(), width)
    assert len(line) <= width
    assert ("refusal 300" in line) == (width == 200)


def test_what_is_going_on_is_said_first():
    assert "stopping: 40 requests" in fitted(counts(stopping=True), 119)
    assert "rate limited, waiting 12s" in fitted(counts(paused_s=12.0), 79)


def test_nothing_yet_and_an_empty_set_are_no_trouble():
    assert fitted(RunCounts(total=0), 79, "#-").startswith("--------")
    assert fitted(RunCounts(total=5), 79, "#-").startswith("--------")


def test_a_model_that_is_loaded_has_a_line():
    assert describe(RunCounts(total=0, loading="hf:some/\x1b[31mmodel")) == "loading hf:some/[31mmodel …"


def test_money_is_told_with_what_is_expected():
    usage = Usage(records=500, requests=500, prompt_tokens=1_000_000, completion_tokens=0)
    spending = counts(asked=usage, price=Price(input=2.0, output=1.0, currency="USD"), answered=500, judged=500)
    # 2.00 for 500 of 2,241 answers
    assert "spent 2.00 of about 8.96 USD" in describe(spending)
    assert "spent" in fitted(spending, 160)
    assert "spent" not in describe(counts())


def test_what_is_not_counted_makes_the_sum_a_lower_bound():
    usage = Usage(records=500, requests=500, uncounted=100, prompt_tokens=800_000)
    spending = counts(asked=usage, price=Price(input=2.0, output=1.0), answered=500, judged=500)
    assert "spent at least 1.60 of about" in describe(spending)


class Screen(io.StringIO):
    """What stands for stderr; `is_terminal` says whether it is one."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_the_run_waits_for_is_said_in_full_and_at_once(monkeypatch, is_terminal):
    screen = Screen(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    line, notice = ProgressLine(), f"waiting for a server in /{'far/' * 60}servers.txt (no such file yet)"
    line(counts(notice=notice))
    assert f"{notice}\n" in screen.getvalue()
    line(counts(notice=notice))
    assert screen.getvalue().count(f"{notice}\n") == 1
    line(counts())
    line(counts(notice=notice, doubt="Line 2 of it is passed over."))
    assert screen.getvalue().count(f"{notice}\n") == 2
    assert "Line 2 of it is passed over.\n" in screen.getvalue()


def test_a_quiet_line_says_what_the_run_waits_for_and_nothing_else(monkeypatch):
    screen = Screen(is_terminal=False)
    monkeypatch.setattr(sys, "stderr", screen)
    line = ProgressLine(quiet=True)
    line(counts())
    line(RunCounts(total=0, loading="mini:base"))
    line(counts(notice="waiting for a server in /servers.txt (no such file yet)", doubt="Line 2 is none."))
    line(counts(stopping=True))
    line.close()
    assert screen.getvalue() == "waiting for a server in /servers.txt (no such file yet)\n"
