"""Files pairs under the taxonomy, each by a durable step."""

from __future__ import annotations

from vlsbench.construct.gate.gate import GatePair
from vlsbench.construct.gating import Filed
from vlsbench.construct.roles import Fields, Role, Shape
from vlsbench.construct.steps import Done, Step, StepOutcome
from vlsbench.construct.taxonomy import Taxonomy
from vlsbench.judges.parsing import UnparsableError

CATEGORISED: Shape = {"reason": str, "sub_category": str}
NONE = "none"
NO_CATEGORY = "no sub-category fits"


class Filing:
    """Asks a categoriser about pairs.

    Args:
        taxonomy: What there is to choose from.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self.found: dict[str, Filed] = {}
        """What it said, by the id of the pair."""

    async def file(self, pair: GatePair, role: Role, step: Step) -> Done:
        """File one pair."""
        values = {
            "query": pair.sample.text,
            "description": pair.sample.description,
            "taxonomy": self._taxonomy.listed(),
        }
        given = {"query": values["query"], "description": values["description"]}
        done = await step(pair.id, given, lambda: role.ask(values, CATEGORISED, self._decide))
        shelf = (done.output["category"], done.output["sub_category"]) if done.is_ok else None
        self.found[pair.id] = Filed(shelf=shelf, outcome=done.outcome)
        return done

    def _decide(self, said: Fields) -> Done:
        named = str(said["sub_category"])
        if named.casefold() == NONE:
            return Done(outcome=StepOutcome.DROPPED, reason=NO_CATEGORY)
        shelf = self._taxonomy.find(named)
        if shelf is None:
            raise UnparsableError(f"{named!r:.80} is none of the sub-categories, nor none")
        output = {**said, "category": shelf.category, "sub_category": shelf.sub_category}
        return Done(outcome=StepOutcome.OK, output=output)
