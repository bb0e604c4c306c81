"""``vlsbench demo``: visual leakage in one table."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from vlsbench.cli import options, terminal
from vlsbench.core.errors import UserError


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``demo``."""
    parser = subparsers.add_parser(
        "demo",
        help="text-only against image-and-text alignment, on this machine",
        description="Evaluate four variants of a packaged tiny model on the miniature world: what visual leakage is, "
        "in one table. Needs no key, no download and no GPU.",
    )
    trained = parser.add_mutually_exclusive_group()
    trained.add_argument(
        "--retrain", action="store_true", help="fine-tune the variants now instead of using the packaged"
    )
    trained.add_argument(
        "--alignment",
        action="store_true",
        help="train and measure every method of `vlsbench align`, on text alone and with pictures; can be continued",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="with --retrain or --alignment: of training data, training and test (default: 0)",
    )
    parser.add_argument("--samples", type=options.positive, default=200, metavar="N", help="per cell (default: 200)")
    parser.add_argument("--out", metavar="DIR", help="keep the run folders (and retrained models) here")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demonstration."""
    if args.seed is not None and args.seed < 0:
        raise UserError("--seed must be 0 or more.")
    if args.seed is not None and not (args.retrain or args.alignment):
        raise UserError("--seed is for --retrain or --alignment; the packaged models were measured on seed 0.")
    args.seed = args.seed or 0
    if args.alignment:
        return _run(args, Path(args.out or f"runs/demo-alignment-{args.seed}"))
    if args.out is None:
        with tempfile.TemporaryDirectory(prefix="vlsbench-demo-") as folder:
            return _run(args, Path(folder))
    out = Path(args.out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists already. Name another folder with --out.")
    return _run(args, out)


def _run(args: argparse.Namespace, folder: Path) -> int:
    from vlsbench.demo.demonstrate import demonstrate
    from vlsbench.report.terminal.demo import print_demonstration

    def log(line: str) -> None:
        if not args.quiet:
            terminal.say(line)

    if args.alignment:
        from vlsbench.demo.alignment import demonstrate_alignment

        found = demonstrate_alignment(folder, seed=args.seed, n=args.samples, log=log)
    else:
        found = demonstrate(folder, retrain=args.retrain, seed=args.seed, n=args.samples, log=log)
    if args.json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        print_demonstration(found, terminal.console())
    return 0
