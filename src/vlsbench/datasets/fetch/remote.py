"""What a dataset repository of the hub holds: addresses, sizes and digests of its files, all of one commit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase

from vlsbench.core.errors import Stopped, UserError
from vlsbench.datasets.fetch.names import parts, short

_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""Git's SHA-1 of a small file, or the SHA-256 of a large one."""

_MOST_NAMED = 20
"""Files named in a message about what a repository holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One file on the hub: where it is, its size in bytes, and its digest as the hub gives it."""

    name: str
    url: str
    etag: str
    size: int


def look_up(repo: str, revision: str, files: Sequence[str]) -> tuple[list[Remote], str]:
    """Every file's address, size and digest, all of the one commit that the revision stands for now.

    Args:
        repo: Dataset repository.
        revision: Commit (or its beginning), tag or branch.
        files: Paths, or patterns; with a pattern, the repository is listed once instead of asked file by file.

    Returns:
        The files, and the commit.

    Raises:
        DatasetError: A name leads out of the folder that the files go to.
        UserError: No commit begins so, or no file fits a pattern.
        Stopped: The server does not answer as the hub does.
    """
    if any("*" in name for name in files):
        remotes, commit = tree(repo, revision)
        return _fitting(repo, remotes, files), commit
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    found = []
    for name in files:
        parts(name, f"The file of {repo}")
    _reach()
    commit = _full(repo, revision)
    for name in files:
        url = hf_hub_url(repo, name, repo_type="dataset", revision=commit)
        facts = get_hf_file_metadata(url, token=None, retry_on_errors=True)
        if facts.etag is None or facts.size is None:
            raise _not_the_hub(f"no digest or size for {name}")
        commit = _checked(facts.commit_hash, name)
        url = hf_hub_url(repo, name, repo_type="dataset", revision=commit)
        found.append(_remote(name, url, facts.etag, facts.size))
    return found, commit


def tree(repo: str, revision: str) -> tuple[list[Remote], str]:
    """Every file of a repository, and the commit that the revision stands for now.

    Raises:
        UserError: No commit begins so.
        Stopped: The server does not answer as the hub does.
    """
    from huggingface_hub import HfApi, hf_hub_url
    from huggingface_hub.hf_api import RepoFile

    api = HfApi()
    _reach()
    full = _full(repo, revision)
    with _shaped_as_the_hub():
        commit = _checked(api.repo_info(repo, revision=full, repo_type="dataset").sha, repo)
        found = []
        for entry in api.list_repo_tree(repo, recursive=True, revision=commit, repo_type="dataset"):
            if isinstance(entry, RepoFile):
                url = hf_hub_url(repo, entry.path, repo_type="dataset", revision=commit)
                digest = entry.lfs.sha256 if entry.lfs else entry.blob_id
                found.append(_remote(entry.path, url, digest, entry.size))
    return found, commit


def _reach() -> None:
    """Ask the hub for nothing, once: without a network, the questions that follow would be repeated for half a minute.

    Raises:
        Stopped: It cannot be reached.
    """
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
    from huggingface_hub.utils import get_session

    transport = HfHubHTTPError.__mro__[1]
    try:
        get_session().head(constants.ENDPOINT, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except OfflineModeIsEnabled:
        raise
    except (OSError, transport) as error:
        raise Stopped(
            f"{constants.ENDPOINT} cannot be reached ({error}). Check the network, and whether it needs a proxy."
        ) from error


@contextmanager
def _shaped_as_the_hub() -> Iterator[None]:
    """Name a server that answers in another form: a network's own page in place of the hub's JSON, for example.

    Raises:
        Stopped: It does.
    """
    from huggingface_hub.errors import HFValidationError

    try:
        yield
    except (HFValidationError, OSError):
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _not_the_hub("it sent something else than the hub's JSON") from error


def _remote(name: str, url: str, etag: str, size: int) -> Remote:
    """A file; its digest becomes a part of a path, and is checked for that."""
    if not _DIGEST.fullmatch(etag) or size < 0:
        raise _not_the_hub(f"no digest or size for {short(name)}")
    return Remote(name=name, url=url, etag=etag, size=size)


def _checked(commit: str | None, what: str) -> str:
    if commit is None or not _COMMIT.fullmatch(commit):
        raise _not_the_hub(f"no commit for {what}")
    return commit


def _not_the_hub(why: str) -> Stopped:
    return Stopped(f"The server does not answer as the hub does ({why}).")


def _fitting(repo: str, remotes: Sequence[Remote], patterns: Sequence[str]) -> list[Remote]:
    for pattern in patterns:
        if not any(fnmatchcase(remote.name, pattern) for remote in remotes):
            names = [remote.name for remote in remotes]
            more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
            has = ", ".join(names[:_MOST_NAMED]) or "nothing"
            raise UserError(f"{repo} has no {pattern}, which was expected there. It has: {has}{more}.")
    return [remote for remote in remotes if any(fnmatchcase(remote.name, pattern) for pattern in patterns)]


def _full(repo: str, revision: str) -> str:
    """A revision; where it is the beginning of a commit, the whole of it, which is all that the hub serves by.

    Raises:
        UserError: No commit of the repository begins so.
    """
    if not re.fullmatch(r"[0-9a-f]{7,39}", revision):
        return revision
    from huggingface_hub import HfApi

    with _shaped_as_the_hub():
        commits: Iterator[str] = (commit.commit_id for commit in HfApi().list_repo_commits(repo, repo_type="dataset"))
        found = next((commit for commit in commits if commit.startswith(revision)), None)
    if found is None:
        raise UserError(f"{repo} has no commit {revision} any more: its history was rewritten since this was pinned.")
    return found
