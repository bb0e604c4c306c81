"""What a server's reason for ending a reply means. Only a reason that is known to be an end makes an answer.

Reasons as OpenAI, Anthropic, Gemini, vLLM, SGLang, TGI, llama.cpp, Ollama, OpenRouter and DeepSeek write them.
"""

from __future__ import annotations

from enum import StrEnum


class Ending(StrEnum):
    """How a reply ended."""

    WHOLE = "whole"
    CUT = "cut"
    BLOCKED = "blocked"
    BROKEN_OFF = "broken_off"
    UNKNOWN = "unknown"


_ENDINGS = {
    Ending.WHOLE: ("stop", "end_turn", "eos", "eos_token", "stop_sequence", "complete", "completed"),
    Ending.CUT: (
        "length",
        "max_tokens",
        "max_output_tokens",
        "max_length",
        "model_length",
        "model_context_window_exceeded",
    ),
    Ending.BLOCKED: (
        "content_filter",
        "content_policy_violation",
        "responsibleaipolicyviolation",
        "safety",
        "image_safety",
        "image_prohibited_content",
        "image_recitation",
        "model_armor",
        "prohibited_content",
        "blocklist",
        "recitation",
        "spii",
        "refusal",
    ),
    Ending.BROKEN_OFF: (
        "error",
        "abort",
        "aborted",
        "cancelled",
        "canceled",
        "timeout",
        "insufficient_system_resource",
    ),
}

_BY_REASON = {reason: ending for ending, reasons in _ENDINGS.items() for reason in reasons}


def ending(reason: str | None) -> Ending:
    """How a reply with this finish reason ended; without one, as with ``stop``. Letter case does not count."""
    if reason is None or not reason.strip():
        return Ending.WHOLE
    return _BY_REASON.get(reason.strip().lower(), Ending.UNKNOWN)
