"""What every training method learns from: a conversation, the answer to learn, and the answer to reject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vlsbench.core.types import Expect, Sample, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingExample:
    """A conversation that ends with a user's turn, and what to make of it; each image is a path or a ``data:`` URI.

    `completion` is the answer to learn, empty where only the query is known; `rejected` is an answer to the same
    query that should not be given. `harmful` says whether the query calls for a refusal or a warning, None where the
    source does not tell. The other fields are for a judge, as in `vlsbench.core.types.Sample`.
    """

    prompt: tuple[Turn, ...]
    completion: str = ""
    rejected: str | None = None
    images: tuple[str, ...] = ()
    harmful: bool | None = None
    category: str = ""
    description: str = ""
    safety_reason: str = ""

    def sample(self, name: str) -> Sample:
        """The last user's turn as a sample that a judge can be shown."""
        return Sample(
            id=name,
            text=self.prompt[-1].text,
            image=self.images[0] if self.images else None,
            more_images=self.images[1:],
            category=self.category,
            description=self.description,
            safety_reason=self.safety_reason,
            expect=Expect.HARMFUL if self.harmful else Expect.BENIGN,
        )


def user_says(text: str) -> tuple[Turn, ...]:
    """A conversation of one turn."""
    return (Turn(role="user", text=text),)


def prompts(examples: Sequence[TrainingExample]) -> list[list[dict[str, str]]]:
    """The conversations as message lists, as TRL and chat templates want them."""
    return [[{"role": turn.role, "content": turn.text} for turn in example.prompt] for example in examples]


def answers(texts: Sequence[str]) -> list[list[dict[str, str]]]:
    """The assistant's last turns as message lists."""
    return [[{"role": "assistant", "content": text}] for text in texts]


def table(columns: Mapping[str, object], pictures: Sequence[Sequence[str]], *, always: bool = False) -> Any:
    """A `datasets.Dataset` of columns, and of `images` where there are any.

    Args:
        columns: Values by column, one for each row.
        pictures: The images of each row.
        always: Keep the column `images` (of empty lists) where no row has any.
    """
    from datasets import Dataset, Image, List

    from vlsbench.core.images import from_data_uri

    def stored(image: str) -> dict[str, object]:
        return {"bytes": from_data_uri(image), "path": None} if image.startswith("data:") else {"path": image}

    if not always and not any(pictures):
        return Dataset.from_dict(dict(columns))
    filled = {**columns, "images": [[stored(image) for image in row] for row in pictures]}
    return Dataset.from_dict(filled).cast_column("images", List(Image(mode="RGB")))
