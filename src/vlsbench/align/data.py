"""Training examples for alignment, from the formats that people have.

    mini:SET                        the miniature world (`:N` and `:SEED` may follow): textual, multimodal, and
                                    textual-pairs, multimodal-pairs with an answer to reject
    spa-vl:PATH                     SPA-VL, Parquet: question, chosen, rejected, image
    saferlhf:PATH                   PKU-SafeRLHF, a .jsonl file or a folder of them: both responses, the safer first
    vlguard:DIR                     VLGuard's train.json with its pictures
    jsonl:FILE                      conversations of your own, or pairs
    run:DIR[,DIR...]                judged answers of runs: safe and unsafe ones to the same query
    dataset:REF                     the queries of any dataset, without answers (for `align rl`)

Everything is read and checked before training starts: a bad record stops with its place, and nothing
is half-written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from vlsbench.align import files, judged, released
from vlsbench.align.examples import TrainingExample, user_says
from vlsbench.core.errors import DatasetError, UnknownName
from vlsbench.core.types import Expect

Reader = Callable[[str, Path], Iterator[TrainingExample]]
"""Takes what follows the kind of a source, and a folder for pictures that have to become files."""

_PAIRS = "-pairs"


def load(sources: Sequence[str], scratch: Path, *, drop_images: bool = False) -> list[TrainingExample]:
    """All examples of all sources, in order.

    Args:
        sources: References such as ``jsonl:my.jsonl``.
        scratch: Where pictures go that lie inside other files; made only if there are any.
        drop_images: Leave the pictures out: the textual form of a multimodal set.

    Raises:
        UnknownName: A source of no known kind.
        DatasetError: A file that is missing or a record that cannot be used; the message names it.
    """
    examples: list[TrainingExample] = []
    for source in sources:
        scheme, _, rest = source.partition(":")
        if scheme not in SOURCES:
            raise UnknownName("kind of training data", scheme, SOURCES)
        found = list(SOURCES[scheme](rest, scratch))
        if not found:
            raise DatasetError(f"{source} holds no training examples.")
        examples += found
    return [replace(example, images=()) for example in examples] if drop_images else examples


def _mini(rest: str, _scratch: Path) -> Iterator[TrainingExample]:
    from vlsbench.miniworld import finetune_data

    name, *numbers = rest.split(":")
    if len(numbers) > 2 or not all(number.isascii() and number.isdigit() for number in numbers):
        raise DatasetError(f"mini:{rest}: write mini:{name}[:N[:SEED]], with N and SEED as whole numbers.")
    known = [*finetune_data.SETS, *(one + _PAIRS for one in finetune_data.SETS)]
    if name not in known:
        raise UnknownName("training set of the miniature world", name, known)
    for pair in finetune_data.pairs(name.removesuffix(_PAIRS), *map(int, numbers)):
        sample = pair.sample
        yield TrainingExample(
            prompt=user_says(sample.text),
            completion=pair.chosen,
            rejected=pair.rejected if name.endswith(_PAIRS) else None,
            images=sample.images,
            harmful=sample.expect is Expect.HARMFUL,
            category=sample.category,
            description=sample.description,
        )


SOURCES: dict[str, Reader] = {
    "dataset": judged.queries,
    "jsonl": files.jsonl,
    "mini": _mini,
    "run": judged.answered,
    "saferlhf": released.saferlhf,
    "spa-vl": released.spa_vl,
    "vlguard": released.vlguard,
}
"""The readers by the name that stands before the colon."""
