"""The ways in which servers misbehave, each with what must come of it."""

from __future__ import annotations

import json

from benchmarks.fault_server import Fault, Make, Wire, completion, said, wire

KEY = 'sk-faults-0a1b2c/d+e="\\z'
"""The key of the process under test, with every character that some notation escapes."""

_ESCAPED = "".join(f"\\u{ord(char):04x}" for char in KEY)
_NOTHING = "\u200b\u2060\ufeff \u3164\u2800\ufe0f\n"
_ANSWERED = ("ok",)


def every() -> list[Fault]:
    """All kinds that concern single samples."""
    return [*_endings(), *_errors(), *_thinking(), *_empty(), *_statuses(), *_broken(), *_network(), *_echoes()]


def fatal() -> dict[str, tuple[Wire, int]]:
    """What a server says to every request, by name, with the exit code that the run must end with."""
    refused = {"error": {"message": f"no access with {KEY}"}}
    return {
        "HTTP 401": (wire(refused, 401), 2),
        "HTTP 404": (wire(refused, 404), 2),
        "HTTP 402": (wire(refused, 402), 3),
        "insufficient_quota": (wire({"error": {"message": KEY, "code": "insufficient_quota"}}, 429), 3),
        "every connection reset": (Wire(cut=0.0), 3),
        "every request refused": (wire(refused, 400), 1),
    }


def _ends(*reasons: object, answer: tuple[str, ...], scores: bool | None = False, **kept: int) -> list[Fault]:
    def make(reason: object) -> Make:
        return lambda text: said(text, reason)

    return [
        Fault(kind="finish reasons", name=f"{r!r}", make=make(r), answer=answer, scores=scores, **kept) for r in reasons
    ]


def _endings() -> list[Fault]:
    return [
        *_ends("stop", "STOP", "end_turn", "eos", "stop_sequence", None, "", answer=_ANSWERED, scores=True),
        *_ends("length", "max_tokens", "MAX_TOKENS", answer=("truncated",), scores=None),
        *_ends("content_filter", "SAFETY", "safety", "RECITATION", answer=("blocked",)),
        *_ends("tool_calls", "MALFORMED_FUNCTION_CALL", "OTHER", "stopped", 17, True, ["stop"], answer=("error",)),
        *_ends("abort", "error", "cancelled", "timeout", answer=("error",)),
        *_ends("abort", "cancelled", answer=_ANSWERED, scores=True, tries=1),
    ]


def _errors() -> list[Fault]:
    def beside(place: str, error: object) -> Make:
        def make(text: str) -> Wire:
            message: dict[str, object] = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            body: dict[str, object] = {"choices": [choice]}
            {"top": body, "choice": choice, "message": message}[place]["error"] = error
            return wire(body)

        return make

    kind = "error beside an answer"
    texts: tuple[object, ...] = (
        "it broke",
        {"message": "upstream", "code": 400},
        {"message": "overloaded", "code": 502},
        [1],
    )
    found = [
        Fault(kind=kind, name=f"{place}: {error!r}", make=beside(place, error))
        for place in ("top", "choice", "message")
        for error in texts
    ]
    blocked = {"message": "filtered", "code": "content_filter"}
    return [*found, Fault(kind=kind, name="filter", make=beside("choice", blocked), answer=("blocked",))]


