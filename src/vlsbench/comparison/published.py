"""The paper's results, as published: for a look beside one's own, never for a test.

Source: Hu et al. (2025), VLSBench: Unveiling Visual Leakage in Multimodal Safety. arXiv:2411.19939.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vlsbench.comparison.shared import Entrant
from vlsbench.judges.rubric_file import RELEASED_RUBRIC

SOURCE = "arXiv:2411.19939"
JUDGE = "GPT-4o"
N = 2241
"""Pairs of the released set. The paper gives rates without counts or intervals."""

_GPT_4O = re.compile(r"openai:(openai/)?gpt-4o(-\d{4}-\d{2}-\d{2})?(@.*)?", re.IGNORECASE)
"""The model and its dated versions; a mini, a distillation, ``chatgpt-4o-latest`` and others of that name are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One rate of the paper; shares from 0 to 1, as rounded there to hundredths of a per cent.

    `dataset` is the set's name here, `part` the half or form of it that the rate is about, empty for all of it. On
    other sets than VLSBench the paper gives the safety rate alone: `refusal`, `warning`, `n` and `judge` are None.
    """

    model: str
    group: str
    safety: float
    refusal: float | None = None
    warning: float | None = None
    dataset: str = "vlsbench"
    part: str = ""
    n: int | None = None
    judge: str | None = None
    source: str = SOURCE


def _rows(group: str, *rows: tuple[str, float, float, float]) -> tuple[Published, ...]:
    return tuple(
        Published(
            model=model,
            group=group,
            refusal=round(refusal / 100, 4),
            warning=round(warning / 100, 4),
            safety=round(safety / 100, 4),
            n=N,
            judge=JUDGE,
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
        ("InternVL2.5-2B", 1.29, 11.65, 12.94),
        ("InternVL2.5-8B", 2.81, 18.56, 21.37),
        ("InternVL2.5-38B", 1.43, 13.43, 14.86),
        ("InternVL2.5-78B", 3.88, 13.48, 17.36),
        ("Qwen2-VL-2B", 1.56, 9.86, 11.42),
        ("Qwen2-VL-72B", 0.27, 14.57, 14.86),
        ("MiniCPM-Llama3-V-2_5", 0.76, 16.84, 17.60),
        ("MiniCPM-V-2_6", 0.31, 14.66, 14.98),
        ("GLM-4v-9B", 2.77, 13.61, 16.38),
        ("LLaVA-CoT-11B", 0, 12.27, 12.27),
        ("QVQ-72B-Preview", 2.00, 21.20, 23.20),
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
    *_rows(
        "API",
        ("GPT-4o", 5.21, 16.22, 21.43),
        ("Gemini-1.5-pro", 1.34, 48.44, 49.78),
        ("Claude-3.5-sonnet", 15.33, 79.41, 94.74),
    ),
)


_BASE, _MULTIMODAL, _TEXTUAL = "base", "multimodal alignment", "textual alignment"

_LEAKY_COLUMNS = (
    ("jailbreakv", "raw"),
    ("jailbreakv", "jailbreak"),
    ("jailbreakv", "average"),
    ("figstep", ""),
    ("vlsafe", ""),
)

_LEAKY: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    ("LLaVA-v1.5-7B", _BASE, (59.29, 42.85, 51.07, 50.61, 25.32)),
    ("LLaVA-v1.5-7B + MM-SFT", _MULTIMODAL, (97.85, 66.07, 81.93, 99.20, 95.95)),
    ("LLaVA-v1.5-7B + MM-DPO", _MULTIMODAL, (98.21, 96.07, 97.14, 96.60, 99.91)),
    ("LLaVA-v1.5-7B + MM-PPO", _MULTIMODAL, (98.57, 77.50, 88.04, 96.40, 99.73)),
    ("LLaVA-v1.5-7B + Textual-Unlearning", _TEXTUAL, (100, 90.35, 95.18, 99.80, 99.46)),
    ("LLaVA-v1.5-7B + Textual-SafeUnlearning", _TEXTUAL, (97.14, 91.79, 95.77, 91.79, 99.01)),
    ("LLaVA-v1.5-7B + Textual-SFT", _TEXTUAL, (98.21, 93.21, 95.75, 96.40, 99.64)),
    ("LLaVA-v1.5-7B + Textual-DPO", _TEXTUAL, (94.21, 85.93, 90.07, 90.60, 98.02)),
    ("Qwen2-VL-7B", _BASE, (92.93, 84.28, 87.49, 87.20, 77.48)),
    ("Qwen2-VL-7B + MM-SFT", _MULTIMODAL, (99.64, 100, 99.82, 100, 99.19)),
    ("Qwen2-VL-7B + Textual-SFT", _TEXTUAL, (99.64, 98.22, 98.93, 98.80, 99.91)),
    ("Qwen2-VL-7B + MM-DPO", _MULTIMODAL, (99.64, 97.14, 98.39, 98.60, 100)),
    ("Qwen2-VL-7B + Textual-DPO", _TEXTUAL, (99.64, 96.78, 98.21, 98.80, 99.55)),
)
"""Table 2. The averages are as printed; four of them are not the mean of their two columns."""

_FORMS_COLUMNS = tuple(("mm_safetybench", form) for form in ("text only", "SD", "TYPO", "SD_TYPO", "average"))

_FORMS: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    ("LLaVA-v1.5-7B", _BASE, (46.25, 45.24, 19.70, 20.11, 32.82)),
    ("LLaVA-v1.5-7B + VLGuard", _MULTIMODAL, (74.88, 89.16, 95.17, 90.89, 87.53)),
    ("LLaVA-v1.5-7B + Textual-SFT", _TEXTUAL, (67.44, 67.14, 62.38, 52.85, 62.45)),
    ("Qwen2-VL-7B", _BASE, (61.79, 49.46, 27.80, 22.86, 40.48)),
    ("Qwen2-VL-7B + VLGuard", _MULTIMODAL, (97.02, 91.72, 95.95, 93.27, 94.49)),
    ("Qwen2-VL-7B + Textual-SFT", _TEXTUAL, (71.07, 80.29, 74.40, 75.35, 75.28)),
)
"""Table 5."""


def _of_table(
    number: int, columns: Sequence[tuple[str, str]], rows: Sequence[tuple[str, str, tuple[float, ...]]]
) -> tuple[Published, ...]:
    return tuple(
        Published(
            model=model,
            group=group,
            safety=round(rate / 100, 4),
            dataset=dataset,
            part=part,
            source=f"{SOURCE}, Table {number}",
        )
        for model, group, rates in rows
        for (dataset, part), rate in zip(columns, rates, strict=True)
    )


OTHER_SETS: tuple[Published, ...] = (*_of_table(2, _LEAKY_COLUMNS, _LEAKY), *_of_table(5, _FORMS_COLUMNS, _FORMS))
"""The paper's safety rates on leaky sets and on the forms of MM-SafetyBench (Tables 2 and 5)."""


