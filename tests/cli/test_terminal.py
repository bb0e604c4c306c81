import io
import sys

import pytest

from vlsbench.cli import terminal
from vlsbench.cli.terminal import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Größe 漢字 👩‍🔧", "Größe 漢字 👩‍🔧"),
        ("two\nlines", "two lines"),
        ("two\r\n\tlines", "two lines"),
        ("a\u2028b\x85c", "a b c"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x1b]0;title\x07", "]0;title"),
        ("\x9b31mred", "31mred"),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("\u2066a\u2069\u200f\u061c", "a"),
        ("half \ud83d", "half "),
        ("[bold]brackets[/bold]", "[bold]brackets[/bold]"),
    ],
)
def test_text_is_made_safe_for_one_line(text, shown):
    assert clean(text) == shown


def test_clean_text_can_always_be_encoded():
    every = clean("".join(map(chr, range(0x11000))))
    assert every.encode("utf-8").decode("utf-8") == every


def test_brackets_in_data_are_not_markup(capsys):
    terminal.console().print("[red]x[/red] :smile:")
    assert capsys.readouterr().out == "[red]x[/red] :smile:\n"


def test_no_color_is_honoured(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.console().no_color


def test_a_pipe_has_the_width_of_a_page(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal.console().width == 120
    monkeypatch.setenv("COLUMNS", "60")
    assert terminal.console().width == 60


def test_a_character_that_the_terminal_lacks_does_not_end_the_program(monkeypatch):
    buffer = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(buffer, encoding="ascii"))
    terminal.console().print("漢")
    sys.stdout.flush()
    assert buffer.getvalue() == b"?\n"
