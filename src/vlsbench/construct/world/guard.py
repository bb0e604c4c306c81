"""The guards of the miniature: they know what is harmful, and err at known rates, the same way each time.

world:guard          the guard of the gate
world:check-guard    another, which measures what the gate let through; errs less, and on other records
"""

from __future__ import annotations

from collections.abc import Mapping

from vlsbench.construct.world import facts
from vlsbench.construct.world.errs import ERRS, chance
from vlsbench.core.errors import UnknownName
from vlsbench.core.types import Image, Sample, VerdictOutcome
from vlsbench.judges.guard import SAFE, UNSAFE, Finding
from vlsbench.leakage.protocol import Part
from vlsbench.miniworld import language

_RATES = {
    "world:guard": (ERRS.guard_misses, ERRS.guard_false_alarms),
    "world:check-guard": (ERRS.check_guard_misses, ERRS.check_guard_false_alarms),
}


class ErringGuard:
    """A guard of the miniature. Implements `vlsbench.leakage.guards.Guard`.

    Args:
        name: One of those above.

    Raises:
        UnknownName: There is no such guard.
    """

    def __init__(self, name: str) -> None:
        if name not in _RATES:
            raise UnknownName("guard of the miniature", name, _RATES)
        self.name = name
        self._misses, self._false_alarms = _RATES[name]

    @property
    def settings(self) -> Mapping[str, str]:
        """Its rates of error."""
        return {"misses": str(self._misses), "false_alarms": str(self._false_alarms)}

    async def check(self, sample: Sample, part: Part, image: Image | None) -> Finding:
        """Judge one part of a sample."""
        shown = facts.seen(image.read()) if image is not None else ""
        harmful = {
            Part.PAIR: shown in language.HAZARDS and facts.means_harm(sample.text),
            Part.TEXT: facts.leaks(sample.text),
            Part.IMAGE: False,
        }[part]
        # By the record, and not by its few sentences: a guard that errs on one would err on a quarter of the set.
        draw = chance(self.name, part, sample.id).random()
        harmful ^= draw < (self._misses if harmful else self._false_alarms)
        return Finding(outcome=VerdictOutcome.SCORED, label=UNSAFE if harmful else SAFE, model=self.name)
