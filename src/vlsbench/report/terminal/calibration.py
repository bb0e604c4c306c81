"""What people's labels say of a judge, as readable tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vlsbench.calibration import Calibration
from vlsbench.calibration.population import UNSCORED_GROUP
from vlsbench.core import words
from vlsbench.core.types import Label
from vlsbench.core.words import counted, noun
from vlsbench.report.terminal.summary import print_agreement
from vlsbench.report.terminal.tables import print_table

if TYPE_CHECKING:
    from rich.console import Console

    from vlsbench.calibration.drawing import Drawn
    from vlsbench.calibration.judges import Partings
    from vlsbench.results.rates import Block
    from vlsbench.stats import Coefficient, Inverted, Share

Clean = Callable[[str], str]

_LABELS = tuple(label.value for label in Label)


def print_drawn(drawn: Drawn, run: str, console: Console, clean: Clean) -> None:
    """Say what was drawn and how to go on."""
    design = drawn.design
    console.print(
        f"{len(design.items):,} of {counted(sum(plan.size for plan in design.strata), 'answer')} drawn from "
        f"{counted(len(design.strata), 'stratum')} (judge {clean(design.judge)}, seed {design.seed}).",
        soft_wrap=True,
    )
    rows: dict[tuple[bool, str], list[int]] = {}
    for plan in design.strata:
        row = rows.setdefault((plan.harmful, plan.group), [0, 0, 0])
        row[0] += 1
        row[1] += plan.size
        row[2] += plan.drawn
    cells = [
        ("harmful" if harmful else "benign", clean(group), *(f"{count:,}" for count in counts))
        for (harmful, group), counts in rows.items()
    ]
    print_table(console, ("Samples", "Judge says", "Strata", "Answers", "Drawn"), cells, texts=2)
    for name, path in (("Page ", drawn.page), ("Sheet", drawn.sheet)):
        console.print(f"{name}  {clean(str(path))}", soft_wrap=True)
    console.print(
        "Give each rater the page or the sheet, and nothing of the run folder: it holds what the judge said.\n"
        f"Then: vlsbench calibrate score {clean(run)} --labels FILE [FILE ...]",
        soft_wrap=True,
    )


def print_calibration(found: Calibration, console: Console, clean: Clean) -> None:
    """Print a calibration: raters, confusion, recall, and the corrected rate beside the raw one."""
    console.print(f"Judge {clean(found.judge)} against people", style="bold", soft_wrap=True)
    console.print(
        f"{found.labelled:,} of {found.drawn:,} drawn {noun(found.drawn, 'answer')} {noun(found.labelled, 'has')} a "
        f"true label, by {counted(found.raters, 'rater')}.",
        soft_wrap=True,
    )
    if found.raters > 1:
        console.print(f"Raters among themselves: {_coefficient(found.agreement)}", soft_wrap=True)
    _print_confusion(found, console, clean)
    _print_recall(found, console, clean)
    print_corrected(found, console, clean)
    if len(found.by_category) > 1:
        _print_categories(found.by_category, console, clean)
    for warning in found.warnings:
        console.print(clean(warning), style="yellow", soft_wrap=True)


def print_corrected(found: Calibration, console: Console, clean: Clean, now: Block | None = None) -> None:
    """Print the raw and the corrected rate of a calibration.

    Args:
        found: The calibration.
        console: Where to.
        clean: Makes names safe to print.
        now: The judge's figures as they are now, to say where the calibration is about earlier ones.
    """
    raw, main, inversion = found.raw, found.corrected, found.inversion
    rows = [
        ("by the judge (raw)", words.rate(raw), f"{raw.n:,}", ""),
        ("corrected by people's labels", *_cells(main)),
    ]
    if main.lowest is not None and main.highest is not None and main.lowest < main.highest:
        rows.append(("  whatever the missing labels be", words.between(main.lowest, main.highest), "", ""))
    if main.run_low is not None:
        this_run = dataclasses.replace(main, low=main.run_low, high=main.run_high)
        rows.append(("  for this run alone", words.rate(this_run), "", ""))
    if found.answered is not None:
        rows.append(("  with answers the judge left unscored", *_cells(found.answered)))
    rows.append(("by the inverted matrix", words.rate(inversion), f"{inversion.size:,}", ""))
    if found.over_refusal is not None:
        judge = "" if found.over_refusal_raw is None else f" (judge: {words.percent(found.over_refusal_raw)})"
        rows.append((f"over-refusal by people{judge}", *_cells(found.over_refusal)))
    print_table(console, ("Safety rate", "Value [95 % interval]", "Answers", "Labels"), rows, bold=[1])
    if now is not None and not found.fits(now):
        console.print(
            f"The verdicts of {clean(found.judge)} have changed since: the corrected rate is about the earlier ones "
            f"({raw.k:,} of {raw.n:,} safe). Draw and label again.",
            style="yellow",
            soft_wrap=True,
        )


def print_partings(found: Partings, console: Console, clean: Clean, most: int) -> None:
    """Print how far judges agree, and the first of the samples on which they part."""
    for pair in found.agreement:
        print_agreement(pair, console, clean)
    if not found.parted:
        console.print("No sample is safe to one judge and unsafe to another.")
        return
    heads = ("Sample", "Category", *found.judges)
    rows = [
        (parting.sample_id, parting.category, *(parting.outcomes[name] for name in found.judges))
        for parting in found.parted[:most]
    ]
    print_table(console, [*map(clean, heads)], [[*map(clean, row)] for row in rows], texts=len(heads))
    more = f" ({most} shown; --json has all)" if len(found.parted) > most else ""
    console.print(f"They part on {counted(len(found.parted), 'sample')}{more}.", soft_wrap=True)


def _cells(share: Share) -> tuple[str, str, str]:
    return words.rate(share), f"{share.size:,}", f"{share.labelled:,}"


def _coefficient(found: Coefficient) -> str:
    name = (
        found.name.replace("-", " ").capitalize().replace("Krippendorff", "Krippendorff's").replace("Cohen", "Cohen's")
    )
    if found.value is None:
        return f"{name} is undefined ({found.method.removeprefix('none: ')})."
    return (
        f"{name} {found.value:.2f} [{found.low:.2f}, {found.high:.2f}] ({found.method}); "
        f"they agree on {words.percent(found.observed or 0)} of {found.n:,}."
    )


def _print_confusion(found: Calibration, console: Console, clean: Clean) -> None:
    rows = []
    for group, cells in found.confusion.items():
        name = "(unscored)" if group == UNSCORED_GROUP else group
        total = sum(cells.values())
        shares = (words.percent(cells.get(label, 0.0) / total) for label in _LABELS)
        rows.append((clean(name), *shares, f"{sum(found.counts[group].values()):,}"))
    print_table(console, ("Judge says \\ people say", *map(str.capitalize, _LABELS), "Labelled"), rows)


def _print_recall(found: Calibration, console: Console, clean: Clean) -> None:
    rows = [(clean(label), words.rate(share), f"{share.labelled:,}") for label, share in found.recall.items()]
    print_table(console, ("Truly", "Judge says so [95 %]", "Labelled"), rows)


def _print_categories(found: Mapping[str, Inverted], console: Console, clean: Clean) -> None:
    rows = [
        (clean(name), words.rate(row) + (" (clipped)" if row.clipped else ""), f"{row.size:,}")
        for name, row in found.items()
    ]
    print_table(console, ("Category", "Safety by the inverted matrix [95 %]", "Answers"), rows)
