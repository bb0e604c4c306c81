"""Running counts of a run in progress, for whoever shows them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from vlsbench.core.types import Response, Verdict


@dataclass(slots=True, kw_only=True)
class RunCounts:
    """Counts of one session and of what earlier sessions left.

    `answered`, `judged` and `labels` include earlier sessions; `unscored`, tokens and the clock are of this one.
    `asking` and `judging` are requests in flight at this moment, `paused_s` is how long a rate limit still
    pauses everybody, and `stopping` is set once the user asked to stop. `answering` is False where nothing is
    answered, only judged; `notice` says what requests wait for beside answers, `doubt` what the user should know of the
    servers; `loading` names a local model that is being loaded, when there is nothing to count yet; `ended` stops the
    clock where more work of another kind follows.
    """

    total: int
    answered: int = 0
    judged: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    unscored: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    new: int = 0
    asking: int = 0
    judging: int = 0
    paused_s: float = 0.0
    stopping: bool = False
    answering: bool = True
    loading: str = ""
    notice: str = ""
    doubt: str = ""
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def count_response(self, response: Response) -> None:
        """One more response on disk."""
        self.answered += response.outcome.is_answer
        self.prompt_tokens += response.prompt_tokens or 0
        self.completion_tokens += response.completion_tokens or 0

    def count_verdict(self, verdict: Verdict) -> None:
        """One more verdict on disk."""
        self.new += 1
        if verdict.label is not None:
            self.judged += 1
            self.labels[verdict.label] += 1
        else:
            self.unscored[verdict.outcome.value] += 1

    @property
    def done(self) -> int:
        """Samples that need nothing more in this session."""
        return self.judged + sum(self.unscored.values())

    @property
    def rate(self) -> float:
        """Samples finished per second in this session."""
        elapsed = (time.monotonic() if self.ended is None else self.ended) - self.started
        return self.new / elapsed if elapsed > 0 else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds left at the present rate, or None while nothing is known."""
        return (self.total - self.done) / self.rate if self.new else None


Progress = Callable[[RunCounts], None]
"""Called after every record and about twice a second besides; must return quickly."""
