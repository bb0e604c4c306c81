"""``vlsbench report``: one offline page about runs, audits, ablations, comparisons and datasets."""

from __future__ import annotations

import argparse

from vlsbench.cli import terminal

_DESCRIPTION = """Write one HTML file that holds everything: figures, samples with every answer and verdict, and how
it was made. It opens without a network, and asks nobody for anything."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``report``."""
    parser = subparsers.add_parser("report", help="one offline page worth sharing", description=_DESCRIPTION)
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a run, audit or ablation folder, a folder of those, a file of vlsbench compare --json, or a dataset REF",
    )
    parser.add_argument("--out", default="report.html", metavar="FILE.html", help="(default: report.html)")
    parser.add_argument(
        "--images",
        choices=("thumb", "link", "none"),
        default="thumb",
        help="small pictures inside the file, links to the image files, or none (default: thumb)",
    )
    parser.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="MODEL",
        help="a base model: the mean of these is drawn as a line (may be repeated)",
    )
    parser.add_argument("--title", metavar="TEXT", help="heading of the page")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the report."""
    from vlsbench.core.words import counted
    from vlsbench.report.page.page import write_report

    written = write_report(args.inputs, args.out, images=args.images, base=args.base, title=args.title)
    missing = f", {written.missing:,} of {counted(written.pictures, 'image')} missing" if written.missing else ""
    samples = counted(written.samples, "sample")
    terminal.console().print(
        terminal.clean(f"{written.path}: {samples}, {written.n_bytes / 1e6:.1f} MB{missing}"),
        soft_wrap=True,
    )
    if args.open:
        import webbrowser

        webbrowser.open(written.path.resolve().as_uri())
    return 0
