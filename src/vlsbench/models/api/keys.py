"""Which API key may go to which server.

An origin is scheme, host and port. `OPENAI_API_KEY` goes only to OpenAI's own origin or to that of
`OPENAI_BASE_URL`, and likewise the keys of the other `PROVIDERS`; a variable named on the command line goes to the
server of that reference; `VLSBENCH_API_KEY` serves only where a single other origin is in use. An empty variable
counts as unset.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from yarl import URL

from vlsbench.core import secrets
from vlsbench.core.errors import UserError

_FOR_OTHERS = "VLSBENCH_API_KEY"

OPENAI_URL = "https://api.openai.com/v1"

Origin = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider: its address, and the variables that hold its key and another address in its place."""

    name: str
    url: str
    key: str
    base: str

    @property
    def default_url(self) -> str:
        """Where its models are asked if nothing else is said."""
        return os.environ.get(self.base) or self.url

    @property
    def origins(self) -> set[Origin]:
        """Where its key may go."""
        return {origin(self.url), origin(self.default_url)}


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider(name="OpenAI", url=OPENAI_URL, key="OPENAI_API_KEY", base="OPENAI_BASE_URL"),
    "anthropic": Provider(
        name="Anthropic", url="https://api.anthropic.com", key="ANTHROPIC_API_KEY", base="ANTHROPIC_BASE_URL"
    ),
    "gemini": Provider(
        name="Gemini",
        url="https://generativelanguage.googleapis.com",
        key="GEMINI_API_KEY",
        base="GOOGLE_GEMINI_BASE_URL",
    ),
}
"""By scheme of a model reference."""


def default_url(scheme: str = "openai") -> str:
    """The base URL of a reference without an address: the environment's (`OPENAI_BASE_URL`), or the provider's."""
    return PROVIDERS.get(scheme, PROVIDERS["openai"]).default_url


def origin(url: str) -> Origin:
    """Scheme, host and port of a base URL.

    Raises:
        UserError: Not an http(s) address, or one that carries a user name, password, query or fragment
            (such things hold secrets, and the address is written to the manifest).
    """
    try:
        parts = urlsplit(url)
        _ = URL(url).host  # the HTTP client's own reading, which is stricter about hosts
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError as error:
        raise UserError("The server address of the model cannot be read: check host and port.") from error
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise UserError(
            "The server address holds a user name or password. Put the key in an environment variable and name it "
            "with --model-key-env, --judge-key-env or --guard-key-env."
        )
    if parts.query or parts.fragment:
        raise UserError("The server address must end at its path (…/v1): leave out what follows '?' or '#'.")
    if not port or not parts.hostname or any(char.isspace() for char in url):
        shown = "That" if "@" in url else repr(url)
        raise UserError(f"{shown} is not the address of a server; write for example http://localhost:8000/v1.")
    return parts.scheme, parts.hostname.lower(), port


def key_for(url: str, key_env: str | None, urls_in_use: Iterable[str], scheme: str = "openai") -> str | None:
    """The key to send to a server, or None.

    Args:
        url: The server's base URL.
        key_env: The variable the user named for this reference.
        urls_in_use: Base URLs of every server of this run, this one included.
        scheme: That of the reference.

    Raises:
        UserError: The named variable is unset, or a provider itself is asked without a key.
    """
    if key_env is not None:
        return named(key_env)
    here = origin(url)
    asked = PROVIDERS.get(scheme, PROVIDERS["openai"])
    for provider in PROVIDERS.values():
        own = origin(provider.url)
        # By origin, whatever interface is spoken there; only the provider of the reference has another address.
        if here == own or (provider is asked and here in provider.origins):
            key = _read(provider.key)
            if key is None and here == own:
                raise UserError(
                    f"No API key for {provider.name}. Set {provider.key}; where a command has --model-key-env, "
                    "--judge-key-env or --guard-key-env, these name another variable."
                )
            return key
    known = {each for provider in PROVIDERS.values() for each in provider.origins}
    others = {origin(other) for other in urls_in_use} - known | {here}
    return _read(_FOR_OTHERS) if len(others) <= 1 else None


def how_to_send(url: str) -> str:
    """What to do where a server to which no key was sent wants one: allow one that is there, or set one."""
    there = [
        name for name in (_FOR_OTHERS, *(one.key for one in PROVIDERS.values())) if os.environ.get(name, "").strip()
    ]
    options = "--model-key-env, --judge-key-env or --guard-key-env"
    if not there:
        return f"name the variable that holds it with {options}, or set {_FOR_OTHERS}"
    scheme, host, port = origin(url)
    why = (
        "it goes only where a run asks a single server, and none that a file names"
        if there[0] == _FOR_OTHERS
        else "it goes to its provider alone"
    )
    return (
        f"the key in {there[0]} was not sent to {scheme}://{host}:{port}, since {why}. If this server may have it, say "
        "so "
        f"with {options} (in a build --key-env ROLE=VAR), for example --model-key-env {there[0]}"
    )


def named(key_env: str) -> str:
    """The key in a variable that the user named.

    Raises:
        UserError: It is unset, or the name is none.
    """
    if not key_env.isidentifier():
        # Not repeated in the message: it may well be the key itself.
        raise UserError("The --…-key-env options take the name of an environment variable, not a key.")
    key = _read(key_env)
    if key is None:
        raise UserError(f"The environment variable {key_env} is not set (or empty). Set it to the API key.")
    return key


def _read(variable: str) -> str | None:
    key = os.environ.get(variable, "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UserError(f"The environment variable {variable} holds characters that no API key has.")
    secrets.remember(key)
    return key or None
