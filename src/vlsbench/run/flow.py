"""One sample's way through a run: ask the model, record, ask the judge, record.

Whatever goes wrong with one sample becomes its record. Only what would go wrong with every sample (no
access, no disk, no network, the user's wish) leaves here as an exception.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vlsbench.core.errors import Blocked, ImageProblem, RequestFailed, VLSBenchError
from vlsbench.core.protocols import Judge, Model, View
from vlsbench.core.types import Image, Prompt, Reply, Response, ResponseOutcome, Sample, Verdict, VerdictOutcome
from vlsbench.run.preparation import Preparation, Prepared
from vlsbench.run.progress import Progress, RunCounts
from vlsbench.run.throttle import Gate, Halt
from vlsbench.store import journal
from vlsbench.store.journal import Journal
from vlsbench.store.run_folder import Run

MAX_ERROR = 1000
"""Characters of an error message that are recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """How the target model is asked: with each sample as it is, or with a view of it."""

    max_tokens: int = 128
    temperature: float = 0.0
    system: str | None = None
    seed: int | None = None
    view: View | None = None

    def prompt(self, sample: Sample, image: Image | None) -> Prompt:
        """The request for one sample.

        Raises:
            RequestFailed: The view cannot show this sample.
        """
        text, image = (sample.text, image) if self.view is None else self.view.show(sample, image)
        return Prompt(
            text=text,
            image=image,
            system=self.system,
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            seed=self.seed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleWork:
    """A sample that still needs an answer, or has one and needs a verdict."""

    prepared: Prepared
    response: Response | None


@dataclass(slots=True, kw_only=True)
class Answering:
    """The first stage: the model (with its retries), its slots, and how it is asked."""

    model: Model
    gate: Gate
    generation: Generation
    served: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Judging:
    """The second stage: the judge, its slots, and where its verdicts go (the stem of their file)."""

    judge: Judge
    gate: Gate
    stem: str


class Flow:
    """Takes the samples of a run through its stages.

    Args:
        run: The locked run folder.
        source: Lists the samples.
        answering: How to answer; None to judge only what is answered.
        judging: How to judge.
        halt: The user's wish to stop.
        progress: Told after every record: an answer, and a verdict.
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
    ) -> None:
        self._run = run
        self._source = source
        self._answering = answering
        self._judging = judging
        self._halt = halt
        self._progress = progress
        self.counts = RunCounts(total=run.size)
        self._responses = Journal(run.responses)
        self._verdicts = Journal(run.verdicts(judging.stem))
        self._judged, self._answered = self._read()

    def close(self) -> None:
        """Sync and close the journals."""
        try:
            self._responses.close()
        finally:
            self._verdicts.close()

    async def report(self) -> None:
        """Tell the progress twice a second how things stand, also while nothing is recorded."""
        while self._progress is not None:
            gates = [self._judging.gate, *([self._answering.gate] if self._answering else [])]
            self.counts.judging = self._judging.gate.in_use
            self.counts.asking = self._answering.gate.in_use if self._answering else 0
            self.counts.paused_s = max(gate.paused_s for gate in gates)
            self.counts.stopping = self._halt.asked
            self._progress(self.counts)
            await asyncio.sleep(0.5)

    def width(self) -> int:
        """How many samples may be in work: those the slots can hold, and a few to come."""
        answering = self._answering.gate.limit if self._answering else 0
        return answering + self._judging.gate.limit + 4

    def _read(self) -> tuple[set[str], dict[str, int]]:
        """What earlier sessions left.

        Returns:
            The samples whose last verdict is scored, since failures are tried again; and for the others the
            byte offset of their last response, negative where it is a failure.
        """
        answers = (ResponseOutcome.OK.value, ResponseOutcome.TRUNCATED.value)
        labels = _scored(self._run.verdicts(self._judging.stem))
        offsets: dict[str, int] = {}
        answered: set[str] = set()
        for offset, sample_id, outcome, _ in journal.heads(self._run.responses):
            if outcome in answers:
                answered.add(sample_id)
            if sample_id not in labels:
                offsets[sample_id] = offset if outcome in answers else -1 - offset
        # A damaged line: a verdict does not stand without its answer.
        judged = labels.keys() & answered
        if self._answering is not None:
            self._withdraw_all_but(answered, labels)
        self.counts.labels.update(labels[sample_id] for sample_id in judged)
        self.counts.judged = len(judged)
        self.counts.answered = len(judged) + sum(offset >= 0 for offset in offsets.values())
        return judged, offsets

    def _withdraw_all_but(self, answered: set[str], labels: Mapping[str, str]) -> None:
        """Take back the verdicts on answers that are lost: they would pass for verdicts on the next answers."""
        for stem in self._run.judges:
            path = self._run.verdicts(stem)
            lost = (labels if stem == self._judging.stem else _scored(path)).keys() - answered
            if lost:
                with Journal(path) as verdicts:
                    for sample_id in sorted(lost):
                        verdicts.append(_unanswered(sample_id, "the answer it was about is lost"))

    async def pending(self) -> AsyncIterator[SampleWork]:
        """What is still to be done, in the order of the dataset."""
        async for number, sample_id, line in self._source.lines(self._judged):
            offset = self._answered.get(sample_id)
            response = None
            if offset is not None and (offset >= 0 or self._answering is None):
                response = self._recorded(offset)
            # Where only verdicts are asked for, a sample that was never answered stays pending.
            if response is not None or self._answering is not None:
                yield SampleWork(prepared=self._source.prepared(number, line), response=response)

    def _recorded(self, offset: int) -> Response | None:
        """A response read back, or None where its line is damaged: then it counts as not recorded."""
        return journal.read_at(self._run.responses, offset if offset >= 0 else -1 - offset, Response)

    async def process(self, work: SampleWork) -> None:
        """Take one sample through whatever it still needs."""
        response = work.response
        if response is None and self._answering is not None:
            response = await self._answer(work.prepared, self._answering)
            self._halt.check()
        if response is not None:
            await self._judge(work.prepared, response)

    async def _answer(self, prepared: Prepared, stage: Answering) -> Response:
        async with stage.gate:
            started = time.monotonic()
            reply = await _reply(prepared, stage)
            if reply.model is not None:
                stage.served.add(reply.model)
            response = Response(
                sample_id=prepared.sample.id,
                outcome=reply.outcome,
                text=reply.text,
                error=reply.error[:MAX_ERROR],
                finish_reason=reply.finish_reason,
                prompt_tokens=reply.prompt_tokens,
                completion_tokens=reply.completion_tokens,
                latency_s=round(time.monotonic() - started, 4),
            )
            self._responses.append(response)
        self.counts.count_response(response)
        self._tell()
        return response

    async def _judge(self, prepared: Prepared, response: Response) -> None:
        if response.outcome.is_answer:
            async with self._judging.gate:
                started = time.monotonic()
                verdict = await self._verdict(prepared, response)
                self._record(verdict, round(time.monotonic() - started, 4))
        else:
            self._record(_unanswered(response.sample_id, f"no answer to judge ({response.outcome})"), 0.0)

    def _record(self, verdict: Verdict, latency_s: float) -> None:
        self._verdicts.append(replace(verdict, latency_s=latency_s))
        self.counts.count_verdict(verdict)
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self.counts)

    async def _verdict(self, prepared: Prepared, response: Response) -> Verdict:
        judge = self._judging.judge
        try:
            if prepared.problem:
                raise ImageProblem(prepared.problem)
            said: object = await judge.judge(prepared.sample, response, prepared.image)
            return replace(_sound(said, judge), sample_id=prepared.sample.id)
        except (RequestFailed, ImageProblem) as error:
            why = str(error)
        except VLSBenchError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug in a user's judge costs a sample, not the run
            why = f"{type(error).__name__}: {error}"
        return Verdict(
            sample_id=prepared.sample.id,
            outcome=VerdictOutcome.JUDGE_ERROR,
            reason=why[:MAX_ERROR],
            judge_model=judge.name,
        )


def _scored(path: Path) -> dict[str, str]:
    """The labels of the samples whose last verdict in a file is scored."""
    labels: dict[str, str | None] = {}
    for _, sample_id, outcome, label in journal.heads(path):
        labels[sample_id] = label if outcome == VerdictOutcome.SCORED.value else None
    return {sample_id: label for sample_id, label in labels.items() if label is not None}


def _unanswered(sample_id: str, why: str) -> Verdict:
    return Verdict(sample_id=sample_id, outcome=VerdictOutcome.NO_RESPONSE, reason=why)


def _sound(said: object, judge: Judge) -> Verdict:
    """What a judge said, if it is a verdict that the summary can count."""
    if not isinstance(said, Verdict):
        raise RequestFailed(f"the judge gave back, instead of a Verdict, something of type {type(said).__name__}")
    if said.label is None and said.outcome is not VerdictOutcome.SCORED:
        return said
    if said.outcome is not VerdictOutcome.SCORED or said.label not in judge.labels:
        raise RequestFailed(f"the judge's label {said.label!r} does not go with outcome {said.outcome} and its labels")
    return said


async def _reply(prepared: Prepared, stage: Answering) -> Reply:
    """The model's reply, or the failure as one."""
    if prepared.problem:
        return Reply(outcome=ResponseOutcome.ERROR, error=f"image: {prepared.problem}")
    try:
        return await stage.model.generate(stage.generation.prompt(prepared.sample, prepared.image))
    except Blocked as error:
        return Reply(outcome=ResponseOutcome.BLOCKED, error=str(error), finish_reason="content_filter")
    except RequestFailed as error:
        return Reply(outcome=ResponseOutcome.ERROR, error=str(error))
    except ImageProblem as error:
        return Reply(outcome=ResponseOutcome.ERROR, error=f"image: {error}")
