"""Turns a model reference into a `Model`. A scheme's module is imported only when it is used.

Trying again, waiting and slots are for `run`: a model answers one prompt, or says why it cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from vlsbench.core.errors import UnknownName, UserError
from vlsbench.core.names import address_in, without_address
from vlsbench.core.protocols import Model
from vlsbench.models.workers.settings import Workers

if TYPE_CHECKING:
    from vlsbench.models.api.addresses import ServerList
    from vlsbench.models.api.moderation import Moderation
    from vlsbench.models.api.servers import ServedModeration
    from vlsbench.models.local.model import HFModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """How local models are loaded.

    Args:
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        batch_size: Requests generated at once, or ``"auto"``.
        trust_remote_code: Allow a repository to run code of its own here.
        workers: The processes that hold the model; None for this one.
    """

    dtype: str = "auto"
    device: str = "auto"
    batch_size: int | Literal["auto"] = "auto"
    trust_remote_code: bool = False
    workers: Workers | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a model may be reached.

    Args:
        key_env: Environment variable that holds the API key for this reference.
        refs_in_use: Every model reference of the run, this one included; decides which key goes where.
        servers: Where the model is served, as ``URL,URL,…`` or ``@FILE``; None for the address in its reference.
        servers_in_use: The server lists of every model of the run, this one's included; decides likewise.
        timeout_s: Limit for one request in seconds.
        local: How a local model is loaded.
    """

    key_env: str | None = None
    refs_in_use: tuple[str, ...] = ()
    servers: str | None = None
    servers_in_use: tuple[str, ...] = ()
    timeout_s: float = 300.0
    local: Local = field(default_factory=Local)


_IN_A_LIST = ("openai:", "moderation:")
"""Beginnings of the references whose models may be served in several places."""


def load(ref: str, access: Access | None = None) -> Model:
    """The model a reference names, for example ``openai:gpt-4o`` or ``openai:qwen@http://localhost:8000/v1``.

    Raises:
        UnknownName: No such scheme.
        UserError: The reference is incomplete, or the key it needs is missing.
    """
    scheme, rest = split(ref)
    access = access or Access()
    require_servable(ref, access.servers)
    return SCHEMES[scheme](rest, access)


def is_servable(ref: str) -> bool:
    """Whether a reference leaves open where its model is served, so that a list of servers can say it."""
    return ref.startswith(_IN_A_LIST) and address_in(ref) is None


def require_servable(ref: str | None, servers: str | None, option: str = "--servers") -> None:
    """Nothing where a list of servers, if there is one, goes with the model of a reference.

    Args:
        ref: The model's or moderation model's reference; None where no reference names one.
        servers: The list.
        option: What it is called, for the message.

    Raises:
        UserError: It does not, or cannot be read.
    """
    if servers is None:
        return
    from vlsbench.models.api.addresses import ServerList

    if ref is None or not ref.startswith(_IN_A_LIST):
        raise UserError(f"{option} names the servers of openai:NAME, and {ref or 'this'} is no such model.")
    if address_in(ref) is not None:
        raise UserError(f"{without_address(ref)} has an address and {option} besides. Put the address into the list.")
    ServerList(servers)


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

    if access.servers is None:
        return OpenAIModel(*_reached("openai", rest, access), access.timeout_s)
    from vlsbench.models.api.openai import parse_ref
    from vlsbench.models.api.servers import ServedModel

    name, _ = parse_ref(rest)
    listed, key_of = _listed(access.servers, access)
    return ServedModel(name, listed, lambda place: OpenAIModel(name, place, key_of(place), access.timeout_s))


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
    return name, url, keys.key_for(url, access.key_env, [url, *_urls_in_use(access)], scheme)


def load_moderation(rest: str, access: Access) -> Moderation | ServedModeration:
    """The moderation model of ``NAME`` or ``NAME@URL``, behind one server or several.

    Raises:
        UserError: The reference is incomplete, or the key it needs is missing.
    """
    from vlsbench.models.api import moderation
    from vlsbench.models.api.servers import ServedModeration

    require_servable(f"moderation:{rest}", access.servers, "--guard-servers")
    if access.servers is None:
        return moderation.load(rest, access.key_env, access.timeout_s)
    listed, key_of = _listed(access.servers, access)
    return ServedModeration(
        rest, listed, lambda place: moderation.Moderation(rest, place, key_of(place), access.timeout_s)
    )


def _listed(servers: str, access: Access) -> tuple[ServerList, Callable[[str], str | None]]:
    """A list of servers, and which key goes to each."""
    from vlsbench.models.api import keys
    from vlsbench.models.api.addresses import ServerList

    listed = ServerList(servers)
    if access.key_env is not None:
        listed.require_private()

    def key_of(place: str) -> str | None:
        if listed.file is not None and access.key_env is None:
            return None  # nobody has named the servers that a file will hold
        return keys.key_for(place, access.key_env, [place, *_urls_in_use(access)])

    for place in listed.now():
        key_of(place)  # what is missing is said before the first request
    return listed, key_of


def _urls_in_use(access: Access) -> list[str]:
    from vlsbench.models.api.addresses import ServerList

    listed = (url for servers in access.servers_in_use for url in ServerList(servers).now())
    return [*served_at(access.refs_in_use), *listed]


def served_at(refs: Iterable[str]) -> list[str]:
    """The addresses of the models among some references that are behind a server."""
    from vlsbench.models.api.openai import parse_ref

    parts = (ref.partition(":") for ref in refs)
    return [parse_ref(rest, scheme)[1] for scheme, _, rest in parts if scheme in SERVED]


def _in_workers(ref: str, access: Access) -> Model:
    """The model of a reference in processes of its own; what identifies it is as in this one."""
    from vlsbench.models.workers import pool

    local = replace(access.local, workers=None)
    workers = access.local.workers
    if workers is None:
        raise ValueError("no workers were asked for")
    return pool.start(ref, partial(load, ref, Access(local=local)), workers, on_cpu=local.device == "cpu")


def _hf(rest: str, access: Access) -> Model:
    if access.local.workers is not None:
        return _in_workers(f"hf:{rest}", access)
    return _in_this_process(rest, access)


def _in_this_process(rest: str, access: Access) -> HFModel:
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

    if access.local.workers is not None:
        return _in_workers(f"mini:{rest}", access)
    model = _in_this_process(str(miniworld.weights(rest)), access)
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
