"""Turns a model reference into a `Model`. A scheme's module is imported only when it is used.

Trying again, waiting and slots are for `run`: a model answers one prompt, or says why it cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from vlsbench.core.errors import UnknownName, UserError
from vlsbench.core.protocols import Model

if TYPE_CHECKING:
    from vlsbench.models.local.model import HFModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """How models in this process are loaded.

    Args:
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        batch_size: Requests generated at once, or ``"auto"``.
        trust_remote_code: Allow a repository to run code of its own here.
    """

    dtype: str = "auto"
    device: str = "auto"
    batch_size: int | Literal["auto"] = "auto"
    trust_remote_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a model may be reached.

    Args:
        key_env: Environment variable that holds the API key for this reference.
        refs_in_use: Every model reference of the run, this one included; decides which key goes where.
        timeout_s: Limit for one request in seconds.
        local: How a local model is loaded.
    """

    key_env: str | None = None
    refs_in_use: tuple[str, ...] = ()
    timeout_s: float = 300.0
    local: Local = field(default_factory=Local)


def load(ref: str, access: Access | None = None) -> Model:
    """The model a reference names, for example ``openai:gpt-4o`` or ``openai:qwen@http://localhost:8000/v1``.

    Raises:
        UnknownName: No such scheme.
        UserError: The reference is incomplete, or the key it needs is missing.
    """
    scheme, rest = split(ref)
    return SCHEMES[scheme](rest, access or Access())


def split(ref: str) -> tuple[str, str]:
    """Scheme and the rest of a model reference.

    Raises:
        UnknownName: No such scheme.
        UserError: There is no scheme at all.
    """
    scheme, colon, rest = ref.partition(":")
    if not colon:
        raise UserError(f"{ref!r} is not a model reference. Write SCHEME:NAME, for example openai:{ref or 'gpt-4o'}.")
    if scheme not in SCHEMES:
        raise UnknownName("model scheme", scheme, SCHEMES)
    return scheme, rest


LOCAL = ("hf", "mini")
"""Schemes of models that are loaded into this process."""


def is_local(ref: str) -> bool:
    """Whether a model reference names a model that is loaded into this process."""
    return ref.partition(":")[0] in LOCAL


def canonical(ref: str) -> str:
    """The name that the model of a reference will have, wherever it runs; nothing is loaded or contacted.

    Raises:
        UnknownName: No such scheme.
        UserError: The reference is incomplete.
    """
    scheme, rest = split(ref)
    if scheme in SERVED:
        from vlsbench.models.api.openai import parse_ref

        return f"{scheme}:{parse_ref(rest, scheme)[0]}"
    if not rest:
        raise UserError(
            f"{ref!r} names no model. Write {scheme}:{'VARIANT' if scheme == 'mini' else 'REPO_OR_FOLDER'}."
        )
    if scheme == "inspect":
        from vlsbench.models.providers.through_inspect import split as provider_and_name

        provider_and_name(rest)
    if scheme == "mini":
        from vlsbench import miniworld

        miniworld.check_variant(rest)
    return ref


def named_before(ref: str) -> str:
    """The name that earlier versions gave to a model, judge, guard or painter: with its server's address.

    What they wrote under that name is found by it. A reference without a server is its own name.

    Raises:
        UserError: The reference is incomplete.
    """
    from vlsbench.models.api.keys import OPENAI_URL
    from vlsbench.models.api.openai import parse_ref

    found = _SERVED.fullmatch(ref)
    if found is None:
        return ref
    name, url = parse_ref(found["rest"], found["scheme"])
    return found["before"] + (name if url == OPENAI_URL else f"{name}@{url}")


_SERVED = re.compile(r"(?P<before>(?:guard:)?(?P<scheme>openai|openai-image|moderation):)(?P<rest>.*)", re.DOTALL)


def _openai(rest: str, access: Access) -> Model:
    from vlsbench.models.api.openai import OpenAIModel

    return OpenAIModel(*_reached("openai", rest, access), access.timeout_s)


def _anthropic(rest: str, access: Access) -> Model:
    from vlsbench.models.providers.anthropic import AnthropicWire
    from vlsbench.models.providers.model import NativeModel

    return NativeModel(AnthropicWire(), *_reached("anthropic", rest, access), access.timeout_s)


def _gemini(rest: str, access: Access) -> Model:
    from vlsbench.models.providers.gemini import GeminiWire
    from vlsbench.models.providers.model import NativeModel

    return NativeModel(GeminiWire(), *_reached("gemini", rest, access), access.timeout_s)


def _inspect(rest: str, access: Access) -> Model:
    from vlsbench.models.api import keys
    from vlsbench.models.providers.through_inspect import InspectModel

    key = keys.named(access.key_env) if access.key_env is not None else None
    return InspectModel(rest, key, access.timeout_s)


def _reached(scheme: str, rest: str, access: Access) -> tuple[str, str, str | None]:
    """Name, address and key of a model behind a server."""
    from vlsbench.models.api import keys
    from vlsbench.models.api.openai import parse_ref

    name, url = parse_ref(rest, scheme)
    return name, url, keys.key_for(url, access.key_env, [url, *served_at(access.refs_in_use)], scheme)


def served_at(refs: Iterable[str]) -> list[str]:
    """The addresses of the models among some references that are behind a server."""
    from vlsbench.models.api.openai import parse_ref

    parts = (ref.partition(":") for ref in refs)
    return [parse_ref(rest, scheme)[1] for scheme, _, rest in parts if scheme in SERVED]


def _hf(rest: str, access: Access) -> HFModel:
    from vlsbench.models.local.model import load_hf

    local = access.local
    return load_hf(
        rest,
        dtype=local.dtype,
        device=local.device,
        batch_size=local.batch_size,
        trust_remote_code=local.trust_remote_code,
    )


def _mini(rest: str, access: Access) -> Model:
    """A packaged tiny model: only a name for a folder that loads like any other."""
    from vlsbench import miniworld

    model = _hf(str(miniworld.weights(rest)), access)
    model.name = f"mini:{rest}"
    return model


SCHEMES: dict[str, Callable[[str, Access], Model]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "inspect": _inspect,
    "hf": _hf,
    "mini": _mini,
}
"""Every kind of model reference; one entry per scheme."""

SERVED = ("openai", "anthropic", "gemini")
"""Schemes of models behind a server, whose references may end in its address."""
