"""The images of an export: each checked against the audit, and laid where ``jsonl:`` may read it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from vlsbench.core import images
from vlsbench.core.errors import ImageProblem, Stopped


class ExportedImages:
    """The images of exported records.

    An image inside the folder of the new file is named by its path from there. Any other is put into ``FILE.images``
    beside the file, as a hard link where the file system allows and as a copy else.

    Args:
        audit: The audit's folder; relative image paths start there.
        out: The file that will name the images.
    """

    def __init__(self, audit: Path, out: Path) -> None:
        self._audit = Path(os.path.abspath(audit))
        self._home = Path(os.path.abspath(out.parent))
        self._folder = self._home / f"{out.name}.images"
        self._names: dict[str, str] = {}

    def check(self, reference: str, sha256: str | None) -> None:
        """Whether an image is there, sound, and the one that was audited.

        Raises:
            ImageProblem: It is not.
        """
        if reference in self._names:
            return
        inside = reference.startswith("data:")
        path = self._audit / reference
        facts = images.check(images.from_data_uri(reference) if inside else images.read_file(path)[0])
        if sha256 is not None and facts.sha256 != sha256.lower():
            raise ImageProblem(f"the image changed since the audit: {path}")
        if not inside:
            name = f"{self._folder.name}/{facts.sha256}.{facts.extension}"
            self._names[reference] = self._name_from_home(path) or name

    def _name_from_home(self, path: Path) -> str | None:
        """The path from the new file's folder, where the image really lies in it."""
        try:
            found = images.locate(str(path), self._home)
        except ImageProblem:
            return None
        return os.path.relpath(found, self._home)

    def place(self, reference: str) -> str:
        """Lay a checked image in place; returns what the record says of it.

        Raises:
            Stopped: It cannot be written.
        """
        if reference.startswith("data:"):
            return reference
        name = self._names[reference]
        target = self._home / name
        if name.startswith(f"{self._folder.name}/") and not target.exists():
            try:
                self._folder.mkdir(exist_ok=True)
                _link_or_copy(self._audit / reference, target)
            except OSError as error:
                raise Stopped(f"Cannot write {target}: {error.strerror}.") from error
        return name


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        # What a link names would be linked, not the link: jsonl: refuses links that lead outside.
        os.link(os.path.realpath(source), target)
    except OSError:
        part = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, part)
        part.replace(target)
