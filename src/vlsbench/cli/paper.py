"""``vlsbench paper``: every table and figure of the paper that measures models."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.cli import options, pricing, sweep, terminal
from vlsbench.cli.parser import Parser
from vlsbench.core import words
from vlsbench.core.errors import BatchesOut, UserError

if TYPE_CHECKING:
    from vlsbench.cli.sweep_file import Named, SweepFile
    from vlsbench.paper.needs import Needs
    from vlsbench.paper.recipe import PaperRecipe
    from vlsbench.sweep.making import Made

_DESCRIPTION = """Make the paper's Tables 1, 2, 3 and 5 and its Figures 3, 4, 7, 9, 12 and 14 to 17 as one report, with
the published figures beside. Without --miniature, list what that needs, and run what is there; with it, make the same
from the miniature world and its packaged models, offline, in a few minutes. The same command continues."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``paper``."""
    parser = subparsers.add_parser("paper", help="the paper's tables and figures", description=_DESCRIPTION)
    parser.add_argument("--miniature", action="store_true", help="from the miniature world: offline, no GPU, no key")
    parser.add_argument("--dry-run", action="store_true", help="list what is needed and what there is")
    parser.add_argument(
        "--samples", type=options.positive, metavar="N", help="of each set (default: all; miniature: 200)"
    )
    parser.add_argument("--out", metavar="DIR", help="(default: runs/paper, or runs/paper-miniature)")
    own = parser.add_argument_group("what there is (without --miniature)")
    own.add_argument("--data", metavar="DIR", default="data", help="folder of the sets' folders (default: data)")
    own.add_argument(
        "--model", action="append", default=[], metavar="TITLE=REF", help="the model of a row (may be repeated)"
    )
    own.add_argument("--judge", action=options.Once, metavar="REF", help="in place of openai:gpt-4o")
    own.add_argument("--guard", action=options.Once, metavar="REF", help="in place of Llama Guard 3 Vision")
    options.add_rubric(own)
    effort = parser.add_argument_group("how models and judge are asked (without --miniature)")
    effort.add_argument("--concurrency", type=options.concurrency, metavar="N|auto")
    options.add_judge_effort(effort)
    options.add_timeout(effort)
    options.add_local_options(parser)
    options.add_batch_options(parser)
    pricing.add_price_options(parser, target=False)
    parser.add_argument("--fresh", action="store_true", help="start over; old folders are kept aside")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--json", action="store_true", help="with --dry-run: print JSON")
    if isinstance(parser, Parser):
        parser.leave_out_defaults()  # those of the settings are the sweep's
    shown = {"dry_run": False, "fresh": False, "quiet": False, "json": False}
    parser.set_defaults(
        run=run, miniature=False, samples=None, out=None, data="data", model=[], judge=None, guard=None, **shown
    )


def run(args: argparse.Namespace) -> int:
    """Make the paper's tables and figures."""
    return _miniature(args) if args.miniature else _real(args)


def _miniature(args: argparse.Namespace) -> int:
    from vlsbench.paper import miniature
    from vlsbench.sweep.planning import plan_sweep

    if given := [name for name in ("model", "judge", "guard") if getattr(args, name)] + sorted(_settings(args)):
        named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UserError(f"Not for --miniature, which has its own models and judges: {named}.")
    out, n = Path(args.out or "runs/paper-miniature"), args.samples or miniature.N
    cells = plan_sweep(miniature.asked(n), out, fresh=args.fresh)
    if args.dry_run:
        return sweep.dry_run(cells, args)
    made = sweep.carry_out(cells, args, slots=1)
    return _conclude(made, miniature.MINIATURE, out / "report.html", f"{miniature.MINIATURE.data}:{n}")


def _real(args: argparse.Namespace) -> int:
    from vlsbench.paper.needs import needs, with_models
    from vlsbench.paper.real import REAL

    recipe = with_models(REAL, args.model)
    file = _sweep(args, recipe)
    out = Path(args.out or file.out)
    prices = pricing.prices(args)
    price = prices.of_judge(args.judge or _JUDGE) if prices is not None else None
    given = _settings(args) | ({"limit": args.samples} if args.samples else {})
    found = needs(recipe, file.asked(given), out, fresh=args.fresh, price=price)
    if args.json and args.dry_run:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
        return 0
    _print_needs(found)
    if args.dry_run:
        return 0
    if not found.cells:
        raise UserError("Nothing can be made yet: every cell lacks its set, its model or its judge (see above).")
    sweep.check_workers(found.cells)
    sweep.check_judge_servers(found.cells, args)
    made = sweep.carry_out(found.cells, args, slots=file.slots)
    data = next((one.name for one in found.listed if one.name.startswith("vlsbench:") and not one.missing), None)
    return _conclude(made, recipe, out / "report.html", data)


