"""The course of a run: ask the model, record, ask the judge, record."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from vlsbench.core.downsizing import smaller
from vlsbench.core.errors import Blocked, ImageProblem
from vlsbench.core.metering import Meter
from vlsbench.core.protocols import Judge, Model, View, returned
from vlsbench.core.surrogates import sayable
from vlsbench.core.thinking import MAX_KEPT
from vlsbench.core.types import Image, Prompt, Reply, Response, ResponseOutcome, Sample, Verdict, VerdictOutcome
from vlsbench.core.usage import Price
from vlsbench.results.outcomes import ANSWERS, Answered
from vlsbench.run.batches.request import current_sample
from vlsbench.run.course import (
    MAX_ERROR,
    Course,
    Final,
    countable,
    elapsed,
    final_verdicts,
    or_failure,
    sound_label,
    standing,
)
from vlsbench.run.preparation import Preparation, Prepared
from vlsbench.run.progress import Progress, RunCounts
from vlsbench.run.throttle import Gate, Halt
from vlsbench.store import journal, records
from vlsbench.store.journal import Journal
from vlsbench.store.run_folder import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """How the target model is asked: with each sample as it is, or with a view of it.

    `image_max_side` is the longest side of an image in pixels; larger ones are scaled down.
    """

    max_tokens: int = 128
    temperature: float = 0.0
    system: str | None = None
    seed: int | None = None
    view: View | None = None
    image_max_side: int | None = None

    def prompt(self, sample: Sample, image: Image | None) -> Prompt:
        """The request for one sample.

        Raises:
            RequestFailed: The view cannot show this sample.
        """
        text, image = (sample.text, image) if self.view is None else self.view.show(sample, image)
        return Prompt(
            text=text,
            image=smaller(image, self.image_max_side),
            system=self.system,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleWork:
    """A sample that still needs an answer, or has one and needs a verdict; `number` counts the run's samples from 0."""

    number: int
    prepared: Prepared
    response: Response | None


@dataclass(slots=True, kw_only=True)
class Answering:
    """The first stage: the model (with its retries), its slots, how it is asked, and what it costs, if known."""

    model: Model
    gate: Gate
    generation: Generation
    price: Price | None = None
    served: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Judging:
    """The second stage: the judge, its slots, what it costs, and the names under which its replies came."""

    judge: Judge
    gate: Gate
    price: Price | None = None
    served: set[str] = field(default_factory=set)

    def stem_in(self, run: Run) -> str:
        """Where the verdicts go: the stem of their file in a run."""
        return run.stem_of(self.judge.name, self.judge.settings)


