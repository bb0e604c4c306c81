"""``vlsbench show RUN``: the summary of a run, also of one that is still going."""

from __future__ import annotations

import argparse
from pathlib import Path

from vlsbench.cli import outcome


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``show``."""
    parser = subparsers.add_parser(
        "show", help="the summary of a run", description="The summary of a run, finished or not."
    )
    parser.add_argument("path", metavar="RUN", help="a run folder")
    parser.add_argument("--json", action="store_true", help="print JSON, as in summary.json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show a run."""
    from vlsbench.runs import Run
    from vlsbench.summary import summarise

    return outcome.report(summarise(Run(Path(args.path))), as_json=args.json)
