"""The figures of a build on the terminal: the funnel, the leakage on both sides of the gate, and what it cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from vlsbench.construct.summary import rate_text
from vlsbench.core.words import NO_VALUE, percent

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from vlsbench.construct.forecast import Expected, Forecast
    from vlsbench.construct.summary import BuildSummary

Clean = Callable[[str], str]

_LEAKAGE = {"before": "candidates", "after": "kept", "check": "kept, by another guard"}
_TRUTH = {
    "leaks_before": "queries that leak, as rewritten",
    "leaks_screened": "queries that leak, screened",
    "leaks_after": "queries that leak, kept",
    "wrong_pictures_before": "wrong pictures, first painted",
    "wrong_pictures_screened": "wrong pictures, inspected",
    "wrong_pictures_after": "wrong pictures, kept",
    "twins_harmful": "harmful twins, kept",
}


def print_build(found: BuildSummary, console: Console, clean: Clean) -> None:
    """Print the figures of a build.

    Args:
        found: The figures.
        console: Where to.
        clean: Takes control characters out of texts.
    """
    _print_funnel(found, console, clean)
    if found.leakage:
        _print_leakage(found, console, clean)
        _print_baseline(found.baseline, console, clean)
    if found.truth is not None:
        _print_truth(found.truth, console)
    if found.cost:
        _print_cost(found, console)
    for line in _remarks(found):
        console.print(clean(line), soft_wrap=True)


def _table(*heads: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(*heads, box=box.SIMPLE_HEAD, pad_edge=False)


def _print_funnel(found: BuildSummary, console: Console, clean: Clean) -> None:
    table = _table("Step", "counts")
    table.add_column("in", justify="right")
    table.add_column("out", justify="right")
    table.add_column("ended here")
    for row in found.funnel:
        why = ", ".join(f"{clean(reason)} {count:,}" for reason, count in row.dropped.items())
        table.add_row(row.step, row.unit, f"{row.entered:,}", f"{row.left:,}", why)
    console.print(table)


def _print_leakage(found: BuildSummary, console: Console, clean: Clean) -> None:
    table = _table("Leakage", "guard")
    for head in ("n", "R1", "R2", "R1-R2"):
        table.add_column(head, justify="right")
    for key, words in _LEAKAGE.items():
        rates = found.leakage.get(key)
        if rates is not None:
            guard = rates.get("guard", found.leakage["guard"])
            cells = (rate_text(rates[name]) for name in ("r1", "r2", "r1_minus_r2"))
            table.add_row(words, clean(guard), f"{rates['n']:,}", *cells)
    console.print(table)


def _print_baseline(baseline: Mapping[str, Any], console: Console, clean: Clean) -> None:
    parts = []
    for key in ("before", "after"):
        auc = (baseline.get(key) or {}).get("auc")
        if auc is not None:
            bounds = "" if auc["low"] is None else f" [{auc['low']:.2f}, {auc['high']:.2f}]"
            parts.append(f"{key} {auc['value']:.2f}{bounds}")
        elif why := (baseline.get(key) or {}).get("why"):
            parts.append(f"{key} none ({clean(why)})")
    if parts:
        console.print(f"Text alone against the reference (AUC): {'; '.join(parts)}\n", soft_wrap=True)


def _print_truth(truth: Mapping[str, Any], console: Console) -> None:
    table = _table("Truth of the miniature")
    table.add_column("n", justify="right")
    table.add_column("per cent", justify="right")
    for key, words in _TRUTH.items():
        table.add_row(words, f"{truth[key]['n']:,}", rate_text(truth[key]))
    console.print(table)


def _print_cost(found: BuildSummary, console: Console) -> None:
    table = _table("Asked")
    table.add_column("requests", justify="right")
    table.add_column("tokens in", justify="right")
    table.add_column("tokens out", justify="right")
    for role, spent in found.cost.items():
        table.add_row(role, f"{spent.requests:,}", *map(_tokens, (spent.prompt_tokens, spent.completion_tokens)))
    console.print(table)


def _tokens(told: int | None) -> str:
    return NO_VALUE if told is None else f"{told:,}"


def _remarks(found: BuildSummary) -> list[str]:
    lines = [
        f"{found.kept:,} of {found.pairs:,} candidate pairs are kept, with {found.twins:,} benign twins, from "
        f"{found.elements:,} elements."
    ]
    if found.near_pictures:
        lines.append(f"Pairs of kept pictures that look alike: {found.near_pictures:,}; decisions.jsonl names them.")
    if found.refused:
        named = ", ".join(f"{name} {count:,}" for name, count in found.refused.items())
        lines.append(f"The author declined elements, which biases the set: {named}.")
    if found.pending or found.unseen:
        named = ", ".join(f"{why} {count:,}" for why, count in found.pending.items())
        more = f"{', ' if named else ''}not begun {found.unseen:,}" if found.unseen else ""
        lines.append(f"Not at their end, and tried again by the same command: {named}{more}.")
        if found.pending:
            lines.append("Why each failed is in the files of steps/, under `reason`: mind that these hold queries too.")
    if found.review:
        review = found.review
        lines.append(
            f"Reviewed: {review['reviewed']:,} of {review['drawn']:,} drawn, {review['kept']:,} kept; of the "
            f"rest of the set at most {percent(review['at_most'])} would be taken out (95 %)."
        )
    return [*lines, *found.notes]


def print_forecast(found: Forecast, console: Console) -> None:
    """Print what a build would ask."""
    table = _table("Role")
    table.add_column("requests to expect", justify="right")
    for role, expected in found.requests.items():
        table.add_row(role, _expected(expected))
    console.print(table)
    console.print(
        f"For {found.elements:,} elements, by {found.basis}. Pairs to be kept: {_expected(found.kept)}.", soft_wrap=True
    )


def _expected(found: Expected) -> str:
    bounds = "" if found.low is None or found.high is None else f" [{found.low:,.0f}, {found.high:,.0f}]"
    return f"{found.value:,.0f}{bounds}"
