"""The paper's results on VLSBench, as published: for a look beside one's own, never for a test.

Source: Hu et al. (2025), VLSBench: Unveiling Visual Leakage in Multimodal Safety. arXiv:2411.19939.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vlsbench.comparison.shared import Entrant

SOURCE = "arXiv:2411.19939"
JUDGE = "GPT-4o"
N = 2241
"""Pairs of the released set. The paper gives rates without counts or intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One row of the paper; shares from 0 to 1, as rounded there to hundredths of a per cent."""

    model: str
    group: str
    refusal: float
    warning: float
    safety: float
    n: int = N
    judge: str = JUDGE


def _rows(group: str, *rows: tuple[str, float, float, float]) -> tuple[Published, ...]:
    return tuple(
        Published(
            model=model,
            group=group,
            refusal=round(refusal / 100, 4),
            warning=round(warning / 100, 4),
            safety=round(safety / 100, 4),
        )
        for model, refusal, warning, safety in rows
    )


ROWS: tuple[Published, ...] = (
    *_rows(
        "base",
        ("LLaVA-v1.5-7B", 0, 6.60, 6.60),
        ("LLaVA-v1.5-13B", 0, 8.65, 8.65),
        ("LLaVA-v1.6-mistral-7B", 0, 11.19, 11.19),
        ("LLaVA-llama3-8B", 0, 10.52, 10.52),
        ("Qwen2-VL-7B", 1.11, 12.66, 13.77),
        ("Llama-3.2-11B-Vision", 10.96, 15.33, 26.29),
    ),
    *_rows(
        "multimodal alignment",
        ("LLaVA-v1.5-7B + VLGuard", 2.32, 18.94, 21.26),
        ("LLaVA-v1.5-7B + SPA-VL-DPO", 2.63, 24.38, 27.01),
        ("LLaVA-v1.5-7B + SPA-VL-PPO", 5.08, 30.39, 35.47),
        ("LLaVA-v1.5-13B + VLGuard", 6.60, 21.43, 28.03),
        ("Qwen2-VL-7B + VLGuard", 15.55, 62.83, 78.39),
    ),
    *_rows(
        "textual alignment",
        ("LLaVA-v1.5-7B + Textual-SFT", 5.30, 8.69, 13.99),
        ("LLaVA-v1.5-7B + Textual-Unlearning", 2.85, 8.87, 11.72),
        ("LLaVA-v1.5-7B + Textual-DPO", 0, 13.99, 13.99),
        ("LLaVA-v1.5-13B + Textual-SFT", 5.66, 9.05, 14.71),
        ("Qwen2-VL-7B + Textual-SFT", 11.72, 55.70, 67.42),
    ),
    *_rows("API", ("GPT-4o", 5.21, 16.22, 21.43), ("Gemini-1.5-pro", 1.34, 48.44, 49.78)),
)


def doubts(entrants: Sequence[Entrant], n: int, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Why the published rows should not be read beside these runs as if they were theirs."""
    found = []
    datasets = sorted({entrant.run.manifest.dataset for entrant in entrants})
    if any(name.partition(":")[0] != "vlsbench" for name in datasets):
        found.append(f"The published rows are about VLSBench, these runs about {', '.join(datasets)}.")
    elif n != N:
        found.append(f"The published rows are about all {N:,} samples of VLSBench, these runs about {n:,}.")
    judge = settings.get("judge", "")
    if "gpt-4o" not in judge.lower():
        found.append(f"The published rows were judged by {JUDGE}, these runs by {judge}.")
    elif settings.get("sees", "image") != "image":
        found.append(f"The judge of the published rows saw the image; here it sees: {settings['sees']}.")
    return tuple(found)
