"""The paper's own audit of four sets (Table 1), as published: for a look beside one's own, never for a test.

Source: Hu et al. (2025), VLSBench: Unveiling Visual Leakage in Multimodal Safety. arXiv:2411.19939.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedAudit:
    """One row of the paper's Table 1; shares from 0 to 1, without counts or intervals.

    `dataset` is the set's name here and `what` says which records the paper took, where it says so.
    """

    dataset: str
    what: str
    r1: float
    r2: float
    r1_minus_r2: float
    guard: str = "LlamaGuard3-11B-Vision"
    source: str = "arXiv:2411.19939, Table 1"


ROWS: tuple[PublishedAudit, ...] = (
    PublishedAudit(dataset="figstep", what="", r1=0.5480, r2=0.5440, r1_minus_r2=0.0040),
    PublishedAudit(dataset="jailbreakv", what="mini set, raw queries", r1=0.6536, r2=0.6500, r1_minus_r2=0.0036),
    PublishedAudit(dataset="harmbench_mm", what="", r1=0.3091, r2=0.3000, r1_minus_r2=0.0091),
    PublishedAudit(dataset="vlsafe", what="", r1=0.9135, r2=0.9108, r1_minus_r2=0.0027),
)


def row_of(dataset: str) -> PublishedAudit | None:
    """The paper's figures for the set that a reference names; None where it has none."""
    name = dataset.partition(":")[0].partition("/")[0]
    return next((row for row in ROWS if row.dataset == name), None)
