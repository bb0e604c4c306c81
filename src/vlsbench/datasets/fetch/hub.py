"""Fetch a dataset from the Hugging Face hub: resumable, checksummed, and whole or not at all.

Files arrive under a hidden folder, are checked against the hub's digests, and only then move to their
place; archives are unpacked beside it first. A record of what was fetched makes a second fetch do nothing,
and one that was interrupted bring only what is missing.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from vlsbench.core.errors import DatasetError, MissingExtra, Stopped, UserError
from vlsbench.core.hub import clear_errors
from vlsbench.datasets.fetch import names
from vlsbench.datasets.fetch.remote import Remote, look_up
from vlsbench.datasets.fetch.unpack import unpack

RECORD = ".vlsbench-fetch.json"
_PARTIAL = ".vlsbench-partial"
_LOCK = ".vlsbench-fetch.lock"
_SLACK_BYTES = 64 * 1024 * 1024
_CHUNK = 1 << 20


def default_folder(repo: str) -> Path:
    """Where a dataset goes if nobody says otherwise: beside the cache of Hugging Face, under ``HF_HOME``."""
    # As huggingface_hub finds it, without importing it: opening a fetched dataset needs no extra.
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
    home = os.environ.get("HF_HOME") or os.path.join(cache, "huggingface")
    return Path(os.path.expanduser(os.path.expandvars(home))) / "vlsbench" / repo.replace("/", "--")


def is_fetched(folder: Path, repo: str, revision: str, files: Sequence[str]) -> bool:
    """Whether a folder holds this dataset, whole; asks nobody."""
    record = _read_record(folder)
    if (record.get("repo"), record.get("files")) != (repo, sorted(files)):
        return False
    if revision not in (record.get("revision"), record.get("commit")):
        return False
    holds = record.get("holds")
    return isinstance(holds, list) and all(os.path.exists(folder / name) for name in holds)


def fetched_commit(folder: Path) -> str:
    """The commit of a fetched folder; empty where it was not fetched."""
    commit = _read_record(folder).get("commit")
    return commit if isinstance(commit, str) else ""


def fetch(
    repo: str,
    revision: str,
    files: Sequence[str],
    to: Path | None = None,
    *,
    archives: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Bring a dataset to a folder; does nothing where it is already there.

    Args:
        repo: Dataset repository, for example ``Foreshhh/vlsbench``.
        revision: Commit, tag or branch. The commit that it stood for is kept in the record.
        files: Paths in the repository, or patterns such as ``images/*``.
        to: The folder; `default_folder` where not given.
        archives: Those of `files` that are tar or zip archives, to be unpacked into the folder and then dropped.
        say: Receives a line of progress; bars of the downloads go to the terminal by themselves.

    Returns:
        The folder.

    Raises:
        MissingExtra: huggingface_hub is not installed.
        AccessDenied: The repository is gated, private or gone.
        DatasetError: The folder holds other files of these names, a name leads out of it, or an archive is not safe to
            unpack.
        UserError: The folder cannot be made or written in.
        Stopped: The network, the disk or a checksum failed; the same command continues.
    """
    _require()
    folder = (to or default_folder(repo)).expanduser().absolute()
    if is_fetched(folder, repo, revision, files):
        say(f"{repo} is already in {folder}.")
        return folder
    with clear_errors(repo, revision, kind="dataset"):
        _make_folder(folder)
        with _locked(folder):
            if not is_fetched(folder, repo, revision, files):
                _complete(folder, repo, revision, files, archives, say)
            # Whoever opened the lock before it went finds the record, and does nothing.
            (folder / _LOCK).unlink(missing_ok=True)
    return folder


