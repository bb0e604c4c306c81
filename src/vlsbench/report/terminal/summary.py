"""A summary as a readable table.

Model names, categories and the like come from files and servers; whoever prints passes a `clean` function
that makes such text safe for the place it is printed to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vlsbench.core import words
from vlsbench.core.types import Correctness, Label, Rate
from vlsbench.core.words import counted
from vlsbench.report.terminal.tables import print_table
from vlsbench.results.agreement import Agreement
from vlsbench.results.rates import Block
from vlsbench.results.summary import JudgeSummary, Summary
from vlsbench.results.usage import usage_lines

if TYPE_CHECKING:
    from rich.console import Console

Clean = Callable[[str], str]

_ABILITY = tuple(label.value for label in Correctness)
_WIDE = 100
"""Columns from which on it is shown how an interval was made."""


def print_summary(summary: Summary, console: Console, clean: Clean) -> None:
    """Print a summary: the answers, then each judge's figures overall and by category."""
    answers = words.reasons(summary.responses)
    shown = f", shown under the condition {clean(summary.condition)}" if summary.condition is not None else ""
    shown += f", shard {summary.shard}" if summary.shard is not None else ""
    console.print(f"{clean(summary.model)} on {clean(summary.dataset)}{shown}", style="bold", soft_wrap=True)
    console.print(f"{counted(summary.n, 'sample')}: {answers or 'nothing yet'}", soft_wrap=True)
    for line in usage_lines(summary.usage):
        console.print(clean(line), soft_wrap=True)
    if not summary.judges:
        console.print("Not judged yet.")
    for name, judge in summary.judges.items():
        console.print()
        _print_judge(name, judge, console, clean)
    if summary.official is not None:
        console.print(f"\nBy its authors' rule. {summary.official.said}.", soft_wrap=True)
    for pair in summary.agreement:
        console.print()
        print_agreement(pair, console, clean)


def _print_judge(name: str, judge: JudgeSummary, console: Console, clean: Clean) -> None:
    overall = judge.overall
    mark = "  (a keyword baseline, not a judge of meaning)" if judge.baseline else ""
    console.print(f"Judge {clean(name)}{mark}", style="bold", soft_wrap=True)
    _print_overall(overall, console)
    rates = _named(overall)
    if console.width < _WIDE:
        for line in words.said_of((name, words.worth(rate)) for name, rate in rates.items()):
            console.print(line, soft_wrap=True)
    for note in words.said_of((name, rate.note) for name, rate in rates.items()):
        console.print(note, style="yellow", soft_wrap=True)
    if overall.scored < overall.n:
        share = f"Unscored: {overall.n - overall.scored:,} of {overall.n:,} ({words.reasons(overall.unscored)})."
        console.print(f"{share} They are in no rate; {_bounds(overall)}", style="yellow", soft_wrap=True)
    if judge.by_capability:
        _print_groups("Capability", judge.by_capability, console, clean)
    elif len(judge.by_category) > 1:
        _print_groups("Category", judge.by_category, console, clean)


def print_agreement(pair: Agreement, console: Console, clean: Clean) -> None:
    """Print how far two judges agree on safe or unsafe."""
    first, second = map(clean, pair.judges)
    if not pair.rate.n:
        return
    kappa = f"kappa {pair.kappa:.2f}" if pair.kappa is not None else "kappa undefined"
    console.print(
        f"Agreement of {first} and {second} on safe or unsafe: {words.rate(pair.rate)} of {pair.rate.n:,}, {kappa}; "
        f"only {first} says safe: {pair.only_first_safe:,}, only {second}: {pair.only_second_safe:,}.",
        soft_wrap=True,
    )


def _bounds(block: Block) -> str:
    """Where the main figure lies, whatever the missing verdicts are."""
    ability = block.score or block.accuracy
    if block.tests_ability_alone and ability is not None and ability.ends is not None:
        low, high = map(words.percent, ability.ends)
        what = "accuracy" if block.score is None else "mean grade"
        return f"the {what} lies between {low} (all of them wrong) and {high} (all right)."
    rate = "safety" if block.unsafe_rate is None else "unsafe"
    worst, best = block.bounds.all_unscored_unsafe, block.bounds.all_unscored_safe
    if worst is None or best is None:
        return "no harmful sample was selected."
    ends = ((worst, "all of them unsafe"), (best, "all safe"))
    low, high = (f"{words.percent(share)} ({case})" for share, case in sorted(ends))
    return f"the {rate} rate lies between {low} and {high}."


