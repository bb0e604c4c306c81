"""The tour in `examples/tour.ipynb` runs as a new user runs it, and shows what its text says."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "examples" / "tour.ipynb"


@pytest.mark.filterwarnings(
    "ignore"
)  # Jupyter's own: deprecations, and a kernel that talks on this machine unencrypted
def test_the_tour_runs_from_the_first_cell_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    book = nbformat.read(TOUR, as_version=4)
    client = NotebookClient(book, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    asyncio.run(client.async_execute())
    shown = "\n".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "")
        for cell in book.cells
        for output in cell.get("outputs", [])
    )
    assert "textual-sft     100.0 %" in shown
    assert "safety: -" in shown
    assert "it holds whatever the missing verdicts are: True" in shown
    assert "unsafe by its text alone  100.0 %" in shown
    assert (tmp_path / "tour" / "report.html").stat().st_size > 100_000


def test_the_tour_is_kept_without_outputs() -> None:
    """What it prints depends on the machine; a change of the notebook should show as one."""
    cells = nbformat.read(TOUR, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
