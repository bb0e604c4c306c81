"""The sets that the hub has are fetched with one command, and then open by their names."""

from __future__ import annotations

import io
import zipfile

import pytest

from builders import vlsbench
from hub_server import COMMIT, Hub
from published import MAKERS
from vlsbench.datasets import CATALOG, load

ON_HUB = [name for name, entry in CATALOG.items() if entry.hub is not None and name in MAKERS]


@pytest.fixture
def serve(hub: Hub, tmp_path):
    """Put a set on the hub as it is published there, its pictures packed where they are."""

    def put(name: str) -> None:
        root = tmp_path / "made"
        MAKERS[name](root)
        files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for archive in CATALOG[name].hub.archives:
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as packed:
                for member in [path for path in files if path.startswith(archive.removesuffix(".zip") + "/")]:
                    packed.writestr(member, files.pop(member))
            files[archive] = buffer.getvalue()
        hub.repos[f"datasets/{CATALOG[name].hub.repo}"] = files

    return put


@pytest.mark.parametrize("name", ON_HUB)
def test_a_set_is_fetched_and_opens_by_its_name(name, serve, hub, capsys):
    serve(name)
    assert vlsbench("data", "fetch", name) == 0
    folder = capsys.readouterr().out.strip()
    dataset = load(name)
    assert (dataset.revision, str(dataset.root)) == (COMMIT, folder)
    assert list(dataset)
    hub.requests.clear()
    assert vlsbench("data", "fetch", name) == 0
    assert hub.requests == []
    assert vlsbench("data", "check", name) == 0
    assert "image problem" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ON_HUB)
def test_a_gated_set_says_how_to_get_access(name, serve, hub, capsys):
    serve(name)
    hub.gated.add(f"datasets/{CATALOG[name].hub.repo}")
    assert vlsbench("data", "fetch", name) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"Accept its terms at https://huggingface.co/datasets/{CATALOG[name].hub.repo}" in said


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in ON_HUB])
def test_a_set_that_the_hub_does_not_have_says_where_it_is(name, capsys):
    assert vlsbench("data", "fetch", name) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"cannot be fetched from the hub. {CATALOG[name].get}" in said
