"""The prompts of the roles: packaged Markdown files, each of which a folder of one's own may replace."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from vlsbench.core.errors import RubricError, UserError
from vlsbench.judges import prompt_file
from vlsbench.judges.prompt_file import FENCE, PromptFile

PLACEHOLDERS: Mapping[str, tuple[str, ...]] = {
    "describe": ("element", "kind", "category", "definition", "queries"),
    "perceive": ("category", "definition", "queries"),
    "rewrite": ("query", "description"),
    "screen": ("query", "description"),
    "inspect": ("element", "prompt"),
    "twin": ("description", "element", "queries"),
    "ask_benignly": ("query", "description"),
    "categorise": ("query", "description", "taxonomy"),
}
"""Every prompt, with the placeholders that it may use beside ``{{fence}}``."""

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "describe": ("element", "queries"),
    "perceive": ("queries",),
    "rewrite": ("query", "description"),
    "screen": ("query", "description"),
    "inspect": ("element",),
    "twin": ("description",),
    "ask_benignly": ("query",),
    "categorise": ("query", "description", "taxonomy"),
}


def load(folder: str | None = None) -> dict[str, PromptFile]:
    """All prompts by name.

    Args:
        folder: Holds ``<name>.md`` for those that are to be replaced; None for the packaged ones.

    Raises:
        UserError: The folder is none, or holds no prompt.
        RubricError: A prompt lacks a placeholder or has an unknown one.
    """
    packaged = files("vlsbench.construct") / "prompts"
    texts = {name: (packaged / f"{name}.md").read_text(encoding="utf-8") for name in PLACEHOLDERS}
    if folder is not None:
        own = _own(Path(folder).expanduser())
        texts |= own
    return {
        name: prompt_file.parse("prompt", name, text, (*PLACEHOLDERS[name], FENCE), _NEEDED[name])
        for name, text in texts.items()
    }


def _own(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise UserError(f"--prompts {folder} is no folder.")
    found = {path.stem: path for path in sorted(folder.glob("*.md"))}
    if not found or (unknown := sorted(found.keys() - PLACEHOLDERS.keys())):
        what = f"the unknown prompt {unknown[0]}.md" if found else "no prompt"
        raise UserError(f"--prompts {folder} holds {what}. Known: {', '.join(f'{name}.md' for name in PLACEHOLDERS)}.")
    try:
        return {name: path.read_text(encoding="utf-8-sig") for name, path in found.items()}
    except (OSError, UnicodeDecodeError) as error:
        raise RubricError(f"A prompt in {folder} cannot be read: {error}.") from error
