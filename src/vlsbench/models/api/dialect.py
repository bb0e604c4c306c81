"""The request parameters one server understands, learned from what it rejects.

Servers differ in three ways that matter here: the name of the token limit, whether temperature and seed
may be chosen, and how a JSON reply can be asked for. Each is adapted at most once per server, and every
adaptation is told to the manifest.
"""

from __future__ import annotations

from typing import Protocol

from vlsbench.core.types import Prompt

_REJECTION = (
    "unsupported",
    "not support",
    "does not accept",
    "not allowed",
    "not permitted",
    "only the default",
    "may only be",
    "is allowed for",
    "deprecated",
    "instead",
    "unrecognized",
    "unknown",
    "extra inputs",
    "unexpected",
)
"""Words of a server that does not take a parameter, as opposed to the value it was given."""

_TOO_LONG = ("context length", "context_length", "context window", "too large", "too long")
"""Words of a server that names a parameter only because the request does not fit."""

_SCHEMA_WORDS = ("response_format", "json_schema", "schema", "guided", "grammar", "structured")

_SCHEMA_FORMS = ("json_schema", "json_object", "none")
"""Ways to ask for JSON, the strictest first."""


class Detail(Protocol):
    """What an error reply says."""

    @property
    def param(self) -> str:
        """The parameter the server names, or an empty string."""
        ...

    def mentions(self, *words: str) -> bool:
        """Whether any of the words (lower case) occurs in the reply."""
        ...


def rejects(detail: Detail, name: str) -> bool:
    """Whether a server says that it does not take a parameter, rather than the value it was given."""
    # A server that names the parameter is believed: its message may echo the request.
    named = detail.param == name if detail.param else detail.mentions(name)
    return named and detail.mentions(*_REJECTION) and not detail.mentions(*_TOO_LONG)


class Dialect:
    """Request parameters for one server, which change when it rejects one."""

    def __init__(self) -> None:
        self.token_limit = "max_tokens"
        self.dropped: set[str] = set()
        self.schema_form = "json_schema"
        self.adaptations: list[str] = []
        self._schema_proven = False

    def snapshot(self) -> tuple[str, frozenset[str], str]:
        """What a request about to be sent is written in; requests in flight may be behind the dialect."""
        return self.token_limit, frozenset(self.dropped), self.schema_form

    def parameters(self, prompt: Prompt) -> dict[str, object]:
        """The request fields beside model and messages."""
        fields: dict[str, object] = {self.token_limit: prompt.max_tokens}
        if "temperature" not in self.dropped:
            fields["temperature"] = prompt.temperature
        if prompt.seed is not None and "seed" not in self.dropped:
            fields["seed"] = prompt.seed
        if prompt.schema is not None and self.schema_form != "none":
            schema = {"name": "reply", "strict": True, "schema": prompt.schema}
            fields["response_format"] = (
                {"type": "json_schema", "json_schema": schema}
                if self.schema_form == "json_schema"
                else {"type": "json_object", "schema": prompt.schema}
            )
        return fields

    def proven(self, prompt: Prompt) -> None:
        """A request succeeded: a later 500 is then not the fault of how JSON was asked for."""
        if prompt.schema is not None:
            self._schema_proven = True

    def adapt(self, status: int, detail: Detail, prompt: Prompt, tried: tuple[str, frozenset[str], str]) -> bool:
        """Learn from a rejection.

        Args:
            status: HTTP status.
            detail: The error body.
            prompt: The request that was rejected.
            tried: The snapshot it was written in.

        Returns:
            Whether the request is worth sending again at once.
        """
        if status not in (400, 422, 500, 501):
            return False
        if tried != self.snapshot():
            return True
        if status in (400, 422):
            if (
                self.token_limit == "max_tokens"
                and rejects(detail, "max_tokens")
                and detail.mentions("max_completion_tokens")
            ):
                self.token_limit = "max_completion_tokens"
                self.adaptations.append("max_tokens is sent as max_completion_tokens")
                return True
            for name in ("temperature", "seed"):
                sent = name == "temperature" or prompt.seed is not None
                if sent and name not in self.dropped and rejects(detail, name):
                    self.dropped.add(name)
                    self.adaptations.append(f"{name} is not sent")
                    return True
        return self._adapt_schema(status, detail, prompt)

    def _adapt_schema(self, status: int, detail: Detail, prompt: Prompt) -> bool:
        # llama.cpp answers an unknown response_format with 500, so an unproven form is suspect there too.
        if prompt.schema is None or self._schema_proven:
            return False
        if status in (400, 422) and not detail.mentions(*_SCHEMA_WORDS):
            return False
        if self.schema_form == "none":
            # Asking without any form failed as well: the server is in trouble, the form was not to blame.
            self.schema_form = _SCHEMA_FORMS[0]
            self.adaptations = [text for text in self.adaptations if "response_format" not in text]
            return False
        self.schema_form = _SCHEMA_FORMS[_SCHEMA_FORMS.index(self.schema_form) + 1]
        self.adaptations.append(f"JSON is asked for with response_format {self.schema_form}")
        return True
