"""Fetching from the hub: whole or not at all, continued after every kind of break."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hub_server import COMMIT, Hub
from vlsbench.core.errors import AccessDenied, DatasetError, MissingExtra, Stopped, UserError
from vlsbench.datasets.fetch import hub as hub_module
from vlsbench.datasets.fetch.hub import default_folder, fetch
from vlsbench.datasets.fetch.unpack import unpack

REPO = "org/set"
FILES = ("data.json", "imgs.tar")


def tar(*members: tuple[str, bytes], **changes: Any) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in changes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def served(hub: Hub) -> Hub:
    pictures = tar(*((f"imgs/{i}.png", bytes([i]) * 3000) for i in range(20)))
    hub.repos[f"datasets/{REPO}"] = {"data.json": b'[{"instruction": "x"}]', "imgs.tar": pictures}
    return hub


def get(to: Path, revision: str = "main") -> Path:
    return fetch(REPO, revision, FILES, to, archives=("imgs.tar",))


def listing(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_a_set_arrives_whole_and_its_archive_unpacked(served: Hub, tmp_path: Path) -> None:
    folder = get(tmp_path / "set")
    assert listing(folder) == {"data.json", ".vlsbench-fetch.json"} | {f"imgs/{i}.png" for i in range(20)}
    assert (folder / "imgs/7.png").read_bytes() == bytes([7]) * 3000
    record = json.loads((folder / ".vlsbench-fetch.json").read_text())
    assert (record["revision"], record["commit"]) == ("main", COMMIT)


def test_a_second_fetch_asks_nobody(served: Hub, tmp_path: Path) -> None:
    get(tmp_path / "set")
    served.requests.clear()
    assert get(tmp_path / "set") == tmp_path / "set"
    assert get(tmp_path / "set", revision=COMMIT) == tmp_path / "set"
    assert served.requests == []


def test_a_file_that_was_removed_is_fetched_again(served: Hub, tmp_path: Path) -> None:
    folder = get(tmp_path / "set")
    (folder / "data.json").unlink()
    shutil.rmtree(folder / "imgs")
    assert "data.json" in listing(get(folder))


def test_only_what_is_missing_is_fetched_again(served: Hub, tmp_path: Path) -> None:
    folder = get(tmp_path / "set")
    (folder / "data.json").unlink()
    served.requests.clear()
    assert "data.json" in listing(get(folder))
    assert [path.rpartition("/")[2] for path, _ in served.asked_for("GET")] == ["data.json"]


def test_a_fetch_killed_before_its_record_was_complete_is_completed_without_a_download(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = hub_module.unpack

    def unpack_and_die(*args: Any, **settings: Any) -> list[str]:
        real(*args, **settings)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hub_module, "unpack", unpack_and_die)
        with pytest.raises(KeyboardInterrupt):
            get(tmp_path / "set")
    assert (tmp_path / "set" / "imgs").is_dir()
    assert not hub_module.is_fetched(tmp_path / "set", REPO, "main", FILES)
    served.requests.clear()
    assert len(listing(get(tmp_path / "set"))) == 22
    assert served.asked_for("GET") == []


def test_an_archive_of_several_folders_killed_between_them_is_completed(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlsbench.datasets.fetch import unpack as unpack_module

    served.repos[f"datasets/{REPO}"]["imgs.tar"] = tar(("imgs/1.png", b"x"), ("more/2.png", b"y"))
    real = os.rename

    def killed(source: Path, target: Path) -> None:
        if target.name == "more":
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(unpack_module.os, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            get(tmp_path / "set")
    served.requests.clear()
    assert {"imgs/1.png", "more/2.png"} < listing(get(tmp_path / "set"))
    assert served.asked_for("GET") == []


def test_pictures_without_a_record_are_refused_before_the_download(served: Hub, tmp_path: Path) -> None:
    folder = get(tmp_path / "set")
    (folder / ".vlsbench-fetch.json").unlink()
    served.requests.clear()
    with pytest.raises(DatasetError, match="imgs exists already, and was not unpacked"):
        get(folder)
    assert served.asked_for("GET") == []


def test_pictures_of_another_revision_are_not_mixed_with_new_ones(served: Hub, tmp_path: Path) -> None:
    folder = get(tmp_path / "set")
    (folder / ".vlsbench-fetch.json").write_text(
        (folder / ".vlsbench-fetch.json").read_text().replace('"etag": "', '"etag": "0')
    )
    (folder / "data.json").unlink()
    with pytest.raises(DatasetError, match="imgs exists already"):
        get(folder)


def test_every_file_is_of_the_commit_that_the_first_one_was(served: Hub, tmp_path: Path) -> None:
    get(tmp_path / "set")
    assert all(f"/resolve/{COMMIT}/" in path for path, _ in served.asked_for("GET"))


def test_without_a_folder_it_goes_under_hf_home(served: Hub, tmp_path: Path) -> None:
    folder = fetch(REPO, "main", ["data.json"])
    assert folder == default_folder(REPO) == tmp_path / "home" / "vlsbench" / "org--set"


def test_a_connection_that_breaks_is_resumed_at_once(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)  # it resumes in steps of this
    served.break_after["imgs.tar"] = [20_000]
    get(tmp_path / "set")
    ranges = [span for path, span in served.asked_for("GET") if path.endswith("imgs.tar")]
    assert ranges == [None, "bytes=20000-"]


def test_a_fetch_that_was_killed_is_continued_where_it_ended(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import file_download

    real = file_download.http_get

    def killed(url: str, file: Any, **settings: Any) -> None:
        if not url.endswith("imgs.tar"):
            return real(url, file, **settings)
        file.write(served.repos[f"datasets/{REPO}"]["imgs.tar"][:30_000])
        file.flush()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(file_download, "http_get", killed)
        with pytest.raises(KeyboardInterrupt):
            get(tmp_path / "set")
    assert not (tmp_path / "set" / "imgs").exists()
    served.requests.clear()
    assert len(listing(get(tmp_path / "set"))) == 22
    assert ("GET", f"datasets/{REPO}/resolve/{COMMIT}/imgs.tar", "bytes=30000-") in served.requests
    assert not [path for path, _ in served.asked_for("GET") if path.endswith("data.json")]


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_checksum_leaves_nothing_and_the_next_fetch_succeeds(served: Hub, tmp_path: Path, name: str) -> None:
    served.corrupt.add(name)
    with pytest.raises(Stopped, match="checksum"):
        get(tmp_path / "set")
    assert name not in listing(tmp_path / "set")
    served.corrupt.clear()
    assert "imgs/0.png" in listing(get(tmp_path / "set"))


def test_a_disk_without_room_is_told_before_the_download(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        total: int = 0
        used: int = 0
        free: int = 1_000_000

    monkeypatch.setattr(hub_module.shutil, "disk_usage", lambda _: Usage())
    with pytest.raises(Stopped, match="--to"):
        get(tmp_path / "set")
    assert served.asked_for("GET") == []


def test_a_disk_that_fills_up_on_the_way_keeps_what_arrived(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import file_download

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(file_download, "http_get", full)
        with pytest.raises(Stopped, match="disk is full"):
            get(tmp_path / "set")
    assert "imgs/0.png" in listing(get(tmp_path / "set"))


def test_a_full_disk_while_unpacking_leaves_no_half_folder(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlsbench.datasets.fetch import unpack as unpack_module

    copies = 0

    def full(source: Any, target: Any, size: int) -> None:
        nonlocal copies
        copies += 1
        if copies > 5:
            raise OSError(28, "No space left on device")
        target.write(source.read())

    with monkeypatch.context() as patch:
        patch.setattr(unpack_module.shutil, "copyfileobj", full)
        with pytest.raises(Stopped, match="disk is full"):
            get(tmp_path / "set")
    assert not (tmp_path / "set" / "imgs").exists()
    served.requests.clear()
    assert "imgs/19.png" in listing(get(tmp_path / "set"))
    assert served.asked_for("GET") == []  # the archive had arrived; only the unpacking was repeated


@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (tar(("../evil.png", b"x")), "outside"),
        (tar(("imgs/../../evil.png", b"x")), "outside"),
        (tar(("/tmp/evil.png", b"x")), "outside"),
        (tar(("imgs\\..\\evil.png", b"x")), "outside"),
        (tar(("C:/evil.png", b"x")), "outside"),
        (tar((".vlsbench-fetch.json", b"{}")), "outside"),
        (tar(("imgs/link", b""), type=tarfile.SYMTYPE, linkname="/etc/passwd"), "link"),
        (tar(("imgs/link", b""), type=tarfile.LNKTYPE, linkname="../../data.json"), "link"),
        (tar(("imgs/device", b""), type=tarfile.CHRTYPE), "device"),
        (tar(("imgs/pipe", b""), type=tarfile.FIFOTYPE), "device"),
        (tar(("imgs/1.png", b"x"), ("imgs/1.png", b"y")), "twice"),
        (tar(("imgs", b"x"), ("imgs/1.png", b"y")), "twice"),
        (tar(("d/" * 1500 + "1.png", b"x")), "folders deep"),
        (tar(("imgs/" + "n" * 300 + ".png", b"x")), "cannot have this name"),
        (tar(("imgs/\x1b[2J1.png", b"x")), "unreadable"),
        (tar(("imgs/1\n.png", b"x")), "unreadable"),
        (tar(("imgs/1\udcff.png", b"x")), "unreadable"),
        (tar(("imgs/1\u202egnp.exe", b"x")), "unreadable"),
        (b"not a tar archive at all" * 100, "damaged"),
        (tar(("imgs/1.png", b"x" * 5000))[:2000], "cut off"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hostile_archive_is_refused_and_nothing_of_it_is_placed(
    hub: Hub, tmp_path: Path, archive: bytes, why: str
) -> None:
    hub.repos[f"datasets/{REPO}"] = {"data.json": b"[]", "imgs.tar": archive}
    with pytest.raises(DatasetError, match=why):
        get(tmp_path / "inner" / "set")
    placed = {p.name for p in tmp_path.rglob("*") if p.is_file()}
    assert not placed & {"evil.png", "link", "device", "pipe", "1.png"}
    assert not (tmp_path / "inner" / "set" / "imgs").exists()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("images/../../evil.png", "outside"),
        ("images/../../../home/evil.png", "outside"),
        ("images//evil.png/../../../evil.png", "outside"),
        ("images/\\..\\evil.png", "outside"),
        ("images/\0evil.png", "unreadable"),
        ("images/\x1b[2Jevil.png", "unreadable"),
        ("images/\u202egnp.evil", "unreadable"),
        ("images/" + "d/" * 40 + "evil.png", "folders deep"),
    ],
    ids=repr,
)
def test_a_hostile_name_on_the_hub_is_refused_and_nothing_is_downloaded(
    served: Hub, tmp_path: Path, name: str, why: str
) -> None:
    served.repos[f"datasets/{REPO}"] |= {name: b"x", "images/1.png": b"y"}
    with pytest.raises(DatasetError, match=why):
        fetch(REPO, "main", ("data.json", "images/*"), tmp_path / "inner" / "set")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "vlsbench-fetch" not in path.name]
    assert not [path for path, _ in served.asked_for("GET") if "/resolve/" in path]


@pytest.mark.parametrize("name", ["/tmp/evil.json", "../evil.json", ".vlsbench-fetch.json", "a:b.json", "."])
def test_a_hostile_name_is_refused_however_it_is_asked_for(served: Hub, tmp_path: Path, name: str) -> None:
    served.repos[f"datasets/{REPO}"][name] = b"x"
    with pytest.raises(DatasetError, match="outside"):
        fetch(REPO, "main", (name,), tmp_path / "set")


def test_a_link_in_the_folder_leads_nothing_out_of_it(served: Hub, tmp_path: Path) -> None:
    served.repos[f"datasets/{REPO}"]["images/1.png"] = b"x"
    (tmp_path / "set").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "set" / "images").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match="images is a link that leads out"):
        fetch(REPO, "main", ("images/*",), tmp_path / "set")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("files", [("data.json",), ("images/*",)], ids=["by name", "by pattern"])
def test_a_commit_or_digest_that_is_none_is_no_part_of_a_path(served: Hub, tmp_path: Path, files: tuple[str]) -> None:
    served.repos[f"datasets/{REPO}"]["images/1.png"] = b"x"
    for name in ("data.json", "images/1.png"):
        served.etags[name] = "a/../../../evil"
    with pytest.raises(Stopped, match="does not answer as the hub does"):
        fetch(REPO, "main", files, tmp_path / "inner" / "set")
    served.etags.clear()
    served.commit = "../../../evil"
    with pytest.raises(Stopped, match="does not answer as the hub does"):
        fetch(REPO, "main", files, tmp_path / "inner" / "set")
    assert not [path for path in tmp_path.rglob("*") if "evil" in path.name]


@pytest.mark.parametrize("page", [b"<html>Please log in to the network</html>", b"{}", b"[1]", b'"ok"', b"null"])
@pytest.mark.parametrize("revision", ["main", COMMIT[:7]])
@pytest.mark.parametrize("files", [("data.json", "imgs.tar"), ("images/*",)], ids=["by name", "by pattern"])
def test_an_interface_that_answers_something_else_is_one_line(
    served: Hub, tmp_path: Path, page: bytes, revision: str, files: tuple[str, ...]
) -> None:
    served.portal = page
    if files[0] == "data.json" and revision == "main":
        assert "data.json" in listing(fetch(REPO, revision, files, tmp_path / "set"))  # it asks no interface
        return
    with pytest.raises((Stopped, UserError)) as stopped:
        fetch(REPO, revision, files, tmp_path / "set")
    assert "\n" not in str(stopped.value)
    assert page in (b"{}", b"[1]") or "does not answer as the hub does" in str(stopped.value)


def test_without_a_network_it_is_one_line_at_once(
    served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import time

    from huggingface_hub import constants

    from vlsbench.cli.main import main

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits to try again"))
    for name in ("vlsbench", "siuo", "spa_vl"):
        assert main(["data", "fetch", name, "--to", str(tmp_path / name)]) == 3
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("vlsbench: http://127.0.0.1:9 cannot be reached")


def test_a_sparse_member_that_claims_a_terabyte_is_refused(tmp_path: Path) -> None:
    header = bytearray(tar(("imgs/1.png", b""))[:512])
    header[156:157] = b"S"
    header[483:495] = b"%011o\0" % (1 << 32)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "a.tar").write_bytes(bytes(header) + b"\0" * 10240)
    with pytest.raises(DatasetError):
        unpack(tmp_path / "a.tar", tmp_path / "out", workspace=tmp_path / "work")


def test_a_member_of_negative_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar(("imgs/1.png", b"x"), pax_headers={"size": "-5"}))
    with pytest.raises(DatasetError):
        unpack(tmp_path / "a.tar", tmp_path / "out", workspace=tmp_path / "work")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_the_users_to_change(served: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"Cannot make the folder .*--to"):
        get(tmp_path / "file" / "set")


def test_a_break_is_told_to_continue_once(released: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from vlsbench.cli.main import main

    released.corrupt.add("data.json")
    assert main(["data", "fetch", "vlsbench", "--to", str(tmp_path / "set")]) == 3
    assert capsys.readouterr().err.lower().count("same command") == 1


def test_what_the_user_has_there_is_never_overwritten(served: Hub, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("mine")
    with pytest.raises(DatasetError, match="--to"):
        get(tmp_path)
    assert (tmp_path / "data.json").read_text() == "mine"
    (tmp_path / "data.json").write_bytes(served.repos[f"datasets/{REPO}"]["data.json"])
    (tmp_path / "imgs").mkdir()
    with pytest.raises(DatasetError, match="imgs exists already"):
        get(tmp_path)


def test_a_gated_set_says_where_to_accept_its_terms(served: Hub, tmp_path: Path, monkeypatch: Any) -> None:
    served.gated.add(f"datasets/{REPO}")
    with pytest.raises(AccessDenied, match=r"https://huggingface.co/datasets/org/set.*HF_TOKEN"):
        get(tmp_path / "set")
    monkeypatch.setenv("HF_TOKEN", served.token)
    assert "data.json" in listing(get(tmp_path / "set"))


def test_a_set_or_revision_that_does_not_exist(served: Hub, tmp_path: Path) -> None:
    with pytest.raises(AccessDenied, match="no dataset 'org/other'"):
        fetch("org/other", "main", ["data.json"], tmp_path)
    with pytest.raises(UserError, match="no revision 'v9'"):
        get(tmp_path, revision="v9")
    with pytest.raises(UserError, match="lacks a file"):
        fetch(REPO, "main", ["nothing.json"], tmp_path)


def test_offline_it_says_so(served: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(Stopped, match="HF_HUB_OFFLINE"):
        get(tmp_path / "set")


def test_two_fetches_into_one_folder_do_not_mix(served: Hub, tmp_path: Path) -> None:
    from filelock import FileLock

    with FileLock(tmp_path / ".vlsbench-fetch.lock"), pytest.raises(Stopped, match="Another process"):
        get(tmp_path)


def test_without_huggingface_hub_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match=r"pip install '\S*\[hub\]'"):
        get(tmp_path)


def test_hf_endpoint_and_hf_home_of_the_environment_are_respected(served: Hub, tmp_path: Path) -> None:
    code = "from vlsbench.datasets.fetch.hub import fetch\nprint(fetch('org/set', 'main', ['data.json']))"
    places = {"HF_ENDPOINT": served.url, "HF_HOME": str(tmp_path / "elsewhere"), "NO_PROXY": "127.0.0.1"}
    env = {key: value for key, value in os.environ.items() if not key.startswith("HF_")} | places
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path / "elsewhere" / "vlsbench" / "org--set")


@pytest.fixture
def released(hub: Hub, make_row: Callable[..., dict[str, Any]]) -> Hub:
    """The hub with a small stand-in for the released dataset."""
    rows = json.dumps([make_row(i) for i in range(3)]).encode()
    images = tar(*((f"imgs/{i}.png", b"x") for i in range(3)))
    hub.repos["datasets/Foreshhh/vlsbench"] = {"data.json": rows, "imgs.tar": images}
    return hub


def test_the_command_fetches_and_the_name_alone_then_opens_it(
    released: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from vlsbench import datasets
    from vlsbench.cli.main import main

    with pytest.raises(DatasetError, match="vlsbench data fetch vlsbench"):
        datasets.load("vlsbench")
    assert main(["data", "fetch", "vlsbench"]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == str(default_folder("Foreshhh/vlsbench"))
    assert "Downloading imgs.tar" in printed.err
    assert [sample.id for sample in datasets.load("vlsbench")] == ["0", "1", "2"]
    assert main(["data", "fetch", "vlsbench", "--to", str(tmp_path / "mine")]) == 0
    assert len(list(datasets.load(f"vlsbench:{tmp_path / 'mine'}"))) == 3


def test_what_the_hub_does_not_have_says_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    from vlsbench.cli.main import main

    assert main(["data", "fetch", "figstep"]) == 2
    assert "cannot be fetched" in capsys.readouterr().err
    assert main(["data", "fetch", "vlsbnch"]) == 2
    assert "Did you mean 'vlsbench'?" in capsys.readouterr().err


def test_the_beginning_of_a_commit_stands_for_it(served: Hub, tmp_path: Path) -> None:
    folder = fetch(REPO, COMMIT[:7], ["data.json"], tmp_path / "set")
    assert json.loads((folder / ".vlsbench-fetch.json").read_text())["commit"] == COMMIT


def test_a_pinned_commit_that_is_gone_is_named(served: Hub, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no commit abcdef1 any more"):
        fetch(REPO, "abcdef1", ["data.json"], tmp_path / "set")


def test_patterns_bring_what_fits_them_with_one_listing(served: Hub, tmp_path: Path) -> None:
    served.repos[f"datasets/{REPO}"] |= {f"images/a/{i}.png": bytes([i]) * 20 for i in range(3)}
    folder = fetch(REPO, "main", ("data.json", "images/*"), tmp_path / "set")
    assert listing(folder) == {"data.json", ".vlsbench-fetch.json"} | {f"images/a/{i}.png" for i in range(3)}
    assert not [path for path, _ in served.asked_for("HEAD") if "/resolve/" in path]
    served.requests.clear()
    fetch(REPO, "main", ("data.json", "images/*"), folder)
    assert served.requests == []
    (folder / "images/a/1.png").unlink()
    fetch(REPO, "main", ("data.json", "images/*"), folder)
    assert [path.rpartition("/")[2] for path, _ in served.asked_for("GET") if "/resolve/" in path] == ["1.png"]


def test_a_pattern_that_nothing_fits_says_what_there_is(served: Hub, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no images/\*, which was expected there\. It has: data\.json, imgs\.tar"):
        fetch(REPO, "main", ("images/*",), tmp_path / "set")


def test_a_branch_is_resolved_and_its_commit_recorded(served: Hub, tmp_path: Path) -> None:
    assert hub_module.fetched_commit(get(tmp_path / "set")) == COMMIT
    assert hub_module.fetched_commit(tmp_path) == ""


def zipped(*members: tuple[str, bytes], mode: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def test_a_zip_archive_is_unpacked_as_a_tar_archive_is(served: Hub, tmp_path: Path) -> None:
    pictures = zipped(("test/a/1.png", b"x" * 2000), ("test/b/", b""), ("__MACOSX/test/._1.png", b"y"))
    served.repos[f"datasets/{REPO}"]["test.zip"] = pictures
    folder = fetch(REPO, "main", ("test.zip",), tmp_path / "set", archives=("test.zip",))
    assert listing(folder) == {"test/a/1.png", ".vlsbench-fetch.json"}
    assert (folder / "test/b").is_dir()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (zipped(("../1.png", b"x")), "points outside"),
        (zipped(("/etc/1.png", b"x")), "points outside"),
        (zipped(("a/1.png", b"/etc/passwd"), mode=0o120777), "is a link"),
        (zipped(("a", b"x"), ("a/b", b"x")), "twice"),
        (zipped(("a/1.png", b"x" * 500))[:-100], "damaged"),
        (zipped(("a/1.png", b"x" * 500)).replace(b"xxx", b"xyx"), "damaged"),
    ],
    ids=["parent", "absolute", "link", "twice", "cut", "checksum"],
)
def test_an_unsafe_or_damaged_zip_archive_places_nothing(tmp_path: Path, data: bytes, problem: str) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    (tmp_path / "set").mkdir()
    with pytest.raises(DatasetError, match=problem):
        unpack(tmp_path / "x.zip", tmp_path / "set", workspace=tmp_path / "work")
    assert listing(tmp_path / "set") == set()


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/1.png", bytes(5_000_000))
    with pytest.raises(DatasetError, match="far more than pictures"):
        unpack(tmp_path / "x.zip", tmp_path, workspace=tmp_path / "work")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_archive_packed_in_another_way_is_refused(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", method) as archive:
        archive.writestr("a/1.png", b"x" * 100)
    with pytest.raises(DatasetError, match="packed in a way that is not supported"):
        unpack(tmp_path / "x.zip", tmp_path, workspace=tmp_path / "work")


def test_no_damage_to_the_directory_of_a_zip_archive_is_a_crash(tmp_path: Path) -> None:
    whole = zipped(("a/1.png", b"x" * 50), ("a/\u00e9.png", b"y" * 50))
    for place in range(whole.index(b"PK\1\2"), len(whole)):  # its directory
        data = bytearray(whole)
        data[place] ^= 0xFF
        (tmp_path / "x.zip").write_bytes(data)
        folder = tmp_path / f"set-{place}"
        folder.mkdir()
        try:  # a date, a right of access or a name may be damaged and do no harm
            unpack(tmp_path / "x.zip", folder, workspace=tmp_path / "work")
        except DatasetError:
            assert listing(folder) == set()
        pictures = {path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert pictures <= {b"x" * 50, b"y" * 50}
