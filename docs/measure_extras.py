"""Prints how much each extra brings beyond the bare installation: distributions and megabytes, as installed here.

python docs/measure_extras.py

Counted are the files of every distribution that an extra needs, directly or through others, in the environment that
runs this. An extra of which something is missing here is named and not counted.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


class Missing(Exception):
    """A distribution that is not installed here."""


def needed(requirements: list[str], extras: dict[str, list[str]]) -> dict[str, Distribution]:
    """Every distribution that requirements need, by name.

    Raises:
        Missing: One of them is not installed.
    """
    found: dict[str, Distribution] = {}
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        wanted, extra = waiting.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
            continue
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if name == "vlsbench":
            waiting += [(Requirement(text), "") for each in wanted.extras for text in extras[each]]
            continue
        try:
            known = name in found
            found[name] = distribution(name)
        except PackageNotFoundError as error:
            raise Missing(name) from error
        for each in ("", *wanted.extras) if not known else wanted.extras:
            waiting += [(Requirement(text), each) for text in found[name].requires or []]
    return found


def megabytes(distributions: dict[str, Distribution]) -> float:
    """The size of all their files."""
    files = (Path(str(found.locate_file(file))) for found in distributions.values() for file in found.files or [])
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def main() -> None:
    """Print a line for the bare installation and one for each extra."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    base = needed(project["dependencies"], extras)
    print(f"(none): {len(base)} distributions, {megabytes(base):,.0f} MB")
    for name, requirements in extras.items():
        try:
            found = needed(requirements, extras)
        except Missing as missing:
            print(f"{name}: not counted, {missing} is not installed here")
            continue
        more = {key: each for key, each in found.items() if key not in base}
        print(f"{name}: {len(more)} distributions, {megabytes(more):,.0f} MB")


if __name__ == "__main__":
    main()
