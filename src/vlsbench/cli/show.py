"""``vlsbench show FOLDER``: the summary of a run, also of one that is still going, and of what other commands left."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from vlsbench.cli import outcome, pricing, terminal
from vlsbench.core.errors import RunError
from vlsbench.store.kinds import no_run


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``show``."""
    parser = subparsers.add_parser(
        "show",
        help="the summary of a run, an audit, an ablation or a demonstration",
        description="The summary of a run, finished or not; or what an audit, an ablation or a demonstration came to.",
    )
    parser.add_argument("path", metavar="FOLDER", help="a run folder, or that of an audit, an ablation or a demo")
    parser.add_argument("--json", action="store_true", help="print JSON, as in the folder's own file of results")
    pricing.add_price_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Show what a folder holds."""
    from vlsbench.results.summary import summarise
    from vlsbench.store.run_folder import Run

    path = Path(args.path)
    if (path / "audit.json").is_file():
        return _show_audit(path, args)
    if (path / "ablation.json").is_file():
        return _show_ablation(path, as_json=args.json)
    if path.is_dir() and not (path / "manifest.json").exists():
        return _show_others(path, as_json=args.json)
    run = Run(path)
    run.require_answers()
    target = run.manifest.model if run.manifest.price is None else None
    pricing.check_for(args, target, *(entry.judge for entry in run.judges.values() if entry.price is None))
    return outcome.report(summarise(run, prices=pricing.prices(args)), run, as_json=args.json)


def _show_audit(path: Path, args: argparse.Namespace) -> int:
    from vlsbench.leakage import findings
    from vlsbench.report.terminal.audit import print_audit
    from vlsbench.results.usage import GUARD

    found = findings.read(path, pricing.prices(args))
    if found.guarded is not None and found.usage[GUARD].unpriced:
        pricing.check_for(args, None, found.guarded.guard)
    if args.json:
        return _print_json(found.to_json())
    print_audit(found, terminal.console(), terminal.clean)
    return 0


def _show_ablation(path: Path, *, as_json: bool) -> int:
    from vlsbench.ablation.results import Ablation
    from vlsbench.report.terminal.ablation import print_ablation

    found = Ablation.read(path)
    if as_json:
        return _print_json(found.to_json())
    print_ablation(found, terminal.console(), terminal.clean)
    return 0


def _show_others(path: Path, *, as_json: bool) -> int:
    """A demonstration; or which runs a folder holds."""
    from vlsbench.demo import demonstrate
    from vlsbench.report.terminal.demo import print_demonstration

    found = demonstrate.read(path)
    if found is None:
        raise RunError(no_run(path))
    if as_json:
        return _print_json(found.to_json())
    print_demonstration(found, terminal.console())
    return 0


def _print_json(found: dict[str, object]) -> int:
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0
