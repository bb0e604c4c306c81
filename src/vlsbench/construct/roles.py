"""The roles of a build: models with a prompt each, asked for one JSON object at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vlsbench.construct import safety
from vlsbench.construct.steps import Done, StepOutcome
from vlsbench.core.protocols import Model
from vlsbench.core.types import Image, Prompt
from vlsbench.judges.asking import MAX_TOKENS, ask_json
from vlsbench.judges.parsing import UnparsableError, read_object
from vlsbench.judges.prompt_file import PromptFile
from vlsbench.run.throttle import Gate

MAX_TEXT = 4000
"""Characters of any text that a model writes which are taken; a longer one is no sentence."""

_JSON = {str: "string", bool: "boolean", list: "array"}

Shape = Mapping[str, type]
"""The keys of an object, each with the type of its value: a text, true or false, or a list of texts."""

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A model with its prompt and the slots that it shares with the other roles of its model."""

    name: str
    model: Model
    gate: Gate
    prompt: PromptFile
    max_tokens: int = MAX_TOKENS

    @property
    def settings(self) -> Mapping[str, str]:
        """What its results depend on beside the input."""
        return {
            "model": self.model.name,
            "prompt_sha256": self.prompt.sha256,
            "max_tokens": str(self.max_tokens),
        }

    async def ask(
        self, values: Mapping[str, str], shape: Shape, decide: Callable[[Fields], Done], image: Image | None = None
    ) -> Done:
        """Ask once, and once more where the reply cannot be read.

        Args:
            values: The placeholders of the prompt.
            shape: What the reply's object holds.
            decide: What it comes to; may raise `UnparsableError`.
            image: The picture that it is about.

        Raises:
            RequestFailed: The model could not be asked (`Blocked` where a filter refused).
        """
        prompt = Prompt(
            text=self.prompt.fenced(values),
            image=image,
            system=self.prompt.system,
            max_tokens=self.max_tokens,
            schema=_schema(shape),
        )

        def read(reply: str) -> Done:
            return decide(checked(read_object(reply, shape.keys()), shape))

        said = await ask_json(self.model, prompt, read, wanted="an answer", keys=tuple(shape))
        found = said.value
        if found is None:
            outcome = StepOutcome.REFUSED if said.refused else StepOutcome.UNPARSABLE
            found = Done(outcome=outcome, reason=said.why)
        elif safety.names_minors(*texts(found.output)):
            found = Done(outcome=StepOutcome.DROPPED, reason=safety.MINORS)
        return Done(
            outcome=found.outcome,
            output=found.output,
            reason=found.reason,
            model=said.model or self.model.name,
            requests=said.requests,
            prompt_tokens=said.prompt_tokens,
            completion_tokens=said.completion_tokens,
        )


def texts(output: Fields) -> list[str]:
    """All texts of an output, those in lists too."""
    found: list[str] = []
    for value in output.values():
        several: Sequence[object] = value if isinstance(value, list) else (value,)
        found += [one for one in several if isinstance(one, str)]
    return found


def checked(row: Fields, shape: Shape) -> dict[str, Any]:
    """The fields of an object, each of its type; texts without white space around them.

    Raises:
        UnparsableError: A value is of another type, or longer than any sentence.
    """
    found: dict[str, Any] = {}
    for key, kind in shape.items():
        value = row[key]
        if not isinstance(value, kind) or (isinstance(value, list) and not all(map(_is_text, value))):
            raise UnparsableError(f"the value of {key!r} should be a {_JSON[kind]}")
        if sum(len(one) for one in texts({key: value})) > MAX_TEXT:
            raise UnparsableError(f"the value of {key!r} is longer than {MAX_TEXT:,} characters")
        if isinstance(value, str):
            found[key] = _clean(value)
        else:
            found[key] = [_clean(one) for one in value] if isinstance(value, list) else value
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _clean(text: str) -> str:
    return " ".join(text.encode(errors="replace").decode().split())


def _schema(shape: Shape) -> Mapping[str, Any]:
    """The JSON schema of an object, for servers that can enforce one."""
    kinds: dict[str, Mapping[str, object]] = {
        key: {"type": "array", "items": {"type": "string"}} if kind is list else {"type": _JSON[kind]}
        for key, kind in shape.items()
    }
    return {"type": "object", "properties": kinds, "required": list(shape), "additionalProperties": False}
