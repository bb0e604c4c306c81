"""The vocabulary of the program: what flows from a dataset to a summary.

    Sample ──model──▶ Response ──judge──▶ Verdict ──stats──▶ Rate

A failure is a record, never a label: a `Response` or `Verdict` always carries an outcome, and only an
outcome of ``ok``/``truncated`` (answers) or ``scored`` (verdicts) ever enters a rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from vlsbench.core import words
from vlsbench.core.pictures import Image as Image
from vlsbench.core.pictures import every
from vlsbench.core.thinking import is_blank


class Expect(StrEnum):
    """Whether a sample ought to be handled as harmful or as benign."""

    HARMFUL = "harmful"
    BENIGN = "benign"


class Sees(StrEnum):
    """What a judge is shown of a sample beside its query and the answer."""

    IMAGE = "image"
    DESCRIPTION = "description"
    BOTH = "both"


class ResponseOutcome(StrEnum):
    """How asking the model ended. Only `OK` and `TRUNCATED` are answers."""

    OK = "ok"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    BLOCKED = "blocked"
    ERROR = "error"

    @property
    def is_answer(self) -> bool:
        """Whether there is a text to judge."""
        return self in (ResponseOutcome.OK, ResponseOutcome.TRUNCATED)


class VerdictOutcome(StrEnum):
    """How judging ended. Only `SCORED` carries a label; `UNINTELLIGIBLE` says that the answer is no language."""

    SCORED = "scored"
    JUDGE_REFUSED = "judge_refused"
    UNPARSABLE = "unparsable"
    UNINTELLIGIBLE = "unintelligible"
    JUDGE_ERROR = "judge_error"
    NO_RESPONSE = "no_response"


class Label(StrEnum):
    """The three grades of VLSBench (paper, section 4.1): two ways of being safe, one of being unsafe."""

    REFUSAL = "refusal"
    WARNING = "warning"
    UNSAFE = "unsafe"


class GuardLabel(StrEnum):
    """The two grades of a guard model: a rubric of its own, never mixed into the three labels."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Correctness(StrEnum):
    """Labels of samples that test an ability: they enter the accuracy, and no safety rate."""

    CORRECT = "correct"
    INCORRECT = "incorrect"


GRADED = "graded"
"""The one label of a judge that gives grades; the grade is the verdict's `score`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One query about one image, with what is known of it.

    `image` is a file path or a ``data:`` URI, or None for a text-only sample. `image_sha256` is filled
    in when the image has been read and found sound. `more_images` are those that follow it, for the few samples
    that show several. `group` names the unit that its authors drew, where several samples come from one (a question
    asked in four forms, a query with two pictures); never a topic or a category.

    `answer` is the right one where there is one: a letter where `options` are given (of which ``A`` is the first),
    else ``yes`` or ``no``, or what an open answer has to say, several that will do with ``<OR>`` between them. The
    text says all that the model is to read, options included.
    """

    id: str
    text: str
    image: str | None = None
    image_sha256: str | None = None
    category: str = ""
    sub_category: str = ""
    source: str = ""
    description: str = ""
    safety_reason: str = ""
    expect: Expect = Expect.HARMFUL
    twin_of: str | None = None
    group: str | None = None
    answer: str | None = None
    options: tuple[str, ...] = ()
    more_images: tuple[str, ...] = ()
    more_images_sha256: tuple[str, ...] = ()

    @property
    def images(self) -> tuple[str, ...]:
        """All its images, in the order in which they are shown."""
        return () if self.image is None else (self.image, *self.more_images)

    @property
    def hashes(self) -> tuple[str | None, ...]:
        """What is recorded as the hash of each of `images`; None where nothing is."""
        found = (self.image_sha256, *self.more_images_sha256)
        return tuple(found[place] if place < len(found) else None for place in range(len(self.images)))

    def with_images(self, images: Sequence[str], hashes: Sequence[str] = ()) -> Sample:
        """The same sample with these images, whose hashes are known or not (then all of them are not).

        Args:
            images: At least one.
            hashes: One for each, or none.
        """
        return replace(
            self,
            image=images[0],
            image_sha256=hashes[0] if hashes else None,
            more_images=tuple(images[1:]),
            more_images_sha256=tuple(hashes[1:]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One earlier message of a conversation."""

    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One request to a model: its image (or `images`, where there are several), then the text.

    `earlier` are turns that follow the image and text (a judge's repair attempt); `schema` is a JSON
    schema the reply should meet where the server can enforce one. It is a wish: every reply is validated
    by whoever asked.
    """

    text: str
    image: Image | None = None
    system: str | None = None
    max_tokens: int = 128
    temperature: float = 0.0
    seed: int | None = None
    schema: Mapping[str, object] | None = None
    earlier: tuple[Turn, ...] = ()

    @property
    def images(self) -> tuple[Image, ...]:
        """All images, in the order in which they are shown: none, mostly one, or several."""
        return every(self.image)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model gives back for one prompt. `refused` marks a provider's own refusal field.

    `reasoning` is what a reasoning model thought before it answered; it is no part of the answer. Of `prompt_tokens`,
    `cached_tokens` are those that the server had seen before; a number that it does not tell is None.
    """

    outcome: ResponseOutcome
    text: str = ""
    error: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    model: str | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardReading:
    """What a guard model wrote, and how probable it held ``unsafe`` against ``safe`` when it decided.

    `p_unsafe` is None where the guard's logits are not at hand or it never came to a decision.
    """

    text: str
    p_unsafe: float | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A model's recorded answer to a sample; `latency_s` counts from the first try to the last.

    `reasoning` is what the model thought before it answered; nobody judges it. `requests` were sent for it, of which
    `retried` repeat one that failed; tokens that no server told are None. `batched`: the reply came by a batch.
    """

    sample_id: str
    outcome: ResponseOutcome
    text: str = ""
    error: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    requests: int = 1
    retried: int = 0
    batched: bool = False
    latency_s: float = 0.0

    @property
    def is_answer(self) -> bool:
        """Whether there is a text to judge; a reply that was cut off while it was still thinking has none."""
        return self.outcome.is_answer and not is_blank(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge says of one response; `label is None` means unscored, never safe.

    `reply` is what a judge model wrote, as it wrote it, from which label and reason were read. `requests` were sent
    for it (none where the judge asks nobody), of which `retried` repeat one that failed; tokens that no server told
    are None. `score` is a grade between 0 and 1, where the judge gives grades.
    """

    sample_id: str
    outcome: VerdictOutcome
    label: str | None = None
    reason: str = ""
    judge_model: str = ""
    latency_s: float = 0.0
    reply: str = ""
    requests: int = 0
    retried: int = 0
    batched: bool = False
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A share `k / n` with its interval, and how many samples could not be counted.

    A rate over nothing has no value and no interval. `method` names how the interval was made. `clusters` counts the
    units (images, groups) that are independent of each other, `effective` is how many independent samples the scored
    ones are worth, and `note` says in plain words where too few clusters carry the figure.
    """

    k: int
    n: int
    value: float | None
    low: float | None
    high: float | None
    method: str
    unscored: int = 0

    def __str__(self) -> str:
        """``73.4 % [70.1, 76.5]``, or a dash for a rate over nothing."""
        return words.rate(self)

    clusters: int | None = None
    effective: float | None = None
    note: str = ""
