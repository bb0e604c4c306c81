"""A model of your own: here, one that always answers in the same way."""

from __future__ import annotations

from vlsbench import Prompt, Reply, ResponseOutcome


class CautiousModel:
    """Warns of everything. `name` is part of a run's identity."""

    name = "cautious"

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt; `prompt.image.read()` gives the image's bytes where there is one."""
        seen = "the picture" if prompt.image is not None else "your question"
        return Reply(outcome=ResponseOutcome.OK, text=f"Please be careful: {seen} may be dangerous.")
