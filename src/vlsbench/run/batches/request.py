"""What makes two requests the same request, and how its sample gets its name on the way."""

from __future__ import annotations

import hashlib
from contextvars import ContextVar

import orjson

from vlsbench.core.types import Prompt
from vlsbench.store.batches import Stage

current_sample: ContextVar[int] = ContextVar("current_sample")
"""The number of the sample that this task is about, counted from 0: at the provider a request has no other name."""


_MOST_DIGITS = 12
"""Of a sample's number in the name of a line; Python refuses to read thousands of them."""


def digest_of(prompt: Prompt, number: int) -> str:
    """A short hash of what is asked about a sample.

    By it a reply finds the request that it belongs to, in whichever session that is asked again. It leaves out the
    parameters' names, which a server may teach us to change.
    """
    asked = [
        number,
        prompt.text,
        [image.sha256 for image in prompt.images],
        prompt.system,
        prompt.max_tokens,
        prompt.temperature,
        prompt.seed,
        prompt.schema,
        [[turn.role, turn.text] for turn in prompt.earlier],
    ]
    try:
        data = orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half of a surrogate pair
        data = repr(asked).encode(errors="surrogatepass")
    return hashlib.sha256(data).hexdigest()[:16]


def custom_id(key: str, stage: Stage, number: int) -> str:
    """The name of a line: at most 64 letters, digits and hyphens, and nothing of the sample but its number."""
    return f"{key}-{stage[0]}-{number}"


def number_in(name: str, key: str, stage: Stage) -> int | None:
    """The sample's number in the name of a line; None where the line is not of this batch."""
    head, _, number = name.rpartition("-")
    is_number = number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS
    return int(number) if head == f"{key}-{stage[0]}" and is_number else None
