"""Progress on stderr: one line that renews itself in a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import time

from vlsbench.cli.terminal import clean
from vlsbench.tally import Tally

TERMINAL_EVERY_S = 0.2
PLAIN_EVERY_S = 10.0


class ProgressLine:
    """Shows a `Tally` as it grows; an instance is a `vlsbench.tally.Progress`."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._live = self._stream.isatty()
        self._every_s = TERMINAL_EVERY_S if self._live else PLAIN_EVERY_S
        self._next = 0.0 if self._live else time.monotonic() + self._every_s
        self._shown: Tally | None = None
        self._stopping = False

    def __call__(self, tally: Tally) -> None:
        """Show the counts, unless that was done a moment ago."""
        self._shown = tally
        now = time.monotonic()
        if now >= self._next or (tally.stopping and not self._stopping):
            self._stopping = tally.stopping
            self._next = now + self._every_s
            self._write(tally)

    def close(self) -> None:
        """Show the last counts and end the line; a second call does nothing until there are new ones."""
        if self._shown is not None:
            self._write(self._shown)
            self._shown = None
            if self._live:
                self._stream.write("\n")
                self._stream.flush()

    def _write(self, tally: Tally) -> None:
        line = describe(tally)
        if self._live:
            import shutil

            line = line[: shutil.get_terminal_size().columns - 1]
            self._stream.write(f"\r\x1b[2K{line}")
        else:
            self._stream.write(f"{line}\n")
        self._stream.flush()


def describe(tally: Tally) -> str:
    """The counts as one line: done/total, rate, time left, labels, unscored, tokens, and what is going on."""
    labels = " ".join(f"{clean(label)} {count:,}" for label, count in sorted(tally.labels.items()))
    tokens = tally.prompt_tokens + tally.completion_tokens
    parts = [
        f"{tally.done:,}/{tally.total:,}",
        f"{tally.rate:.1f}/s",
        f"{duration(tally.eta_s)} left" if tally.eta_s is not None else "",
        labels,
        f"unscored {sum(tally.unscored.values()):,}",
        f"tokens {tokens:,}" if tally.answering else "",
        f"answered {tally.answered:,}" if tally.answering else "",
        f"in flight {tally.asking}+{tally.judging}" if tally.asking or tally.judging else "",
    ]
    return " · ".join([*_news(tally), *(part for part in parts if part)])


def _news(tally: Tally) -> list[str]:
    if tally.stopping:
        return [f"stopping: {tally.asking + tally.judging} requests in flight may finish, Ctrl-C again stops at once"]
    return [f"rate limited, waiting {duration(tally.paused_s)}"] if tally.paused_s >= 1 else []


def duration(seconds: float) -> str:
    """``1h02m``, ``3m20s``, ``45s``."""
    whole = max(0, round(seconds))
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 60}m{whole % 60:02}s" if whole >= 60 else f"{whole}s"
