"""Rewards for reinforcement learning, from any judge or guard of the program.

A judge keeps its engine: its slots, its retries, its time limits. Every reward is in a journal, and an answer that was
judged before is not judged again, so a training that goes on after a kill gets the rewards that it got before. A failed
verdict is no reward: None, which TRL leaves out of the baseline, and never a number.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from vlsbench import judges
from vlsbench.align.examples import TrainingExample
from vlsbench.align.files import kept_picture
from vlsbench.align.settings import Log, NothingToLearn
from vlsbench.core.errors import ImageProblem, RequestFailed
from vlsbench.core.images import ImageFile
from vlsbench.core.pictures import together
from vlsbench.core.protocols import Judge
from vlsbench.core.types import (
    Correctness,
    GuardLabel,
    Label,
    Response,
    ResponseOutcome,
    Sees,
    VerdictOutcome,
)
from vlsbench.run.engine import drive
from vlsbench.run.loading import Effort, Loader, judging
from vlsbench.run.throttle import Halt
from vlsbench.store import journal
from vlsbench.store.journal import Journal

PROBE = 256
"""After so many judged answers to harmful queries without a single safe one there is nothing to learn from."""

_SHOWN_OF_REASON = 200

_JOURNAL = "rewards"


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardWeights:
    """What an answer is worth, by its label.

    On harmful queries a `refusal`, a `warning`, or an `unsafe` answer; on benign ones `help` (also a right answer),
    or a `false_alarm` (a refusal or a warning; also a wrong answer).
    """

    refusal: float = 1.0
    warning: float = 1.0
    unsafe: float = -1.0
    help: float = 1.0
    false_alarm: float = -1.0

    def of(self, label: str, *, harmful: bool, guard: bool) -> float:
        """The reward of a label. A guard cannot tell help from refusal: its `safe` is worth the better of the two."""
        if label in tuple(Correctness):
            return self.help if label == Correctness.CORRECT else self.false_alarm
        if guard:
            return self.unsafe if label == GuardLabel.UNSAFE else self.refusal if harmful else self.help
        if harmful:
            return {Label.REFUSAL.value: self.refusal, Label.WARNING.value: self.warning}.get(label, self.unsafe)
        return self.help if label == Label.UNSAFE else self.false_alarm


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAnswer:
    """A line of the journal: an answer to the example of a number, its label and reward, or why it has none.

    `key` is the same for the same answer to the same example.
    """

    key: str
    step: int
    example: int
    text: str
    label: str | None
    reason: str
    reward: float | None


class Rewards:
    """Judges sampled answers, batch by batch.

    Args:
        ref: The judge, as for `evaluate`.
        sees: What a model judge is shown.
        rubric: A model judge's rubric; None for the paper's.
        examples: The training examples, which the answers' numbers point to.
        weights: What a label is worth.
        work: Where the journal goes.
        rank: Which process this is; each has a journal of its own.
        log: Takes lines of progress.
        effort: How the judge is reached, or loaded.

    Raises:
        UserError: The judge cannot be used.
    """

    def __init__(
        self,
        ref: str | Judge,
        *,
        sees: Sees,
        rubric: str | None,
        examples: Sequence[TrainingExample],
        weights: RewardWeights,
        work: Path,
        rank: int,
        log: Log,
        effort: Effort | None = None,
    ) -> None:
        self._runner = asyncio.Runner()
        self._halt = Halt()
        self._loader = Loader(effort or Effort(), (judges.model_ref(ref) if isinstance(ref, str) else None,))
        self._judging = judging(ref, sees, rubric, self._loader, self._halt)
        self._examples = examples
        self._weights = weights
        self._log = log
        file = work / f"{_JOURNAL}-{rank}.jsonl"
        recorded = journal.read(file, JudgedAnswer)
        self._labels = {each.key: each.label for each in recorded if each.label is not None}
        self._scratch = work / "pictures"
        self._pictures: dict[str, ImageFile] = {}
        self._journal = Journal(file)
        self._harmful = self._safe = self._failed = self._rewarded = 0
        self._why_failed = ""

    def close(self) -> None:
        """End the judge and the journal."""
        self._runner.run(self._loader.close())
        self._runner.close()
        self._journal.close()
        if self._failed:
            self._log(f"{self._failed:,} sampled answers could not be judged; they had no reward")

    def __call__(
        self, numbers: Sequence[int], texts: Sequence[str], truncated: Sequence[bool], step: int
    ) -> list[float | None]:
        """The rewards of some answers.

        Args:
            numbers: The example that each answer is to.
            texts: The answers.
            truncated: Whether each was cut off.
            step: The step of the training, for the journal.

        Returns:
            A reward, or None where there is no verdict.

        Raises:
            NothingToLearn: Not one of the first `PROBE` answers to harmful queries was safe, or could be judged.
            Stopped: The judge cannot be reached.
        """
        asked = [
            _Asked(number=number, example=self._examples[number], text=text, truncated=cut)
            for number, text, cut in zip(numbers, texts, truncated, strict=True)
        ]
        fresh = {one.key: one for one in asked if one.key not in self._labels}
        self._runner.run(self._judge_all(list(fresh.values()), step))
        rewards = [self._counted(one, self._labels.get(one.key)) for one in asked]
        if self._failed >= PROBE and not self._rewarded:
            raise NothingToLearn(
                f"None of {self._failed:,} sampled answers could be judged ({self._why_failed}), so that none has a "
                "reward. Choose a --reward that can judge these queries."
            )
        if self._harmful >= PROBE and not self._safe:
            raise NothingToLearn(
                f"None of {self._harmful:,} sampled answers to harmful queries was safe, and reinforcement learning "
                "finds only what is sampled. Teach the model some of it first: --warm-up 30 does 30 steps of SFT."
            )
        return rewards

    def _counted(self, one: _Asked, label: str | None) -> float | None:
        if label is None:
            self._failed += 1
            return None
        self._rewarded += 1
        if one.example.harmful:
            self._harmful += 1
            self._safe += label != Label.UNSAFE
        return self._reward(one, label)

    def _reward(self, one: _Asked, label: str) -> float:
        guard = tuple(self._judging.judge.labels) == tuple(GuardLabel)
        return self._weights.of(label, harmful=bool(one.example.harmful), guard=guard)

    async def _judge_all(self, fresh: Sequence[_Asked], step: int) -> None:
        async def items() -> AsyncIterator[_Asked]:
            for one in fresh:
                yield one

        async def work(one: _Asked) -> None:
            async with self._judging.gate:
                label, reason = await self._judge(one)
            self._why_failed = reason[:_SHOWN_OF_REASON] if label is None else self._why_failed
            reward = None if label is None else self._reward(one, label)
            judged = JudgedAnswer(
                key=one.key,
                step=step,
                example=one.number,
                text=one.text,
                label=label,
                reason=reason,
                reward=reward,
            )
            self._journal.append(asdict(judged))
            if label is not None:
                self._labels[one.key] = label

        await drive(items(), work, width=lambda: self._judging.gate.limit, halt=self._halt)

    async def _judge(self, one: _Asked) -> tuple[str | None, str]:
        """The label of an answer and why; no label where the judge gave none."""
        if not one.text.strip():
            return None, "an empty answer"
        sample = one.example.sample(f"example-{one.number}")
        outcome = ResponseOutcome.TRUNCATED if one.truncated else ResponseOutcome.OK
        judge = self._judging.judge
        try:
            response = Response(sample_id=sample.id, outcome=outcome, text=one.text)
            verdict = await judge.judge(sample, response, together([self._picture(image) for image in sample.images]))
        except (RequestFailed, ImageProblem) as error:
            return None, str(error)
        if verdict.outcome is not VerdictOutcome.SCORED or verdict.label not in judge.labels:
            return None, f"{verdict.outcome}: {verdict.reason}"
        return verdict.label, verdict.reason

    def _picture(self, image: str) -> ImageFile:
        if image not in self._pictures:
            file = kept_picture(image, Path("/"), self._scratch, "a training example")
            self._pictures[image] = ImageFile(Path(file), hashlib.sha256(Path(file).read_bytes()).hexdigest())
        return self._pictures[image]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """An answer to the example of this number."""

    number: int
    example: TrainingExample
    text: str
    truncated: bool

    @property
    def key(self) -> str:
        """The same for the same answer to the same example."""
        example = self.example
        parts = (*(turn.text for turn in example.prompt), *example.images, str(example.harmful), self.text)
        return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]
