"""Models from the hub: found, pinned, refused, and read from the cache when nobody can be asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub_server import COMMIT, Hub
from vlsbench.core.errors import AccessDenied, Stopped, UserError
from vlsbench.models.local.model import load_hf
from vlsbench.models.local.origin import Place, fetch


@pytest.fixture
def served(hub: Hub, checkpoint: Callable[[str], Path]) -> Hub:
    hub.repos["org/llava"] = {path.name: path.read_bytes() for path in checkpoint("llava").iterdir()}
    hub.repos["org/llava"] |= {"original/consolidated.00.pth": b"pickle", "modeling.py": b"raise SystemExit"}
    hub.repos["org/adapter"] = {path.name: path.read_bytes() for path in checkpoint("adapter").iterdir()}
    return hub


def test_a_model_is_fetched_and_loaded_and_code_stays_where_it_is(served: Hub) -> None:
    model = load_hf("org/llava@main", device="cpu")
    assert model.name == "hf:org/llava@main"
    assert model.details["commit"] == COMMIT
    assert "digest" not in model.details
    fetched = {path.rpartition("/")[2] for path, _ in served.asked_for("GET") if "/resolve/" in path}
    assert "model.safetensors" in fetched
    assert not fetched & {"modeling.py", "consolidated.00.pth"}


def test_bin_files_are_fetched_only_where_there_are_no_safetensors(served: Hub) -> None:
    served.repos["org/llava"]["pytorch_model.bin"] = b"x" * 2000
    assert not (fetch(Place(name="org/llava")) / "pytorch_model.bin").exists()
    served.repos["org/old"] = {"config.json": b"{}", "pytorch_model.bin": b"x" * 2000, "training_args.bin": b"y"}
    folder = fetch(Place(name="org/old"))
    assert (folder / "pytorch_model.bin").exists()
    assert not (folder / "training_args.bin").exists()
    assert folder.name == COMMIT


def test_what_is_in_the_cache_is_used_offline(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    folder = fetch(Place(name="org/llava"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    served.requests.clear()
    assert fetch(Place(name="org/llava")) == folder
    assert served.requests == []
    with pytest.raises(Stopped, match="HF_HUB_OFFLINE"):
        fetch(Place(name="org/other"))


def test_an_unknown_revision(served: Hub) -> None:
    with pytest.raises(UserError, match="no revision 'v9'"):
        load_hf("org/llava@v9", device="cpu")


def test_a_gated_repository_without_a_token(served: Hub, monkeypatch: Any) -> None:
    served.gated.add("org/llava")
    with pytest.raises(AccessDenied, match=r"gated.*https://huggingface.co/org/llava.*HF_TOKEN"):
        load_hf("org/llava", device="cpu")
    monkeypatch.setenv("HF_TOKEN", served.token)
    load_hf("org/llava", device="cpu")


def test_a_repository_that_does_not_exist(served: Hub) -> None:
    with pytest.raises(AccessDenied, match="no model 'org/nothing'"):
        load_hf("org/nothing", device="cpu")


def test_a_hub_that_cannot_be_reached(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Stopped, match=r"again once it is reachable.*there is none at 'org/llava'"):
        fetch(Place(name="org/llava"))
    with pytest.raises(UserError, match="neither a folder nor a repository"):
        fetch(Place(name="my models/llava"))


def test_an_adapter_from_the_hub_for_another_base(served: Hub, checkpoint: Callable[[str], Path]) -> None:
    settings = served.repos["org/adapter"]["adapter_config.json"].decode().replace(str(checkpoint("llava")), "org/base")
    served.repos["org/adapter"]["adapter_config.json"] = settings.encode()
    with pytest.raises(UserError, match=r"Use hf:org/base\+org/adapter"):
        load_hf("org/llava+org/adapter", device="cpu")
    served.repos["org/base"] = served.repos["org/llava"]
    assert load_hf("org/base+org/adapter", device="cpu").name == "hf:org/base+org/adapter"


def test_an_adapter_has_details_of_its_own(served: Hub, checkpoint: Callable[[str], Path]) -> None:
    details = load_hf(f"{checkpoint('llava')}+{checkpoint('adapter')}", device="cpu").details
    assert {"digest", "adapter_digest"} < details.keys()
    assert details["digest"] != details["adapter_digest"]
