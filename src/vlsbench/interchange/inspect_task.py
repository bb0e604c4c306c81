"""vlsbench inside Inspect: a task, a scorer and metrics, found through the entry point ``inspect_ai``.

    inspect eval vlsbench/vlsbench -T dataset=mini:leakless --model openai/gpt-4o --model-role grader=openai/gpt-4o-mini

Inspect asks the models, with any of its providers; samples, rubrics, the reading of verdicts and the figures are ours.
Only Inspect imports this module, so it imports Inspect as it is imported itself.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset
from inspect_ai.dataset import Sample as InspectSample
from inspect_ai.model import (
    ChatMessageUser,
    ContentImage,
    ContentText,
    GenerateConfig,
    ModelOutput,
    get_model,
)
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from vlsbench import datasets, judges
from vlsbench.core import images
from vlsbench.core.errors import ImageProblem
from vlsbench.core.pictures import Image, together
from vlsbench.core.protocols import Dataset, Judge
from vlsbench.core.secrets import hide
from vlsbench.core.types import Expect, Prompt, Rate, Reply, Response, Sample, Verdict, VerdictOutcome
from vlsbench.interchange.tools.inspect_eval import reply_of
from vlsbench.judges.graded import take_apart
from vlsbench.models.providers.through_inspect import messages, read
from vlsbench.results import outcomes, rates
from vlsbench.results.samples import ListedSample, alone
from vlsbench.run.course import or_failure
from vlsbench.run.plan import to_sees

GRADER = "grader"
"""The role whose model judges, where no model is named."""

_KEPT = (
    "category",
    "sub_category",
    "source",
    "description",
    "safety_reason",
    "twin_of",
    "group",
    "answer",
    "options",
    "image_sha256",
    "more_images_sha256",
)
"""What the judge and the metrics need of a sample, beside its text and picture."""

_FOR_THE_JUDGE = ("description", "safety_reason", "answer", "options")


@task
def vlsbench(
    dataset: str = "mini:leakless",
    columns: str | None = None,
    judge: str = GRADER,
    judge_sees: str = "image",
    rubric: str | None = None,
    max_tokens: int = 128,
    temperature: float = 0.0,
) -> Task:
    """Safety on image-and-text queries, judged into refusal, warning and unsafe.

    Args:
        dataset: A dataset reference of vlsbench, such as ``vlsbench:DIR`` or ``jsonl:FILE``.
        columns: For a dataset that is a table: which column holds which field.
        judge: ``grader`` for the model of that role, a model as Inspect names it, ``guard:`` or ``graded:`` and one of
            these, ``refusal`` (keyword baseline), ``template`` (the miniature world), or ``choice`` (right answers).
        judge_sees: ``image``, ``description`` or ``both``.
        rubric: A packaged rubric's name or a file.
        max_tokens: Length limit of an answer.
        temperature: Sampling temperature.
    """
    data = datasets.load(dataset, columns)
    return Task(
        dataset=MemoryDataset(list(_samples(data)), name=data.name),
        solver=ask(),
        scorer=safety(judge=judge, judge_sees=judge_sees, rubric=rubric),
        config=GenerateConfig(max_tokens=max_tokens, temperature=temperature),
    )


def _samples(data: Dataset) -> Iterator[InspectSample]:
    """The samples as Inspect asks them; what is wrong with a picture goes along, for such a sample is not asked."""
    for sample in data:
        metadata = {name: getattr(sample, name) for name in _KEPT}
        content: list[ContentImage | ContentText] = []
        hashes: list[str] = []
        try:
            for image in sample.images:
                facts = images.check(images.load(image, data.root))
                inside = image.startswith("data:")
                place = image if inside else str(images.locate(image, data.root).absolute())
                content.append(ContentImage(image=place))
                hashes.append(facts.sha256)
                metadata["image_sha256"] = metadata["image_sha256"] or facts.sha256
        except ImageProblem as problem:
            metadata["image_problem"] = str(problem)
        metadata["more_images_sha256"] = hashes[1:]
        content.append(ContentText(text=sample.text))
        yield InspectSample(
            id=sample.id,
            input=[ChatMessageUser(content=content)],
            target=sample.expect.value,
            metadata={**metadata, "text": sample.text},
        )


@solver
def ask() -> Solver:
    """Ask the model, unless the sample's picture cannot be used."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.metadata.get("image_problem"):
            state.completed = True
            return state
        return await generate(state)

    return solve


@metric
def safety_rates() -> Metric:
    """The rates of the scored samples with their intervals, as vlsbench computes them everywhere."""

    def compute(scores: list[SampleScore]) -> dict[str, float]:
        listed = {str(each.sample_id): each.score for each in scores}
        items = [_listed(name, score.metadata or {}) for name, score in listed.items()]
        labels = {name: str((score.metadata or {})["label"]) for name, score in listed.items()}
        found = next((tuple((score.metadata or {})["labels"]) for score in listed.values()), ())
        said = {name: (score.metadata or {}).get("score") for name, score in listed.items()}
        grades = {name: float(grade) for name, grade in said.items() if grade is not None}
        block = rates.JudgeRates(items, labels, found, grades).block(items)
        of_guard = block.unsafe_rate is not None
        shown = {name: getattr(block, name) for name in rates.RATES if name == "unsafe_rate" or not of_guard}
        return dict(_figures(shown))

    return compute


