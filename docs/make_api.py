"""Writes docs/api.md from the docstrings of the public names; with ``--check`` only says whether it is current.

python docs/make_api.py [--check]
"""

from __future__ import annotations

import enum
import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import vlsbench

PAGE = Path(__file__).with_name("api.md")

SECTIONS: dict[str, tuple[str, ...]] = {
    "Jobs": (
        "evaluate",
        "judge",
        "merge",
        "audit",
        "ablate",
        "compare",
        "build",
        "write_report",
        "load_run",
        "export_runs",
        "import_run",
        "load_dataset",
        "load_model",
        "read_prices",
    ),
    "Settings of jobs": (
        "Effort",
        "BatchEffort",
        "Local",
        "Workers",
        "Access",
        "Columns",
        "Recipe",
        "Prices",
        "Price",
        "RunCounts",
    ),
    "From a sample to a verdict": (
        "Sample",
        "Image",
        "Prompt",
        "Turn",
        "Reply",
        "Response",
        "Verdict",
        "GuardReading",
        "Finding",
    ),
    "Labels and outcomes": (
        "Label",
        "GuardLabel",
        "Correctness",
        "Expect",
        "Sees",
        "Part",
        "ResponseOutcome",
        "VerdictOutcome",
    ),
    "Results": (
        "LoadedRun",
        "RecordedSample",
        "Judged",
        "TableRow",
        "ExportedRuns",
        "Imported",
        "Summary",
        "JudgeSummary",
        "RoleUsage",
        "Usage",
        "Block",
        "Bounds",
        "Rate",
        "Agreement",
        "Audit",
        "Ablation",
        "Comparison",
        "Written",
    ),
    "What you can bring yourself": ("Model", "LocalModel", "GuardModel", "Judge", "Dataset", "Guard", "View"),
    "Errors": (
        "VLSBenchError",
        "UserError",
        "UnknownName",
        "SeveralMistakes",
        "MissingExtra",
        "DatasetError",
        "RunError",
        "RubricError",
        "AccessDenied",
        "Stopped",
        "BatchesOut",
        "Interrupted",
        "ImageProblem",
        "RequestFailed",
        "Transient",
        "RateLimited",
        "ConnectionFailed",
        "Blocked",
    ),
}
"""Every public name under the heading where a reader looks for it, what matters most first."""

_HEAD = """<!-- made by docs/make_api.py from docstrings: change those, then run `make api` -->

# What `import vlsbench` offers

These names stay; modules below `vlsbench` may move. Types are frozen, with keyword arguments only.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for title, names in SECTIONS.items():
        parts.append(f"## {title}\n")
        if title == "Errors":
            tree = inspect.getdoc(sys.modules[vlsbench.VLSBenchError.__module__]) or ""
            parts.append(f"```text\n{_tree(tree)}\n```\n")
        parts += [_entry(name, getattr(vlsbench, name)) for name in names]
    return "\n".join(parts)


def _tree(text: str) -> str:
    """The indented part of a docstring, which draws the tree of errors."""
    return "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))


def _entry(name: str, what: object) -> str:
    lines = [f"### {name}\n"]
    if not (isinstance(what, type) and issubclass(what, enum.Enum | Exception)) and not _is_protocol(what):
        lines.append(f"```python\n{_signature(name, what)}\n```\n")
    lines.append(_markdown(inspect.getdoc(what) or ""))
    lines += ["", *_members(what)] if isinstance(what, type) else []
    return "\n".join(lines).rstrip() + "\n"


def _is_protocol(what: object) -> bool:
    return bool(getattr(what, "_is_protocol", False))


def _signature(name: str, what: object, width: int = 100) -> str:
    """One line where it fits into `width`, else one line per argument."""
    signature = inspect.signature(what)  # type: ignore[arg-type]
    words, keyword_only = [], False
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            words += [] if isinstance(what, type) else ["*"]
        words.append(_argument(parameter))
    returns = "" if isinstance(what, type) else f" -> {_type(signature.return_annotation)}"
    line = f"{name}({', '.join(words)}){returns}"
    if len(line) <= width:
        return line
    inside = "".join(f"    {word},\n" for word in words)
    return f"{name}(\n{inside}){returns}"


def _argument(parameter: inspect.Parameter) -> str:
    default = "" if parameter.default is parameter.empty else f" = {_default(parameter.default)}"
    return f"{parameter.name}: {_type(parameter.annotation)}{default}"


def _type(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _default(value: object) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    # A default that is made anew for each object, and a function, have no text that stays the same.
    return "..." if callable(value) or "factory" in repr(value) else repr(value)


def _members(what: type) -> Iterator[str]:
    """The values of an enumeration; the methods and properties that a class documents."""
    if issubclass(what, enum.Enum):
        yield from (f"- `{member.name}` = `{member.value!r}`" for member in what)
    for name, member in vars(what).items():
        doc = inspect.getdoc(member.fget if isinstance(member, property) else member)
        if name.startswith("_") or not doc:
            continue
        if isinstance(member, property):
            returned = _type(inspect.signature(member.fget).return_annotation) if member.fget else ""
            yield f"- `{name}: {returned}`: {_inline(doc)}"
        elif isinstance(member, classmethod) or inspect.isfunction(member):
            prefix = "async " if inspect.iscoroutinefunction(member) else ""
            function = member.__func__ if isinstance(member, classmethod) else member
            yield f"- `{prefix}{_signature(name, function, width=1000)}`: {_inline(doc)}"


def _inline(doc: str) -> str:
    return _linked(" ".join(doc.split("\n\n")[0].split()))


def _markdown(doc: str) -> str:
    """A Google docstring as Markdown: its sections become lists."""
    lines: list[str] = []
    section = False
    for line in doc.splitlines():
        if found := re.fullmatch(r"(Args|Raises|Returns|Yields):", line):
            section = True
            lines += [f"**{found[1].replace('Args', 'Arguments')}**", ""]
        elif section and (found := re.match(r"    (\w+): (.*)", line)):
            lines.append(f"- `{found[1]}`: {_linked(found[2])}")
        else:
            # What goes on with a list's item keeps its indentation; the text of Returns and Yields has none.
            lines.append(_linked(line.removeprefix("    ").replace("    ", "  ") if section else line))
    return "\n".join(lines).strip()


def _linked(text: str) -> str:
    """Names in backticks lead to their entries."""
    text = text.replace("``", "`")
    anchors = _anchors()
    return re.sub(
        r"`(?:vlsbench\.)?(\w+)`",
        lambda found: f"[`{found[1]}`](#{anchors[found[1]]})" if found[1] in anchors else found[0],
        text,
    )


@cache
def _anchors() -> dict[str, str]:
    """Headings differ in case alone (`judge`, `Judge`): the second one's anchor is numbered."""
    seen: Counter[str] = Counter(title.lower() for title in SECTIONS)
    anchors = {}
    for name in (name for names in SECTIONS.values() for name in names):
        low = name.lower()
        anchors[name] = f"{low}-{seen[low]}" if seen[low] else low
        seen[low] += 1
    return anchors


def main() -> int:
    """Write the page, or with ``--check`` compare it."""
    made = page()
    if "--check" in sys.argv[1:]:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == made
        print(f"{PAGE.name} is {'current' if current else 'not current: run make api'}")
        return 0 if current else 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