def _complete(
    folder: Path, repo: str, revision: str, files: Sequence[str], archives: Sequence[str], say: Callable[[str], None]
) -> None:
    """Bring what is missing, and record it.

    The record notes the contents of each archive, under its digest, before they move to their place. Without
    that, a fetch killed after the move would take them for the user's own.
    """
    remotes, commit = look_up(repo, revision, files)
    for remote in remotes:
        names.check_place(remote.name, folder, f"The file of {repo}")
    unpacked = _unpacked(folder)
    missing = [remote for remote in remotes if not _is_there(folder, remote, remote.name in archives, unpacked)]
    _check_room(folder, missing, archives)
    for remote in missing:
        part = _arrive(folder, remote, say)
        if remote.name not in archives:
            (folder / remote.name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, folder / remote.name)
            continue

        def note(entries: list[str], remote: Remote = remote) -> None:
            unpacked[remote.name] = {"etag": remote.etag, "holds": entries}
            _write_record(folder, {"repo": repo, "unpacked": unpacked})

        say(f"Unpacking {remote.name} ...")
        ours = _contents(remote, unpacked)
        unpack(part, folder, workspace=folder / _PARTIAL, ours=ours, before_placing=note)
        part.unlink()
    holds = {remote.name for remote in remotes if remote.name not in archives}
    holds.update(name for remote in remotes if remote.name in archives for name in _contents(remote, unpacked))
    done = {"repo": repo, "revision": revision, "commit": commit, "files": sorted(files), "holds": sorted(holds)}
    _write_record(folder, {**done, "unpacked": unpacked})
    shutil.rmtree(folder / _PARTIAL, ignore_errors=True)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise UserError(f"Cannot make the folder {folder}: {error.strerror}. Choose another with --to.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"Cannot write in {folder}. Choose another folder with --to.")


def _require() -> None:
    try:
        import huggingface_hub  # noqa: F401
    except ImportError as error:
        raise MissingExtra("huggingface_hub", "hub") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise Stopped(f"Another process is fetching into {folder}. Wait for it, or choose another folder.") from error


def _check_room(folder: Path, remotes: Sequence[Remote], archives: Sequence[str]) -> None:
    """Refuse before the download what would fill the disk: an archive and its contents exist side by side."""
    need = _SLACK_BYTES
    for remote in remotes:
        part = _part(folder, remote)
        need += remote.size - (part.stat().st_size if part.exists() else 0)
        need += remote.size if remote.name in archives else 0
    free = shutil.disk_usage(folder).free
    if free < need:
        raise Stopped(
            f"{folder} has {free / 1e9:.2f} GB free, and {need / 1e9:.2f} GB are needed. "
            "Make room, or choose another folder with --to."
        )


def _part(folder: Path, remote: Remote) -> Path:
    # The digest in the name keeps a part of one revision from being continued with another.
    return folder / _PARTIAL / f"{remote.name.replace('/', '--')}.{remote.etag[:16]}"


def _is_there(folder: Path, remote: Remote, is_archive: bool, unpacked: Mapping[str, object]) -> bool:
    """Whether a file, or all that an archive holds, is in its place.

    Raises:
        DatasetError: Something else is in its place. This is found out before anything is downloaded.
    """
    target = folder / remote.name
    if not is_archive:
        if not os.path.lexists(target):
            return False
        if target.is_file() and _digest_is_right(target, remote):
            return True
        raise DatasetError(f"{target} exists and is another file. Move it away, or choose another folder with --to.")
    contents = _contents(remote, unpacked)
    if contents and all(os.path.lexists(folder / name) for name in contents):
        return True
    # Before it is here, an archive's contents are known only by custom: imgs.tar holds imgs.
    stem = target.with_suffix("").name
    if stem not in contents and os.path.lexists(folder / stem):
        raise DatasetError(
            f"{folder / stem} exists already, and was not unpacked from this {remote.name}. "
            "Move it away, or choose another folder with --to."
        )
    return False


def _contents(remote: Remote, unpacked: Mapping[str, object]) -> list[str]:
    """The top-level entries that this very archive put, or was about to put, into the folder."""
    entry = unpacked.get(remote.name)
    if not isinstance(entry, dict) or entry.get("etag") != remote.etag or not isinstance(entry.get("holds"), list):
        return []
    return [name for name in entry["holds"] if isinstance(name, str)]


def _arrive(folder: Path, remote: Remote, say: Callable[[str], None]) -> Path:
    """Download and check one file; returns where it waits to be placed."""
    part = _part(folder, remote)
    part.parent.mkdir(parents=True, exist_ok=True)
    if not part.exists() or part.stat().st_size < remote.size:
        say(f"Downloading {remote.name} ({remote.size / 1e6:,.1f} MB) ...")
        _download(part, remote)
    if not _digest_is_right(part, remote):
        part.unlink()
        raise Stopped(f"{remote.name} arrived damaged (its checksum is wrong) and was removed.")
    return part


def _download(part: Path, remote: Remote) -> None:
    """Continue a part where it ends. The hub's own function resumes within a process, this across processes."""
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    have = part.stat().st_size if part.exists() else 0
    with part.open("ab") as file:
        http_get(
            remote.url,
            file,
            resume_size=have,
            headers=build_hf_headers(),
            expected_size=remote.size,
            displayed_filename=remote.name,
        )
        file.flush()
        os.fsync(file.fileno())


def _digest_is_right(path: Path, remote: Remote) -> bool:
    """Large files carry a SHA-256, small ones git's SHA-1 of a blob."""
    if path.stat().st_size != remote.size:
        return False
    if len(remote.etag) == 64:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(f"blob {remote.size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest() == remote.etag


def _read_record(folder: Path) -> dict[str, object]:
    """The folder's record; empty where there is none that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _unpacked(folder: Path) -> dict[str, object]:
    unpacked = _read_record(folder).get("unpacked")
    return unpacked if isinstance(unpacked, dict) else {}


def _write_record(folder: Path, record: dict[str, object]) -> None:
    fresh = folder / f"{RECORD}.new"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, folder / RECORD)
