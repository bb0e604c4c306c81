"""How many workers, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Processes that hold a local model in place of this one.

    Args:
        count: How many.
        ray: ``local``, or ``HOST:PORT`` of the head of the Ray cluster that this machine is a node of.
        gpus: GPUs of each; a part of one where several share it. None: one where the cluster has any.
    """

    count: int
    ray: str = "local"
    gpus: float | None = None