class Flow(Course[SampleWork]):
    """Takes the samples of a run to their answers and verdicts.

    Args:
        run: The locked run folder.
        source: Lists the samples.
        answering: How to answer; None to judge only what is answered.
        judging: How to judge.
        halt: The user's wish to stop.
        progress: Told after every record: an answer, and a verdict.
        through: The samples that came to their end in earlier rounds of this session, which are not tried again
            (`vlsbench.run.batches`); those of this one are added.
    """

    def __init__(
        self,
        run: Run,
        source: Preparation,
        *,
        answering: Answering | None,
        judging: Judging,
        halt: Halt,
        progress: Progress | None,
        through: set[str] | None = None,
    ) -> None:
        asking = (answering.gate,) if answering is not None else ()
        counts = RunCounts(
            total=run.size,
            price=answering.price if answering is not None else None,
            judge_price=judging.price,
        )
        super().__init__(source, counts, halt, progress, asking=asking, judging=(judging.gate,))
        self.source = source
        self._run = run
        self._answering = answering
        self._judging = judging
        self._through: set[str] = set() if through is None else through
        self._responses = self.open_journal(run.responses)
        self._stem = judging.stem_in(run)
        self._verdicts = self.open_journal(run.verdicts(self._stem))
        self._done, self._answered = self._read()

    def _read(self) -> tuple[set[str], dict[str, int]]:
        """What earlier sessions left.

        Returns:
            The samples whose last verdict is scored, since failures are tried again; and for the others the
            byte offset of their last response, negative where it is a failure.
        """
        offsets: dict[str, int] = {}
        answers: dict[str, Answered] = {}
        for offset, sample_id, outcome, _, answer in journal.heads(self._run.responses, self.counts.asked):
            if outcome in ANSWERS:
                answers[sample_id] = Answered(outcome, answer)
            offsets[sample_id] = offset if outcome in ANSWERS else -1 - offset
        # A damaged line: a verdict stands neither without its answer nor with a label that the judge does not have.
        verdicts = final_verdicts(self._run.verdicts(self._stem), self.counts.judge_asked)
        labels = standing(verdicts, countable(self._judging.judge), answers)
        done = set(labels)
        for sample_id in done:
            offsets.pop(sample_id, None)
        if self._answering is not None:
            self._withdraw_all_but(answers, verdicts)
        self.counts.labels.update(label for label in labels.values() if label != VerdictOutcome.UNINTELLIGIBLE)
        self.counts.judged = len(done)
        self.counts.answered = len(done) + sum(offset >= 0 for offset in offsets.values())
        return done, offsets

    def _withdraw_all_but(self, answers: Mapping[str, Answered], own: Mapping[str, Final]) -> None:
        """Take back the verdicts on answers that are lost: they would pass for verdicts on the next answers."""
        for stem in self._run.judges:
            path = self._run.verdicts(stem)
            found = own if stem == self._stem else final_verdicts(path)
            lost = found.keys() - answers.keys()
            if lost:
                with Journal(path) as verdicts:
                    for sample_id in sorted(lost):
                        verdicts.append(_unanswered(sample_id, "the answer it was about is lost"))

    async def pending(self) -> AsyncIterator[SampleWork]:
        """What is still to be done, in the order of the dataset."""
        async for number, sample_id, line in self.source.lines(self._done):
            if sample_id in self._through:
                continue
            offset = self._answered.get(sample_id)
            response = None
            if offset is not None and (offset >= 0 or self._answering is None):
                response = self._recorded(offset)
            # Where only verdicts are asked for, a sample that was never answered stays pending.
            if response is not None or self._answering is not None:
                yield SampleWork(number=number, prepared=self.source.prepared(number, line), response=response)

    def _recorded(self, offset: int) -> Response | None:
        """A response read back, or None where its line is damaged: then it counts as not recorded."""
        response = journal.read_at(self._run.responses, offset if offset >= 0 else -1 - offset, Response)
        if response is not None and response.outcome.is_answer and not response.is_answer:
            return None  # thinking that was cut off before an answer came
        return response

    async def process(self, work: SampleWork) -> None:
        """Take one sample through whatever it still needs."""
        current_sample.set(work.number)
        response = work.response
        if response is None and self._answering is not None:
            response = await self._answer(work.prepared, self._answering)
            self.halt.check()
        if response is not None:
            await self._judge(work.prepared, response)
        self._through.add(work.prepared.sample.id)

    async def _answer(self, prepared: Prepared, stage: Answering) -> Response:
        async with stage.gate:
            started = time.monotonic()
            with Meter() as meter:
                reply = await or_failure(_reply(prepared, stage), _failed_reply)
            if reply.model is not None:
                stage.served.add(reply.model)
            took = meter if meter.replies else reply  # replies that broke off before are paid for as well
            response = Response(
                sample_id=prepared.sample.id,
                outcome=reply.outcome,
                text=sayable(reply.text),
                error=reply.error[:MAX_ERROR],
                reasoning=reply.reasoning[:MAX_KEPT],
                finish_reason=reply.finish_reason,
                prompt_tokens=took.prompt_tokens,
                completion_tokens=took.completion_tokens,
                cached_tokens=took.cached_tokens,
                requests=meter.requests,
                retried=meter.retried,
                batched=meter.batched,
                latency_s=elapsed(started),
            )
            self._responses.append(records.from_response(response))
        self.counts.count_response(response)
        self.tell()
        return response

    async def _judge(self, prepared: Prepared, response: Response) -> None:
        if not response.is_answer:
            why = f"no answer to judge ({response.outcome})"
            self.record_verdict(self._verdicts, _unanswered(response.sample_id, why), response)
            return
        judge = self._judging.judge

        def failed(why: str) -> Verdict:
            return Verdict(
                sample_id=prepared.sample.id, outcome=VerdictOutcome.JUDGE_ERROR, reason=why, judge_model=judge.name
            )

        async with self._judging.gate:
            started = time.monotonic()
            with Meter() as meter:
                verdict = await or_failure(_verdict(prepared, response, judge), failed)
            verdict = meter.measure(verdict, sample_id=prepared.sample.id, latency_s=elapsed(started))
            if verdict.outcome is VerdictOutcome.SCORED:
                self._judging.served.add(verdict.judge_model)
            self.record_verdict(self._verdicts, verdict, response)


def _unanswered(sample_id: str, why: str) -> Verdict:
    return Verdict(sample_id=sample_id, outcome=VerdictOutcome.NO_RESPONSE, reason=why)


async def _verdict(prepared: Prepared, response: Response, judge: Judge) -> Verdict:
    """The judge's verdict, if the summary can count it."""
    if prepared.problem:
        raise ImageProblem(prepared.problem)
    verdict = returned(await judge.judge(prepared.sample, response, prepared.image), Verdict, "judge")
    sound_label(verdict.outcome, verdict.label, judge.labels, "judge")
    return verdict


async def _reply(prepared: Prepared, stage: Answering) -> Reply:
    """The model's reply, or its provider's refusal as one."""
    if prepared.problem:
        raise ImageProblem(prepared.problem)
    try:
        return await stage.model.generate(stage.generation.prompt(prepared.sample, prepared.image))
    except Blocked as error:
        return Reply(outcome=ResponseOutcome.BLOCKED, error=str(error), finish_reason="content_filter")


def _failed_reply(why: str) -> Reply:
    return Reply(outcome=ResponseOutcome.ERROR, error=why)
