"""How an optional dependency comes in, wherever this package was installed from."""

from __future__ import annotations

PACKAGE = "vlsbench"


def how_to_install(extra: str) -> str:
    """The command that adds an extra to this installation.

    Where the package is installed, from a wheel or a clone, pip takes the extra's list from the installed package and
    asks no index for the package itself. Code that runs out of a clone without being installed is installed from it.
    """
    from importlib import metadata

    try:
        metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        return f"pip install '.[{extra}]' (in the clone of {PACKAGE})"
    return f"pip install '{PACKAGE}[{extra}]'"
