"""``vlsbench audit``: how much of the harm of a dataset does its text already tell?"""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vlsbench.cli import options, outcome, pricing, terminal, worker_options
from vlsbench.core import words
from vlsbench.core.errors import UserError

if TYPE_CHECKING:
    from vlsbench.cli.progress import ProgressLine
    from vlsbench.run.loading import Effort

_DESCRIPTION = """Measure visual leakage in a dataset. With --guard, a guard judges every pair, its text alone and
its image alone: R1 is the share of harmful pairs, R2 the share of pairs that are harmful by their text too, and
a small R1-R2 means that the text gives the danger away. Without --guard, no model is asked, and only what can be
measured without one is. The same command again continues an audit that was stopped, and tries failures again."""

_USAGE = """vlsbench audit --dataset REF [--guard REF] [--out DIR] [--limit N] [options]"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``audit``."""
    export = _export()
    usage = _USAGE if export is None else f"{_USAGE}\n       vlsbench audit export AUDIT --leakless --out FILE.jsonl"
    parser = subparsers.add_parser(
        "audit", help="how much the text of a dataset gives away", description=_DESCRIPTION, usage=usage
    )
    what = parser.add_argument_group("what")
    what.add_argument(
        "--dataset", action=options.Once, metavar="REF", help="NAME:DIR or jsonl:FILE; see vlsbench datasets"
    )
    options.add_dataset_options(what)
    what.add_argument(
        "--guard",
        action=options.Once,
        metavar="REF",
        help="guard:hf:REPO or guard:openai:NAME@URL (guard models), openai:NAME[@URL] or hf:REPO (any model, with a "
        "rubric), moderation:NAME[@URL], or guard:world (the truth of the miniature world)",
    )
    what.add_argument("--limit", type=options.positive, metavar="N", help="only the first N samples")
    asked = parser.add_argument_group("how the guard is asked")
    asked.add_argument("--guard-concurrency", type=options.concurrency, default="auto", metavar="N|auto")
    options.add_servers(asked, "--guard-servers", "a guard openai:NAME, guard:openai:NAME or moderation:NAME")
    asked.add_argument("--guard-key-env", metavar="VAR", help="environment variable that holds the guard's API key")
    options.add_local_options(parser)
    signals = parser.add_argument_group("signals that need no guard")
    signals.add_argument(
        "--reference",
        metavar="REF",
        help="another set with benign records: compare the harmful texts with its texts too (twins that share their "
        "text cannot show what it tells)",
    )
    signals.add_argument("--embedder", metavar="REF", help="hf:REPO_OR_FOLDER of a sentence encoder: one more signal")
    signals.add_argument(
        "--ocr",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="read the text in the images (default: where Tesseract is installed)",
    )
    where = parser.add_argument_group("where and how")
    where.add_argument("--out", metavar="DIR", help="the audit's folder (default: runs/audit-<slug>-<hash8>)")
    where.add_argument("--fresh", action="store_true", help="start over; the old folder is kept aside")
    pricing.add_guard_price_options(parser)
    options.add_output_options(parser)
    parser.set_defaults(run=run)
    if export is not None:
        more = parser.add_subparsers(
            title="after an audit", metavar="COMMAND", dest="audit_command", prog="vlsbench audit"
        )
        export.add(more.add_parser("export", help="write the part of an audited set that really tests vision"))


def run(args: argparse.Namespace) -> int:
    """Audit a dataset."""
    if args.dataset is None:
        raise UserError("--dataset must be named, for example --dataset mini:leaky --guard guard:world.")
    pricing.check_for(args, None, args.guard)
    worker_options.check(args.workers, (args.guard, args.embedder), "--guard or --embedder")
    from vlsbench.leakage.audit import audit

    said: list[str] = []
    with outcome.shown_progress(quiet=args.quiet or args.guard is None) as progress:
        found = audit(
            dataset=args.dataset,
            guard=args.guard,
            columns=args.columns,
            out=args.out,
            limit=args.limit,
            reference=args.reference,
            embedder=args.embedder,
            ocr=args.ocr,
            effort=_effort(args),
            fresh=args.fresh,
            progress=progress,
            say=functools.partial(_say, progress, said),
        )
    if args.json:
        sys.stdout.write(json.dumps(found.to_json(), indent=2) + "\n")
    else:
        from vlsbench.report.terminal.audit import print_audit

        console = terminal.console()
        unsaid = tuple(note for note in found.notes if note not in said)
        print_audit(replace(found, notes=unsaid), console, terminal.clean)
        console.print(f"\nAudit: {terminal.clean(str(found.path))}", soft_wrap=True)
    if found.unscored_share <= args.max_unscored:
        return 0
    sys.stderr.write(
        f"vlsbench: {words.percent(found.unscored_share)} of the pairs are unscored, more than --max-unscored "
        f"{args.max_unscored:g} allows. The same command tries again what failed.\n"
    )
    return 1


def _effort(args: argparse.Namespace) -> Effort:
    """The guard takes the judge's place: its slots and its key."""
    args.judge_concurrency, args.judge_key_env = args.guard_concurrency, args.guard_key_env
    args.judge_servers = args.guard_servers
    return options.effort(args)


def _say(progress: ProgressLine, said: list[str], line: str) -> None:
    said.append(line)
    progress.close()  # what is said stands on a line of its own
    terminal.say(line)


def _export() -> Any:
    """The module of ``vlsbench audit export``, where this version has it."""
    name = "vlsbench.cli.audit_export"
    return importlib.import_module(name) if importlib.util.find_spec(name) is not None else None
