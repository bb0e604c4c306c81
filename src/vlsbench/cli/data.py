"""``vlsbench data``: what is in a set and what is wrong with it (`check`), and getting it (`fetch`)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING

from vlsbench.cli import options, terminal
from vlsbench.cli.terminal import clean
from vlsbench.core.errors import UserError
from vlsbench.core.words import counted, noun

if TYPE_CHECKING:
    from rich.console import Console

    from vlsbench.datasets.check import CheckReport, ImageReport, Problem, ProblemKind, Spread

_MOST_IDS = 10
"""Ids shown of the samples that share one text."""

_MOST_ALIKE = 10
"""Problems with the same cause that are shown one by one."""

_MOST_TEXTS = 3
"""Repeated texts whose samples are named."""

_MOST_ROWS = 25
"""Rows of a table of categories or sources."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``data`` and its sub-commands."""
    parser = subparsers.add_parser("data", help="look into a dataset", description="Look into a dataset.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    check = commands.add_parser(
        "check",
        help="what is in a set, and what is wrong with it",
        description="Count what is in a set, read every image once, and list every problem with its sample id. "
        "Exits 0 whenever the set could be read, problems or not.",
    )
    check.add_argument(
        "ref", metavar="REF", help="NAME:DIR, NAME/SUBSET:DIR, jsonl:FILE, parquet:PATH, csv:PATH or hf-data:REPO"
    )
    options.add_dataset_options(check)
    check.add_argument("--limit", type=options.positive, metavar="N", help="the first N samples only")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=run)
    fetch = commands.add_parser(
        "fetch",
        help="download a dataset from the Hugging Face hub",
        description="Download a dataset, check it against the hub's digests, and unpack it. The same command "
        "continues a download that was stopped; where everything is there, it does nothing. Prints the folder.",
    )
    fetch.add_argument("name", metavar="NAME", help="a dataset of the list that the hub has, see vlsbench datasets")
    fetch.add_argument("--to", metavar="DIR", help="folder (default: under HF_HOME, where NAME alone finds it)")
    fetch.set_defaults(run=run_fetch)


def run(args: argparse.Namespace) -> int:
    """Check a dataset; raises `DatasetError` or `UnknownName` where it cannot be read at all."""
    from vlsbench.datasets import load
    from vlsbench.datasets.check import check

    report = check(load(args.ref, args.columns), limit=args.limit)
    if args.json:
        terminal.console().print(json.dumps(as_json(report), indent=2), soft_wrap=True)
    else:
        _print(report, terminal.console())
    return 0


def run_fetch(args: argparse.Namespace) -> int:
    """Fetch a dataset; the folder goes to stdout, progress to stderr."""
    import sys
    from pathlib import Path

    from vlsbench.datasets import find
    from vlsbench.datasets.fetch.hub import fetch

    entry = find(args.name)
    if entry.hub is None:
        raise UserError(f"{entry.name} cannot be fetched from the hub. {entry.get}")
    folder = fetch(
        entry.hub.repo,
        entry.hub.revision,
        entry.hub.files,
        Path(args.to) if args.to else None,
        archives=entry.hub.archives,
        say=lambda line: print(clean(line), file=sys.stderr),  # noqa: T201
    )
    terminal.console().print(clean(str(folder)), soft_wrap=True)
    return 0


def as_json(report: CheckReport) -> dict[str, object]:
    """The report as plain data; sub-categories become a list, because their keys are pairs."""
    plain = asdict(report)
    plain["sub_categories"] = [
        {"category": category, "sub_category": sub, "n": n} for (category, sub), n in report.sub_categories.items()
    ]
    return plain


def _print(report: CheckReport, console: Console) -> None:
    from vlsbench.datasets.check import by_kind

    revision = f" (revision {clean(report.revision)})" if report.revision else ""
    console.print(f"{clean(report.name)}{revision}: {counted(report.n, 'sample')}", soft_wrap=True)
    _print_counts(report, console)
    _print_facts(report, console)
    groups = by_kind(report.problems)
    for kind, problems in groups.items():
        console.print(f"\n{kind.value}: {len(problems):,}")
        _print_problems(kind, problems, console)
    parts = ", ".join(f"{kind.value} {len(problems):,}" for kind, problems in groups.items())
    number = counted(len(report.problems), "problem")
    console.print(f"\n{number} ({parts})" if parts else "\nNo problems.", soft_wrap=True)


