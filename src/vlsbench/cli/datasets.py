"""``vlsbench datasets [NAME]``: the catalogue, or all about one dataset."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from vlsbench.cli import terminal

if TYPE_CHECKING:
    from vlsbench.datasets import Entry


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "datasets",
        help="list the datasets, or show one",
        description="List the datasets (records, what they hold, pictures, licence, where from), or show one: "
        "size, subsets, source, citation, how to get it.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a dataset of the list")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the catalogue or one entry; raises `UnknownName` where there is no such dataset."""
    from vlsbench.datasets import CATALOG, find

    if args.json:
        found = as_json(find(args.name)) if args.name else [as_json(entry) for entry in CATALOG.values()]
        terminal.console().print(json.dumps(found, indent=2), soft_wrap=True)
    elif args.name:
        _show(find(args.name))
    else:
        _list()
    return 0


def as_json(entry: Entry) -> dict[str, object]:
    """An entry as plain data, without the function that opens it."""
    plain = {field.name: getattr(entry, field.name) for field in fields(entry) if field.name != "open"}
    return {**plain, "hub": asdict(entry.hub) if entry.hub else None}


def _list() -> None:
    from rich import box
    from rich.table import Table

    from vlsbench.datasets.overview import HEADS, lines

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for head in HEADS:
        table.add_column(head, no_wrap=head == HEADS[0], justify="right" if head == "Records" else "left")
    for line in lines():
        table.add_row(*line.cells)
    console = terminal.console()
    console.print(table)
    console.print("All about one, and how to get it: vlsbench datasets NAME")


def _show(entry: Entry) -> None:
    from rich.table import Table

    from vlsbench.datasets.overview import holds

    table = Table.grid("", "", padding=(0, 2))
    for label, value in (
        ("name", entry.name),
        ("title", entry.title),
        ("reference", entry.usage),
        ("subsets", ", ".join(f"{entry.name}/{subset}" for subset in entry.subsets)),
        ("size", entry.size),
        ("holds", ", ".join(holds(entry))),
        ("images", entry.images),
        ("licence", entry.licence),
        ("source", entry.source),
        ("revision", entry.revision),
        ("citation", entry.citation),
        ("how to get it", entry.get),
    ):
        if value:
            table.add_row(label, value)
    terminal.console().print(table)
