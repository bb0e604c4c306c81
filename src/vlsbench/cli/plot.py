"""``vlsbench plot``: one figure of a report as a file for a paper."""

from __future__ import annotations

import argparse
from pathlib import Path

from vlsbench.cli import terminal

_KINDS = (
    "safety, over-refusal, paired, guard, labels, radar, categories, agreement (of runs); taxonomy, counts, words (of "
    "datasets or runs); leakage, modality (of audits); ladder, gains (of ablations); differences (of comparisons)"
)


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``plot``."""
    parser = subparsers.add_parser(
        "plot",
        help="one figure as a file for a paper",
        description=f"Draw one of the report's figures at the width of a paper's column. KIND is one of: {_KINDS}.",
    )
    parser.add_argument("kind", metavar="KIND", help="what to draw")
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="runs, datasets, or what KIND is about")
    parser.add_argument("--out", required=True, metavar="FIG.pdf|svg|png")
    parser.add_argument(
        "--width", choices=("column", "page"), default="column", help="one column or both (default: column)"
    )
    parser.add_argument(
        "--base", action="append", default=[], metavar="MODEL", help="a base model, for the line of their mean"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Draw the figure."""
    from vlsbench.report import inputs
    from vlsbench.report.charts import paper, single

    out = Path(args.out)
    paper.check_out(out)
    single.check(args.kind)
    paper.save(single.figure(args.kind, inputs.gather(args.inputs), args.base), out, width=args.width)
    terminal.console().print(terminal.clean(str(out)), soft_wrap=True)
    return 0
