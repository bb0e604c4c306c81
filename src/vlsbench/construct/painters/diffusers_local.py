"""Text-to-image pipelines of diffusers in this process: SD-3.5 as in the paper, and whatever else it loads.

One picture at a time: pipelines give other pixels in a batch than alone (measured with Stable Diffusion and SD3), and a
continued build has to paint what it would have painted.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlsbench.construct.painters.protocol import Painted, PaintPrompt
from vlsbench.core.errors import Blocked, MissingExtra, UserError
from vlsbench.core.hub import clear_errors
from vlsbench.models import Local

if TYPE_CHECKING:
    from vlsbench.construct.recipe import Brush

SCHEME = "diffusers:"


def load(ref: str, brush: Brush, local: Local) -> DiffusersPainter:
    """The painter of ``diffusers:REPO_OR_FOLDER``; weights are read as safetensors alone.

    Args:
        ref: The reference.
        brush: Steps and guidance.
        local: Device and dtype.

    Raises:
        MissingExtra: diffusers is not installed.
        UserError: There is no such pipeline, or it cannot be loaded.
    """
    try:
        import torch
        from diffusers import DiffusionPipeline
    except ImportError as error:
        raise MissingExtra("diffusers", "paint") from error
    place = ref.removeprefix(SCHEME)
    folder = Path(place).expanduser()
    source = str(folder) if folder.is_dir() else place
    if folder.is_dir() and not (folder / "model_index.json").is_file():
        raise UserError(f"{ref} is no pipeline of diffusers: the folder has no model_index.json.")
    device = local.device if local.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    dtype = _dtype(torch, local.dtype, device)
    try:
        with clear_errors(place, "main"):
            pipeline = DiffusionPipeline.from_pretrained(source, torch_dtype=dtype, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise UserError(f"{ref} cannot be loaded: {str(error)[:400]}") from error
    pipeline.set_progress_bar_config(disable=True)
    return DiffusersPainter(ref, pipeline.to(device), brush)


def _dtype(torch: Any, name: str, device: str) -> Any:
    if name != "auto":
        return getattr(torch, name)
    return torch.bfloat16 if device.startswith("cuda") else torch.float32


class DiffusersPainter:
    """A pipeline. Implements `Painter`; its own safety checker stays as it is.

    Args:
        name: Its reference.
        pipeline: The loaded pipeline.
        brush: Steps and guidance.
    """

    def __init__(self, name: str, pipeline: Any, brush: Brush) -> None:
        self.name = name
        self._pipeline = pipeline
        self._brush = brush
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="paint")

    @property
    def settings(self) -> Mapping[str, str]:
        """Steps and guidance, and that pictures are painted one at a time."""
        return {"steps": str(self._brush.steps), "guidance": str(self._brush.guidance), "together": "1"}

    async def paint(self, prompt: PaintPrompt) -> Painted:
        """Paint one picture.

        Raises:
            Blocked: The pipeline's safety checker took it away.
        """
        data = await asyncio.get_running_loop().run_in_executor(self._thread, self._paint, prompt)
        return Painted(data=data, model=self.name)

    def _paint(self, prompt: PaintPrompt) -> bytes:
        import torch

        done = self._pipeline(
            prompt.text,
            width=prompt.width,
            height=prompt.height,
            num_inference_steps=self._brush.steps,
            guidance_scale=self._brush.guidance,
            # On the CPU wherever the pipeline is: the same seed gives the same noise on every device.
            generator=torch.Generator("cpu").manual_seed(prompt.seed),
        )
        flagged = getattr(done, "nsfw_content_detected", None)
        if flagged and any(flagged):
            raise Blocked("the pipeline's safety checker took the picture away")
        buffer = io.BytesIO()
        done.images[0].convert("RGB").save(buffer, "PNG")
        return buffer.getvalue()

    async def close(self) -> None:
        """Wait for the picture in work and free the pipeline."""
        await asyncio.to_thread(self._thread.shutdown)
        self._pipeline = None
