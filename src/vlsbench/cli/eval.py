"""``vlsbench eval``: dataset → answers → verdicts → safety rate."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from vlsbench.cli import options, outcome, terminal
from vlsbench.errors import UserError

if TYPE_CHECKING:
    from vlsbench.estimate import Estimate

_DESCRIPTION = """Ask a model every query of a dataset, judge its answers, and report the safety rate.
The same command again continues a run that was stopped, and tries failures again."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``eval``."""
    parser = subparsers.add_parser("eval", help="evaluate a model on a dataset", description=_DESCRIPTION)
    what = parser.add_argument_group("what")
    what.add_argument("--model", required=True, metavar="REF", help="openai:NAME or openai:NAME@URL (URL ends in /v1)")
    what.add_argument("--dataset", required=True, metavar="REF", help="NAME:DIR or jsonl:FILE; see vlsbench datasets")
    what.add_argument("--judge", required=True, metavar="REF", help="a model REF, or refusal (keyword baseline)")
    what.add_argument("--limit", type=options.positive, metavar="N", help="only the first N samples")
    asked = parser.add_argument_group("how the model is asked")
    asked.add_argument("--max-tokens", type=options.positive, default=128, metavar="N", help="(default: 128)")
    asked.add_argument("--temperature", type=float, default=0.0, metavar="T", help="(default: 0)")
    asked.add_argument("--system", metavar="TEXT", help="system prompt")
    asked.add_argument("--seed", type=int, metavar="S")
    asked.add_argument("--concurrency", type=options.concurrency, default="auto", metavar="N|auto")
    asked.add_argument("--model-key-env", metavar="VAR", help="environment variable that holds the model's API key")
    options.add_judge_options(parser)
    where = parser.add_argument_group("where and how")
    where.add_argument("--out", metavar="DIR", help="run folder (default: runs/<slug>-<hash8>)")
    where.add_argument("--fresh", action="store_true", help="start over; the old folder is kept aside")
    where.add_argument("--dry-run", action="store_true", help="contact nobody; print what would run")
    where.add_argument(
        "--price-in", type=options.price, metavar="X", help="with --dry-run: price per million input tokens"
    )
    where.add_argument(
        "--price-out", type=options.price, metavar="Y", help="with --dry-run: price per million output tokens"
    )
    options.add_output_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate, or with --dry-run say what that would take."""
    if (args.price_in is None) != (args.price_out is None):
        raise UserError("--price-in and --price-out go together: prices per million tokens.")
    if args.dry_run:
        return _dry_run(args)
    if args.price_in is not None:
        raise UserError("--price-in and --price-out go with --dry-run.")
    from vlsbench.evaluation import evaluate

    with outcome.shown_progress(quiet=args.quiet) as progress:
        summary = evaluate(
            model=args.model,
            dataset=args.dataset,
            judge=args.judge,
            judge_sees=args.judge_sees,
            rubric=args.rubric,
            out=args.out,
            limit=args.limit,
            seed=args.seed,
            max_tokens=args.max_tokens,
            temperature=args.temperature,
            system=args.system,
            effort=options.effort(args),
            fresh=args.fresh,
            progress=progress,
        )
    return outcome.report(summary, as_json=args.json, max_unscored=args.max_unscored)


def _dry_run(args: argparse.Namespace) -> int:
    from vlsbench import datasets, judges, models
    from vlsbench.estimate import estimate
    from vlsbench.types import Sees

    models.check(args.model)
    judges.check(args.judge, models.check)
    found = estimate(
        datasets.load(args.dataset),
        judge=args.judge,
        sees=Sees(args.judge_sees),
        rubric=args.rubric,
        limit=args.limit,
        max_tokens=args.max_tokens,
        system=args.system,
    )
    cost = None if args.price_in is None else found.cost(args.price_in, args.price_out)
    if args.json:
        sys.stdout.write(json.dumps(_as_json(found, cost), indent=2) + "\n")
    else:
        _print_estimate(found, cost)
    return 0


def _as_json(found: Estimate, cost: float | None) -> dict[str, Any]:
    import dataclasses

    return {**dataclasses.asdict(found), "cost": cost}


def _print_estimate(found: Estimate, cost: float | None) -> None:
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
    if cost is not None:
        rows.append(("cost (estimate)", f"{cost:,.2f}"))
    if found.image_problems:
        rows.append(("images that cannot be used", f"{found.image_problems:,} (see vlsbench data check)"))
    for name, value in rows:
        console.print(f"  {name:<36}{value:>16}" if len(value) <= 16 else f"  {name:<36}{value}", soft_wrap=True)