def _thinking() -> list[Fault]:
    def fault(name: str, make: Make, answer: tuple[str, ...], *, scores: bool) -> Fault:
        return Fault(kind="thinking", name=name, make=make, answer=answer, scores=scores)

    def between(opens: str, closes: str) -> Make:
        return lambda text: said(f"{opens}Hm, hm.{closes}\n\n{text}")

    whole = [
        fault(f"{opens} closed", between(opens, closes), _ANSWERED, scores=True)
        for opens, closes in (
            ("<think>", "</think>"),
            ("<THINK>", "</THINK>"),
            ("<thinking>\n", "</thinking>"),
            ("[THINK]", "[/THINK]"),
            ("◁think▷", "◁/think▷"),
        )
    ]
    return [
        *whole,
        fault("only a closing tag", lambda text: said(f"Hm, hm.</think>{text}"), _ANSWERED, scores=True),
        fault("two blocks", lambda text: said(f"<think>a</think><think>b</think>{text}"), _ANSWERED, scores=True),
        fault("reasoning_content", lambda text: said(text, reasoning_content="Hm."), _ANSWERED, scores=True),
        fault("never closed", lambda text: said(f"<think>I shall say: {text}"), ("truncated",), scores=False),
        fault("cut off", lambda text: said(f"<think>I shall say: {text}", "length"), ("truncated",), scores=False),
        fault("inside", lambda text: said(f"<think>{text}</think>"), ("empty",), scores=False),
        fault("apart, no answer", lambda text: said("", reasoning_content=text), ("empty",), scores=False),
        fault("apart, cut off", lambda text: said("", "length", reasoning=text), ("truncated",), scores=False),
        fault("then nothing visible", lambda text: said(f"<think>{text}</think>{_NOTHING}"), ("empty",), scores=False),
    ]


def _empty() -> list[Fault]:
    nothing: dict[str, object] = {
        "no text": "",
        "null": None,
        "spaces": " \n\t ",
        "invisible characters": _NOTHING,
        "a soft hyphen": "\u00ad",
        "a tag character": "\U000e0041",
        "a number": 7,
        "an empty list": [],
        "an object": {"text": "no list"},
    }

    def make(content: object) -> Make:
        return lambda _: wire(completion({"role": "assistant", "content": content}))

    found = [Fault(kind="no text", name=name, make=make(text), answer=("empty",)) for name, text in nothing.items()]
    refused: dict[str, Make] = {
        "refusal": lambda text: said("", refusal=text),
        "LiteLLM's": lambda text: said("", provider_specific_fields={"refusal": text}),
        "a part": lambda text: wire(completion({"content": [{"type": "refusal", "refusal": text}]})),
    }
    return [
        *found,
        *(Fault(kind="refusal fields", name=name, make=m, answer=_ANSWERED) for name, m in refused.items()),
        Fault(
            kind="no text",
            name="parts are a text",
            make=lambda text: wire(completion({"content": [{"type": "text", "text": text}]})),
            answer=_ANSWERED,
            scores=True,
        ),
    ]


def _statuses() -> list[Fault]:
    def make(status: int, body: object) -> Make:
        # 429 asks for a short wait, as servers do.
        return lambda _: wire(body, status, **({"retry_after_ms": "50"} if status == 429 else {}))

    kind, error = "HTTP status", {"error": {"message": "no"}}
    once = (408, 409, 425, 429, 500, 502, 503, 504, 520, 529)
    healed = [
        Fault(kind=kind, name=f"{status} once", make=make(status, error), answer=_ANSWERED, scores=True, tries=1)
        for status in once
    ]
    lasting = [
        Fault(kind=kind, name=f"{status}", make=make(status, error)) for status in (400, 403, 413, 422, 500, 503)
    ]
    odd = [
        Fault(kind=kind, name=f"{status}, {name}", make=make(status, body))
        for status in (400, 500)
        for name, body in (
            ("a text", "no"),
            ("null", None),
            ("a list", []),
            ("half an answer", completion({"content": "x"})),
        )
    ]
    filtered = {"error": {"message": "no", "code": "content_filter"}}
    return [*healed, *lasting, *odd, Fault(kind=kind, name="filter", make=make(400, filtered), answer=("blocked",))]


