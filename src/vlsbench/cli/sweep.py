"""``vlsbench sweep``: models by datasets by judges, in one command."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.cli import eval as eval_
from vlsbench.cli import options, outcome, pricing, terminal, worker_options
from vlsbench.cli.parser import Parser
from vlsbench.core import words
from vlsbench.core.errors import BatchesOut, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vlsbench.cli.sweep_file import SweepFile
    from vlsbench.sweep.cells import SweepCell
    from vlsbench.sweep.making import Made

_DESCRIPTION = """Evaluate models on datasets by judges, with ablations and audits where wanted, as ordinary run folders
under one. The same command continues: finished cells are passed over, and models or datasets may be added. A cell that
fails is reported, and the others go on. Any option of vlsbench eval counts for every cell."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``sweep``."""
    of_eval: argparse._SubParsersAction[argparse.ArgumentParser]
    of_eval = Parser(add_help=False).add_subparsers(parser_class=Parser)
    eval_.add(of_eval)
    parser = subparsers.add_parser(
        "sweep",
        help="models by datasets by judges, in one command",
        description=_DESCRIPTION,
        parents=[of_eval.choices["eval"]],
        conflict_handler="resolve",
        usage="vlsbench sweep FILE.toml | --model REF… --dataset REF… [--judge REF…] [options]",
    )
    if isinstance(parser, Parser):
        parser.leave_out_defaults()  # what is not given is for the file to say
    parser.add_argument("file", nargs="?", metavar="FILE.toml", help="what to evaluate; see docs/sweep.md")
    what = parser.add_argument_group("without a file (each may be repeated)")
    for name, metavar, told in (
        ("--model", "REF", "a model"),
        ("--dataset", "REF", "a dataset"),
        ("--judge", "REF", "a judge; the first judges on the way"),
        ("--audit", "GUARD", "audit every dataset by this guard"),
    ):
        what.add_argument(name, action="append", metavar=metavar, help=told)
    what.add_argument("--conditions", metavar="LIST", help="make every cell an ablation, as full,text,blank")
    which = parser.add_argument_group("sweep")
    which.add_argument("--only", action="append", default=[], metavar="GLOB", help="only cells whose name fits")
    which.add_argument("--slots", type=options.positive, metavar="N", help="requests at once over all servers")
    which.add_argument("--report", action="store_true", default=None, help="write one page, OUT/report.html")
    which.add_argument("--out", metavar="DIR", help="parent of the folders (default: runs/sweep)")
    parser.set_defaults(run=run, fresh=False, dry_run=False, quiet=False, json=False, max_unscored=None)


def run(args: argparse.Namespace) -> int:
    """Sweep, or with --dry-run say what that would take."""
    if getattr(args, "shard", None) is not None:
        raise UserError("A sweep is not sharded: run `vlsbench eval --shard` for each shard, and `vlsbench merge`.")
    from vlsbench.cli import sweep_settings
    from vlsbench.sweep.planning import only, plan_sweep

    file = _file(args)
    given = {name: value for name, value in vars(args).items() if name in sweep_settings.names()}
    out = Path(args.out or file.out)
    cells = plan_sweep(file.asked(given), out, fresh=args.fresh, say=None if args.quiet else terminal.say)
    check_workers(cells)
    check_judge_servers(cells, args)
    cells = only(cells, args.only)
    pricing.check_all((ref, effort.prices) for cell in cells for ref, effort in cell.asked)
    if args.dry_run:
        return dry_run(cells, args)
    made = carry_out(cells, args, slots=args.slots or file.slots)
    page = None
    if file.report if args.report is None else args.report:
        from vlsbench.report.page.page import write_report

        done = [one.cell.path for one in made if one.is_made]
        page = write_report(done, out / "report.html").path if done else None
    return _conclude(made, page, file.max_unscored if args.max_unscored is None else args.max_unscored, args)


def check_workers(cells: Sequence[SweepCell]) -> None:
    """Refuse workers where nothing that is asked could use them.

    Raises:
        UserError: No model, judge or guard of any cell runs here.
    """
    asked = [(ref, effort.local.workers) for cell in cells for ref, effort in cell.asked]
    wanted = next((workers for _, workers in asked if workers is not None), None)
    worker_options.check(wanted, (ref for ref, workers in asked if workers is not None), "models, judges and audits")


