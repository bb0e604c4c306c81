"""The judge prompt of the paper's release, read from the user's own clone; nothing of it is part of this program.

Source: AI45Lab/VLSBench, ``eval_utils.py``. In the function `evaluate_vlsbench_function` a local string,
`PROMPT_TEMPLATE`, holds the prompt with ``{question}`` and ``{response}``. The file is parsed and never run.
"""

from __future__ import annotations

import ast
import string
from pathlib import Path

from vlsbench.core.errors import RubricError

FILE, FUNCTION, VARIABLE = "eval_utils.py", "evaluate_vlsbench_function", "PROMPT_TEMPLATE"

_NAMES = {"question": "{{query}}", "response": "{{answer}}"}

_WHERE = "Point release:DIR to a clone of https://github.com/AI45Lab/VLSBench."


def template(folder: Path) -> str:
    """The prompt with our placeholders in place of the release's.

    Args:
        folder: A clone of the release.

    Raises:
        RubricError: No such file, or it does not hold the prompt where it is expected.
    """
    path = folder / FILE
    try:
        tree = ast.parse(path.read_text(encoding="utf-8-sig"), filename=str(path))
    except (OSError, ValueError, SyntaxError, RecursionError) as error:
        raise RubricError(f"{path} cannot be read: {error}. {_WHERE}") from error
    functions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == FUNCTION
    ]
    found = [text for function in functions for text in _assigned(function)]
    if len(set(found)) != 1:
        what = "no" if not found else "more than one"
        raise RubricError(f"{path} has {what} string {VARIABLE} in the function {FUNCTION}. {_WHERE}")
    formatted = any(_is_format(node) for function in functions for node in ast.walk(function))
    text = _of_format(found[0], path) if formatted else _of_replace(found[0])
    for name, placeholder in _NAMES.items():
        if placeholder not in text:
            raise RubricError(f"The prompt in {path} has no {{{name}}}. {_WHERE}")
    return text


def _assigned(function: ast.AST) -> list[str]:
    """The strings that are assigned to the variable, as written."""
    found = []
    for node in ast.walk(function):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        named = any(isinstance(target, ast.Name) and target.id == VARIABLE for target in targets)
        if named and isinstance(value, ast.Constant) and isinstance(value.value, str):
            found.append(value.value)
    return found


def _is_format(node: ast.AST) -> bool:
    """Whether this calls the variable's ``format``, in which doubled braces stand for single ones."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "format"
        and isinstance(node.value, ast.Name)
        and node.value.id == VARIABLE
    )


def _of_format(text: str, path: Path) -> str:
    parts = []
    try:
        for literal, name, spec, conversion in string.Formatter().parse(text):
            parts.append(literal)
            if name is not None:
                if name not in _NAMES or spec or conversion:
                    raise ValueError(f"unknown placeholder {{{name}}}")
                parts.append(_NAMES[name])
    except ValueError as error:
        raise RubricError(f"The prompt in {path} cannot be filled in: {error}. {_WHERE}") from error
    return "".join(parts)


def _of_replace(text: str) -> str:
    for name, placeholder in _NAMES.items():
        text = text.replace(f"{{{name}}}", placeholder)
    return text
