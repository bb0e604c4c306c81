"""Files that are made in one step: whole under their name, or not there at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from vlsbench.core.errors import Stopped, UserError
from vlsbench.store.folders import make_folder


def require_free(path: Path) -> None:
    """Nothing where a file of this name may be made.

    Raises:
        UserError: There is something already; nothing of others is written over.
    """
    if path.exists():
        raise UserError(f"{path} exists already. Choose another --out, or remove it first.")


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write in, which becomes `path` when the block ends well.

    Raises:
        UserError: `path` exists already.
        Stopped: The disk is full, read-only or gone.
    """
    require_free(path)
    make_folder(path.parent)
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise Stopped(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
