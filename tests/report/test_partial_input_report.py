"""The partial-input baseline as lines for people."""

import io

import pytest
from rich.console import Console

from vlsbench.audit.partial_input import baseline
from vlsbench.cli.terminal import clean
from vlsbench.datasets import load
from vlsbench.report.partial_input import print_partial_input


def printed(ref):
    console = Console(file=io.StringIO(), width=160, markup=False)
    print_partial_input(baseline(load(ref)), console, clean)
    return console.file.getvalue()


def test_both_areas_and_the_words_are_shown():
    text = printed("mini:leaky-twins:60")
    assert "query alone: AUC 1.000" in text
    assert "towards harmful: " in text
    assert "zorb" in text


@pytest.mark.parametrize(("ref", "words"), [("mini:leaky:20", "no benign records"), ("mini:twins:4", "fewer")])
def test_a_refusal_is_said_in_words(ref, words):
    assert words in printed(ref)