def _broken() -> list[Fault]:
    def part(share: float) -> Make:
        def make(text: str) -> Wire:
            body = said(text).body
            return Wire(body=body[: int(len(body) * share)])

        return make

    def raw(body: bytes) -> Make:
        return lambda _: Wire(body=body)

    kind = "broken bodies"
    bodies = {
        "nothing": b"",
        "null": b"null",
        "a list": b"[]",
        "a text": b'"hello"',
        "a page": b"<html>hello</html>",
        "no choices": b"{}",
        "an empty choice": b'{"choices": []}',
        "choices null": b'{"choices": null}',
        "deep": b'{"a":' * 100_000,
        "huge": b'{"choices": "' + b"x" * 9_000_000 + b'"}',
    }
    return [
        *(
            Fault(kind=kind, name=f"cut at {share:.0%} once", make=part(share), answer=_ANSWERED, scores=True, tries=1)
            for share in (0.1, 0.5, 0.9, 0.99)
        ),
        Fault(kind=kind, name="cut for ever", make=part(0.8)),
        *(Fault(kind=kind, name=name, make=raw(body)) for name, body in bodies.items()),
        Fault(kind=kind, name="message null", make=lambda _: wire(completion(None)), answer=("empty", "error")),
        Fault(
            kind=kind,
            name="NaN beside the answer",
            make=lambda text: Wire(body=said(text).body[:-1] + b', "x": NaN}'),
            answer=_ANSWERED,
            scores=True,
        ),
        Fault(
            kind=kind,
            name="odd counts",
            make=lambda text: wire(
                completion({"content": text}, usage={"prompt_tokens": -1, "completion_tokens": 1e300})
            ),
            answer=_ANSWERED,
            scores=True,
        ),
        Fault(
            kind=kind,
            name="halves of characters beside it",
            make=lambda text: wire({**completion({"content": text, "reasoning": "\ud800"}), "model": "\udfff"}),
            answer=_ANSWERED,
            scores=True,
        ),
    ]


def _network() -> list[Fault]:
    def cut(share: float) -> Make:
        return lambda text: Wire(body=said(text).body, cut=share)

    def slow(text: str) -> Wire:
        return Wire(body=said(text).body, delay=0.4)

    def hangs(text: str) -> Wire:
        return Wire(body=said(text).body, delay=4.0)

    def circles(_: str) -> Wire:
        return Wire(status=307, headers={"Location": "/answer/v1/chat/completions"})

    kind = "network"
    healed = {"reset": cut(0.0), "reset at the head": cut(0.01), "reset half-way": cut(0.5), "hangs": hangs}
    return [
        *(
            Fault(kind=kind, name=f"{name} {tries}x", make=make, answer=_ANSWERED, scores=True, tries=tries)
            for name, make in healed.items()
            for tries in (1, 2)
        ),
        Fault(kind=kind, name="slow", make=slow, answer=_ANSWERED, scores=True),
        Fault(kind=kind, name="redirects in circles", make=circles, scores=None),
    ]


def _echoes() -> list[Fault]:
    def escaped(text: str, field: str) -> Wire:
        message: dict[str, object] = {"role": "assistant", "content": text, field: "HERE " + text}
        return Wire(body=json.dumps(completion(message)).replace("HERE", _ESCAPED).encode())

    def twice(text: str) -> Wire:
        """A judge's verdict with the key in escapes of its own, which show it only once the verdict is parsed."""
        return said(text.replace("was described", f"{_ESCAPED} was described"))

    kind = "key echoes"
    error = {"error": {"message": f"bad key {KEY}, {_ESCAPED}", "param": KEY, "type": KEY}}
    return [
        Fault(kind=kind, name="in the thinking", make=lambda t: escaped(t, "reasoning"), answer=_ANSWERED, scores=True),
        Fault(kind=kind, name="in the refusal", make=lambda t: escaped(t, "refusal"), answer=_ANSWERED, scores=None),
        Fault(kind=kind, name="in a verdict's escapes", make=twice, answer=_ANSWERED, scores=True),
        Fault(
            kind=kind,
            name="in think tags",
            make=lambda t: said(f"<think>{KEY}</think>{t}"),
            answer=_ANSWERED,
            scores=True,
        ),
        Fault(kind=kind, name="as the finish reason", make=lambda t: said(t, KEY)),
        Fault(kind=kind, name="in an error", make=lambda _: wire(error, 400)),
        Fault(kind=kind, name="in an error beside", make=lambda t: wire({**completion({"content": t}), **error})),
        Fault(
            kind=kind,
            name="as the model's name",
            make=lambda t: wire({**completion({"content": t}), "model": f"m {KEY}"}),
            answer=_ANSWERED,
            scores=True,
        ),
        Fault(kind=kind, name="as a status line", make=lambda _: wire({"detail": [KEY]}, 422)),
    ]