def _print_problems(kind: ProblemKind, problems: Sequence[Problem], console: Console) -> None:
    """One by one; many with the same cause in one line, with their number and the first of them."""
    from vlsbench.datasets.check import ProblemKind, by_cause

    causes = by_cause(problems)
    what = "records" if kind is ProblemKind.RECORD else "samples"
    for alike in causes:
        count = f"{len(alike):,} {what}, the first " if len(alike) > _MOST_ALIKE else ""
        for problem in alike[:1] if count else alike:
            label = f"{clean(problem.sample_id)}: " if problem.sample_id else ""
            console.print(f"  {count}{label}{clean(problem.message)}", soft_wrap=True)
    if max(map(len, causes)) > _MOST_ALIKE:
        console.print("Every one of them: --json")


def _print_counts(report: CheckReport, console: Console) -> None:
    _print_table(console, "Category", report.categories)
    if any(sub for _, sub in report.sub_categories):
        pairs = {
            f"{category or '(none)'} / {sub or '(none)'}": n for (category, sub), n in report.sub_categories.items()
        }
        _print_table(console, "Category / sub-category", pairs)
    _print_table(console, "Source", report.sources)
    _print_table(console, "Expected", report.expect)
    if report.answers:
        _print_table(console, "Right answer", report.answers)


def _print_table(console: Console, head: str, counts: Mapping[str, int]) -> None:
    from vlsbench.report.terminal.tables import print_table

    rows = [(clean(name) or "(none)", f"{n:,}") for name, n in islice(counts.items(), _MOST_ROWS)]
    if more := tuple(islice(counts.values(), _MOST_ROWS, None)):
        rows.append((f"and {len(more):,} more", f"{sum(more):,}"))
    print_table(console, (head, "Samples"), rows)


def _print_facts(report: CheckReport, console: Console) -> None:
    from rich.table import Table

    table = Table.grid("", "", padding=(0, 2))
    for label, value in (
        ("twins", f"{report.twins:,}" if report.twins else ""),
        ("text, words", _spread(report.words)),
        ("groups", _groups(report.groups)),
        ("repeated texts", _repeats(report.repeated_texts)),
        *_image_rows(report.images),
    ):
        if value:
            table.add_row(label, value)
    console.print(table)
    if report.ungrouped_texts:
        console.print(
            f"{report.ungrouped_texts:,} of the repeated texts are no group: their samples count as independent. That "
            "is right where a neutral query goes with different pictures. Where the authors drew one question in "
            "several forms, name it in the field `group`, or intervals come out too narrow (docs/statistics.md).",
            soft_wrap=True,
        )


def _groups(sizes: Mapping[int, int]) -> str:
    """How many samples the groups hold."""
    held = "; ".join(
        f"{count:,} {'holds' if count == 1 else 'hold'} {size} {'sample' if size == 1 else 'samples'}"
        for size, count in sizes.items()
    )
    return f"{sum(sizes.values()):,}: {held}" if sizes else ""


def _image_rows(found: ImageReport) -> tuple[tuple[str, str], ...]:
    serves = "; ".join(f"{n:,} {noun(n, 'serves')} {times} samples" for times, n in found.serves.items() if times > 1)
    total = f"; {found.n_bytes.total / 1e6:,.1f} MB in all" if found.n_bytes else ""
    return (
        ("images", f"{found.distinct:,} distinct{f'; {serves}' if serves else ''}"),
        ("", f"{found.contents:,} by content" if found.contents else ""),
        ("without image", f"{found.without:,}" if found.without else ""),
        ("formats", ", ".join(f"{name} {n:,}" for name, n in found.formats.items())),
        ("width, pixels", _spread(found.width)),
        ("height, pixels", _spread(found.height)),
        ("file size, bytes", _spread(found.n_bytes) + total),
    )


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return ""
    if spread.low == spread.high:
        return f"{spread.low:,}"
    return f"{spread.low:,} to {spread.high:,}, median {spread.median:,}"


def _repeats(groups: tuple[tuple[str, ...], ...]) -> str:
    """The ids that share a text, of the first few texts; one that serves a whole set, as a prompt does, is counted."""
    if not groups:
        return ""
    shown = [
        " = ".join(map(clean, ids)) if len(ids) <= _MOST_IDS else f"one text {len(ids):,} times"
        for ids in groups[:_MOST_TEXTS]
    ]
    if more := len(groups) - len(shown):
        shown.append(f"and {more:,} more")
    texts = "1 text" if len(groups) == 1 else f"{len(groups):,} texts"
    return f"{texts} of {sum(map(len, groups)):,} samples: " + "; ".join(shown)
