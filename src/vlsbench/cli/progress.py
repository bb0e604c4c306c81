"""Progress on stderr: one line that renews itself in a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from vlsbench.cli.terminal import clean
from vlsbench.core import words
from vlsbench.run.progress import RunCounts

TERMINAL_EVERY_S = 0.2
PLAIN_EVERY_S = 10.0

_BETWEEN = " · "
_LEAST_BAR, _MOST_BAR = 8, 24


class ProgressLine:
    """Shows a `RunCounts` as it grows; an instance is a `vlsbench.run.progress.Progress`.

    A terminal that dies under a run that was told to outlive it (``nohup``) ends the showing, not the run.

    Args:
        quiet: Say nothing but what the run waits for: it may do so for ever, and only the user can end that.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._stream = sys.stderr
        self._live = self._stream.isatty()
        self._every_s = TERMINAL_EVERY_S if self._live else PLAIN_EVERY_S
        self._next = 0.0 if self._live else time.monotonic() + self._every_s
        self._shown: RunCounts | None = None
        self._stopping = False
        self._told: tuple[str, ...] = ()
        self._dead = False

    def __call__(self, counts: RunCounts) -> None:
        """Show the counts, unless that was done a moment ago."""
        if self._quiet:
            self._tell(counts.notice)
            return
        if counts.loading:
            self._put(f"{describe(counts)}\n")
            return
        self._shown = counts
        self._tell(counts.notice, counts.doubt)
        now = time.monotonic()
        if now >= self._next or (counts.stopping and not self._stopping):
            self._stopping = counts.stopping
            self._next = now + self._every_s
            self._write(counts)

    def close(self) -> None:
        """Show the last counts and end the line; a second call does nothing until there are new ones."""
        if self._shown is not None:
            self._write(self._shown)
            self._shown = None
            if self._live:
                self._put("\n")

    def _tell(self, *news: str) -> None:
        """Say in full, on a line of its own and at once, what is new of the servers: the line itself may be cut."""
        told = tuple(map(clean, news))
        for text in told:
            if text and text not in self._told:
                erased = "\r\x1b[2K" if self._live else ""
                self._put(f"{erased}{text}\n")
        self._told = told

    def _write(self, counts: RunCounts) -> None:
        if self._live:
            import shutil

            blocks = "█░" if "utf" in (self._stream.encoding or "").lower() else "#-"
            self._put(f"\r\x1b[2K{fitted(counts, shutil.get_terminal_size().columns - 1, blocks)}")
        else:
            self._put(f"{describe(counts)}\n")

    def _put(self, text: str) -> None:
        if self._dead:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError:
            self._dead = True


def describe(counts: RunCounts) -> str:
    """The counts as one line: done/total, rate, time left, labels, unscored, tokens, and what is going on."""
    if counts.loading:
        return f"loading {clean(counts.loading)} …"
    pieces = sorted(_pieces(counts, "{:,}".format), key=lambda piece: piece.place)
    return " · ".join([*_news(counts), *(piece.text for piece in pieces)])


def fitted(counts: RunCounts, width: int, blocks: str = "█░") -> str:
    """A progress bar and as many of the counts as fit beside it, the most important ones first.

    Args:
        counts: What to show.
        width: Columns that there are.
        blocks: What the done and the open part of the bar are drawn with.
    """
    share = counts.done / counts.total if counts.total else 0.0
    news, percent = _news(counts), f" {100 * share:3.0f} %"
    chosen: list[_Piece] = []
    room = width - _LEAST_BAR - len(percent) - sum(len(text) + len(_BETWEEN) for text in news)
    for piece in _pieces(counts, _short):
        needed = len(_BETWEEN) + len(piece.text)
        if needed <= room:
            chosen.append(piece)
            room -= needed
    size = _LEAST_BAR + max(0, min(room, _MOST_BAR - _LEAST_BAR))
    filled = round(size * share)
    bar = blocks[0] * filled + blocks[1] * (size - filled) + percent
    shown = [piece.text for piece in sorted(chosen, key=lambda piece: piece.place)]
    return _BETWEEN.join([bar, *news, *shown])[:width]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """One of the counts, and its place in the line."""

    text: str
    place: int


def _pieces(counts: RunCounts, number: Callable[[int], str]) -> list[_Piece]:
    """What there is to say, the most important first; `number` writes a count of tokens."""
    labels = " ".join(f"{clean(label)} {count:,}" for label, count in sorted(counts.labels.items()))
    tokens = counts.prompt_tokens + counts.completion_tokens
    found = [
        (0, f"{counts.done:,}/{counts.total:,}"),
        (7, f"in flight {counts.asking}+{counts.judging}" if counts.asking or counts.judging else ""),
        (5, f"tokens {number(tokens)}" if counts.answering else ""),
        (8, _money(counts)),
        (2, f"{duration(counts.eta_s)} left" if counts.eta_s is not None else ""),
        (4, f"unscored {sum(counts.unscored.values()):,}"),
        (1, f"{counts.rate:.1f}/s"),
        (3, labels),
        (6, f"answered {counts.answered:,}" if counts.answering else ""),
    ]
    return [_Piece(text=text, place=place) for place, text in found if text]


def _money(counts: RunCounts) -> str:
    """``spent 1.20 of 4.80 USD``: what all sessions took, and what is expected at the end."""
    if counts.spent is None:
        return ""
    unknown = counts.asked.uncounted + counts.judge_asked.uncounted
    spent, expected = words.money(counts.spent), counts.expected
    all_of_it = f" of about {words.money(expected)}" if expected is not None else ""
    return f"spent {'at least ' if unknown else ''}{spent}{all_of_it} {clean(counts.currency)}".rstrip()


def _short(count: int) -> str:
    """``950``, ``12.3k``, ``1.2M``."""
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.1f}{name}"
    return str(count)


def _news(counts: RunCounts) -> list[str]:
    if counts.stopping:
        return [f"stopping: {counts.asking + counts.judging} requests in flight may finish, Ctrl-C again stops at once"]
    if counts.waiting:
        return [counts.waiting]
    limited = f"rate limited, waiting {duration(counts.paused_s)}" if counts.paused_s >= 1 else ""
    return [text for text in (limited, clean(counts.notice), clean(counts.doubt)) if text]


def duration(seconds: float) -> str:
    """``1h02m``, ``3m20s``, ``45s``."""
    whole = max(0, round(seconds))
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 60}m{whole % 60:02}s" if whole >= 60 else f"{whole}s"
