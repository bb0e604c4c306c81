"""The examples of docs/extending.md, and the demonstration."""

from __future__ import annotations

from pathlib import Path

import pytest

import vlsbench

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_a_model_a_judge_and_a_dataset_of_your_own_work_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    from my_dataset import TwoQuestions
    from my_judge import LengthJudge
    from my_model import CautiousModel

    summary = vlsbench.evaluate(
        model=CautiousModel(), dataset=TwoQuestions(), judge=LengthJudge(words=20), out=tmp_path / "run"
    )
    assert summary.n == 2
    assert summary.judges["length"].overall.counts["refusal"] == 2
