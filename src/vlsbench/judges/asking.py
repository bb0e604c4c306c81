"""Ask a model for one JSON object: check what comes, and ask once more where it cannot be read.

Whoever asks says how a reply is read; here stands what a reply can be instead of one that can be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from vlsbench.core.finish import Ending, ending
from vlsbench.core.protocols import Model
from vlsbench.core.thinking import is_blank, take_apart
from vlsbench.core.types import Prompt, Reply, ResponseOutcome, Turn
from vlsbench.judges.parsing import UnparsableError
from vlsbench.judges.refusal import opens_with_refusal

T = TypeVar("T")

MAX_TOKENS = 2048
"""Room for an object, with a model that thinks before it writes in mind."""

REPAIR_MAX_TOKENS = 4096
"""Room for the second attempt where the first was cut off."""

_KEPT_OF_BAD_REPLY = 2000
_SHOWN_OF_REFUSAL = 400
_KEPT_OF_REPLY = 8000
"""Characters of a reply that are recorded: more than any verdict takes."""

_QUOTED = re.compile(r'["“”][^"“”]*["“”]')


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonReply(Generic[T]):
    """What asking came to: `value` where a reply could be read, else None and `why`.

    `refused` tells a model, or its provider, that declined from one that wrote something else. `reply` is what it wrote
    last, `requests` is 1 or 2, and the tokens are those of all of them; None where the server does not count.
    """

    value: T | None
    why: str
    refused: bool
    model: str | None
    reply: str
    requests: int
    prompt_tokens: int | None
    completion_tokens: int | None


async def ask_json(
    model: Model, prompt: Prompt, read: Callable[[str], T], *, wanted: str = "a verdict", keys: tuple[str, ...]
) -> JsonReply[T]:
    """Ask for an object, and once more where the first reply cannot be read.

    Args:
        model: The model.
        prompt: The request.
        read: Reads a reply; raises `UnparsableError`, whose message the model is told.
        wanted: What the object is, in words.
        keys: The keys that it should have.

    Raises:
        RequestFailed: The model could not be asked.
    """
    replies = [await model.generate(prompt)]
    found = _read(replies[0], read)
    if found.value is None and not found.refused:
        replies.append(await model.generate(_repair(prompt, replies[0], found.why, wanted, keys)))
        found = _read(replies[1], read)
    return JsonReply(
        value=found.value,
        why=found.why,
        refused=found.refused,
        model=replies[-1].model,
        reply=replies[-1].text[:_KEPT_OF_REPLY],
        requests=len(replies),
        prompt_tokens=_sum([reply.prompt_tokens for reply in replies]),
        completion_tokens=_sum([reply.completion_tokens for reply in replies]),
    )


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read(Generic[T]):
    """What one reply amounts to."""

    value: T | None = None
    why: str = ""
    refused: bool = False


def _read(reply: Reply, read: Callable[[str], T]) -> _Read[T]:
    ended = ending(reply.finish_reason)
    if reply.refused or ended is Ending.BLOCKED or reply.outcome is ResponseOutcome.BLOCKED:
        why = reply.text[:_SHOWN_OF_REFUSAL] or reply.error or "blocked by the content filter"
        return _Read(why=why, refused=True)
    if reply.outcome is ResponseOutcome.TRUNCATED or ended is Ending.CUT:
        # Even where it parses: servers pad or cut JSON at the limit, and what was cut off is unknown.
        return _Read(why="the reply was cut off at the token limit")
    if ended is not Ending.WHOLE:
        return _Read(why=f"the reply broke off (finish_reason: {reply.finish_reason!r:.80})")
    # A model that was not made here may leave its thinking in the text.
    text = take_apart(reply.text).answer
    if reply.outcome is not ResponseOutcome.OK or is_blank(text):
        return _Read(why=reply.error or "the reply was empty")
    try:
        return _Read(value=read(text))
    except UnparsableError as error:
        # What a judge quotes is the answer's refusal, not its own.
        if "{" not in text and opens_with_refusal(_QUOTED.sub("", text)):
            return _Read(why=text[:_SHOWN_OF_REFUSAL], refused=True)
        return _Read(why=str(error))


def _repair(prompt: Prompt, reply: Reply, why: str, wanted: str, keys: tuple[str, ...]) -> Prompt:
    cut_off = ending(reply.finish_reason) is Ending.CUT or not reply.text.strip()
    named = [f'"{key}"' for key in keys]
    listed = " and ".join(named)
    request = (
        f"Your reply could not be read as {wanted}: {why}. Reply again with one JSON object and nothing else, "
        f"with the key{'s' if len(named) > 1 else ''} {listed}."
    )
    turns = (
        ()
        if cut_off
        else (
            Turn(role="assistant", text=reply.text[:_KEPT_OF_BAD_REPLY]),
            Turn(role="user", text=request),
        )
    )
    return Prompt(
        text=prompt.text,
        image=prompt.image,
        system=prompt.system,
        max_tokens=max(REPAIR_MAX_TOKENS, prompt.max_tokens) if cut_off else prompt.max_tokens,
        seed=prompt.seed,
        schema=prompt.schema,
        earlier=turns,
    )