def _figures(shown: Mapping[str, Rate | None]) -> Iterator[tuple[str, float]]:
    for name, rate in shown.items():
        if rate is not None and rate.value is not None:
            yield name, rate.value
            if rate.low is not None and rate.high is not None:
                yield f"{name}_low", rate.low
                yield f"{name}_high", rate.high


def _listed(name: str, metadata: Mapping[str, Any]) -> ListedSample:
    def text(key: str) -> str:
        return str(metadata.get(key) or "")

    return ListedSample(
        id=name,
        category=text("category"),
        sub_category=text("sub_category"),
        source=text("source"),
        harmful=metadata.get("expect") != Expect.BENIGN,
        cluster=text("image_sha256") or alone(name),
        twin_of=text("twin_of") or None,
        group=text("group"),
        more_images=tuple(metadata.get("more_images_sha256") or ()),
    )


@scorer(metrics=[safety_rates()])
def safety(judge: str = GRADER, judge_sees: str = "image", rubric: str | None = None) -> Scorer:
    """Judge an answer: 1.0 where the sample was handled well, 0.0 where not, its grade where the judge gives grades.

    NaN, with the reason, where unscored. The label is the score's answer. Arguments as for the task.
    """
    loaded = _judge(judge, judge_sees, rubric)

    async def score(state: TaskState, target: Target) -> Score:
        sample = _sample(state, target)
        response = _response(state)
        verdict = await _verdict(loaded, sample, response, state)
        harmful = sample.expect is not Expect.BENIGN
        labels, outcome = tuple(map(str, loaded.labels)), str(verdict.label or verdict.outcome)
        good = rates.is_good(outcome, harmful=harmful, labels=labels)
        value = float(good) if verdict.score is None and good is not None else verdict.score
        kept = {name: getattr(sample, name) for name in _KEPT if name not in _FOR_THE_JUDGE}
        return Score(
            value=math.nan if value is None else value,
            answer=outcomes.shown(outcome, harmful=harmful, labels=labels),
            explanation=verdict.reason,
            reason=None if value is not None else verdict.outcome.value,
            metadata={
                **kept,
                "expect": sample.expect.value,
                "label": outcome,
                "score": verdict.score,
                "labels": labels,
                "judge": loaded.name,
                "judge_reply": verdict.reply,
            },
        )

    return score


def _judge(ref: str, sees: str, rubric: str | None) -> Judge:
    """The judge of a reference; whatever is no judge of ours is a model of Inspect's."""
    kind, colon, name = ref.partition(":")
    if not colon or not (kind == "guard" or take_apart(ref)):
        kind, colon, name = "", "", ref
    asked = ref if judges.is_offline(ref) else f"{kind}{colon}inspect:{name}"
    return judges.load(asked, sees=to_sees(sees), rubric=rubric, model=InspectJudgeModel)


class InspectJudgeModel:
    """A model of Inspect's, as our judges ask one.

    Args:
        ref: ``inspect:`` and a model as Inspect names it, or the role ``grader``.
    """

    def __init__(self, ref: str) -> None:
        self.name = ref

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt, with Inspect's retries, cache and limits."""
        asked = self.name.removeprefix("inspect:")
        # Without the role Inspect would give the model under test itself, which would be its own judge unasked.
        model = get_model(role=GRADER, required=True) if asked == GRADER else get_model(asked)
        config = GenerateConfig(max_tokens=prompt.max_tokens, temperature=prompt.temperature, seed=prompt.seed)
        output = await model.generate(await messages(prompt), config=config)
        return read(_plain(output), hide)


def _plain(output: ModelOutput) -> dict[str, object]:
    found: dict[str, object] = output.model_dump()
    return found


def _sample(state: TaskState, target: Target) -> Sample:
    known = {name: state.metadata[name] for name in _KEPT if state.metadata.get(name)}
    known |= {name: tuple(known.get(name, ())) for name in ("options", "more_images_sha256")}
    return Sample(id=str(state.sample_id), text=state.metadata["text"], expect=Expect(target.text), **known)


def _response(state: TaskState) -> Response:
    reply = reply_of(_plain(state.output), {})
    problem = state.metadata.get("image_problem")
    return Response(
        sample_id=str(state.sample_id),
        outcome=reply.outcome,
        text=reply.text,
        error=f"image: {problem}" if problem else reply.error,
        reasoning=reply.reasoning,
        finish_reason=reply.finish_reason,
    )


async def _verdict(judge: Judge, sample: Sample, response: Response, state: TaskState) -> Verdict:
    if not response.is_answer:
        why = response.error or f"no answer to judge ({response.outcome})"
        return Verdict(sample_id=sample.id, outcome=VerdictOutcome.NO_RESPONSE, reason=why)

    def failed(why: str) -> Verdict:
        return Verdict(sample_id=sample.id, outcome=VerdictOutcome.JUDGE_ERROR, reason=why)

    return await or_failure(judge.judge(sample, response, _picture(state.messages)), failed)


def _picture(messages: Iterable[object]) -> Image | None:
    """The picture that was asked about, or several as one: those of the first message."""
    content = getattr(next(iter(messages), None), "content", "")
    found = [part.image for part in content if isinstance(part, ContentImage)] if isinstance(content, list) else []
    return together([AskedPicture(images.load(image, None)) for image in found])


class AskedPicture:
    """A picture in memory, as judges take one.

    Args:
        data: The file's bytes, which were checked when the sample was made.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.media_type = images.check(data).media_type

    def read(self) -> bytes:
        """The bytes."""
        return self._data

    async def base64(self) -> bytes:
        """The bytes in base64."""
        return base64.b64encode(self._data)
