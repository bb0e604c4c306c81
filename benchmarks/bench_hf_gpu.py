"""Samples per second of local models on a GPU: ours against the original release's way, one request after the other.

A LLaVA-1.5-7B-shaped model with 336-pixel images and a Qwen2-VL-7B-shaped one with 1-megapixel images, both
with random bf16 weights made from their configurations on the card: nothing is downloaded, and no answer
means anything. 128 new tokens.

    python -m benchmarks.bench_hf_gpu [--quick] [--samples 512] [--single 16]

`--quick` runs tiny shapes on whatever device there is: it only shows that the script works.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench_hf import Picture, text, tiny_checkpoints

TARGET = 20.0
TOKENS = 128


def pictures(n: int, side: int) -> list[Picture]:
    """JPEG files of smooth noise, `side` pixels square; eight different ones, repeated."""
    from PIL import Image

    made = []
    for seed in range(8):
        buffer = io.BytesIO()
        small = Image.frombytes("RGB", (32, 32), random.Random(seed).randbytes(32 * 32 * 3))
        small.resize((side, side)).save(buffer, "JPEG", quality=90)
        made.append(Picture(buffer.getvalue()))
    return [made[i % len(made)] for i in range(n)]


def llava(place: Path, device: str, *, tiny: bool) -> tuple[Any, Any]:
    """Model and processor in the shape of LLaVA-1.5-7B; the vocabulary is the tiny one's, padded."""
    from transformers import AutoConfig, LlavaConfig, LlavaForConditionalGeneration

    from vlsbench.models.local.processors import load_processor

    folder = tiny_checkpoints().llava(place / "llava")
    processor = load_processor(folder)
    config = AutoConfig.from_pretrained(folder)
    if not tiny:
        config = LlavaConfig(image_token_index=config.image_token_id)  # the defaults are LLaVA-1.5-7B
        processor.image_processor.size = {"shortest_edge": 336}
        processor.image_processor.crop_size = {"height": 336, "width": 336}
    return on_device(LlavaForConditionalGeneration, config, processor, device), processor


def qwen2_vl(place: Path, device: str, *, tiny: bool) -> tuple[Any, Any]:
    """Model and processor in the shape of Qwen2-VL-7B."""
    from transformers import AutoConfig, Qwen2VLConfig, Qwen2VLForConditionalGeneration

    from vlsbench.models.local.processors import load_processor

    folder = tiny_checkpoints().qwen2_vl(place / "qwen2_vl")
    processor = load_processor(folder)
    config = AutoConfig.from_pretrained(folder)
    if not tiny:
        config = Qwen2VLConfig(
            vision_config={"depth": 32, "embed_dim": 1280, "hidden_size": 3584, "num_heads": 16, "mlp_ratio": 4},
            text_config={
                "vocab_size": 152064,
                "hidden_size": 3584,
                "intermediate_size": 18944,
                "num_hidden_layers": 28,
                "num_attention_heads": 28,
                "num_key_value_heads": 4,
                "max_position_embeddings": 32768,
                "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1e6},
            },
            image_token_id=config.image_token_id,
            video_token_id=config.video_token_id,
            vision_start_token_id=config.vision_start_token_id,
            vision_end_token_id=config.vision_end_token_id,
        )
        processor.image_processor.size = {"shortest_edge": 56 * 56, "longest_edge": 1024 * 1024}
    return on_device(Qwen2VLForConditionalGeneration, config, processor, device), processor


def on_device(kind: Any, config: Any, processor: Any, device: str) -> Any:
    """A model with random bf16 weights, made where it will run, that never ends an answer early."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if device == "cuda" else torch.float32)
    try:
        with torch.device(device):
            model = kind(config).eval()
    finally:
        torch.set_default_dtype(before)
    tokenizer = processor.tokenizer
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.suppress_tokens = [tokenizer.eos_token_id]
    return model


def one_by_one(model: Any, processor: Any, images: Sequence[Picture]) -> float:
    """Samples per second the way of the release: decode, preprocess and generate for one sample after the other."""
    import torch
    from PIL import Image

    from vlsbench.core.types import Prompt
    from vlsbench.models.local.processors import Chat

    chat = Chat(processor)
    started = time.perf_counter()
    for number, picture in enumerate(images):
        image = Image.open(io.BytesIO(picture.read())).convert("RGB")
        conversation = chat.text(Prompt(text=text(number), image=picture))
        inputs = processor(text=[conversation], images=[[image]], return_tensors="pt")
        inputs = inputs.to(model.device, dtype=model.dtype)
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False)
        processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return len(images) / (time.perf_counter() - started)


def ours(model: Any, processor: Any, images: Sequence[Picture], device: str) -> tuple[float, int]:
    """Samples per second through the batcher, growing from its start; and the batch size it ended with."""
    from vlsbench.core.types import Prompt
    from vlsbench.models.local.generate import GenerationSettings
    from vlsbench.models.local.model import HFModel, batch_sizes

    size, ceiling = batch_sizes("auto", device)
    local = HFModel("hf:random", GenerationSettings(model, processor, "hf:random"), size=size, ceiling=ceiling)

    async def main() -> tuple[float, int]:
        async def one(number: int, image: Picture) -> None:
            reply = await local.generate(Prompt(text=text(number), image=image, max_tokens=TOKENS))
            if reply.completion_tokens != TOKENS:
                raise SystemExit(f"an answer ended after {reply.completion_tokens} tokens: no figures")

        started = time.perf_counter()
        await asyncio.gather(*(one(*pair) for pair in enumerate(images)))
        rate = len(images) / (time.perf_counter() - started)
        await local.close()
        return rate, local.batch_size

    return asyncio.run(main())


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="tiny shapes, any device: does it work at all?")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--single", type=int, default=16, help="samples of the one-by-one loop")
    args = parser.parse_args()
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not args.quick:
        raise SystemExit("No GPU here. With --quick, tiny shapes run on the CPU and show only that the script works.")
    samples, single = (24, 4) if args.quick else (args.samples, args.single)
    card = torch.cuda.get_device_name() if device == "cuda" else "CPU, tiny shapes: figures mean nothing"
    print(f"{card}; {samples} samples, {TOKENS} new tokens\n")
    print("| shape | one by one, samples/s | ours, samples/s | ratio | target | last batch | its memory |")
    print("| :--- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, make, side in (("LLaVA-1.5-7B, 336 px", llava, 336), ("Qwen2-VL-7B, 1 Mpx", qwen2_vl, 1024)):
        with tempfile.TemporaryDirectory() as place, contextlib.redirect_stderr(io.StringIO()):
            model, processor = make(Path(place), device, tiny=args.quick)
        images = pictures(samples, side)
        one_by_one(model, processor, images[:1])  # warm up
        slow = one_by_one(model, processor, images[:single])
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        fast, batch = ours(model, processor, images, device)
        share = "-"
        if device == "cuda":
            peak = torch.cuda.max_memory_allocated()
            share = f"{peak / torch.cuda.get_device_properties(0).total_memory:.0%}"
        print(f"| {name} | {slow:.2f} | {fast:.2f} | {fast / slow:.1f} | ≥ {TARGET:g} | {batch} | {share} |")
        del model
        if device == "cuda":
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