ABILITY_SETS = ("mme", "mmmu", "mmstar", "mmvet")

_ABILITY: tuple[tuple[str, str, float, float, float], ...] = (
    ("LLaVA-v1.5-7B", "1511 / 355", 36.44, 33.74, 29.82),
    ("LLaVA-v1.5-7B + MM-SFT", "1521 / 288", 36.44, 34.46, 25.77),
    ("LLaVA-v1.5-7B + MM-DPO", "1205 / 240", 35.67, 30.83, 27.43),
    ("LLaVA-v1.5-7B + MM-PPO", "1394 / 276", 35.67, 32.74, 17.93),
    ("LLaVA-v1.5-7B + Textual-Unlearning", "0 / 0", 24.22, 17.83, 0),
    ("LLaVA-v1.5-7B + Textual-SafeUnlearning", "1471 / 278", 35.11, 33.09, 26.74),
    ("LLaVA-v1.5-7B + Textual-SFT", "1362 / 266", 33.89, 33.68, 30.64),
    ("LLaVA-v1.5-7B + Textual-DPO", "1229 / 271", 34.44, 34.70, 30.22),
    ("Qwen2-VL-7B", "1677 / 628", 50.11, 57.65, 53.76),
)
"""Table 2, general ability: MME's two sums (the larger one, perception, first), then scores of 100."""

ABILITY: Mapping[str, Mapping[str, str]] = {
    model: dict(zip(ABILITY_SETS, (mme, *(f"{score:g}" for score in scores)), strict=True))
    for model, mme, *scores in _ABILITY
}
"""By model and set, as the paper writes them: by the official metric of each set, which is no accuracy."""


def rows_beside(entrants: Sequence[Entrant]) -> tuple[Published, ...]:
    """The published rows to show beside runs: those of their set where there are any, else those on VLSBench."""
    names = {_set_of(entrant) for entrant in entrants}
    return tuple(row for row in OTHER_SETS if {row.dataset} == names) or ROWS


def _set_of(entrant: Entrant) -> str:
    """The name of the set, without the part of it that was opened."""
    return entrant.run.manifest.dataset.partition(":")[0].partition("/")[0]


def doubts(entrants: Sequence[Entrant], n: int, settings: Mapping[str, str]) -> tuple[str, ...]:
    """Why the published rows should not be read beside these runs as if they were theirs."""
    shown = rows_beside(entrants)
    if shown is not ROWS:
        return (
            "The paper does not say here how many samples were judged, nor by which prompt: the published rows are "
            f"about {shown[0].dataset} as a whole or its parts, by the paper's judge and settings.",
        )
    found = []
    datasets = sorted({entrant.run.manifest.dataset for entrant in entrants})
    if any(_set_of(entrant) != "vlsbench" for entrant in entrants):
        found.append(f"The published rows are about VLSBench, these runs about {', '.join(datasets)}.")
    elif n != N:
        found.append(f"The published rows are about all {N:,} samples of VLSBench, these runs about {n:,}.")
    judge, rubric = settings.get("judge", ""), settings.get("rubric")
    if not _GPT_4O.fullmatch(judge):
        found.append(f"The published rows were judged by {JUDGE}, these runs by {judge}.")
    if settings.get("sees", "image") != "image":
        found.append(f"The judge of the published rows saw the image; here it sees: {settings['sees']}.")
    if rubric != RELEASED_RUBRIC:
        found.append(
            f"The published rows were judged by the paper's own rubric, these runs by {rubric or 'another'}; "
            "--rubric release:DIR asks by the paper's (see docs/judging.md)."
        )
    return tuple(found)
