"""``vlsbench table RUN…``: models by datasets."""

from __future__ import annotations

import argparse

from vlsbench.cli import formats

_DESCRIPTION = """Lay out runs as a table of models by datasets, with the safety rate (a guard's: unsafe rate) and its
interval in each cell."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``table``."""
    parser = subparsers.add_parser("table", help="models by datasets", description=_DESCRIPTION)
    formats.add_options(parser)
    formats.add_measure(parser)
    parser.add_argument("--average", action="store_true", help="add the unweighted mean over the datasets")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Lay out."""
    from vlsbench.comparison.table import table
    from vlsbench.report.documents.matrix import document

    found = table(args.runs, judge=args.judge, force=args.force, measure=formats.measure(args))
    if args.json:
        formats.emit_json(found.to_json())
    else:
        formats.emit(document(found, average=args.average), args)
    return formats.code(found.unscored_share, args.max_unscored)
