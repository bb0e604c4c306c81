"""From what a model wrote to a `Reply`: how it ended, and its answer apart from its thinking."""

from __future__ import annotations

from vlsbench.core import metering
from vlsbench.core.errors import RequestFailed, Transient
from vlsbench.core.finish import Ending, ending
from vlsbench.core.surrogates import sayable
from vlsbench.core.thinking import MAX_KEPT, is_blank, take_apart
from vlsbench.core.types import Reply, ResponseOutcome


def reply(
    text: str,
    *,
    finish_reason: str | None,
    reasoning: str = "",
    has_thought: bool = False,
    refused: bool = False,
    prompt_tokens: int | None = None,
    completion_tokens: int | None = None,
    cached_tokens: int | None = None,
    model: str | None = None,
) -> Reply:
    """The reply of a model that wrote this text and ended so.

    Args:
        text: What it wrote; thinking in it is taken apart.
        finish_reason: Why it ended; None counts as ``stop``.
        reasoning: Thinking that the server sent apart.
        has_thought: Whether it thought, although the server does not tell what.
        refused: Whether the text stands in a provider's own refusal field.
        prompt_tokens: Length of the request in tokens.
        completion_tokens: Length of the reply in tokens, thinking included.
        cached_tokens: Part of the request, in tokens, that the server had seen before.
        model: The name that the server gives itself.

    Raises:
        Transient: The reply broke off; another try may end well.
        RequestFailed: It ended for a reason that nobody knows.
    """
    ended = ending(finish_reason)
    if ended in (Ending.BROKEN_OFF, Ending.UNKNOWN) and not (prompt_tokens is completion_tokens is None):
        metering.replied(  # no answer, but paid for
            Reply(
                outcome=ResponseOutcome.ERROR,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                cached_tokens=cached_tokens,
            )
        )
    if ended is Ending.BROKEN_OFF:
        raise Transient(f"the server gave up half-way (finish_reason: {finish_reason})")
    if ended is Ending.UNKNOWN:
        raise RequestFailed(f"the reply ended for an unknown reason (finish_reason: {finish_reason!r:.80})")
    thought = take_apart(sayable(text))
    kept = "\n\n".join(part for part in (sayable(reasoning).strip(), thought.thinking) if part)
    outcome, error = _outcome(
        thought.answer, ended, still_thinking=thought.cut_off or (ended is Ending.CUT and (has_thought or bool(kept)))
    )
    return Reply(
        outcome=outcome,
        text=thought.answer,
        error=f"finish_reason: {finish_reason}" if outcome is ResponseOutcome.BLOCKED else error,
        reasoning=kept[:MAX_KEPT],
        finish_reason=finish_reason,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        cached_tokens=cached_tokens,
        model=model,
        refused=refused,
    )


def _outcome(answer: str, ended: Ending, *, still_thinking: bool) -> tuple[ResponseOutcome, str]:
    if ended is Ending.BLOCKED:
        return ResponseOutcome.BLOCKED, ""
    if is_blank(answer):
        if still_thinking:
            return ResponseOutcome.TRUNCATED, "only thinking, and no answer after it; allow more with --max-tokens"
        return ResponseOutcome.EMPTY, ""
    return (ResponseOutcome.TRUNCATED if ended is Ending.CUT else ResponseOutcome.OK), ""
