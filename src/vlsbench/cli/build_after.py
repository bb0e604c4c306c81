"""``vlsbench build show|review|accept|export``: what comes after a build."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from vlsbench.cli import options, terminal
from vlsbench.core.errors import UserError
from vlsbench.core.words import percent


def add(parser: argparse.ArgumentParser) -> None:
    """Register what comes after a build, under its parser."""
    commands = parser.add_subparsers(
        title="after a build", metavar="COMMAND", dest="build_command", prog="vlsbench build"
    )
    show = commands.add_parser("show", help="the funnel, the leakage before and after, what is pending")
    show.add_argument("path", metavar="DIR", help="the build's folder")
    show.add_argument("--json", action="store_true", help="print JSON")
    show.set_defaults(run=run_show)
    review = commands.add_parser("review", help="draw kept pairs for people to look at")
    review.add_argument("path", metavar="DIR", help="the build's folder")
    review.add_argument("--n", type=_number, required=True, metavar="N|all", help="how many pairs")
    review.add_argument("--seed", type=int, default=0, metavar="S", help="the same seed draws the same (default: 0)")
    review.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder for page, sheet and tasks")
    review.set_defaults(run=run_review)
    accept = commands.add_parser("accept", help="take people's labels in")
    accept.add_argument("path", metavar="DIR", help="the build's folder")
    accept.add_argument(
        "--labels",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="one per rater: CSV, or JSON of Label Studio",
    )
    accept.add_argument("--json", action="store_true", help="print JSON")
    accept.set_defaults(run=run_accept)
    _add_export(commands.add_parser("export", help="write what was kept as a set for others"))


def _add_export(export: argparse.ArgumentParser) -> None:
    export.add_argument("path", metavar="DIR", help="the build's folder")
    export.add_argument(
        "--licence", default="", metavar="SPDX", help="needed: of what was made here, e.g. CC-BY-NC-4.0"
    )
    export.add_argument(
        "--source-licence",
        action="append",
        default=[],
        metavar="SOURCE=LICENCE",
        help="of pictures whose licence is not known; may be repeated",
    )
    export.add_argument("--format", choices=("jsonl", "parquet", "hub"), default="jsonl", help="(default: jsonl)")
    export.add_argument(
        "--with-lineage", action="store_true", help="also the harmful query that each record was rewritten from"
    )
    export.add_argument("--ungated", action="store_true", help="the card asks nobody to ask for access; it is recorded")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new folder")
    export.set_defaults(run=run_export)


def _number(text: str) -> int | None:
    return None if text == "all" else options.positive(text)


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


def run_review(args: argparse.Namespace) -> int:
    """Draw pairs for reviewers."""
    from vlsbench.construct.review.drawing import draw

    drawn = draw(Path(args.path).expanduser(), args.out.expanduser(), n=args.n, seed=args.seed)
    if drawn.missing_images:
        sys.stderr.write(f"vlsbench: images that are missing or damaged: {drawn.missing_images:,}; the page says so.\n")
    console = terminal.console()
    console.print(
        f"Drawn: {len(drawn.design.items):,} of {drawn.design.population:,} pairs. The page is "
        f"{terminal.clean(str(drawn.page))}; pictures are blurred until somebody wants to see them.\n"
        "Each reviewer saves a file of labels. Then: "
        f"vlsbench build accept {terminal.clean(args.path)} --labels FILE ...",
        soft_wrap=True,
    )
    return 0


def run_accept(args: argparse.Namespace) -> int:
    """Take labels in."""
    from vlsbench.construct.review.accepting import accept

    found = accept(Path(args.path).expanduser(), [file.expanduser() for file in args.labels])
    if args.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return 0
    out = ", ".join(f"{name} {count:,}" for name, count in found["taken_out"].items()) or "nothing"
    alpha = (found["agreement"] or {}).get("value")
    agreed = "one rater only: nothing says how far people agree" if found["agreement"] is None else f"alpha {alpha}"
    terminal.console().print(
        f"Reviewed: {found['reviewed']:,} of {found['population']:,} pairs; kept {found['kept']:,}. Taken out: {out}.\n"
        f"Agreement: {agreed}.\n"
        f"Of the pairs that nobody looked at, at most {percent(found['at_most'])} would be taken out (95 %).",
        soft_wrap=True,
    )
    return 0


def run_export(args: argparse.Namespace) -> int:
    """Export."""
    from vlsbench.construct.export.export import export

    named = dict(_source_licence(text) for text in args.source_licence)
    found = export(
        Path(args.path).expanduser(),
        args.out.expanduser(),
        licence=args.licence,
        form=args.format,
        lineage=args.with_lineage,
        gated=not args.ungated,
        source_licences=named,
    )
    if not found.reviewed:
        sys.stderr.write("vlsbench: Nobody has reviewed this set; the card says so. See `vlsbench build review`.\n")
    where = terminal.clean(str(found.data))
    use = f"jsonl:{where}" if args.format == "jsonl" else f"parquet:{where}"
    lines = [f"{found.pairs:,} pairs and {found.twins:,} twins. Evaluate on them with --dataset {use}"]
    if found.by_reference:
        lines.append(f"{found.by_reference:,} records are in references.jsonl, without their pictures.")
    if args.format == "hub":
        lines.append(
            f"Nothing is uploaded. To do so: hf upload ORG/NAME {terminal.clean(str(found.path))} --repo-type dataset"
        )
    terminal.console().print("\n".join(lines), soft_wrap=True)
    return 0


def _source_licence(text: str) -> tuple[str, str]:
    source, equals, licence = text.rpartition("=")
    if not equals or not source or not licence:
        raise UserError(f"--source-licence should be SOURCE=LICENCE, not {text!r}.")
    return source, licence