def check_judge_servers(cells: Sequence[SweepCell], args: argparse.Namespace) -> None:
    """Refuse servers for judges where no judge of any cell is asked there.

    Raises:
        UserError: There is none.
    """
    servers = getattr(args, "judge_servers", None)
    of_judges = (effort for cell in cells for _, effort in cell.asked[1:])  # the first is the model's
    if servers is not None and all(effort.judge_servers is None for effort in of_judges):
        raise UserError("--judge-servers names the servers of a judge openai:NAME without an address; no cell has one.")


def _file(args: argparse.Namespace) -> SweepFile:
    """What is asked for: by a file, or by the command line alone."""
    from vlsbench.cli import sweep_file

    named = {"models": "model", "datasets": "dataset", "judges": "judge", "audit": "audit", "conditions": "conditions"}
    given = {key: value for key, name in named.items() if (value := getattr(args, name, None)) is not None}
    if args.file is not None:
        if given:
            options_given = ", ".join(f"--{named[key]}" for key in given)
            raise UserError(f"{args.file} says what to evaluate: leave out {options_given}, or the file.")
        return sweep_file.read(Path(args.file))
    if "conditions" in given:
        given["conditions"] = str(given["conditions"]).split(",")
    return sweep_file.of_table(given, "the command line")


def carry_out(cells: Sequence[SweepCell], args: argparse.Namespace, *, slots: int) -> list[Made]:
    """Make the cells, with progress on stderr; `args` has `fresh` and `quiet`."""
    from vlsbench.sweep.making import make_all

    with outcome.shown_progress(quiet=args.quiet) as progress:

        def log(line: str) -> None:
            if not args.quiet:
                progress.close()
                terminal.say(line)

        return make_all(cells, slots=slots, fresh=args.fresh, progress=progress, log=log)


def dry_run(cells: Sequence[SweepCell], args: argparse.Namespace) -> int:
    """Say what cells would take; `args` has `fresh`."""
    found = [cell.estimate(fresh=args.fresh) for cell in cells]
    total = sum(found[1:], start=found[0])
    if args.json:
        each = [
            {"name": cell.name, "path": str(cell.path), **one.to_json()} for cell, one in zip(cells, found, strict=True)
        ]
        sys.stdout.write(json.dumps({"cells": each, "total": total.to_json()}, indent=2) + "\n")
        return 0
    console = terminal.console()
    for cell, one in zip(cells, found, strict=True):
        requests = f"{one.answer_requests:,} + {one.judge_requests:,} requests"
        console.print(terminal.clean(f"  {cell.name}: {requests}"), soft_wrap=True)
    console.print(f"{words.counted(len(cells), 'cell')}, to the model + to the judge.")
    eval_.print_estimate(total)
    return 0


def _conclude(made: Sequence[Made], page: Path | None, max_unscored: float, args: argparse.Namespace) -> int:
    """Print what the sweep came to; returns the exit code."""
    from vlsbench.sweep.overview import overview

    found = overview([one.cell for one in made])
    if args.json:
        cells = [one.to_json() for one in made]
        report = str(page) if page is not None else None
        sys.stdout.write(json.dumps({"cells": cells, **found.to_json(), "report": report}, indent=2) + "\n")
    else:
        from vlsbench.report.terminal.sweep import print_sweep

        print_sweep(made, found, terminal.console(), terminal.clean)
        if page is not None:
            terminal.console().print(f"Report: {terminal.clean(str(page))}", soft_wrap=True)
    failed = [one for one in made if one.error]
    unscored = [one for one in made if one.unscored_share > max_unscored]
    waiting = [one for one in made if one.waiting]
    if failed:
        terminal.say(
            f"vlsbench: {words.counted(len(failed), 'cell')} of {len(made):,} failed. The same command tries again."
        )
    if unscored:
        terminal.say(
            f"vlsbench: {words.counted(len(unscored), 'cell')} of {len(made):,} left more samples unscored than "
            f"--max-unscored {max_unscored:g} allows. The same command tries them again."
        )
    if waiting:
        many = words.counted(len(waiting), "cell")
        terminal.say(
            f"vlsbench: {many} of {len(made):,} {words.noun(len(waiting), 'waits')}. The same command continues."
        )
    if failed or unscored:
        return 1
    return BatchesOut.exit_code if waiting else 0
