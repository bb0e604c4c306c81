"""Local models: `hf:REPO_OR_FOLDER[@revision][+ADAPTER]`, every image-text-to-text model of transformers, batched."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vlsbench.core.errors import MissingExtra, UserError
from vlsbench.core.types import GuardReading, Prompt, Reply
from vlsbench.models.local import origin
from vlsbench.models.local.batching import Batcher

if TYPE_CHECKING:
    from vlsbench.models.local.generate import GenerationSettings, Job, PixelsAndTokens, PreparedPrompt

_AUTO_CPU = 32
_AUTO_START = 8
_AUTO_CEILING = 256


class HFModel:
    """A model in this process, behind a batcher. Make one with `load_hf`.

    Args:
        name: Its reference.
        work: The engine that generates.
        size: Requests in a batch to begin with.
        ceiling: Most requests in a batch.
    """

    def __init__(self, name: str, work: GenerationSettings, *, size: int, ceiling: int) -> None:
        self.name = name
        self.details: Mapping[str, str] = {}
        """For the manifest: dtype, commit or digest, versions. Set by `load_hf`."""
        preparers = max(1, min(4, (os.cpu_count() or 2) // 2))
        self._batcher: Batcher[Job, PreparedPrompt, PixelsAndTokens, Reply | GuardReading] = Batcher(
            work, size=size, ceiling=ceiling, preparers=preparers
        )

    @property
    def width(self) -> int:
        """How many requests to keep in flight so that the next batch is ready when one ends."""
        return 3 * self._batcher.size

    @property
    def batch_size(self) -> int:
        """Requests in a batch at present: grows with ``auto``, shrinks when memory runs out."""
        return self._batcher.size

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt; greedy at temperature 0, else sampled with the prompt's seed.

        Raises:
            RequestFailed: The image is unusable, the prompt does not fit, or memory ran out for it alone.
        """
        from vlsbench.models.local.generate import Job

        reply = await self._batcher.submit(Job(prompt=prompt))
        if not isinstance(reply, Reply):
            raise TypeError(f"expected a Reply, got {type(reply).__name__}")
        return reply

    async def guard(self, prompt: Prompt) -> GuardReading:
        """Read a guard's verdict on a user's turn, or on the answer in `prompt.earlier` that follows it.

        Raises:
            RequestFailed: As in `generate`.
        """
        from vlsbench.models.local.generate import Job

        reading = await self._batcher.submit(Job(prompt=prompt, guard=True))
        if not isinstance(reading, GuardReading):
            raise TypeError(f"expected a GuardReading, got {type(reading).__name__}")
        return reading

    async def close(self) -> None:
        """Stop generating and end the threads."""
        await self._batcher.close()


def load_hf(
    ref: str,
    *,
    dtype: str = "auto",
    device: str = "auto",
    batch_size: int | Literal["auto"] = "auto",
    trust_remote_code: bool = False,
) -> HFModel:
    """Load a local model; takes as long as reading its weights.

    Args:
        ref: ``REPO_OR_FOLDER[@revision][+ADAPTER]``, with or without ``hf:`` before it.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        batch_size: Requests generated at once; ``auto`` grows on a GPU while memory allows.
        trust_remote_code: Allow the repository to run Python code of its own here.

    Raises:
        MissingExtra: torch or transformers is not installed.
        UserError: The reference, the files or the device cannot be used; the message says what to do.
        Stopped: The hub cannot be reached.
    """
    _require_torch()
    from vlsbench.models.local import details, llava, weights
    from vlsbench.models.local.generate import GenerationSettings
    from vlsbench.models.local.processors import load_processor

    if batch_size != "auto" and batch_size < 1:
        raise UserError(f"A batch holds at least one request, not {batch_size}. Use --batch-size auto.")
    source = origin.parse(ref)
    where = weights.check_device(device)
    folder = origin.fetch(source.base, code=trust_remote_code)
    if where == "cpu":
        _one_thread()
    weights.refuse_bare_adapter(folder)
    with warnings.catch_warnings(), weights.clear_errors(folder):
        warnings.simplefilter("ignore")
        if llava.is_original(folder):
            model, processor = llava.load(folder, origin.fetch, dtype=dtype, device=where)
        else:
            weights.refuse_adapter_beside(folder)
            config = weights.load_config(folder, trust_remote_code=trust_remote_code)
            with weights.quiet():
                processor = load_processor(folder, trust_remote_code=trust_remote_code)
            model = weights.load_model(
                folder, dtype=dtype, device=where, trust_remote_code=trust_remote_code, config=config
            )
        adapter = _adapter_folder(source.adapter) if source.adapter is not None else None
        if adapter is not None:
            model = weights.load_adapter(model, adapter, folder, source)
        name = f"hf:{ref.removeprefix('hf:')}"
        work = GenerationSettings(model, processor, name)
    size, ceiling = batch_sizes(batch_size, where)
    loaded = HFModel(name, work, size=size, ceiling=ceiling)
    loaded.details = details.describe(model, folder, adapter)
    return loaded


def _adapter_folder(place: origin.Place) -> Path:
    return origin.fetch(place)


def batch_sizes(batch_size: int | Literal["auto"], device: str) -> tuple[int, int]:
    """Requests in a batch to begin with, and at most."""
    if batch_size != "auto":
        return batch_size, batch_size
    return (_AUTO_START, _AUTO_CEILING) if device.startswith("cuda") else (_AUTO_CPU, _AUTO_CPU)


def _require_torch() -> None:
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtra("torch and transformers", "hf") from error


def _one_thread() -> None:
    """One thread for torch on a CPU, unless the user chose: with busy cores, more of them wait for each other."""
    if "OMP_NUM_THREADS" in os.environ:
        return
    import torch

    torch.set_num_threads(1)
