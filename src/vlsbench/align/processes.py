"""The processes of one training: one by itself, or several under ``accelerate launch`` or ``torchrun``."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from vlsbench.core.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """How many there are, and which one this is; `state` is accelerate's, None for a single process."""

    rank: int = 0
    count: int = 1
    state: Any = None

    @classmethod
    def now(cls, batch_size: int) -> Processes:
        """The processes that the launcher told us of.

        Raises:
            UserError: The batch cannot be shared out evenly among them.
        """
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls()
        if batch_size % count:
            raise UserError(f"A --batch-size of {batch_size} cannot be shared out to {count} processes evenly.")
        import torch
        from accelerate import PartialState

        state = PartialState(cpu=not torch.cuda.is_available())
        return cls(rank=state.process_index, count=count, state=state)

    @property
    def first(self) -> bool:
        """Whether this is the one that writes."""
        return self.rank == 0

    def share(self, batch_size: int) -> int:
        """Examples per step in each process."""
        return batch_size // self.count

    def after_first(self, action: Callable[[], T]) -> T:
        """Do something in every process, in the first one before the others."""
        if not self.first:
            self.wait()
        done = action()
        if self.first:
            self.wait()
        return done

    def wait(self) -> None:
        """Until all processes are here."""
        if self.state is not None:
            self.state.wait_for_everyone()
