"""What people's labels say of a judge, as readable tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vlsbench.calibration import Calibration
from vlsbench.calibration.population import UNSCORED_GROUP
from vlsbench.core.types import Label, Rate
from vlsbench.report.terminal.summary import new_table, percent, print_agreement

if TYPE_CHECKING:
    from rich.console import Console

    from vlsbench.calibration.drawing import Drawn
    from vlsbench.calibration.judges import Partings
    from vlsbench.results.rates import Block
    from vlsbench.stats import Coefficient, Inverted, Share

Clean = Callable[[str], str]

_NO_VALUE = "–"
_LABELS = tuple(label.value for label in Label)


def print_drawn(drawn: Drawn, run: str, console: Console, clean: Clean) -> None:
    """Say what was drawn and how to go on."""
    design = drawn.design
    console.print(
        f"{len(design.items):,} of {sum(plan.size for plan in design.strata):,} answers drawn from "
        f"{len(design.strata)} strata (judge {clean(design.judge)}, seed {design.seed}).",
        soft_wrap=True,
    )
    rows: dict[tuple[bool, str], list[int]] = {}
    for plan in design.strata:
        row = rows.setdefault((plan.harmful, plan.group), [0, 0, 0])
        row[0] += 1
        row[1] += plan.size
        row[2] += plan.drawn
    shown = new_table()
    for head in ("Samples", "Judge says"):
        shown.add_column(head)
    for head in ("Strata", "Answers", "Drawn"):
        shown.add_column(head, justify="right")
    for (harmful, group), counts in rows.items():
        shown.add_row("harmful" if harmful else "benign", clean(group), *(f"{count:,}" for count in counts))
    console.print(shown)
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
        f"{found.labelled:,} of {found.drawn:,} drawn answers have a true label, by {found.raters} "
        f"{'rater' if found.raters == 1 else 'raters'}.",
        soft_wrap=True,
    )
    if found.raters > 1:
        console.print(f"Raters among themselves: {_coefficient(found.agreement)}", soft_wrap=True)
    console.print(_confusion(found, clean))
    console.print(_recall(found, clean))
    print_corrected(found, console, clean)
    if len(found.by_category) > 1:
        console.print(_categories(found.by_category, clean))
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
    shown = new_table()
    for head in ("Safety rate", "Value [95 % interval]", "Answers", "Labels"):
        shown.add_column(head, justify="left" if head == "Safety rate" else "right", no_wrap=True)
    raw = found.raw
    shown.add_row("by the judge (raw)", _interval(raw.value, raw.low, raw.high), f"{raw.n:,}", "")
    main = found.corrected
    shown.add_row("corrected by people's labels", *_cells(main), style="bold")
    if main.lowest is not None and main.highest is not None and main.lowest < main.highest:
        shown.add_row("  whatever the missing labels be", _between(main.lowest, main.highest), "", "")
    if main.run_low is not None:
        shown.add_row("  for this run alone", _interval(main.value, main.run_low, main.run_high), "", "")
    if found.answered is not None:
        shown.add_row("  with answers the judge left unscored", *_cells(found.answered))
    inversion = found.inversion
    shown.add_row(
        "by the inverted matrix", _interval(inversion.value, inversion.low, inversion.high), f"{inversion.size:,}", ""
    )
    if found.over_refusal is not None:
        judge = "" if found.over_refusal_raw is None else f" (judge: {100 * found.over_refusal_raw:.1f} %)"
        shown.add_row(f"over-refusal by people{judge}", *_cells(found.over_refusal))
    console.print(shown)
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
    shown = new_table()
    shown.add_column("Sample", overflow="fold", min_width=8)
    shown.add_column("Category", overflow="fold")
    for name in found.judges:
        shown.add_column(clean(name), overflow="fold")
    for parting in found.parted[:most]:
        said = (clean(parting.outcomes[name]) for name in found.judges)
        shown.add_row(clean(parting.sample_id), clean(parting.category), *said)
    console.print(shown)
    more = f" ({most} shown; --json has all)" if len(found.parted) > most else ""
    console.print(
        f"They part on {len(found.parted):,} {'sample' if len(found.parted) == 1 else 'samples'}{more}.", soft_wrap=True
    )


def _cells(share: Share) -> tuple[str, str, str]:
    return _interval(share.value, share.low, share.high), f"{share.size:,}", f"{share.labelled:,}"


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    return percent(Rate(k=0, n=0, value=value, low=low, high=high, method=""))


def _between(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def _coefficient(found: Coefficient) -> str:
    name = (
        found.name.replace("-", " ").capitalize().replace("Krippendorff", "Krippendorff's").replace("Cohen", "Cohen's")
    )
    if found.value is None:
        return f"{name} is undefined ({found.method.removeprefix('none: ')})."
    return (
        f"{name} {found.value:.2f} [{found.low:.2f}, {found.high:.2f}] ({found.method}); "
        f"they agree on {100 * (found.observed or 0):.1f} % of {found.n:,}."
    )


def _confusion(found: Calibration, clean: Clean) -> object:
    shown = new_table()
    shown.add_column("Judge says \\ people say", min_width=12)
    for label in _LABELS:
        shown.add_column(label.capitalize(), justify="right")
    shown.add_column("Labelled", justify="right")
    for group, cells in found.confusion.items():
        name = "(unscored)" if group == UNSCORED_GROUP else group
        total = sum(cells.values())
        shares = (f"{100 * cells.get(label, 0.0) / total:.1f} %" for label in _LABELS)
        shown.add_row(clean(name), *shares, f"{sum(found.counts[group].values()):,}")
    return shown


def _recall(found: Calibration, clean: Clean) -> object:
    shown = new_table()
    shown.add_column("Truly")
    shown.add_column("Judge says so [95 %]", justify="right", no_wrap=True)
    shown.add_column("Labelled", justify="right")
    for label, share in found.recall.items():
        shown.add_row(clean(label), _interval(share.value, share.low, share.high), f"{share.labelled:,}")
    return shown


def _categories(rows: Mapping[str, Inverted], clean: Clean) -> object:
    shown = new_table()
    shown.add_column("Category", overflow="fold", min_width=12)
    shown.add_column("Safety by the inverted matrix [95 %]", justify="right", no_wrap=True)
    shown.add_column("Answers", justify="right")
    for name, row in rows.items():
        mark = " (clipped)" if row.clipped else ""
        shown.add_row(clean(name), _interval(row.value, row.low, row.high) + mark, f"{row.size:,}")
    return shown
