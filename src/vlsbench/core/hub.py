"""What the Hugging Face hub answers, as errors that say what to do next."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from vlsbench.core.errors import AccessDenied, Stopped, UserError
from vlsbench.core.privacy import no_telemetry


@contextmanager
def clear_errors(repo: str, revision: str, *, kind: str = "model") -> Iterator[None]:
    """Turn the errors of huggingface_hub into ours.

    Args:
        repo: The repository that is asked for.
        revision: The branch, tag or commit of it.
        kind: ``model`` or ``dataset``; decides the address in messages.

    Raises:
        AccessDenied: The repository is gated, private or does not exist.
        UserError: The revision does not exist, or the name cannot be one.
        Stopped: The hub cannot be reached, broke off, or the disk is full.
    """
    from huggingface_hub import errors

    no_telemetry()
    page = f"https://huggingface.co/{'datasets/' if kind == 'dataset' else ''}{repo}"
    # The base class of the hub's HTTP library, which is not always the same library.
    transport = errors.HfHubHTTPError.__mro__[1]
    try:
        yield
    except errors.GatedRepoError as error:
        raise AccessDenied(
            f"{repo} is gated. Accept its terms at {page}, then log in with `hf auth login` or set HF_TOKEN."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise UserError(
            f"{repo} has no revision {revision!r}. Give a branch, tag or commit, or leave the revision out."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise AccessDenied(
            f"The hub has no {kind} {repo!r}, or it is private. "
            "Check the name; for a private one, log in with `hf auth login` or set HF_TOKEN."
        ) from error
    except errors.HFValidationError as error:
        raise UserError(f"{repo!r} is neither a folder nor a repository name like ORG/NAME.") from error
    except errors.RemoteEntryNotFoundError as error:
        raise UserError(f"{repo} at {revision} lacks a file that is needed: {_first_line(error)}") from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise Stopped(
            f"{repo} is not in the local cache, and the hub cannot be asked "
            "(no connection, or HF_HUB_OFFLINE is set). Try again once it is reachable."
        ) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Stopped(f"The disk is full. Make room for {repo}.") from error
        raise _broken_off(repo, error) from error
    except transport as error:
        raise _broken_off(repo, error) from error


def _broken_off(repo: str, error: Exception) -> Stopped:
    return Stopped(f"Downloading {repo} failed ({_first_line(error)}).")


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
