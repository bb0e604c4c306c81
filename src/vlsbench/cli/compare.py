"""``vlsbench compare RUN RUN…``: rates on the samples in common, and the differences of every two runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vlsbench.cli import formats, options, terminal
from vlsbench.core.words import counted

_DESCRIPTION = """Compare runs on the samples that all of them have: each model's rates, and for each two runs the
paired difference with its interval, tests, and the smallest difference that so many samples can show. Runs that
differ in dataset, rubric or judge are refused."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``compare``."""
    parser = subparsers.add_parser("compare", help="compare runs, sample by sample", description=_DESCRIPTION)
    formats.add_options(parser)
    parser.add_argument(
        "--by",
        choices=("category", "sub_category", "source", "none"),
        default="category",
        help="what to break differences down by (default: category)",
    )
    parser.add_argument("--differing", metavar="FILE", help="write all samples where the runs part to a CSV file")
    parser.add_argument(
        "--show-samples",
        type=options.positive,
        default=5,
        metavar="N",
        help="how many of their ids to show (default: 5)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare."""
    from vlsbench.comparison.compare import compare
    from vlsbench.report.documents import comparison

    found = compare(args.runs, judge=args.judge, by=args.by, force=args.force)
    if args.differing is not None:
        from vlsbench.report.documents.formats import sheet_text
        from vlsbench.store.journal import write_atomically

        text = sheet_text(comparison.differing_sheet(found), terminal.clean)
        write_atomically(Path(args.differing), text.encode(errors="replace"))
        sys.stderr.write(f"{counted(len(found.differing), 'sample')} written to {terminal.clean(args.differing)}\n")
    if args.json:
        formats.emit_json(found.to_json())
    else:
        formats.emit(comparison.document(found, args.show_samples), args)
    return formats.code(found.unscored_share, args.max_unscored)
