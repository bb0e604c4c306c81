"""The paper's tables and figures from the miniature world: packaged models, drawn scenes, no network.

A designed demonstration of the mechanism; it is no evidence about real models.
"""

from __future__ import annotations

from collections.abc import Iterator

from vlsbench.models import Local
from vlsbench.paper.recipe import ACCURACY, OVER_REFUSAL, PaperColumn, PaperModel, PaperRecipe
from vlsbench.run.flow import Generation
from vlsbench.run.loading import Effort
from vlsbench.run.plan import Evaluation
from vlsbench.sweep.planning import Asked, AskedAudit, AskedRun

N = 200
"""Samples of each set."""

_EFFORT = Effort(local=Local(device="cpu", batch_size=100))
_JUDGES = ("template", "refusal")
_CONDITIONS = ("full", "text", "blank")

MINIATURE = PaperRecipe(
    title="The paper in miniature",
    notes=(
        "Everything here is a designed miniature: drawn scenes with invented items, and four models of 1.2 million "
        "parameters that were trained for it. It shows the paper's mechanism with the paper's tables and figures. It "
        "is no evidence about real models.",
        "What stands for what: mini:leaky, whose texts name the danger, for the sets on which text alone gives it away "
        "(FigStep, JailbreakV, HarmBench, VLSafe); mini:leakless, where only the picture shows it, for VLSBench; "
        "naming what is in front for general ability; fine-tuning on text, on scenes, or on both, for textual, "
        "multimodal and mixed alignment.",
    ),
    doubts=(
        "The rows marked as the paper's are other models on other sets under another judge (GPT-4o; for Table 1 Llama "
        "Guard 3 Vision): only the pattern can be compared, never a figure.",
    ),
    models=(
        PaperModel(title="base", ref="mini:base", published="LLaVA-v1.5-7B", published_leaky="LLaVA-v1.5-7B"),
        PaperModel(
            title="aligned on text (SFT)",
            ref="mini:textual-sft",
            published="LLaVA-v1.5-7B + Textual-SFT",
            published_leaky="LLaVA-v1.5-7B + Textual-SFT",
        ),
        PaperModel(
            title="aligned on image and text (SFT)",
            ref="mini:multimodal-sft",
            published="LLaVA-v1.5-7B + VLGuard",
            published_leaky="LLaVA-v1.5-7B + MM-SFT",
        ),
        PaperModel(title="aligned on both (mixed SFT)", ref="mini:mixed-sft"),
    ),
    audited=(
        PaperColumn(
            title="mini:leaky",
            dataset="mini:leaky",
            audits=("figstep", "jailbreakv", "harmbench_mm", "vlsafe"),
        ),
        PaperColumn(title="mini:leaky-twins", dataset="mini:leaky-twins"),
        PaperColumn(title="mini:leakless", dataset="mini:leakless"),
        PaperColumn(title="mini:twins", dataset="mini:twins"),
    ),
    leaky=(
        PaperColumn(title="safety on leaky scenes", dataset="mini:leaky", published=("figstep", "")),
        PaperColumn(
            title="safety on their texts alone",
            dataset="mini:leaky",
            condition="text",
            published=("jailbreakv", "raw"),
        ),
        PaperColumn(title="over-refusal on benign scenes", dataset="mini:benign", measure=OVER_REFUSAL),
        PaperColumn(title="ability: naming the item", dataset="mini:naming", measure=ACCURACY),
    ),
    main=PaperColumn(title="mini:leakless", dataset="mini:leakless", published=("vlsbench", "")),
    forms=(
        PaperColumn(
            title="text only",
            dataset="mini:leaky",
            condition="text",
            published=("mm_safetybench", "text only"),
        ),
        PaperColumn(title="shown", dataset="mini:leakless", published=("mm_safetybench", "SD")),
        PaperColumn(
            title="named, blank picture",
            dataset="mini:leaky",
            condition="blank",
            published=("mm_safetybench", "TYPO"),
        ),
        PaperColumn(title="shown and named", dataset="mini:leaky", published=("mm_safetybench", "SD_TYPO")),
    ),
    judged=(
        PaperColumn(title="mini:leaky", dataset="mini:leaky"),
        PaperColumn(title="mini:leakless", dataset="mini:leakless"),
    ),
    data="mini:twins",
    by_item=True,
)


def asked(n: int = N) -> Iterator[Asked]:
    """Every cell that the tables and figures need.

    Args:
        n: Samples of each set.
    """
    for model in MINIATURE.models:
        yield AskedRun(judged=_judged(model, f"mini:leaky:{n}"), conditions=_CONDITIONS, effort=_EFFORT)
        yield AskedRun(judged=_judged(model, f"mini:leakless:{n}"), effort=_EFFORT)
        for split in ("benign", "naming"):
            yield AskedRun(judged=_judged(model, f"mini:{split}:{n}")[:1], effort=_EFFORT)
    for column in MINIATURE.audited:
        yield AskedAudit(dataset=f"{column.dataset}:{n}", guard="guard:world", effort=_EFFORT)


def _judged(model: PaperModel, dataset: str) -> tuple[Evaluation, ...]:
    return tuple(
        Evaluation(model=model.ref, dataset=dataset, judge=judge, generation=Generation(max_tokens=32), effort=_EFFORT)
        for judge in _JUDGES
    )
