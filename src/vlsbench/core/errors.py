"""Every mistake a user can make and every way a run can stop, in one tree.

    VLSBenchError                   the command line prints the message and exits with `exit_code`
    ├── UserError                   exit 2: something to change before trying again
    │   ├── UnknownName             a dataset, scheme or judge that does not exist ("did you mean")
    │   ├── SeveralMistakes         several of these at once, each on a line of its own
    │   ├── MissingExtra            an optional package is needed; the message holds the install line
    │   ├── DatasetError            a dataset folder or file cannot be read as what it claims to be
    │   ├── RunError                a run folder is missing, locked, damaged or belongs to another run
    │   ├── RubricError             a rubric file lacks a placeholder or cannot be read
    │   └── AccessDenied            a server refused the key or does not know the model
    ├── Stopped                     exit 3: disk or network gave out; the same command continues
    │   └── BatchesOut              exit 3: requests are out in batches, or came back without answers
    ├── Interrupted                 exit 130: the user stopped the run; the same command continues
    │   └── Postponed               one request is out in a batch; its sample waits, the others go on
    ├── ImageProblem                one image cannot be used; recorded on its sample, never fatal
    └── RequestFailed               one request failed for good; recorded on its sample
        ├── Transient               worth another try (5xx, stalls, broken replies)
        │   ├── RateLimited         the server asked to slow down, perhaps with a time to wait
        │   └── ConnectionFailed    no answer at all; many in a row stop the run
        └── Blocked                 a provider's content filter refused the request

Each message says what happened and, where there is something to do, what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from vlsbench.core.extras import how_to_install


class VLSBenchError(Exception):
    """Base of every error this package raises on purpose."""

    exit_code = 2


class UserError(VLSBenchError):
    """Something in the command, the files or the settings has to change first."""


class UnknownName(UserError):
    """A name that is in no catalogue.

    Args:
        kind: What was looked for, for example ``"dataset"``.
        name: What the user wrote.
        known: The names that exist.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        folded = {known.lower(): known for known in names}
        close = difflib.get_close_matches(name.lower(), folded, n=1)
        hint = f" Did you mean {folded[close[0]]!r}?" if close else ""
        super().__init__(f"No {kind} named {name!r}.{hint} Known: {', '.join(names)}.")


class SeveralMistakes(UserError):
    """Several things that have to change, or a list to choose from: `heading`, and `lines` below it.

    Args:
        heading: What they are.
        lines: One each.
    """

    def __init__(self, heading: str, lines: Iterable[str]) -> None:
        self.heading, self.lines = heading, tuple(lines)
        super().__init__("\n  - ".join((heading, *self.lines)))


class MissingExtra(UserError):
    """An optional dependency is not installed.

    Args:
        package: The import that failed.
        extra: The extra of this package that brings it.
    """

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"This needs {package}. Install it with: {how_to_install(extra)}")


class DatasetError(UserError):
    """A dataset cannot be read as what it claims to be."""


class RunError(UserError):
    """A run folder is missing, locked, damaged, or holds a different run."""


class RubricError(UserError):
    """A rubric file cannot be used."""


class AccessDenied(UserError):
    """A server refused the key, or does not know the model: no sample could succeed."""


class Stopped(VLSBenchError):
    """The disk or the network gave out. What is recorded stays; the same command continues."""

    exit_code = 3
    folder: Path | None = None
    """The run folder with what is recorded, where there is one."""


class BatchesOut(Stopped):
    """Requests are out in batches, or came back without answers; the same command continues."""


class Interrupted(VLSBenchError):
    """The user stopped the run. What is recorded stays; the same command continues."""

    exit_code = 130
    folder: Path | None = None
    """The run folder with what is recorded, where there is one."""


class Postponed(Interrupted):
    """One request is out in a batch: its sample ends here for now, without a record. Never seen by users."""


class ImageProblem(VLSBenchError):
    """One image is missing, damaged, too large, or lies outside its dataset folder."""


class RequestFailed(VLSBenchError):
    """One request failed and another try would fail as well."""


class Transient(RequestFailed):
    """One request failed in a way that another try may mend."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds the server asked us to wait, where it said so."""


class RateLimited(Transient):
    """The server asked us to slow down (HTTP 429)."""


class ConnectionFailed(Transient):
    """No answer came at all: refused, reset, unresolved, or silent until the time limit."""

    def __init__(self, message: str, *, retry_after: float | None = None, reached: bool = False) -> None:
        super().__init__(message, retry_after=retry_after)
        self.reached = reached
        """Whether the server took the request before it fell silent: the request itself may be the cause."""


class Blocked(RequestFailed):
    """A provider's content filter refused the request itself."""
