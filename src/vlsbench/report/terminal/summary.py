"""A summary as a readable table.

Model names, categories and the like come from files and servers; whoever prints passes a `clean` function
that makes such text safe for the place it is printed to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vlsbench.core.types import Correctness, Rate
from vlsbench.results.agreement import Agreement
from vlsbench.results.rates import Block
from vlsbench.results.summary import JudgeSummary, Summary

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Clean = Callable[[str], str]

_NO_VALUE = "–"
_WIDE = 100
"""Columns from which on the tables show all; narrower ones leave out how an interval was made, and break lines."""


def percent(rate: Rate | None) -> str:
    """``73.4 % [70.1, 76.5]``, or a dash for a rate over nothing."""
    if rate is None or rate.value is None:
        return _NO_VALUE
    value = f"{100 * rate.value:.1f} %"
    return value if rate.low is None or rate.high is None else f"{value} [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"


def print_summary(summary: Summary, console: Console, clean: Clean) -> None:
    """Print a summary: the answers, then each judge's figures overall and by category."""
    answers = ", ".join(f"{count:,} {outcome}" for outcome, count in summary.responses.items() if count)
    shown = f", shown under the condition {clean(summary.condition)}" if summary.condition is not None else ""
    console.print(f"{clean(summary.model)} on {clean(summary.dataset)}{shown}", style="bold", soft_wrap=True)
    console.print(
        f"{summary.n:,} {'sample' if summary.n == 1 else 'samples'}: {answers or 'nothing yet'}", soft_wrap=True
    )
    if not summary.judges:
        console.print("Not judged yet.")
    for name, judge in summary.judges.items():
        console.print()
        _print_judge(name, judge, console, clean)
    for pair in summary.agreement:
        console.print()
        print_agreement(pair, console, clean)


def _print_judge(name: str, judge: JudgeSummary, console: Console, clean: Clean) -> None:
    overall = judge.overall
    mark = "  (a keyword baseline, not a judge of meaning)" if judge.baseline else ""
    console.print(f"Judge {clean(name)}{mark}", style="bold", soft_wrap=True)
    wide = console.width >= _WIDE
    console.print(_overall(overall, wide=wide))
    for note in _notes(overall):
        console.print(note, style="yellow", soft_wrap=True)
    if overall.scored < overall.n:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in overall.unscored.items() if count)
        share = f"Unscored: {overall.n - overall.scored:,} of {overall.n:,} ({reasons})."
        console.print(f"{share} They are in no rate; {_bounds(overall)}", style="yellow", soft_wrap=True)
    if len(judge.by_category) > 1:
        console.print(_groups("Category", judge.by_category, clean, wide=wide))


def print_agreement(pair: Agreement, console: Console, clean: Clean) -> None:
    """Print how far two judges agree on safe or unsafe."""
    first, second = map(clean, pair.judges)
    if not pair.rate.n:
        return
    kappa = f"kappa {pair.kappa:.2f}" if pair.kappa is not None else "kappa undefined"
    console.print(
        f"Agreement of {first} and {second} on safe or unsafe: {percent(pair.rate)} of {pair.rate.n:,}, {kappa}; "
        f"only {first} says safe: {pair.only_first_safe:,}, only {second}: {pair.only_second_safe:,}.",
        soft_wrap=True,
    )


def _bounds(block: Block) -> str:
    rate = "safety" if block.unsafe_rate is None else "unsafe"
    low, high = block.bounds.all_unscored_unsafe, block.bounds.all_unscored_safe
    if low is None or high is None:
        return "no harmful sample was selected."
    return f"the {rate} rate lies between {100 * low:.1f} % (all of them unsafe) and {100 * high:.1f} % (all safe)."


def new_table() -> Table:
    """An empty table in the style of all of them."""
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, pad_edge=False)


def _notes(block: Block) -> list[str]:
    """What a reader should know of the clusters that carry the figures, each sentence once."""
    rates = {
        "safety": block.safety_rate if block.unsafe_rate is None else None,
        "unsafe": block.unsafe_rate,
        "over-refusal": block.over_refusal_rate,
        "paired": block.paired_rate,
        "accuracy": block.accuracy,
    }
    said: dict[str, list[str]] = {}
    for name, rate in rates.items():
        if rate is not None and rate.note:
            said.setdefault(rate.note, []).append(name)
    return [f"{', '.join(names).capitalize()}: {note}" for note, names in said.items()]


def worth(rate: Rate) -> str:
    """How the interval was made, over how many clusters, and what the samples are worth."""
    if rate.clusters is None or rate.effective is None or rate.clusters == rate.n:
        return rate.method
    return f"{rate.method}, {rate.clusters:,} clusters, worth {rate.effective:,.0f}"


def _overall(block: Block, *, wide: bool) -> Table:
    table = new_table()
    heads = ("Rate", "Value [95 % interval]", "Of", "Interval")
    for head in heads if wide else heads[:-1]:
        table.add_column(head, justify="left" if head in ("Rate", "Interval") else "right", no_wrap=True)
    guard = block.unsafe_rate is not None
    rows = (
        ("unsafe (a guard's own label)", block.unsafe_rate),
        ("accuracy", block.accuracy),
        ("safety (refusal + warning)", None if guard else block.safety_rate),
        ("  refusal", None if guard else block.refusal_rate),
        ("  warning", None if guard else block.warning_rate),
        ("over-refusal (benign, refused)", None if guard else block.over_refusal_rate),
        ("paired (harmful safe, twin not refused)", None if guard else block.paired_rate),
    )
    for name, rate in rows:
        if rate is not None and (rate.n or rate.unscored):
            cells = (name, percent(rate), f"{rate.k:,} / {rate.n:,}", worth(rate))
            table.add_row(*(cells if wide else cells[:-1]), style="bold" if name[0] == "s" else "")
    return table


def _groups(head: str, blocks: Mapping[str, Block], clean: Clean, *, wide: bool) -> Table:
    guard = any(block.unsafe_rate is not None for block in blocks.values())
    labels = tuple(dict.fromkeys(label for block in blocks.values() for label in block.counts if _shows(label, block)))
    table = new_table()
    table.add_column(head, overflow="fold", min_width=12)
    rate_name = "Unsafe" if guard else "Safety"
    for column in (f"{rate_name} [95 %]", "Of", *map(str.capitalize, labels), "Unscored"):
        table.add_column(clean(column), justify="right", no_wrap=True)
    between = " " if wide else "\n"
    for name, block in blocks.items():
        rate = block.unsafe_rate or block.safety_rate
        counts = (f"{block.counts.get(label, 0):,}" for label in labels)
        of = f"{rate.k:,} / {rate.n:,}"
        shown = percent(rate).replace(" [", f"{between}[")
        table.add_row(clean(name), shown, of, *counts, f"{block.n - block.scored:,}")
    return table


def _shows(label: str, block: Block) -> bool:
    """Labels of ability tests show only where something was tested."""
    return block.counts[label] > 0 or label not in {tested.value for tested in Correctness}
