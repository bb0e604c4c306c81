"""``vlsbench show RUN``: the summary of a run, also of one that is still going."""

from __future__ import annotations

import argparse
from pathlib import Path

from vlsbench.cli import outcome
from vlsbench.core.errors import UserError


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
    from vlsbench.results.summary import summarise
    from vlsbench.store.run_folder import Run

    run = Run(Path(args.path))
    if run.condition == "guard":
        raise UserError(
            f"{run.path} is the run of an audit's guard and has no answers. The figures are in "
            f"{run.path.parent / 'audit.json'}; the command of the audit, given again, shows them."
        )
    return outcome.report(summarise(run), run, as_json=args.json)
