"""Shells complete commands, options, files and folders."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from builders import vlsbench
from vlsbench.cli.completion import SHELLS


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_a_script_with_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert vlsbench("completion", shell) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("eval", "audit", "judge-sees" if shell == "fish" else "--judge-sees"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_commands_options_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vlsbench("completion", "bash")
    (tmp_path / "vlsbench.bash").write_text(capsys.readouterr().out)
    (tmp_path / "run-of-mine").mkdir()
    (tmp_path / "some.json").write_text("")

    def completed(*words: str) -> set[str]:
        line = ["vlsbench", *words]
        quoted = " ".join(f"'{word}'" for word in line)
        asked = (
            f"COMP_WORDS=({quoted}); COMP_CWORD={len(line) - 1}; _shtab_vlsbench; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        )
        done = subprocess.run(
            ["bash", "-c", f"source vlsbench.bash; {asked}"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return set(done.stdout.split())

    assert {"audit", "ablate", "align"} <= completed("a")
    assert "--judge-sees" in completed("eval", "--judge-s")
    assert completed("show", "run") == {"run-of-mine"}


def test_without_the_extra_the_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert vlsbench("completion", "bash") == 2
    assert "'vlsbench[completion]'" in capsys.readouterr().err
