"""What a run is to be, checked as far as can be without loading a model."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from vlsbench import judges, models
from vlsbench.core.errors import UserError
from vlsbench.core.protocols import Dataset, Judge, Model, require
from vlsbench.core.types import Sees
from vlsbench.run import fingerprint
from vlsbench.run.fingerprint import Fingerprint
from vlsbench.run.flow import Generation
from vlsbench.run.loading import Effort, details_of
from vlsbench.store.identity import Identity
from vlsbench.store.run_folder import require_same

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is to be, checked as far as can be without loading a model."""

    identity: Identity
    data: Dataset
    found: Fingerprint
    stamp: str
    generation: Generation
    sees: Sees

    def folder(self, out: str | Path | None, *, fresh: bool) -> Path:
        """Where the run is made or continued: ``runs/<slug>-<hash8>``, if nothing else is said.

        Raises:
            RunError: There is something else, which `fresh` may set aside if it is a run.
        """
        path = Path(out) if out is not None else Path("runs") / self.identity.folder_name()
        require_same(path, self.identity, fresh=fresh)
        return path

    def details(self, model: Model, effort: Effort) -> dict[str, object]:
        """The manifest's fields beside the identity."""
        return {
            "dataset_size": self.found.size,
            "dataset_revision": self.data.revision,
            "dataset_described": self.found.n_described,
            "dataset_stamp": self.stamp,
            "parameters": effort.recorded(),
            "model_details": details_of(model),
        }


def make_plan(
    *,
    model: str | Model,
    dataset: Dataset,
    judge: str | Judge,
    judge_sees: str,
    limit: int | None,
    generation: Generation,
    effort: Effort,
    recorded: Path | None,
) -> Plan:
    """Check what is asked for, and read the records of the dataset once.

    Args:
        model: As for `vlsbench.evaluate`, like all that is not explained here.
        dataset: The samples.
        judge: Likewise.
        judge_sees: Likewise.
        limit: Likewise.
        generation: How the model is asked.
        effort: Likewise.
        recorded: A run folder that may know the records already, if they have not been touched since.

    Raises:
        UserError: Something in the arguments or files has to change first.
    """
    # 0 and 0.0 are the same run, in the folder's name too
    generation = replace(generation, temperature=float(generation.temperature))
    check_numbers(generation, limit, effort)
    check_texts(generation.system, model, dataset.name, str(dataset.root))
    stamp = fingerprint.stamp(dataset)  # before the records are read, so that a change meanwhile shows next time
    known = fingerprint.recall(recorded, dataset, limit) if recorded is not None else None
    found = known or fingerprint.fingerprint(dataset, limit)
    identity = Identity(
        model=models.canonical(model) if isinstance(model, str) else _named(model),
        dataset=dataset.name,
        dataset_hash=found.sha256,
        max_tokens=generation.max_tokens,
        temperature=generation.temperature,
        system=generation.system,
        seed=generation.seed,
        limit=limit,
    )
    sees = to_sees(judge_sees)
    _check_sees(sees, judge, found)
    return Plan(identity=identity, data=dataset, found=found, stamp=stamp, generation=generation, sees=sees)


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
    if limit is not None and limit < 1:
        raise UserError("--limit must be at least 1.")
    if any(width < 1 for width in widths):
        raise UserError("--concurrency and --judge-concurrency must be at least 1, or auto.")
    if not 0 < effort.timeout_s < math.inf:
        raise UserError("--timeout must be over 0 seconds.")
    for number in (generation.max_tokens, generation.seed, limit):
        if number is not None and not -(2**63) <= number < 2**63:
            raise UserError(f"{number} is too large a number for --max-tokens, --seed or --limit.")


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


def _check_sees(sees: Sees, judge: str | Judge, found: Fingerprint) -> None:
    if sees is Sees.DESCRIPTION and isinstance(judge, str) and not judges.is_offline(judge) and not found.n_described:
        raise UserError("No sample has an image description or safety reason to judge from. Use --judge-sees image.")
