"""Progress on stderr: one line that renews itself in a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import sys
import time

from vlsbench.cli.terminal import clean
from vlsbench.run.progress import RunCounts

TERMINAL_EVERY_S = 0.2
PLAIN_EVERY_S = 10.0


class ProgressLine:
    """Shows a `RunCounts` as it grows; an instance is a `vlsbench.run.progress.Progress`.

    A terminal that dies under a run that was told to outlive it (``nohup``) ends the showing, not the run.
    """

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._live = self._stream.isatty()
        self._every_s = TERMINAL_EVERY_S if self._live else PLAIN_EVERY_S
        self._next = 0.0 if self._live else time.monotonic() + self._every_s
        self._shown: RunCounts | None = None
        self._stopping = False
        self._dead = False

    def __call__(self, counts: RunCounts) -> None:
        """Show the counts, unless that was done a moment ago."""
        self._shown = counts
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

    def _write(self, counts: RunCounts) -> None:
        line = describe(counts)
        if self._live:
            import shutil

            line = line[: shutil.get_terminal_size().columns - 1]
            self._put(f"\r\x1b[2K{line}")
        else:
            self._put(f"{line}\n")

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
    labels = " ".join(f"{clean(label)} {count:,}" for label, count in sorted(counts.labels.items()))
    tokens = counts.prompt_tokens + counts.completion_tokens
    parts = [
        f"{counts.done:,}/{counts.total:,}",
        f"{counts.rate:.1f}/s",
        f"{duration(counts.eta_s)} left" if counts.eta_s is not None else "",
        labels,
        f"unscored {sum(counts.unscored.values()):,}",
        f"tokens {tokens:,}" if counts.answering else "",
        f"answered {counts.answered:,}" if counts.answering else "",
        f"in flight {counts.asking}+{counts.judging}" if counts.asking or counts.judging else "",
    ]
    return " · ".join([*_news(counts), *(part for part in parts if part)])


def _news(counts: RunCounts) -> list[str]:
    if counts.stopping:
        return [f"stopping: {counts.asking + counts.judging} requests in flight may finish, Ctrl-C again stops at once"]
    return [f"rate limited, waiting {duration(counts.paused_s)}"] if counts.paused_s >= 1 else []


def duration(seconds: float) -> str:
    """``1h02m``, ``3m20s``, ``45s``."""
    whole = max(0, round(seconds))
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 60}m{whole % 60:02}s" if whole >= 60 else f"{whole}s"
