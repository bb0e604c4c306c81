"""``vlsbench import``: answers that other tools recorded, as a run of ours."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from vlsbench.cli import options, terminal
from vlsbench.core.words import counted

if TYPE_CHECKING:
    from vlsbench.interchange.importing import Imported

_DESCRIPTION = """Make a run of the answers that another tool recorded: a log of samples of lmms-eval (--log_samples), a
table of predictions of VLMEvalKit (.xlsx, .tsv, .json), or a log of Inspect (.eval, .json). What the tool wrote where
a request had failed becomes a failure, never an answer. Judge the run with vlsbench judge."""

_MOST_NAMED = 5
"""Damaged records that are named."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``import``."""
    parser = subparsers.add_parser("import", help="answers that other tools recorded", description=_DESCRIPTION)
    parser.add_argument("file", metavar="FILE", help="the file that the tool wrote")
    parser.add_argument("--from", dest="tool", choices=("lmms-eval", "vlmevalkit", "inspect"), required=True)
    parser.add_argument(
        "--dataset", action=options.Once, required=True, metavar="REF", help="the samples that it asked"
    )
    options.add_dataset_options(parser)
    parser.add_argument("--out", action=options.Once, required=True, metavar="RUN", help="run folder")
    parser.add_argument("--model", action=options.Once, metavar="NAME", help="the model, where the file does not say")
    parser.add_argument("--limit", type=options.positive, metavar="N", help="the tool asked the first N samples only")
    parser.add_argument(
        "--match",
        choices=("auto", "id", "position", "text"),
        default="auto",
        help="how answers find their samples (default: the first way by which all do, and their questions agree); "
        "a way that is named is taken even where questions differ",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Import; what became of the records goes to stdout."""
    from vlsbench.interchange.importing import import_run

    found = import_run(
        args.file,
        tool=args.tool,
        dataset=args.dataset,
        out=args.out,
        columns=args.columns,
        model=args.model,
        limit=args.limit,
        match=args.match,
    )
    if args.json:
        sys.stdout.write(json.dumps(as_json(found), indent=2) + "\n")
    else:
        _print(found)
    return 0


def as_json(found: Imported) -> dict[str, object]:
    """What an import did, as plain data."""
    return {
        "run": str(found.run),
        "model": found.model,
        "samples": found.samples,
        "responses": dict(found.outcomes),
        "missing": found.missing,
        "matched_by": found.matched_by,
        "questions_compared": found.compared,
        "damaged": list(found.damaged),
        "notes": list(found.notes),
    }


def _print(found: Imported) -> None:
    console = terminal.console()
    responses = ", ".join(f"{count:,} {outcome}" for outcome, count in found.outcomes.items())
    lines = [
        f"{counted(found.samples, 'sample')} of {found.model}: {responses}.",
        f"Answers found their samples by {found.matched_by}; {counted(found.compared, 'question')} compared.",
    ]
    if found.missing:
        lines.append(
            f"{counted(found.missing, 'sample')} without a record: they count as failed. Was the tool given a limit? "
            "Then give --limit too."
        )
    if found.damaged:
        named = ", ".join(found.damaged[:_MOST_NAMED])
        more = f" and {len(found.damaged) - _MOST_NAMED:,} more" if len(found.damaged) > _MOST_NAMED else ""
        lines.append(f"{counted(len(found.damaged), 'record')} could not be read: {named}{more}.")
    for line in (*lines, *found.notes, f"Judge it with: vlsbench judge {found.run} --judge REF"):
        console.print(terminal.clean(line), soft_wrap=True)
