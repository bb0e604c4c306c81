"""``vlsbench merge RUN…``: the run folders of shards, joined into one run."""

from __future__ import annotations

import argparse
from pathlib import Path

from vlsbench.cli import options, outcome, pricing, terminal

_DESCRIPTION = """Join run folders of one identity: the shards of a set (vlsbench eval --shard I/N), of which each may
have been evaluated more than once. Nobody is asked anything, and the folders stay as they are. The joined folder is a
run like any other: the command that evaluates the whole set continues it."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``merge``."""
    parser = subparsers.add_parser("merge", help="join the runs of shards into one", description=_DESCRIPTION)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders")
    parser.add_argument("--out", action=options.Once, required=True, metavar="RUN", help="folder of the joined run")
    parser.add_argument("--fresh", action="store_true", help="where it is a run already, keep that aside")
    pricing.add_price_options(parser)
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Merge."""
    from vlsbench.run.shards.merge import merge
    from vlsbench.store.run_folder import Run

    first = Run(Path(args.runs[0]))
    pricing.check_for(args, first.manifest.model, *(entry.judge for entry in first.judges.values()))
    found = merge(args.runs, out=args.out, fresh=args.fresh, prices=pricing.prices(args), say=terminal.say)
    return outcome.report(found, as_json=args.json)
