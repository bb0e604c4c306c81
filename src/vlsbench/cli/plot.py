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
    look = parser.add_argument_group("look")
    look.add_argument("--font", metavar="NAME", help="a font family that is installed")
    look.add_argument("--font-size", type=_size, default=7.0, metavar="PT", help="points of the text (default: 7)")
    look.add_argument("--colours", type=_listed, default=(), metavar="LIST", help="of the series, as navy,#c0561b")
    look.add_argument(
        "--order",
        type=_listed,
        default=(),
        metavar="LIST|value",
        help="names in order, or the greatest value first",
    )
    look.add_argument(
        "--label", action="append", type=_label, default=[], metavar="NAME=TEXT", help="another label (may be repeated)"
    )
    parser.set_defaults(run=run)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _label(text: str) -> tuple[str, str]:
    name, equals, shown = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"should be NAME=TEXT, not {text!r}")
    return name, shown


def _size(text: str) -> float:
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not 4 <= size <= 24:
        raise argparse.ArgumentTypeError(f"should be between 4 and 24 points, not {text!r}")
    return size


def run(args: argparse.Namespace) -> int:
    """Draw the figure."""
    from vlsbench.report import inputs
    from vlsbench.report.charts import paper, single
    from vlsbench.report.charts.look import Look

    out = Path(args.out)
    paper.check_out(out)
    single.check(args.kind)
    look = Look(font=args.font, size=args.font_size, colours=args.colours, order=args.order, labels=dict(args.label))
    paper.save(single.figure(args.kind, inputs.gather(args.inputs), args.base), out, width=args.width, look=look)
    terminal.console().print(terminal.clean(str(out)), soft_wrap=True)
    return 0
