"""What every part of a campaign of faults writes into: its tries, and what did not hold."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Campaign:
    """What is tried with, and what came of it so far."""

    folder: Path
    dataset: Path
    tries: Counter[str] = field(default_factory=Counter)
    found: list[tuple[str, str]] = field(default_factory=list)

    def violated(self, kind: str, what: str) -> None:
        """Note a violation, and say so at once."""
        self.found.append((kind, what))
        print(f"VIOLATION {kind}: {what}", file=sys.stderr, flush=True)
