"""The rows and columns of the paper's own tables; ``paper.toml`` beside this file is the sweep that makes them."""

from __future__ import annotations

from pathlib import Path

from vlsbench.comparison.published import N as VLSBENCH_SIZE
from vlsbench.paper.recipe import ACCURACY, PaperColumn, PaperModel, PaperRecipe

SWEEP = Path(__file__).parent / "paper.toml"
"""The sweep that makes every cell; a copy is ``examples/paper.toml``."""

_UNRELEASED = "no checkpoint was released: train one (vlsbench align) and name it with --model"
_SERVED = "served by its maker, where it still is: name it with --model"


def _base(title: str, ref: str = "", note: str = "") -> PaperModel:
    return PaperModel(title=title, ref=ref, published=title, published_leaky=title, note=note)


def _aligned(title: str, leaky: str, ref: str = "") -> PaperModel:
    return PaperModel(title=title, ref=ref, published=title, published_leaky=leaky, note="" if ref else _UNRELEASED)


def _leaky(title: str, dataset: str, place: tuple[str, str], size: int) -> PaperColumn:
    return PaperColumn(title=title, dataset=dataset, published=place, size=size)


def _ability(title: str, name: str, size: int) -> PaperColumn:
    return PaperColumn(title=title, dataset=name, measure=ACCURACY, published=(name, ""), size=size)


def _form(title: str, subset: str, part: str) -> PaperColumn:
    dataset = f"mm_safetybench/{subset}"
    return PaperColumn(title=title, dataset=dataset, published=("mm_safetybench", part), size=1680)


_RAW = _leaky("JailbreakV raw", "jailbreakv/raw", ("jailbreakv", "raw"), 280)
_FIGSTEP = _leaky("FigStep", "figstep", ("figstep", ""), 500)
_VLSAFE = _leaky("VLSafe", "vlsafe", ("vlsafe", ""), 1110)
_VLSBENCH = PaperColumn(title="VLSBench", dataset="vlsbench", published=("vlsbench", ""), size=VLSBENCH_SIZE)

REAL = PaperRecipe(
    title="VLSBench: the paper's tables and figures, made again",
    notes=(),
    doubts=(
        "Indented rows are the paper's, as printed (arXiv:2411.19939): rates without counts or intervals, by GPT-4o of "
        "its time and by the paper's own prompt. A judge that changed, another rubric (see --rubric release:DIR), "
        "another revision of a checkpoint, or a part of a set moves the figures beside them.",
        "On other sets than VLSBench the paper does not say how many samples were judged, nor by which prompt.",
    ),
    models=(
        _base("LLaVA-v1.5-7B", "hf:llava-hf/llava-1.5-7b-hf"),
        _base("LLaVA-v1.5-13B", "hf:llava-hf/llava-1.5-13b-hf"),
        _base("LLaVA-v1.6-mistral-7B", "hf:llava-hf/llava-v1.6-mistral-7b-hf"),
        _base("LLaVA-llama3-8B", "hf:xtuner/llava-llama-3-8b-v1_1-transformers"),
        _base("Qwen2-VL-2B", "hf:Qwen/Qwen2-VL-2B-Instruct"),
        _base("Qwen2-VL-7B", "hf:Qwen/Qwen2-VL-7B-Instruct"),
        _base("Qwen2-VL-72B", "hf:Qwen/Qwen2-VL-72B-Instruct"),
        _base("Llama-3.2-11B-Vision", "hf:meta-llama/Llama-3.2-11B-Vision-Instruct"),
        _aligned("LLaVA-v1.5-7B + VLGuard", "LLaVA-v1.5-7B + MM-SFT"),
        _aligned("LLaVA-v1.5-7B + SPA-VL-DPO", "LLaVA-v1.5-7B + MM-DPO"),
        _aligned("LLaVA-v1.5-7B + SPA-VL-PPO", "LLaVA-v1.5-7B + MM-PPO"),
        _aligned("LLaVA-v1.5-7B + Textual-SFT", "LLaVA-v1.5-7B + Textual-SFT"),
        _aligned("LLaVA-v1.5-7B + Textual-DPO", "LLaVA-v1.5-7B + Textual-DPO"),
        _aligned("LLaVA-v1.5-7B + Textual-Unlearning", "LLaVA-v1.5-7B + Textual-Unlearning"),
        _aligned("LLaVA-v1.5-13B + VLGuard", ""),
        _aligned("LLaVA-v1.5-13B + Textual-SFT", ""),
        _aligned("Qwen2-VL-7B + VLGuard", "Qwen2-VL-7B + MM-SFT", "hf:Foreshhh/Qwen2-VL-7B-VLGuard"),
        _aligned("Qwen2-VL-7B + Textual-SFT", "Qwen2-VL-7B + Textual-SFT", "hf:Foreshhh/Qwen2-VL-7B-SafeRLHF"),
        _base("GPT-4o", "openai:gpt-4o"),
        _base("Gemini-1.5-pro", note=_SERVED),
        _base("Claude-3.5-sonnet", note=_SERVED),
    ),
    audited=(
        _FIGSTEP,
        _RAW,
        _leaky("HarmBench-mm", "harmbench_mm", ("harmbench_mm", ""), 110),
        _VLSAFE,
        _VLSBENCH,
    ),
    leaky=(
        _RAW,
        _leaky("JailbreakV jailbreak", "jailbreakv/jailbreak", ("jailbreakv", "jailbreak"), 280),
        _FIGSTEP,
        _VLSAFE,
        _ability("MME (perception, cognition)", "mme", 2374),
        _ability("MMMU", "mmmu", 900),
        _ability("MMStar", "mmstar", 1500),
        _ability("MM-Vet", "mmvet", 218),
    ),
    main=_VLSBENCH,
    forms=(
        _form("text only", "text-only", "text only"),
        _form("SD", "sd", "SD"),
        _form("TYPO", "typo", "TYPO"),
        _form("SD+TYPO", "sd_typo", "SD_TYPO"),
    ),
    judged=(_VLSBENCH,),
    data="vlsbench",
)
