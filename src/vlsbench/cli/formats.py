"""The formats in which the commands that compare print what they found."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from vlsbench.cli import options, terminal
from vlsbench.core.words import percent

if TYPE_CHECKING:
    from vlsbench.report.documents.formats import Document


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which runs and judge, whether to insist, and in which format to print."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders")
    parser.add_argument("--judge", metavar="NAME", help="which judge, where the runs have several")
    parser.add_argument("--force", action="store_true", help="go on although the runs do not fit, with a warning")
    options.add_max_unscored(parser)
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print JSON, with everything")
    formats.add_argument("--markdown", action="store_true", help="print Markdown")
    formats.add_argument("--latex", action="store_true", help="print LaTeX tables (booktabs)")
    formats.add_argument("--csv", action="store_true", help="print CSV, with every figure")


def add_measure(parser: argparse.ArgumentParser) -> None:
    """Which rate to show."""
    parser.add_argument(
        "--measure",
        choices=("safety", "over-refusal", "paired", "accuracy"),
        help="which rate to show (default: safety, or what the set has: over-refusal, accuracy; a guard's: unsafe)",
    )


def measure(args: argparse.Namespace) -> str | None:
    """The measure asked for, by its name in JSON."""
    return None if args.measure is None else str(args.measure).replace("-", "_")


def emit_json(found: dict[str, object]) -> None:
    """Print an object as JSON."""
    _write(json.dumps(found, indent=2) + "\n")


def emit(document: Document, args: argparse.Namespace) -> None:
    """Print a document in the format asked for."""
    from vlsbench.report.documents import formats

    if args.markdown:
        _write(formats.markdown(document, terminal.clean))
    elif args.latex:
        _write(formats.latex(document, terminal.clean))
    elif args.csv:
        _write(formats.csv_text(document, terminal.clean))
    else:
        formats.print_document(document, terminal.console(), terminal.clean)


def code(unscored_share: float, max_unscored: float) -> int:
    """The exit code: 1 where a run has more unscored samples than are allowed, which is said on stderr."""
    if unscored_share <= max_unscored:
        return 0
    sys.stderr.write(
        f"vlsbench: {percent(unscored_share)} of the samples of a run are unscored, more than --max-unscored "
        f"{max_unscored:g} allows. The command that made the run tries again what failed.\n"
    )
    return 1


def _write(text: str) -> None:
    """To stdout as it is; a character that its encoding lacks becomes a question mark."""
    terminal.console().print(text, soft_wrap=True, end="")
