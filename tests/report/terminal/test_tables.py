"""A table keeps its names and its figures, however narrow the terminal is."""

import io
import re

import pytest
from rich.console import Console

from vlsbench.report.terminal.tables import print_table

NAMES = ("openai:organisation/model-7b-instruct", "hf:base+adapter")
HEADS = ("Model", "vlsbench", "figstep", "mini:leaky", "mm_safetybench/SD", "jsonl:mine", "xstest")
ROWS = [
    (name, *(f"{10 * row + column}.5 [{column}.1, 9{column}.9]" for column in range(6)))
    for row, name in enumerate(NAMES, 1)
]


def printed(heads, rows, width, **options):
    out = io.StringIO()
    print_table(Console(file=out, width=width, markup=False, emoji=False, highlight=False), heads, rows, **options)
    return out.getvalue()


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
def test_every_figure_is_whole_at_every_width(width):
    text = printed(HEADS, ROWS, width)
    for row in ROWS:
        for cell in row[1:]:
            value, interval = cell.split(" ", 1)
            assert value in text
            assert interval in text
    assert "…" not in text
    assert width < 40 or max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_every_name_is_whole_at_every_width(width):
    lines = printed(HEADS, ROWS, width).splitlines()
    column = "".join(line[1:].split("  ")[0].strip() for line in lines)
    assert all(name in re.sub(r"\s", "", column) for name in NAMES)
    for head in HEADS:
        assert head in "\n".join(lines)


def test_a_table_that_has_no_room_goes_on_below_with_its_names():
    text = printed(HEADS, ROWS, 60)
    assert text.count("The same rows, further columns:") == 2
    assert text.count("hf:base+adapter") == 3


def test_a_table_with_room_is_one_table_with_intervals_beside_their_values():
    text = printed(HEADS, ROWS, 200)
    assert "10.5 [0.1, 90.9]" in text
    assert "further columns" not in text


def test_words_alone_are_folded_and_never_cut():
    heads, rows = ("Sample", "Category", "Judge"), [("a" * 50, "b" * 50, "unsafe")]
    text = printed(heads, rows, 40, texts=3)
    assert text.count("b") == 50
    assert max(map(len, text.splitlines())) <= 40
