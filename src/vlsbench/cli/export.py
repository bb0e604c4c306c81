"""``vlsbench export RUN…``: runs as an Inspect log, or as a table for pandas, spreadsheets and R."""

from __future__ import annotations

import argparse
import json
import sys

from vlsbench.cli import options, terminal

_DESCRIPTION = """Write runs in the formats of other tools: an Inspect log that `inspect view` opens, or one long
table with a row for each sample, model and judge. Failures stay what they are: an unscored sample is NaN with its
reason in a log, and has no label in a table."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``export``."""
    parser = subparsers.add_parser("export", help="runs as Inspect logs or tables", description=_DESCRIPTION)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders")
    parser.add_argument("--format", choices=("inspect", "csv", "parquet", "jsonl"), required=True)
    parser.add_argument(
        "--out",
        action=options.Once,
        required=True,
        metavar="FILE",
        help="the file to write; must not exist yet. Inspect logs of several runs go into a folder of this name",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export; what was written goes to stdout."""
    from vlsbench.interchange.export import export_runs

    found = export_runs(args.runs, args.out, format=args.format)
    files = [str(file) for file in found.files]
    if args.json:
        sys.stdout.write(json.dumps({"files": files, "n": found.n}, indent=2) + "\n")
        return 0
    console = terminal.console()
    what = "samples" if args.format == "inspect" else "rows"
    for file in files:
        console.print(f"Wrote {terminal.clean(file)}", soft_wrap=True)
    console.print(f"{found.n:,} {what}.")
    if args.format == "inspect":
        console.print("Look at it with: inspect view --log-dir FOLDER (pip install inspect-ai)")
    return 0
