"""What is said of a folder that is no run: what it is, and what can be named in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import vlsbench
from run_folders import judged
from vlsbench.core.errors import RunError
from vlsbench.store.kinds import no_run, runs_below
from vlsbench.store.run_folder import Run


def made(folder: Path, *files: str) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    return folder


def test_an_ablation_names_its_runs(tmp_path: Path) -> None:
    folder = made(tmp_path / "abl", "ablation.json", "full/manifest.json", "text/manifest.json")
    assert no_run(folder) == (
        f"{folder} is the folder of an ablation, not a run folder (it has no manifest.json). "
        f"It holds 2 runs: {folder / 'full'}, {folder / 'text'}. Name one of them."
    )


def test_a_sweep_names_its_runs_and_those_of_its_ablations_and_no_guard(tmp_path: Path) -> None:
    folder = made(
        tmp_path / "sweep",
        *("a/manifest.json", "b/ablation.json", "b/full/manifest.json", "c/audit.json", "c/guard/manifest.json"),
        *("d/manifest.json", "d/steps/ask.jsonl", "report.html"),
    )
    assert list(runs_below(folder)) == [folder / "a", folder / "b" / "full"]


def test_an_audit_names_the_commands_that_take_it(tmp_path: Path) -> None:
    folder = made(tmp_path / "audit", "audit.json", "guard/manifest.json")
    assert "is the folder of an audit, not a run folder" in no_run(folder)
    assert "`vlsbench audit export`" in no_run(folder)
    assert "It holds" not in no_run(folder)


@pytest.mark.parametrize(("files", "said"), [((), "does not exist"), (("x",), "is not a run folder")])
def test_other_places_are_told_as_what_they_are(tmp_path: Path, files: tuple[str, ...], said: str) -> None:
    assert said in no_run(made(tmp_path / "place", *files))
    assert "is a file" in no_run(made(tmp_path, "file") / "file")


def test_a_build_is_no_damaged_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is a build, not a run folder"):
        Run(made(tmp_path / "build", "manifest.json", "steps/ask.jsonl"))


def test_the_run_of_a_guard_is_not_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vlsbench("audit", "--dataset", "mini:leaky:3", "--guard", "guard:world", "--out", tmp_path / "audit", "--no-ocr")
    assert vlsbench("export", tmp_path / "audit" / "guard", "--format", "csv", "--out", tmp_path / "a.csv") == 2
    assert f"vlsbench show {tmp_path / 'audit'} shows the audit" in capsys.readouterr().err


def test_an_export_says_what_can_be_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = judged(tmp_path / "runs" / "one", ("a", "refusal")).run.path
    assert vlsbench("export", run.parent, "--format", "csv", "--out", tmp_path / "all.csv") == 2
    assert f"It holds 1 run: {run}. Name one of them." in capsys.readouterr().err
