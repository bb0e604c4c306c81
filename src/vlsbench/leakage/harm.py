"""A language model with a rubric as guard: is a request harmful, with its picture, without it, or by it alone?

The rubric is ``judges/rubrics/harmful.md``; its two labels are those of guard models.
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.core.protocols import Model
from vlsbench.core.types import GuardLabel, Image, Prompt, Sample, Sees
from vlsbench.judges import rubric_file
from vlsbench.judges.asking import MAX_TOKENS
from vlsbench.judges.guard import Finding
from vlsbench.judges.parsing import TWO_LABELS
from vlsbench.judges.rubric import ask, schema_of

RUBRIC = "harmful"

_SCHEMA = schema_of(label.value for label in GuardLabel)


class HarmJudge:
    """Asks a model whether a request is harmful.

    Args:
        model: The model; it is given, never made here.
    """

    def __init__(self, model: Model) -> None:
        self.inner = model
        self._rubric = rubric_file.load(RUBRIC, Sees.IMAGE, needed=("query", "context", "fence"))

    @property
    def name(self) -> str:
        """The model's reference."""
        return self.inner.name

    @property
    def settings(self) -> Mapping[str, str]:
        """The rubric and its hash."""
        return {"rubric": self._rubric.name, "rubric_sha256": self._rubric.sha256}

    async def check(self, text: str, image: Image | None) -> Finding:
        """Grade a request.

        Args:
            text: What it says; may be empty where only the image is graded.
            image: What it shows.

        Raises:
            RequestFailed: The model could not be asked.
        """
        request = Sample(id="", text=text)
        prompt = Prompt(
            text=self._rubric.fill(request, "", Sees.IMAGE, has_image=image is not None),
            image=image,
            system=self._rubric.system,
            max_tokens=MAX_TOKENS,
            schema=_SCHEMA,
        )
        said = await ask(self.inner, prompt, (text,), TWO_LABELS)
        return Finding(outcome=said.outcome, label=said.label, why=said.reason, model=said.model or self.name)
