"""``vlsbench build show|review|accept|export``: what comes after a build."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from vlsbench.cli import terminal


def add(parser: argparse.ArgumentParser) -> None:
    """Register what comes after a build, under its parser."""
    commands = parser.add_subparsers(
        title="after a build", metavar="COMMAND", dest="build_command", prog="vlsbench build"
    )
    show = commands.add_parser("show", help="the funnel, the leakage before and after, what is pending")
    show.add_argument("path", metavar="DIR", help="the build's folder")
    show.add_argument("--json", action="store_true", help="print JSON")
    show.set_defaults(run=run_show)


def run_show(args: argparse.Namespace) -> int:
    """Show a build's figures."""
    from vlsbench.construct import summary
    from vlsbench.report.terminal.build import print_build

    found = summary.read(Path(args.path).expanduser())
    if args.json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        print_build(found, terminal.console(), terminal.clean)
    return 0
