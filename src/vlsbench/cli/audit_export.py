"""``vlsbench audit export``: the records of an audited set that really test vision."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.cli import options, terminal
from vlsbench.core.words import counted, noun
from vlsbench.leakage.rules import MAX_OCR_OVERLAP, MAX_OVERLAP

if TYPE_CHECKING:
    from vlsbench.leakage.export import Exported

DESCRIPTION = """Write the records of an audit that really test vision: the guard holds the pair unsafe and its text
alone safe, and the query repeats little of the image's description and of the text in the image. Benign twins go with
their harmful half. The file is read as jsonl:FILE; FILE.rules.json beside it says which rules made it."""


def add(parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments of ``audit export``."""
    parser.description = DESCRIPTION
    parser.add_argument("audit", metavar="AUDIT", help="the folder that an audit wrote")
    parser.add_argument("--leakless", action="store_true", required=True, help="what to write: records that pass")
    parser.add_argument("--out", required=True, metavar="FILE.jsonl", help="the file to write; must not exist yet")
    parser.add_argument(
        "--max-overlap",
        type=options.share,
        default=MAX_OVERLAP,
        metavar="SHARE",
        help=f"of the query's content, the most that the description may repeat (default: {MAX_OVERLAP:g})",
    )
    parser.add_argument(
        "--max-ocr-overlap",
        type=options.share,
        default=MAX_OCR_OVERLAP,
        metavar="SHARE",
        help=f"the same for the text in the image (default: {MAX_OCR_OVERLAP:g})",
    )
    parser.add_argument("--ignore-guard", action="store_true", help="leave the guard's verdicts aside")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Export; what was kept and what each rule took out goes to stdout."""
    from vlsbench.leakage.export import export
    from vlsbench.leakage.rules import Rules

    rules = Rules(max_overlap=args.max_overlap, max_ocr_overlap=args.max_ocr_overlap, guard=not args.ignore_guard)
    found = export(Path(args.audit).expanduser(), Path(args.out).expanduser(), rules=rules)
    if args.json:
        sys.stdout.write(json.dumps(as_json(found), indent=2) + "\n")
        return 0
    _print(found)
    return 0


def as_json(found: Exported) -> dict[str, object]:
    """What an export did, as plain data."""
    return {
        "file": str(found.file),
        "sidecar": str(found.sidecar),
        "read": found.read,
        "kept": found.kept,
        "harmful": found.harmful,
        "benign": found.benign,
        "rules": [asdict(row) for row in found.removed],
    }


def _print(found: Exported) -> None:
    from vlsbench.report.terminal.tables import print_table

    console = terminal.console()
    rows = [(row.sentence, f"{row.first:,}", f"{row.failed:,}") for row in found.removed]
    print_table(console, ("Rule", "Taken out", "Break it"), rows)
    console.print(
        f"{found.kept:,} of {counted(found.read, 'record')} {noun(found.kept, 'passes')}: "
        f"{found.harmful:,} harmful, {found.benign:,} benign.",
        soft_wrap=True,
    )
    console.print(f"Use them with --dataset jsonl:{terminal.clean(str(found.file))}", soft_wrap=True)
