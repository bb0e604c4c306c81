"""``vlsbench judge RUN``: judge the answers of a run again, or with another judge."""

from __future__ import annotations

import argparse

from vlsbench.cli import options, outcome, pricing, worker_options

_DESCRIPTION = """Judge the answers of a run, without asking the model again. Verdicts of other judges stay
beside the new ones. The same command again continues, and tries failures again."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``judge``."""
    parser = subparsers.add_parser("judge", help="judge the answers of a run", description=_DESCRIPTION)
    parser.add_argument("path", metavar="RUN", help="a run folder")
    parser.add_argument(
        "--judge",
        action=options.Once,
        required=True,
        metavar="REF",
        help="a model REF, guard:MODEL_REF, or refusal (keyword baseline)",
    )
    options.add_judge_options(parser)
    options.add_image_options(parser)
    options.add_local_options(parser)
    options.add_batch_options(parser)
    pricing.add_price_options(parser, target=False)
    options.add_output_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Judge a run."""
    pricing.check(args)
    worker_options.check(args.workers, (args.judge,), "--judge")
    from vlsbench.run.evaluate import judge

    with outcome.shown_progress(quiet=args.quiet) as progress:
        summary = judge(
            args.path,
            judge=args.judge,
            judge_sees=args.judge_sees,
            rubric=args.rubric,
            image_max_side=args.image_max_side,
            effort=options.effort(args),
            progress=progress,
        )
    return outcome.report(summary, as_json=args.json, max_unscored=args.max_unscored)
