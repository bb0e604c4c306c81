import argparse
import json

import pytest

from vlsbench.cli import datasets
from vlsbench.core.errors import UnknownName
from vlsbench.datasets import CATALOG


def run(*words):
    parser = argparse.ArgumentParser()
    datasets.add(parser.add_subparsers())
    args = parser.parse_args(["datasets", *words])
    return args.run(args)


def test_the_catalogue_is_listed(capsys):
    assert run() == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in CATALOG)


@pytest.mark.parametrize("name", list(CATALOG))
def test_one_entry_is_shown_whole(name, capsys):
    assert run(name) == 0
    shown = " ".join(capsys.readouterr().out.split())
    entry = CATALOG[name]
    for part in (entry.title, entry.size, entry.licence, entry.source, entry.citation, entry.get):
        assert part in shown


def test_json_holds_the_same(capsys):
    assert run("--json") == 0
    assert [entry["name"] for entry in json.loads(capsys.readouterr().out)] == list(CATALOG)
    assert run("figstep", "--json") == 0
    entry = json.loads(capsys.readouterr().out)
    assert entry["subsets"] == ["full", "tiny"]
    assert "open" not in entry


def test_an_unknown_name_is_an_error():
    with pytest.raises(UnknownName, match="Did you mean 'vlsbench'"):
        run("vlsbnch")