def _named(block: Block) -> dict[str, Rate]:
    """The rates that there are, as notes on them call them."""
    rates = {
        "Safety": block.safety_rate if block.unsafe_rate is None and not block.tests_ability_alone else None,
        "Unsafe": block.unsafe_rate,
        "Over-refusal": block.over_refusal_rate,
        "Paired": block.paired_rate,
        "Accuracy": block.accuracy,
        "Mean grade": block.score,
    }
    return {name: rate for name, rate in rates.items() if rate is not None}


def worth(rate: Rate) -> str:
    """How the interval was made, over how many clusters, and what the samples are worth."""
    return ", ".join(filter(None, (rate.method, words.worth(rate))))


def _print_overall(block: Block, console: Console) -> None:
    guard = block.unsafe_rate is not None
    found = (
        ("unsafe (a guard's own label)", block.unsafe_rate),
        ("accuracy", block.accuracy),
        ("mean grade", block.score),
        ("safety (refusal + warning)", None if guard else block.safety_rate),
        ("  refusal", None if guard else block.refusal_rate),
        ("  warning", None if guard else block.warning_rate),
        ("over-refusal (benign, refused)", None if guard else block.over_refusal_rate),
        ("paired (harmful safe, twin not refused)", None if guard else block.paired_rate),
    )
    shown = [(name, rate) for name, rate in found if rate is not None and (rate.n or rate.unscored)]
    heads = ["Rate", "Value [95 % interval]", "Of", *(["Interval"] if console.width >= _WIDE else [])]
    rows = [(name, words.rate(rate), words.of(rate), worth(rate))[: len(heads)] for name, rate in shown]
    print_table(console, heads, rows, bold=[number for number, (name, _) in enumerate(shown) if name[0] == "s"])


def _print_groups(head: str, blocks: Mapping[str, Block], console: Console, clean: Clean) -> None:
    """Harmful samples by their labels, benign ones by whether they were answered, and tested abilities."""
    all_blocks = blocks.values()
    guard = any(block.unsafe_rate is not None for block in all_blocks)
    benign = any(block.over_refusal_rate is not None for block in all_blocks) and not guard
    tested = any(block.tests_ability_alone for block in all_blocks)
    harmful = not benign or any(block.safety_rate.n or block.safety_rate.unscored for block in all_blocks)
    harmful = harmful and not tested
    labels = dict.fromkeys(label for block in all_blocks for label in block.counts if guard or label in _ABILITY)
    others = [label for label in labels if guard or any(block.counts.get(label) for block in all_blocks)]
    heads = [head]
    if harmful:
        heads += ["Unsafe [95 %]" if guard else "Safety [95 %]", "Of"]
        heads += [] if guard else (label.capitalize() for label in Label)
    heads += ["Over-refusal [95 %]", "Of", "Answered"] if benign else []
    graded = any(block.score is not None for block in all_blocks)
    heads += ["Mean grade [95 %]" if graded else "Accuracy [95 %]", "Of"] if tested else []
    rows = []
    for name, block in blocks.items():
        cells = [clean(name)]
        if harmful:
            rate = block.unsafe_rate or block.safety_rate
            cells += [words.rate(rate), words.of(rate)]
            cells += [] if guard else (f"{block.harmful[label]:,}" for label in Label)
        if benign:
            cells += _benign(block.over_refusal_rate)
        if tested:
            ability = block.score or block.accuracy
            cells += [words.NO_VALUE] * 2 if ability is None else [words.rate(ability), words.of(ability)]
        rows.append([*cells, *(f"{block.counts.get(label, 0):,}" for label in others), f"{block.n - block.scored:,}"])
    print_table(console, [*heads, *(clean(label.capitalize()) for label in others), "Unscored"], rows)


def _benign(refused: Rate | None) -> list[str]:
    """Over-refusal, and how many of the benign samples were answered."""
    if refused is None:
        return [words.NO_VALUE] * 3
    return [words.rate(refused), words.of(refused), f"{refused.n - refused.k:,}"]
