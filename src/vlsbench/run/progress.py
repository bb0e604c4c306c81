"""Running counts of a run in progress, for whoever shows them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from vlsbench.core.types import Response, Verdict
from vlsbench.core.usage import Price, Usage


@dataclass(slots=True, kw_only=True)
class RunCounts:
    """Counts of one session and of what earlier sessions left.

    `answered`, `judged` and `labels` include earlier sessions; `unscored`, tokens and the clock are of this one.
    `asking` and `judging` are requests in flight at this moment, `paused_s` is how long a rate limit still
    pauses everybody, and `stopping` is set once the user asked to stop. `answering` is False where nothing is
    answered, only judged; `waiting` says what is out in batches while there is nothing else to do; `notice` says what
    requests wait for beside answers, `doubt` what the user should know of the servers;
    `loading` names a local model that is being loaded, when there is nothing to count yet;
    `ended` stops the clock where more work of another kind follows. `asked` and `judge_asked` are what answers and
    verdicts took, of all sessions, and `price` and `judge_price` what that costs, where it is known. `round_of` is the
    session of batches of which this is a round, if it is one: the last round stands for those before it. `costs` is
    what the stages cost, by currency, where these counts add several up.
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
    waiting: str = ""
    notice: str = ""
    doubt: str = ""
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    asked: Usage = field(default_factory=Usage)
    judge_asked: Usage = field(default_factory=Usage)
    price: Price | None = None
    judge_price: Price | None = None
    failed: int = 0
    round_of: object | None = None
    costs: dict[str, float] = field(default_factory=dict)

    def count_response(self, response: Response) -> None:
        """One more response on disk."""
        self.answered += response.outcome.is_answer
        self.failed += not response.outcome.is_answer
        self.prompt_tokens += response.prompt_tokens or 0
        self.completion_tokens += response.completion_tokens or 0
        self.asked.count(response)

    def count_verdict(self, verdict: Verdict) -> None:
        """One more verdict on disk."""
        self.new += 1
        self.prompt_tokens += verdict.prompt_tokens or 0
        self.completion_tokens += verdict.completion_tokens or 0
        self.judge_asked.count(verdict)
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

    @property
    def spent(self) -> float | None:
        """What all sessions cost, as far as servers told; None where no price is known, or no one currency."""
        found = [price.of(usage) for price, usage, _ in self._priced()]
        found += self.costs.values() if len(self.costs) == 1 else ()
        return sum(found) if found else None

    @property
    def expected(self) -> float | None:
        """What the run will have cost at its end if it goes on as before; None while nothing can be told."""
        if self.costs:  # of stages that have not begun nothing is known
            return None
        total = 0.0
        for price, usage, left in self._priced():
            if usage.records == usage.uncounted and left:
                return None
            counted = usage.records - usage.uncounted
            total += price.of(usage) * (1 + left / counted if left else 1)
        return total if self.spent is not None else None

    def _priced(self) -> list[tuple[Price, Usage, int]]:
        """The prices that are known, each with what was taken and how many records are still to come."""
        unanswered = max(0, self.total - self.answered - self.failed) if self.answering else 0
        unjudged = max(0, self.total - self.done)
        found = ((self.price, self.asked, unanswered), (self.judge_price, self.judge_asked, unjudged))
        return [(price, usage, left) for price, usage, left in found if price is not None]

    @property
    def currency(self) -> str:
        """What the prices are in; may be empty."""
        return next(iter([*(price.currency for price, _, _ in self._priced()), *self.costs]), "")


Progress = Callable[[RunCounts], None]
"""Called after every record and about twice a second besides; must return quickly."""
