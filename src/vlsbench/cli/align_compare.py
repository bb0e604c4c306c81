"""``vlsbench align compare DIR...``: aligned models beside the model that they were made from."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from vlsbench.cli import options, terminal
from vlsbench.core.errors import UserError

_DESCRIPTION = """Evaluate aligned models and their base on the same datasets, and print what changed, paired sample by
sample: safety where the text leaks and where it does not, over-refusal, ability. Run folders are kept, so the same
command goes on, and asks only for what is missing."""

MINI = ("mini:leaky", "mini:leakless", "mini:benign", "mini:naming")
"""The datasets where the base is a model of the miniature world and none is named."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``align compare``."""
    parser = commands.add_parser("compare", help="aligned models beside their base", description=_DESCRIPTION)
    parser.add_argument("models", nargs="+", metavar="DIR", help="folders that `align` made")
    parser.add_argument("--base", metavar="REF", help="the model before (default: the one in the folders' record)")
    parser.add_argument(
        "--dataset",
        action=options.Once,
        nargs="+",
        metavar="REF",
        help="datasets (default for the miniature world: its four splits)",
    )
    parser.add_argument(
        "--judge",
        action=options.Once,
        metavar="JUDGE",
        help="as for `vlsbench eval` (default: the usual one of each dataset); mmvet is graded by the same model",
    )
    parser.add_argument("--out", default="runs/align", metavar="DIR", help="where run folders go (default: runs/align)")
    parser.add_argument("--max-tokens", type=options.positive, default=128, metavar="N", help="(default: 128)")
    parser.add_argument("--limit", type=options.positive, metavar="N", help="only the first N samples of each dataset")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate and compare."""
    from vlsbench.align.work import base_of
    from vlsbench.comparison.before_after import before_after
    from vlsbench.report.terminal.before_after import print_changes

    folders = [Path(name) for name in args.models]
    bases = {args.base} if args.base else {base_of(folder) for folder in folders}
    if len(bases) > 1:
        raise UserError(f"These models were made from different ones ({', '.join(sorted(bases))}). Say --base.")
    (base,) = bases
    mini = base.startswith("mini:") and not args.dataset
    if not mini and not args.dataset:
        raise UserError("Name the datasets and the judge: --dataset REF ... --judge JUDGE.")

    def log(line: str) -> None:
        if not args.quiet:
            terminal.say(line)

    found = before_after(
        base,
        [f"hf:{folder}" for folder in folders],
        args.dataset or MINI,
        judge=args.judge,
        out=Path(args.out),
        max_tokens=args.max_tokens,
        limit=args.limit,
        log=log,
    )
    if args.json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        print_changes(found, terminal.console(), terminal.clean)
    return 0
