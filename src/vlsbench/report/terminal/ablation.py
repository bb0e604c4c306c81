"""An ablation as readable tables: how safe under each condition, and what the image adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vlsbench.ablation.gains import Condition, Gain
from vlsbench.ablation.results import Ablation
from vlsbench.core.types import Rate
from vlsbench.report.terminal.summary import Clean, percent
from vlsbench.stats import Paired

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_NO_VALUE = "–"
_WIDE = 100

_SHOWN: Mapping[str, str] = {
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
    samples = "sample" if found.n == 1 else "samples"
    console.print(
        f"{found.n:,} {samples} with an image, {found.n_harmful:,} harmful{left_out}. "
        f"Judge {clean(found.judge)}, which sees the true image under every condition.",
        soft_wrap=True,
    )
    console.print(_conditions(found.conditions, wide=console.width >= _WIDE))
    if found.n_harmful:
        console.print(
            "What the image adds: safe answers under full minus under the condition, on the same samples",
            soft_wrap=True,
        )
        console.print(_gains(found.gains, wide=console.width >= _WIDE))
        _print_explained(found, console)
        _print_categories(found, console, clean)
    else:
        console.print("No sample is harmful, so there is no safety rate and no gain.", style="yellow", soft_wrap=True)
    for name, why in found.skipped.items():
        console.print(f"{name} was skipped: {clean(why)}.", style="yellow", soft_wrap=True)
    console.print(f"\nFolder: {clean(str(found.path))} (vlsbench show shows each run in it)", soft_wrap=True)


def points(paired: Paired) -> str:
    """``+85.0 [79.2, 89.4]`` in percentage points, or a dash for a difference over nothing."""
    if paired.value is None:
        return _NO_VALUE
    value = f"{100 * paired.value:+.1f}"
    if paired.low is None or paired.high is None:
        return value
    return f"{value} [{100 * paired.low:.1f}, {100 * paired.high:.1f}]"


def p_value(value: float | None) -> str:
    """A p-value to three decimals, ``< 0.001`` below that."""
    if value is None:
        return _NO_VALUE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _table(*heads: str, fold_first: bool = False) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, head in enumerate(heads):
        folds = fold_first and place == 0
        table.add_column(
            head,
            justify="left" if place == 0 else "right",
            no_wrap=not folds,
            overflow="fold",
            min_width=12 if folds else None,
        )
    return table


def _conditions(conditions: Mapping[str, Condition], *, wide: bool) -> Table:
    blocks = {name: found.overall for name, found in conditions.items()}
    guard = any(block.unsafe_rate is not None for block in blocks.values())
    over = any(block.over_refusal_rate is not None for block in blocks.values()) and not guard
    heads = ["Condition", "Unsafe [95 %]" if guard else "Safety [95 %]", "Of", "Over-refusal [95 %]", "Unscored"]
    table = _table(*(head for head in heads if over or not head.startswith("Over")))
    for name, block in blocks.items():
        rate = block.unsafe_rate or block.safety_rate
        cells = [f"{name} ({_SHOWN[name]})" if wide else name, percent(rate), _of(rate)]
        cells += [percent(block.over_refusal_rate)] if over else []
        table.add_row(*cells, f"{block.n - block.scored:,}")
    return table


def _gains(gains: Mapping[str, Gain], *, wide: bool) -> Table:
    heads = ["Full minus", "Points [95 %]" if wide else "Points\n[95 %]", "Of"]
    heads += ["Only\nfull", "Only\nother"] if wide else []
    table = _table(*heads, "Holm\np", "McNemar\np", "Left\nout")
    for name, gain in gains.items():
        paired = gain.overall
        cells = [name, points(paired) if wide else _broken(paired), f"{paired.n:,}"]
        cells += [f"{paired.only_first:,}", f"{paired.only_second:,}"] if wide else []
        table.add_row(*cells, p_value(gain.p_holm), p_value(paired.p_mcnemar), f"{paired.unscored:,}")
    return table


def _of(rate: Rate) -> str:
    return f"{rate.k:,} / {rate.n:,}"


def _print_explained(found: Ablation, console: Console) -> None:
    if found.explained_by_text is None:
        return
    rate = found.explained_by_text.overall
    if rate.n:
        line = f"Of the safe answers under full, {percent(rate)} ({_of(rate)}) are safe with the text alone too."
    elif rate.unscored:
        line = f"None of the {rate.unscored:,} safe answers under full has a verdict with the text alone."
    else:
        line = "No answer is safe under full, so there is nothing for the text to explain."
    console.print(line, soft_wrap=True)


def _print_categories(found: Ablation, console: Console, clean: Clean) -> None:
    names = sorted({category for gain in found.gains.values() for category in gain.by_category})
    if len(names) < 2:
        return
    wide = console.width >= _WIDE
    note = "intervals are not adjusted for their number" if wide else "intervals: ablation.json"
    console.print(f"\nFull minus each condition by category, in points ({note})", soft_wrap=True)
    table = _table("Category", *found.gains, fold_first=True)
    for category in names:
        paired = [gain.by_category.get(category) for gain in found.gains.values()]
        table.add_row(clean(category), *(_cell(one, wide=wide) for one in paired))
    console.print(table)


def _cell(paired: Paired | None, *, wide: bool) -> str:
    if paired is None:
        return _NO_VALUE
    return _broken(paired) if wide else points(paired).partition(" [")[0]


def _broken(paired: Paired) -> str:
    """The interval on a line of its own."""
    return points(paired).replace(" [", "\n[")