def _settings(args: argparse.Namespace) -> dict[str, object]:
    """The options that are settings of every cell."""
    from vlsbench.cli import sweep_settings

    return {name: value for name, value in vars(args).items() if name in sweep_settings.names()}


_JUDGE = "openai:gpt-4o"


def _sweep(args: argparse.Namespace, recipe: PaperRecipe) -> SweepFile:
    """The packaged sweep, with the sets, models, judge and guard that the command names."""
    from vlsbench.cli import sweep_file
    from vlsbench.cli.sweep_file import Named
    from vlsbench.paper.real import SWEEP

    file = sweep_file.read(SWEEP)
    rows = [Named(ref=row.ref) for row in recipe.models if row.ref]

    def judges(named: Iterable[Named]) -> tuple[Named, ...]:
        """The paper's judge and guard replaced; one that stands for both is named once."""
        graded = f"graded:{args.judge}" if args.judge else None
        swapped = {_JUDGE: args.judge, f"graded:{_JUDGE}": graded, file.audit[0].ref: args.guard}
        found = (replace(one, ref=swapped.get(one.ref) or one.ref) for one in named)
        return tuple({one.ref: one for one in found}.values())

    return replace(
        file,
        models=tuple(rows),
        datasets=tuple(replace(one, ref=one.ref.replace(":data/", f":{args.data}/", 1)) for one in file.datasets),
        judges=judges(file.judges),
        audit=judges(file.audit),
        overrides=tuple(
            replace(one, settings={**one.settings, "judges": judges(own)})
            if isinstance(own := one.settings.get("judges"), tuple)
            else one
            for one in file.overrides
        ),
    )


def _print_needs(found: Needs) -> None:
    console = terminal.console()
    for kind, title in (("set", "Sets"), ("checkpoint", "Checkpoints"), ("key", "Keys"), ("model", "Rows to name")):
        listed = [one for one in found.listed if one.kind == kind]
        if listed:
            console.print(title, style="bold")
        for one in listed:
            text = f"  {'missing' if one.missing else 'there  '}  {one.name}{': ' + one.missing if one.missing else ''}"
            console.print(terminal.clean(text), soft_wrap=True)
    cost = words.money(found.cost, found.currency) if found.cost is not None else "name --judge-price-in and -out"
    console.print(
        f"All of it: {found.answers:,} answers and {found.verdicts:,} verdicts; local models and guards about "
        f"{found.hours:,.1f} hours of one GPU at 4 answers a second (an assumption: measure yours with --samples). The "
        f"judge's cost at 1,500 tokens in and 120 out a verdict: {cost}.",
        soft_wrap=True,
    )
    console.print(f"{words.counted(len(found.cells), 'cell')} can be made with what is there.")


def _conclude(made: Sequence[Made], recipe: PaperRecipe, page: Path, data: str | None) -> int:
    """Write the report about what was made, and say where it is."""
    from vlsbench.report.page.page import write_arranged
    from vlsbench.report.paper.sections import sections

    console = terminal.console()
    for one in (failed := [one for one in made if one.error]):
        console.print(terminal.clean(f"failed: {one.cell.name}: {one.error}"), soft_wrap=True)
    for one in (waiting := [one for one in made if one.waiting]):
        console.print(terminal.clean(f"{one.cell.name}: {one.waiting}"), soft_wrap=True)
    done = [str(one.cell.path) for one in made if one.is_made]
    if not done and waiting and not failed:
        console.print("Nothing to report yet. The same command continues.")
        return BatchesOut.exit_code
    if not done:
        raise UserError("No cell is done, so there is nothing to report. The same command tries again.")
    written = write_arranged(
        [*done, *([data] if data is not None else [])],
        page,
        title=recipe.title,
        arrange=functools.partial(sections, recipe),
        notes=(*recipe.notes, *recipe.doubts),
    )
    console.print(f"Report: {terminal.clean(str(written.path))}", soft_wrap=True)
    if failed:
        return 1
    return BatchesOut.exit_code if waiting else 0
