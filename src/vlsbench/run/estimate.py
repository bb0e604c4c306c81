"""What a run would ask for, before it asks anybody.

Token counts are estimates: four characters of text a token, and for an image 85 tokens plus 170 for each
512-pixel tile after scaling to at most 768 pixels on the short side, which is OpenAI's published rule for
detailed images. Other models count otherwise; treat the cost as an order of magnitude.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from vlsbench import judges, models
from vlsbench.core import images
from vlsbench.core.errors import DatasetError, ImageProblem, RequestFailed
from vlsbench.core.protocols import Dataset
from vlsbench.core.types import Prompt, Reply, ResponseOutcome, Sample, Sees, VerdictOutcome
from vlsbench.judges import rubric_file
from vlsbench.run import preparation
from vlsbench.store import journal
from vlsbench.store.identity import judge_slug
from vlsbench.store.run_folder import Run

CHARACTERS_PER_TOKEN = 4
VERDICT_TOKENS = 120
"""Length assumed of a verdict with its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Sizes of a run: counts, bytes of image files as sent (before base64), and tokens."""

    samples: int
    answer_requests: int
    judge_requests: int
    image_bytes: int
    image_problems: int
    input_tokens: int
    output_tokens: int

    def cost(self, price_in: float, price_out: float) -> float:
        """Cost at prices per million input and output tokens, in their currency."""
        return (self.input_tokens * price_in + self.output_tokens * price_out) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Ids of the samples that a run has an answer for, and a label by the judge in question."""

    answered: frozenset[str] = frozenset()
    judged: frozenset[str] = frozenset()


class _Unasked:
    """Stands for a judge's model where only the judge's identity is wanted."""

    def __init__(self, ref: str) -> None:
        self.name = models.canonical(ref)

    async def generate(self, prompt: Prompt) -> Reply:
        raise RequestFailed(f"a dry run asks nobody: {prompt.text[:20]}")


def recorded(path: Path, *, judge: str, sees: Sees, rubric: str | None) -> Recorded:
    """What a run folder holds already; nothing where there is none.

    Raises:
        UserError: The folder is no run, or the judge cannot be used.
    """
    if not (path / "manifest.json").exists():
        return Recorded()
    run = Run(path)
    asked = judges.load(judge, sees=sees, rubric=rubric, model=_Unasked)
    answers, scored = (ResponseOutcome.OK.value, ResponseOutcome.TRUNCATED.value), VerdictOutcome.SCORED.value
    last = {sample_id: outcome for _, sample_id, outcome, _ in journal.heads(run.responses)}
    verdicts = journal.heads(run.verdicts(judge_slug(asked.name, asked.settings)))
    labels = {sample_id: outcome for _, sample_id, outcome, _ in verdicts}
    answered = frozenset(sample_id for sample_id, outcome in last.items() if outcome in answers)
    judged = frozenset(sample_id for sample_id, outcome in labels.items() if outcome == scored)
    return Recorded(answered=answered, judged=judged & answered)


def estimate(
    dataset: Dataset,
    *,
    judge: str,
    sees: Sees,
    rubric: str | None,
    limit: int | None,
    max_tokens: int,
    system: str | None,
    recorded: Recorded | None = None,
) -> Estimate:
    """Size up a run. Reads the dataset and the heads of its images; contacts nobody.

    Args:
        dataset: The samples.
        judge: The judge's reference.
        sees: What the judge is shown.
        rubric: As for `vlsbench.evaluate`.
        limit: The first so many samples.
        max_tokens: Length limit of an answer; every answer is assumed to reach it.
        system: System prompt of the model.
        recorded: What a run that would be continued holds already.

    Raises:
        UserError: The dataset, judge or rubric cannot be used.
    """
    recorded = recorded or Recorded()
    asks_judge = not judges.is_offline(judge)
    loaded = rubric_file.load(rubric, sees)
    overhead = len(loaded.user) + len(loaded.system or "")
    samples = answers = verdicts = image_bytes = problems = tokens_in = 0
    known: dict[str, tuple[int, int]] = {}
    for sample in preparation.selection(dataset, limit):
        samples += 1
        if sample.id in recorded.judged:
            continue
        n_bytes, image_tokens = 0, 0
        if sample.image is not None:
            try:
                found = known.get(sample.image) or _measure(sample.image, dataset.root)
                if not sample.image.startswith("data:"):  # those are too large to be kept, and seldom repeat
                    known[sample.image] = found
                n_bytes, image_tokens = found
            except ImageProblem:
                problems += 1
                continue
        if sample.id not in recorded.answered:
            answers += 1
            image_bytes += n_bytes
            tokens_in += _tokens(len(sample.text) + len(system or "")) + image_tokens
        if asks_judge and (sees is not Sees.DESCRIPTION or sample.description or sample.safety_reason):
            verdicts += 1
            shows_image = sees is not Sees.DESCRIPTION
            image_bytes += n_bytes * shows_image
            tokens_in += _judge_tokens(sample, sees, overhead, max_tokens) + image_tokens * shows_image
    if not samples:
        raise DatasetError(f"{dataset.name} holds no samples.")
    return Estimate(
        samples=samples,
        answer_requests=answers,
        judge_requests=verdicts,
        image_bytes=image_bytes,
        image_problems=problems,
        input_tokens=tokens_in,
        output_tokens=answers * max_tokens + verdicts * VERDICT_TOKENS,
    )


def _judge_tokens(sample: Sample, sees: Sees, overhead: int, max_tokens: int) -> int:
    told = len(sample.description) + len(sample.safety_reason) if sees is not Sees.IMAGE else 0
    return _tokens(overhead + len(sample.text) + told) + max_tokens


def _tokens(characters: int) -> int:
    return math.ceil(characters / CHARACTERS_PER_TOKEN)


def _measure(image: str, root: Path | str | None) -> tuple[int, int]:
    """Bytes and tokens of an image."""
    facts = images.check(images.load(image, root))
    return facts.n_bytes, image_tokens(facts.width, facts.height)


def image_tokens(width: int, height: int) -> int:
    """Tokens of an image of this many pixels by OpenAI's rule for detailed images."""
    scale = min(1.0, 2048 / max(width, height))
    scale *= min(1.0, 768 / (min(width, height) * scale))
    tiles = math.ceil(width * scale / 512) * math.ceil(height * scale / 512)
    return 85 + 170 * tiles
