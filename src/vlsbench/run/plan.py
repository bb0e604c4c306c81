"""What a run is to be, checked as far as can be without loading a model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from vlsbench import datasets, judges, models
from vlsbench.core.errors import UserError
from vlsbench.core.names import without_address
from vlsbench.core.protocols import Dataset, Judge, Model, require
from vlsbench.core.types import Sample, Sees
from vlsbench.datasets import Columns
from vlsbench.datasets.base import without_images
from vlsbench.run import fingerprint
from vlsbench.run.fingerprint import Fingerprint
from vlsbench.run.flow import Generation
from vlsbench.run.loading import Effort, details_of, parameters_of
from vlsbench.run.shards.split import Shard, ShardOfSet, Together
from vlsbench.store.folders import default_folder
from vlsbench.store.identity import Identity
from vlsbench.store.run_folder import require_same
from vlsbench.store.shard_file import ShardFile

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What is evaluated, how the model is asked and judged, and how hard to try: as for `vlsbench.evaluate`."""

    model: str | Model
    dataset: str | Dataset
    judge: str | Judge
    columns: str | Mapping[str, str] | Columns | None = None
    judge_sees: str = Sees.IMAGE
    rubric: str | None = None
    limit: int | None = None
    shard: str | None = None
    generation: Generation = field(default_factory=Generation)
    effort: Effort = field(default_factory=Effort)

    @property
    def refs(self) -> tuple[str | Model | None, ...]:
        """Every model that is asked; the references among them decide which key goes where."""
        return self.model, judges.model_ref(self.judge) if isinstance(self.judge, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The samples of a run: their dataset, what they are, and what tells that its files have changed.

    Where they are one shard of a set, so are `data` and `found` (but for the hash), and `part` says which samples it
    holds.
    """

    data: Dataset
    found: Fingerprint
    stamp: str
    part: ShardFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is to be, checked as far as can be without loading a model.

    `earlier` is the identity that versions gave the run that held the server's address for a part of the model's name:
    their default folder is named by it.
    """

    identity: Identity
    earlier: Identity
    selection: Selection
    generation: Generation
    sees: Sees

    @property
    def data(self) -> Dataset:
        """Where the samples come from."""
        return self.selection.data

    def folder(self, out: str | Path | None, *, fresh: bool) -> Path:
        """Where the run is made or continued: ``runs/<slug>-<hash8>``, if nothing else is said.

        Raises:
            RunError: There is something else, which `fresh` may set aside if it is a run.
        """
        names = self.identity.folder_name(), self.earlier.folder_name()
        path = Path(out) if out is not None else default_folder(*names)
        require_same(path, self.identity, fresh=fresh)
        return path

    def details(self, model: Model, effort: Effort) -> dict[str, object]:
        """The manifest's fields beside the identity."""
        found = self.selection.found
        return {
            "dataset_size": found.size,
            "dataset_revision": self.data.revision,
            "dataset_described": found.n_described,
            "dataset_stamp": self.selection.stamp,
            "parameters": parameters_of(effort, model),
            "model_details": details_of(model),
        }


def select(data: Dataset, limit: int | None, recorded: Path | None = None, shard: str | None = None) -> Selection:
    """Read the records of a dataset once.

    Args:
        data: The samples.
        limit: As for `vlsbench.evaluate`.
        recorded: A run folder that may know the records already, if they have not been touched since.
        shard: As for `vlsbench.evaluate`.

    Raises:
        UserError: The dataset cannot be read, or has no such shard.
    """
    stamp = fingerprint.stamp(data)  # before the records are read, so that a change meanwhile shows next time
    if shard is not None:
        found, part = _one_shard(data, limit, Shard.parse(shard))
        return Selection(data=ShardOfSet(whole=data, numbers=part.numbers), found=found, stamp=stamp, part=part)
    known = fingerprint.recall(recorded, data, limit) if recorded is not None else None
    return Selection(data=data, found=known or fingerprint.fingerprint(data, limit), stamp=stamp)


def _one_shard(data: Dataset, limit: int | None, shard: Shard) -> tuple[Fingerprint, ShardFile]:
    """What a shard is: the hash of the whole selection, the sizes of the shard, and which samples it holds."""
    together = Together()
    whole = fingerprint.fingerprint(data, limit, together.add)
    numbers = together.numbers(shard)
    found = replace(whole, size=len(numbers), n_described=together.described(numbers))
    return found, ShardFile(shard=str(shard), size=whole.size, numbers=tuple(numbers))


def make_plan(asked: Evaluation, recorded: Path | None = None, selection: Selection | None = None) -> Plan:
    """Check what is asked for, and read the records of the dataset, where that has not been done.

    Args:
        asked: What is to be evaluated.
        recorded: As for `select`.
        selection: The samples, where they are known.

    Raises:
        UserError: Something in the arguments or files has to change first.
    """
    # 0 and 0.0 are the same run, in the folder's name too
    generation = replace(asked.generation, temperature=float(asked.generation.temperature))
    check_numbers(generation, asked.limit, asked.effort)
    check_servers(asked.effort, *asked.refs)
    selection = selection or select(datasets.opened(asked.dataset, asked.columns), asked.limit, recorded, asked.shard)
    check_texts(generation.system, asked.model, selection.data.name, str(selection.data.root))
    identity = Identity(
        model=models.canonical(asked.model) if isinstance(asked.model, str) else without_address(_named(asked.model)),
        dataset=selection.data.name,
        dataset_hash=selection.found.sha256,
        max_tokens=generation.max_tokens,
        temperature=generation.temperature,
        system=generation.system,
        seed=generation.seed,
        limit=asked.limit,
        shard=selection.part.shard if selection.part is not None else None,
        image_max_side=generation.image_max_side,
    )
    sees = to_sees(asked.judge_sees)
    _check_sees(sees, asked.judge, selection.found)
    check_answers(asked.judge, islice(without_images(selection.data), asked.limit))
    named = models.named_before(asked.model) if isinstance(asked.model, str) else asked.model.name
    earlier = replace(identity, model=named)
    return Plan(identity=identity, earlier=earlier, selection=selection, generation=generation, sees=sees)


def _named(model: Model) -> str:
    require(model, Model, "model")
    return model.name


def to_sees(text: str) -> Sees:
    """What a judge sees, from its name.

    Raises:
        UserError: No such thing.
    """
    try:
        return Sees(text)
    except ValueError as error:
        raise UserError(f"A judge sees image, description or both, not {text!r}.") from error


def check_numbers(generation: Generation, limit: int | None, effort: Effort) -> None:
    """Nothing where the numbers make sense.

    Raises:
        UserError: One of them does not; the message names its option.
    """
    widths = [width for width in (effort.concurrency, effort.judge_concurrency) if width != "auto"]
    if generation.max_tokens < 1:
        raise UserError("--max-tokens must be at least 1.")
    if not 0 <= generation.temperature <= 10:
        raise UserError("--temperature must lie between 0 and 10.")
    if generation.image_max_side is not None and generation.image_max_side < 1:
        raise UserError("--image-max-side must be at least 1.")
    if limit is not None and limit < 1:
        raise UserError("--limit must be at least 1.")
    if any(width < 1 for width in widths):
        raise UserError("--concurrency and --judge-concurrency must be at least 1, or auto.")
    if not 0 < effort.timeout_s < math.inf:
        raise UserError("--timeout must be over 0 seconds.")
    for number in (generation.max_tokens, generation.seed, limit):
        if number is not None and not -(2**63) <= number < 2**63:
            raise UserError(f"{number} is too large a number for --max-tokens, --seed or --limit.")


def check_servers(effort: Effort, model: str | Model | None, judge: str | Model | None) -> None:
    """Nothing where the lists of servers go with the models they are for.

    Args:
        effort: Holds the lists.
        model: The model under test; None where it is not asked.
        judge: The model that the judge asks; None where it asks none.

    Raises:
        UserError: One does not, or cannot be read.
    """
    models.require_servable(model if isinstance(model, str) else None, effort.servers, "--servers")
    models.require_servable(judge if isinstance(judge, str) else None, effort.judge_servers, "--judge-servers")


def check_texts(*texts: object) -> None:
    """Nothing where these are Unicode: the manifest holds them, and JSON holds nothing else.

    Raises:
        UserError: One of them is not.
    """
    for text in texts:
        try:
            _ = text.encode() if isinstance(text, str) else b""
        except UnicodeEncodeError as error:
            raise UserError(f"{text!r:.80} is not valid UTF-8. Rename the file, or set the locale to UTF-8.") from error


def check_answers(judge: str | Judge, samples: Iterable[Sample]) -> None:
    """Nothing where a judge that compares answers with the right ones finds any; the first that it finds is enough.

    Raises:
        UserError: No sample has one.
    """
    if isinstance(judge, str) and judges.needs_right_answers(judge) and all(each.answer is None for each in samples):
        raise UserError(
            f"--judge {judge} compares with right answers, and no sample has one. Name the column that holds them "
            "(--columns answer=…), or another judge."
        )


def _check_sees(sees: Sees, judge: str | Judge, found: Fingerprint) -> None:
    if sees is Sees.DESCRIPTION and isinstance(judge, str) and not judges.is_offline(judge) and not found.n_described:
        raise UserError("No sample has an image description or safety reason to judge from. Use --judge-sees image.")
