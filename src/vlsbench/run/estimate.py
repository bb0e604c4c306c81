"""What a run would ask for, before it asks anybody.

Token counts are estimates: four characters of text a token, and for an image 85 tokens plus 170 for each
512-pixel tile after scaling to at most 768 pixels on the short side, which is OpenAI's published rule for
detailed images. Other models count otherwise; treat the cost as an order of magnitude.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from vlsbench import judges, models
from vlsbench.core import images
from vlsbench.core.errors import ImageProblem, UserError
from vlsbench.core.names import model_behind, without_address
from vlsbench.core.protocols import Judge
from vlsbench.core.types import Sample, Sees
from vlsbench.core.usage import Price, Usage
from vlsbench.judges import graded, rubric_file
from vlsbench.results import outcomes
from vlsbench.results.outcomes import ANSWERS
from vlsbench.run import fingerprint
from vlsbench.run.course import countable, final_verdicts, standing
from vlsbench.run.loading import Effort, Unloaded
from vlsbench.run.plan import Evaluation, Plan, make_plan
from vlsbench.store import batches
from vlsbench.store.batches import Stage
from vlsbench.store.run_folder import Run

CHARACTERS_PER_TOKEN = 4
VERDICT_TOKENS = 120
"""Length assumed of a verdict with its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Sizes of a run: counts, bytes of image files as sent (before base64), and tokens.

    `out` are requests that are out in batches already; they are in no other count. `judge_input_tokens` and
    `judge_output_tokens` are the judge's part of all. `cost` is that of the models that have a price; None where none
    has one.
    """

    samples: int
    answer_requests: int
    judge_requests: int
    image_bytes: int
    image_problems: int
    input_tokens: int
    output_tokens: int
    judge_input_tokens: int = 0
    judge_output_tokens: int = 0
    out: int = 0
    cost: float | None = None
    currency: str = ""

    def priced(self, target: Price | None, judge: Price | None) -> Estimate:
        """The same with its cost, at the price of the model under test and that of the judge."""
        prompt, completion = self.input_tokens - self.judge_input_tokens, self.output_tokens - self.judge_output_tokens
        parts = (
            (target, Usage(prompt_tokens=prompt, completion_tokens=completion)),
            (judge, Usage(prompt_tokens=self.judge_input_tokens, completion_tokens=self.judge_output_tokens)),
        )
        known = [(price, usage) for price, usage in parts if price is not None]
        if not known:
            return self
        cost = sum(price.of(usage) for price, usage in known)
        return replace(self, cost=cost, currency=known[0][0].currency)

    def __add__(self, other: Estimate) -> Estimate:
        """Both together; the cost is that of those that have one."""
        counted = [one.name for one in fields(self) if one.name not in ("cost", "currency")]
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Estimate(
            **{name: getattr(self, name) + getattr(other, name) for name in counted},
            cost=sum(costs) if costs else None,
            currency=self.currency or other.currency,
        )

    def to_json(self) -> dict[str, object]:
        """As ``--dry-run --json`` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Ids of the samples that a run has an answer for, and a label by the judge in question.

    `asked_out` and `judged_out` are the numbers of those samples, counted from 0, whose requests are out in batches.
    """

    answered: frozenset[str] = frozenset()
    judged: frozenset[str] = frozenset()
    asked_out: frozenset[int] = frozenset()
    judged_out: frozenset[int] = frozenset()


def estimate(
    asked: Evaluation, *, out: str | Path | None = None, fresh: bool = False, answering: bool = True
) -> Estimate:
    """Size up a run. Reads the dataset and the heads of its images; contacts nobody, loads and writes nothing.

    Args:
        asked: What would be evaluated; every answer is assumed to reach its length limit.
        out: As for `vlsbench.evaluate`; what a run that would be continued holds already is not asked for again.
        fresh: As for `vlsbench.evaluate`.
        answering: False where another judge's run has the answers by then, and none is asked for.

    Raises:
        UserError: What `vlsbench.evaluate` would refuse before it loads or contacts a model.
    """
    if not isinstance(asked.judge, str):
        raise UserError("Only what is named by references can be estimated; this judge is an object.")
    plan = make_plan(asked, recorded=Path(out) if out is not None and not fresh else None)
    path = plan.folder(out, fresh=fresh)
    judge = unloaded_judge(asked.judge, plan.sees, asked.rubric)
    recorded = Recorded() if fresh else read_recorded(path, judge)
    offline = judges.is_offline(asked.judge)
    found = _size_up(plan, recorded, None if offline else _Judging.of(asked, plan.sees), answering=answering)
    prices = asked.effort.prices
    if prices is None:
        return found
    effort = asked.effort
    target = _charged(prices.of_target(plan.identity.model), plan.identity.model, effort.servers, effort)
    price = None if offline else prices.of_judge(judge.name)
    return found.priced(target, _charged(price, judge.name, effort.judge_servers, effort))


def _charged(price: Price | None, ref: str, servers: str | None, effort: Effort) -> Price | None:
    """The price at which a model is asked: that of batches where its requests go into them."""
    takes_batches = servers is None and model_behind(ref).partition(":")[0] in models.SERVED
    return price.in_batches if price is not None and effort.batch.sending and takes_batches else price


def unloaded_judge(ref: str, sees: Sees, rubric: str | None) -> Judge:
    """A judge with its name, settings and labels, which cannot be asked: nothing is loaded or contacted.

    Raises:
        UserError: It cannot be used as asked.
    """
    return judges.load(ref, sees=sees, rubric=rubric, model=lambda asked: Unloaded(name=models.canonical(asked)))


def read_recorded(path: Path, judge: Judge) -> Recorded:
    """What a run folder holds already; nothing where there is none."""
    if not (path / "manifest.json").exists():
        return Recorded()
    run = Run(path)
    answered = {sample_id: last for sample_id, last in outcomes.answers(run).items() if last.outcome in ANSWERS}
    stem = run.stem_of(judge.name, judge.settings)
    judged = standing(final_verdicts(run.verdicts(stem)), countable(judge), answered)
    return Recorded(
        answered=frozenset(answered),
        judged=frozenset(judged),
        asked_out=_out(run, Stage.ANSWERS, run.manifest.model),
        # Of two judges that ask one model, none knows whose requests these are.
        judged_out=_out(run, Stage.VERDICTS, judge.name) if _asks_alone(run, stem) else frozenset(),
    )


def _out(run: Run, stage: Stage, ref: str) -> frozenset[int]:
    """The numbers of the samples about which a model is asked by batches that are out."""
    entries = (entry for entry in batches.read(run.path).values() if entry.is_out and entry.stage is stage)
    model = model_behind(ref)
    return frozenset(number for entry in entries if without_address(entry.model) == model for number in entry.numbers)


def _asks_alone(run: Run, stem: str) -> bool:
    models_asked = [model_behind(entry.judge) for entry in run.judges.values()]
    return stem in run.judges and models_asked.count(model_behind(run.judges[stem].judge)) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judging:
    """How a judge model is asked: characters of its prompt, requests for a verdict, and whether it needs a picture."""

    overhead: int
    requests: int = 1
    needs_picture: bool = True

    @classmethod
    def of(cls, asked: Evaluation, sees: Sees) -> _Judging:
        ref = str(asked.judge)
        if (grading := graded.take_apart(ref)) is not None:
            prompt = graded.prompt_of(asked.rubric)
            overhead = len(prompt.user) + len(prompt.system or "")
            return cls(overhead=overhead, requests=grading[0], needs_picture=False)
        rubric = rubric_file.load(asked.rubric, sees)
        return cls(overhead=len(rubric.user) + len(rubric.system or ""))


def _size_up(plan: Plan, recorded: Recorded, judging: _Judging | None, *, answering: bool) -> Estimate:
    """Count what is still to be asked; without judging, no judge is."""
    root, sees, generation = plan.data.root, plan.sees, plan.generation
    shows_image = sees is not Sees.DESCRIPTION and (judging is None or judging.needs_picture)
    answers = verdicts = image_bytes = problems = tokens_in = judge_in = out = 0
    known: dict[str, tuple[int, int]] = {}
    for number, sample in enumerate(fingerprint.selection(plan.data, plan.identity.limit)):
        if sample.id in recorded.judged:
            continue
        n_bytes, image_tokens = 0, 0
        try:
            for image in sample.images:
                found = known.get(image) or measure_picture(image, root)
                if not image.startswith("data:"):  # those are too large to be kept, and seldom repeat
                    known[image] = found
                n_bytes, image_tokens = n_bytes + found[0], image_tokens + found[1]
        except ImageProblem:
            problems += 1
            continue
        if answering and sample.id not in recorded.answered and number in recorded.asked_out:
            out += 1
        elif answering and sample.id not in recorded.answered:
            answers += 1
            image_bytes += n_bytes
            tokens_in += tokens_of(len(sample.text) + len(generation.system or "")) + image_tokens
        if judging is not None and (
            shows_image or not judging.needs_picture or sample.description or sample.safety_reason
        ):
            if number in recorded.judged_out:
                out += 1
                continue
            verdicts += judging.requests
            image_bytes += n_bytes * shows_image
            tokens = _judge_tokens(sample, sees, judging.overhead, generation.max_tokens) + image_tokens * shows_image
            judge_in += judging.requests * tokens
    return Estimate(
        samples=plan.selection.found.size,
        answer_requests=answers,
        judge_requests=verdicts,
        image_bytes=image_bytes,
        image_problems=problems,
        input_tokens=tokens_in + judge_in,
        output_tokens=answers * generation.max_tokens + verdicts * VERDICT_TOKENS,
        judge_input_tokens=judge_in,
        judge_output_tokens=verdicts * VERDICT_TOKENS,
        out=out,
    )


def _judge_tokens(sample: Sample, sees: Sees, overhead: int, max_tokens: int) -> int:
    told = len(sample.description) + len(sample.safety_reason) if sees is not Sees.IMAGE else 0
    return tokens_of(overhead + len(sample.text) + told) + max_tokens


def tokens_of(characters: int) -> int:
    """Tokens of so many characters of text."""
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def measure_picture(image: str, root: Path | str | None) -> tuple[int, int]:
    """Bytes and tokens of an image."""
    facts = images.check(images.load(image, root))
    return facts.n_bytes, image_tokens(facts.width, facts.height)


def image_tokens(width: int, height: int) -> int:
    """Tokens of an image of this many pixels by OpenAI's rule for detailed images."""
    scale = min(1.0, 2048 / max(width, height))
    scale *= min(1.0, 768 / (min(width, height) * scale))
    tiles = math.ceil(width * scale / 512) * math.ceil(height * scale / 512)
    return 85 + 170 * tiles
