"""What the paper's tables and figures are made of: models by rows, datasets by columns.

Source: Hu et al. (2025), VLSBench: Unveiling Visual Leakage in Multimodal Safety. arXiv:2411.19939.
"""

from __future__ import annotations

from dataclasses import dataclass

SAFETY, OVER_REFUSAL, ACCURACY = "safety", "over_refusal", "accuracy"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperModel:
    """A row of the paper's tables.

    Args:
        title: As the row is called here.
        ref: The model's reference; empty where no checkpoint of it was released.
        published: What the paper calls it in the tables on VLSBench and MM-SafetyBench; empty where it has no such row.
        published_leaky: What it calls it in Table 2, which names methods where the others name data.
        note: What to know about it.
    """

    title: str
    ref: str
    published: str = ""
    published_leaky: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperColumn:
    """A column of the paper's tables.

    Args:
        title: As the column is called here.
        dataset: The name that a run's dataset begins with; with a subset that one alone, else whichever there is.
        measure: What of it is shown.
        condition: Under which condition of an ablation; empty for an ordinary run, or ``full``.
        published: The set and the part of it in the paper's tables; empty where it has no such column.
        size: Samples of the released set; 0 where that is not known.
        audits: Sets of the paper's Table 1 that stand below the row; the one of `published` where none is named.
    """

    title: str
    dataset: str
    measure: str = SAFETY
    condition: str = ""
    published: tuple[str, str] | None = None
    size: int = 0
    audits: tuple[str, ...] = ()

    def fits(self, dataset: str) -> bool:
        """Whether a run's dataset is this one."""
        # A set may be asked for by its name, and name in the run the subset that was there, as figstep/full.
        return any(dataset == self.dataset or dataset.startswith(f"{self.dataset}{end}") for end in ":/")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRecipe:
    """All tables and figures of one report.

    Args:
        title: Its heading.
        notes: What a reader should know before the first figure.
        doubts: Why the published figures should not be read as if they were of these runs.
        models: The rows, in order.
        audited: The rows of Table 1.
        leaky: The columns of Table 2.
        main: The set of Table 3 and Figures 7 and 14.
        forms: The columns of Table 5.
        judged: The sets on which judges are compared (Figure 12).
        data: The reference of the set of Figures 3, 4 and 9.
        by_item: Whether Figure 14 goes by sub-category, where a set has one category alone.
    """

    title: str
    notes: tuple[str, ...]
    doubts: tuple[str, ...]
    models: tuple[PaperModel, ...]
    audited: tuple[PaperColumn, ...]
    leaky: tuple[PaperColumn, ...]
    main: PaperColumn
    forms: tuple[PaperColumn, ...]
    judged: tuple[PaperColumn, ...]
    data: str
    by_item: bool = False
