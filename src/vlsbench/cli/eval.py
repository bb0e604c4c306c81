"""``vlsbench eval``: dataset → answers → verdicts → safety rate."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from vlsbench.cli import options, outcome, pricing, terminal, worker_options
from vlsbench.core import words

if TYPE_CHECKING:
    from vlsbench.run.estimate import Estimate

_DESCRIPTION = """Ask a model every query of a dataset, judge its answers, and report the safety rate.
The same command again continues a run that was stopped, and tries failures again. Without --model,
--dataset and --judge, a tiny packaged model is evaluated on the miniature world."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``eval``."""
    parser = subparsers.add_parser("eval", help="evaluate a model on a dataset", description=_DESCRIPTION)
    options.add_run_options(parser)
    options.add_judge_options(parser)
    options.add_local_options(parser)
    options.add_batch_options(parser)
    where = parser.add_argument_group("where and how")
    where.add_argument(
        "--shard", metavar="I/N", help="only every N-th group of samples from the I-th on; vlsbench merge joins them"
    )
    where.add_argument("--out", metavar="DIR", help="run folder (default: runs/<slug>-<hash8>)")
    where.add_argument("--fresh", action="store_true", help="start over; the old folder is kept aside")
    where.add_argument("--dry-run", action="store_true", help="contact nobody; print what would run")
    pricing.add_price_options(parser)
    options.add_output_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate, or with --dry-run say what that would take."""
    embedded = options.fill_in(args)
    pricing.check(args)
    worker_options.check(args.workers, (args.model, args.judge))
    if args.dry_run:
        return _dry_run(args)
    from vlsbench.run.evaluate import carry_out

    with outcome.shown_progress(quiet=args.quiet) as progress:
        summary = carry_out(
            options.evaluation(args), out=args.out, fresh=args.fresh, progress=progress, say=terminal.say
        )
    code = outcome.report(summary, as_json=args.json, max_unscored=args.max_unscored)
    if embedded and not args.json:
        terminal.console().print(_WHAT_NEXT, soft_wrap=True)
    return code


_WHAT_NEXT = """
Nothing was named, so the packaged tiny model mini:multimodal-sft answered 200 drawn scenes of the miniature
world in which only the picture shows the danger. Next:
  vlsbench demo                                     text-only against image-and-text alignment, in one table
  vlsbench eval --model mini:textual-sft --dataset mini:leakless      the same scenes, a model that learned from text
  vlsbench eval --model openai:NAME@URL --dataset mini:leakless --judge openai:JUDGE@URL      a model of yours
  vlsbench datasets                                 what else can be evaluated"""


def _dry_run(args: argparse.Namespace) -> int:
    from vlsbench.run.estimate import estimate

    found = estimate(options.evaluation(args), out=args.out, fresh=args.fresh)
    if args.json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        print_estimate(found)
    return 0


def print_estimate(found: Estimate) -> None:
    """An estimate as ``--dry-run`` prints it."""
    console = terminal.console()
    console.print("Nothing was contacted. This is what would run:")
    rows = [
        ("samples", f"{found.samples:,}"),
        ("requests to the model", f"{found.answer_requests:,}"),
        ("requests to the judge", f"{found.judge_requests:,}"),
        ("image bytes to send", f"{found.image_bytes:,}"),
        ("input tokens (estimate)", f"{found.input_tokens:,}"),
        ("output tokens (at most, estimate)", f"{found.output_tokens:,}"),
    ]
    if found.out:
        rows.insert(3, ("out in batches already, not counted", f"{found.out:,}"))
    if found.cost is not None:
        rows.append(("cost (estimate)", words.money(found.cost, found.currency)))
    if found.image_problems:
        rows.append(("images that cannot be used", f"{found.image_problems:,} (see vlsbench data check)"))
    for name, value in rows:
        console.print(f"  {name:<36}{value:>16}" if len(value) <= 16 else f"  {name:<36}{value}", soft_wrap=True)
