"""``vlsbench ablate``: what the image adds to the safety of a model's answers."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from vlsbench.cli import options, pricing, terminal, worker_options
from vlsbench.cli.progress import ProgressLine
from vlsbench.core import words

if TYPE_CHECKING:
    from vlsbench.run.progress import RunCounts

_DESCRIPTION = """Ask a model the same queries with the image, without it, with a description in its place, with a
blank one and with another one, and compare how safe the answers are. The judge sees the true image each time.
The same command again continues, and tries failures again. Without --model, --dataset and --judge, a tiny packaged
model is examined on the miniature world."""

_ALL = "full,text,caption,blank,mismatched"


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``ablate``."""
    parser = subparsers.add_parser(
        "ablate", help="what the image adds: the same queries with and without it", description=_DESCRIPTION
    )
    options.add_run_options(parser)
    parser.add_argument(
        "--conditions", default=_ALL, metavar="LIST", help=f"what the model is shown, full among it (default: {_ALL})"
    )
    options.add_judge_options(parser)
    options.add_local_options(parser)
    where = parser.add_argument_group("where and how")
    where.add_argument("--out", metavar="DIR", help="parent of the run folders (default: runs/ablation-<slug>-<hash8>)")
    where.add_argument("--fresh", action="store_true", help="start over; the old folder is kept aside")
    pricing.add_price_options(parser)
    options.add_output_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Ablate, and print what the image adds."""
    options.fill_in(args)
    pricing.check(args)
    worker_options.check(args.workers, (args.model, args.judge))
    from vlsbench.ablation.ablate import carry_out
    from vlsbench.report.terminal.ablation import print_ablation

    shown = _Shown(quiet=args.quiet)
    try:
        found = carry_out(
            options.evaluation(args),
            args.conditions.split(","),
            out=args.out,
            fresh=args.fresh,
            progress=None if args.quiet else shown.progress,
            log=shown.log,
        )
    finally:
        shown.close()
    if args.json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        print_ablation(found, terminal.console(), terminal.clean)
    if found.unscored_share <= args.max_unscored:
        return 0
    sys.stderr.write(
        f"vlsbench: under one condition {words.percent(found.unscored_share)} of the samples are unscored, more than "
        f"--max-unscored {args.max_unscored:g} allows. The same command tries again what failed.\n"
    )
    return 1


class _Shown:
    """Progress on stderr: a line for each condition, and its counts as they grow."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._line: ProgressLine | None = None

    def progress(self, counts: RunCounts) -> None:
        self._line = self._line or ProgressLine()
        self._line(counts)

    def log(self, line: str) -> None:
        self.close()
        if not self._quiet:
            terminal.say(line)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None
