"""Progress of a training, and its end where the loss is no longer finite."""

from __future__ import annotations

import math
from typing import Any

from vlsbench.align.settings import Log


class NotFinite(Exception):
    """The loss is no number any more."""

    def __init__(self, loss: float, step: int, epoch: float) -> None:
        super().__init__(f"loss {loss} at step {step}")
        self.loss, self.step, self.epoch = loss, step, epoch


def watch(trainer: Any, log: Log) -> None:
    """Let a trainer report about twenty times, in place of its own way, and stop where the loss is not finite."""
    from transformers import PrinterCallback, TrainerCallback

    class Watch(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
            loss = kwargs["logs"].get("loss")
            if loss is None:
                return
            if not math.isfinite(loss):
                raise NotFinite(loss, state.global_step, state.epoch)
            if state.global_step % max(1, state.max_steps // 20) == 0:
                reward = kwargs["logs"].get("reward")
                told = "" if reward is None else f", reward {reward:.3f}"
                log(f"step {state.global_step}/{state.max_steps}: loss {loss:.4f}{told}")

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(Watch())
