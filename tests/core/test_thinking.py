"""Thinking is taken apart from answers, and never passes for one."""

from __future__ import annotations

import pytest

from vlsbench.core.thinking import MAX_KEPT, is_blank, take_apart


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        ("Plain words.", "Plain words.", ""),
        ("<think>hm</think>\n\nNo.", "No.", "hm"),
        ("<THINK>hm</Think>No.", "No.", "hm"),
        ("<think></think>No.", "No.", ""),
        ("hm, the prompt opened it\n</think>\nNo.", "No.", "hm, the prompt opened it"),
        ("<think>a</think>First.<think>b</think> Second.", "First. Second.", "a\n\nb"),
        ("[THINK]hm[/THINK]No.", "No.", "hm"),
        ("◁think▷hm◁/think▷No.", "No.", "hm"),
        ("The tag <think> opens thinking.", "The tag <think> opens thinking.", ""),
        ("<think>never <thinking>mixed</think>No.", "No.", "never <thinking>mixed"),
    ],
)
def test_the_answer_is_what_follows(text: str, answer: str, thinking: str) -> None:
    found = take_apart(text)
    assert (found.answer, found.thinking, found.cut_off) == (answer, thinking, False)


@pytest.mark.parametrize(
    "text", ["<think>I could say that", "  <think>a</think> <think>b", "<think>", "\u200b<think>a"]
)
def test_thinking_that_never_ends_is_no_answer(text: str) -> None:
    found = take_apart(text)
    assert found.cut_off
    assert found.answer == ""


def test_what_is_kept_of_thinking_is_bounded() -> None:
    assert len(take_apart(f"<think>{'x' * 100_000}</think>No.").thinking) == MAX_KEPT


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "\u200b\u200d\ufeff", "\u00ad", "\u2060 \u3164", "\ufe0f", "\x00\x1b", "\U000e0101\u180b\u17b4"],
)
def test_a_text_of_invisible_characters_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", [".", "No", "\u200bx", "否", "👍", "\u0301e"])
def test_a_text_that_shows_something_is_not_blank(text: str) -> None:
    assert not is_blank(text)
