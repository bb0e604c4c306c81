"""An ablation as readable tables: how safe under each condition, and what the image adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vlsbench.ablation.gains import Condition, Gain, PairedGain
from vlsbench.ablation.results import Ablation
from vlsbench.core import words
from vlsbench.core.words import counted
from vlsbench.report.terminal.summary import Clean
from vlsbench.report.terminal.tables import print_table
from vlsbench.results import missing
from vlsbench.results.usage import usage_lines

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 100
"""Columns from which on conditions are explained, and it is shown how many answers are safe in one run alone."""

CONDITIONS: Mapping[str, str] = {
    "full": "image and text",
    "text": "text alone",
    "caption": "text and description, no image",
    "blank": "text and a blank image",
    "mismatched": "text and another image",
}


def print_ablation(found: Ablation, console: Console, clean: Clean) -> None:
    """Print the conditions, the gains, the share that the text explains, and what is missing."""
    console.print(f"{clean(found.identity.model)} on {clean(found.identity.dataset)}", style="bold", soft_wrap=True)
    left_out = f"; {found.left_out:,} without an image left out" if found.left_out else ""
    console.print(
        f"{counted(found.n, 'sample')} with an image, {found.n_harmful:,} harmful{left_out}. "
        f"Judge {clean(found.judge)}, which sees the true image under every condition.",
        soft_wrap=True,
    )
    _print_conditions(found.conditions, console)
    if found.n_harmful:
        console.print(
            "What the image adds: safe answers under full minus under the condition, on the same samples",
            soft_wrap=True,
        )
        _print_gains(found.gains, console)
        _print_explained(found, console)
        _print_categories(found, console, clean)
    else:
        console.print("No sample is harmful, so there is no safety rate and no gain.", style="yellow", soft_wrap=True)
    for name, why in found.skipped.items():
        console.print(f"{name} was skipped: {clean(why)}.", style="yellow", soft_wrap=True)
    for line in usage_lines(found.usage):
        console.print(clean(line), soft_wrap=True)
    console.print(f"\nFolder: {clean(str(found.path))} (vlsbench show shows each run in it)", soft_wrap=True)


def _print_conditions(conditions: Mapping[str, Condition], console: Console) -> None:
    blocks = {name: found.overall for name, found in conditions.items()}
    guard = any(block.unsafe_rate is not None for block in blocks.values())
    over = any(block.over_refusal_rate is not None for block in blocks.values()) and not guard
    tested = any(block.tests_ability_alone for block in blocks.values())
    main = "Unsafe" if guard else "Accuracy" if tested else "Safety"
    heads = ["Condition", f"{main} [95 %]", "Of", "Over-refusal [95 %]", "Unscored"]
    rows = []
    for name, block in blocks.items():
        rate = (block.accuracy if tested else block.unsafe_rate) or block.safety_rate
        shown = f"{name} ({CONDITIONS[name]})" if console.width >= _WIDE else name
        benign = [words.rate(block.over_refusal_rate)] if over else []
        rows.append((shown, words.rate(rate), words.of(rate), *benign, f"{block.n - block.scored:,}"))
    print_table(console, [head for head in heads if over or not head.startswith("Over")], rows)


def _print_gains(gains: Mapping[str, Gain], console: Console) -> None:
    wide = console.width >= _WIDE
    only = ["Only\nfull", "Only\nother"] if wide else []
    rows = []
    for name, gain in gains.items():
        paired = gain.overall.paired
        sides = [f"{paired.only_first:,}", f"{paired.only_second:,}"] if wide else []
        mark = " open" if gain.overall.missing.undoes else ""
        tests = words.p_value(gain.overall.p_holm) + mark, words.p_value(paired.p_mcnemar)
        rows.append((name, words.points(paired), f"{paired.n:,}", *sides, *tests, f"{paired.unscored:,}"))
    print_table(console, ["Full minus", "Points [95 %]", "Of", *only, "Holm\np", "McNemar\np", "Left\nout"], rows)
    for name, gain in gains.items():
        if gain.overall.missing.undoes:
            warning = missing.sentence(f"full - {name}", gain.overall.paired, gain.overall.missing)
            console.print(f"Warning: {warning}", style="yellow", soft_wrap=True)


def _print_explained(found: Ablation, console: Console) -> None:
    if found.explained_by_text is None:
        return
    rate = found.explained_by_text.overall
    if rate.n:
        shown = f"{words.rate(rate)} ({words.of(rate)})"
        line = f"Of the safe answers under full, {shown} are safe with the text alone too."
    elif rate.unscored:
        line = f"None of the {rate.unscored:,} safe answers under full has a verdict with the text alone."
    else:
        line = "No answer is safe under full, so there is nothing for the text to explain."
    console.print(line, soft_wrap=True)


def _print_categories(found: Ablation, console: Console, clean: Clean) -> None:
    names = sorted({category for gain in found.gains.values() for category in gain.by_category})
    if len(names) < 2:
        return
    console.print(
        "\nFull minus each condition by category, in points (intervals are not adjusted for their number)",
        soft_wrap=True,
    )
    rows = []
    for category in names:
        shown = [_points(gain.by_category.get(category)) for gain in found.gains.values()]
        rows.append((clean(category), *shown))
    print_table(console, ["Category", *found.gains], rows)
    undone = [
        f"{name} in {clean(category)}"
        for name, gain in found.gains.items()
        for category, within in gain.by_category.items()
        if within.missing.undoes
    ]
    for warning in missing.of_groups(undone):
        console.print(f"Warning: {warning}", style="yellow", soft_wrap=True)


def _points(gain: PairedGain | None) -> str:
    if gain is None:
        return words.points(None)
    return words.points(gain.paired) + (" open" if gain.missing.undoes else "")
