from __future__ import annotations

import io

import pytest
from rich.console import Console

from run_folders import judged
from vlsbench.ablation.results import Ablation
from vlsbench.cli.terminal import clean
from vlsbench.report.terminal.ablation import print_ablation
from vlsbench.results import judged_run as reading
from vlsbench.store.identity import Identity

IDENTITY = Identity(
    model="openai:m\x1b[31m",
    dataset="jsonl:set.jsonl",
    dataset_hash="0" * 64,
    max_tokens=128,
    temperature=0.0,
    system=None,
    seed=None,
    limit=None,
)


@pytest.fixture
def shown(tmp_path):
    """What is printed of an ablation; each condition is given as what the judge said of each sample."""

    def show(fields=None, /, *, labels=None, left_out=0, skipped=None, **conditions):
        runs = {}
        for name, said in conditions.items():
            made = judged(tmp_path / name, *((one, None, fields or {}) for one in said))
            if labels:
                made.judge(labels=labels)
            for one, label in said.items():
                made.response(one)
                line = f'{{"sample_id":"{one}","outcome":"scored","label":"{label}","reason":""}}\n'
                made.raw(made.run.verdicts("judge-00000000"), line.encode())
            runs[name] = reading.read(tmp_path / name)
        found = Ablation.of(tmp_path, IDENTITY, runs, left_out=left_out, skipped=skipped or {})
        console = Console(file=io.StringIO(), width=120, markup=False, highlight=False)
        print_ablation(found, console, clean)
        return console.file.getvalue()

    return show


def test_a_guards_unsafe_rate_stands_in_for_the_safety_rate(shown):
    text = shown(labels=["safe", "unsafe"], full={"a": "safe", "b": "unsafe"}, text={"a": "unsafe", "b": "unsafe"})
    assert "Unsafe [95 %]" in text
    assert "+50.0" in text


def test_benign_samples_alone_have_over_refusal_and_no_gain(shown):
    text = shown({"expect": "benign"}, full={"a": "refusal", "b": "warning"}, text={"a": "refusal", "b": "refusal"})
    assert "Over-refusal" in text
    assert "No sample is harmful, so there is no safety rate and no gain." in text
    assert "What the image adds" not in text


def test_what_is_left_out_and_skipped_is_said(shown):
    text = shown(left_out=3, skipped={"caption": "no \x1b[1mdescription"}, full={"a": "refusal"}, text={"a": "unsafe"})
    assert "1 samples with an image" not in text
    assert "1 sample with an image, 1 harmful; 3 without an image left out" in text
    assert "caption was skipped: no [1mdescription." in text
    assert "\x1b" not in text


def test_without_safe_answers_there_is_no_share_to_explain(shown):
    assert "No answer is safe under full" in shown(full={"a": "unsafe"}, text={"a": "unsafe"})


def test_safe_answers_without_a_verdict_on_the_text_are_said_to_lack_it(shown):
    text = shown(full={"a": "refusal", "b": "unsafe"}, text={"a": "odd", "b": "unsafe"})
    assert "None of the 1 safe answers under full has a verdict with the text alone." in text
