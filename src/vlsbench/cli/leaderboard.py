"""``vlsbench leaderboard RUN…``: runs in order, with the ranks that the data leave open."""

from __future__ import annotations

import argparse

from vlsbench.cli import formats

_DESCRIPTION = """Rank runs by their safety rate (a guard's: unsafe rate) on the samples that all of them have. Runs
that the intervals of their paired differences cannot separate share a range of ranks."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``leaderboard``."""
    parser = subparsers.add_parser("leaderboard", help="rank runs", description=_DESCRIPTION)
    formats.add_options(parser)
    formats.add_measure(parser)
    parser.add_argument("--published", action="store_true", help="add the paper's rows, set apart and unranked")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Rank."""
    from vlsbench.comparison.leaderboard import leaderboard
    from vlsbench.report.documents.leaderboard import document

    found = leaderboard(
        args.runs, judge=args.judge, force=args.force, published=args.published, measure=formats.measure(args)
    )
    if args.json:
        formats.emit_json(found.to_json())
    else:
        formats.emit(document(found), args)
    return formats.code(found.unscored_share, args.max_unscored)
