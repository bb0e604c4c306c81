from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import vlsbench as package
from builders import SRC, LabellingJudge, TalkingModel, call_it_unsafe, finish, start, texts, vlsbench
from run_folders import judged
from vlsbench.cli import main
from vlsbench.core import errors
from vlsbench.core.extras import how_to_install


def test_the_version_is_that_of_the_package(capsys):
    assert vlsbench("--version") == 0
    assert capsys.readouterr().out == f"vlsbench {package.__version__}\n"


def test_the_help_names_every_command_and_exit_code(capsys):
    assert vlsbench("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"\n    {command}" in shown for command in ("eval", "judge", "show", "datasets", "data"))
    assert all(f"\n  {code} " in shown for code in (0, 1, 2, 3, 130))


@pytest.mark.parametrize("command", ["eval", "judge", "show", "datasets", "data"])
def test_every_command_has_a_help(capsys, command):
    assert vlsbench(command, "--help") == 0
    assert f"usage: vlsbench {command}" in capsys.readouterr().out


def test_no_words_at_all_print_the_help(capsys):
    assert vlsbench() == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("usage: vlsbench")
    assert shown.err == ""


@pytest.mark.parametrize(
    ("words", "meant"), [(["evl"], "eval"), (["leaderbord", "x"], "leaderboard"), (["data", "chekc"], "check")]
)
def test_a_mistyped_command_is_suggested(capsys, words, meant):
    assert vlsbench(*words) == 2
    assert f"Did you mean {meant!r}?" in capsys.readouterr().err


_SERVED = "openai:m@http://localhost:1/v1"


@pytest.mark.parametrize(
    ("command", "who"),
    [
        (f"eval --model {_SERVED} --dataset mini:leakless:2 --judge refusal", "--model or --judge"),
        (f"ablate --model {_SERVED} --dataset mini:leakless:2 --judge refusal", "--model or --judge"),
        ("judge run --judge refusal", "--judge"),
        ("audit --dataset mini:leaky:2", "--guard or --embedder"),
        (f"audit --dataset mini:leaky:2 --guard guard:{_SERVED}", "--guard or --embedder"),
        ("build --out build", "the text roles and the guards"),
        (f"sweep --model {_SERVED} --dataset mini:leakless:2 --judge refusal", "models, judges and audits"),
        ("align rl --model mini:base --data mini:leakless:4 --reward refusal --out trained", "--reward"),
    ],
)
def test_workers_without_a_local_model_are_a_mistake_in_every_command(capsys, tmp_path, monkeypatch, command, who):
    monkeypatch.chdir(tmp_path)
    assert vlsbench(*command.split(), "--workers", "2") == 2
    told = capsys.readouterr().err
    assert f"--workers holds local models (hf: or mini:), and none is asked here: {who} could name one." in told
    assert not list(tmp_path.iterdir())


def test_the_beginning_of_an_option_is_not_another_option(capsys):
    assert vlsbench("ablate", "--model", "mini:base", "--batch", "8") == 2
    assert "vlsbench ablate: error: No option named '--batch'." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", "--dataset", "mini:leaky", "--price", "x"], "audit: error: No option named '--price'."),
        (["audit", "export", "a", "--leakles"], "audit export: error: No option named '--leakles'. Did you mean"),
        (["eval", "--limt=2"], "eval: error: No option named '--limt'. Did you mean '--limit'?"),
        (["eval", "-limit", "2"], "eval: error: No option named '-limit'. Did you mean '--limit'?"),
        (["data", "check", "jsonl:x", "--colums", "a=b"], "check: error: No option named '--colums'. Did you mean"),
        (["align", "dpo", "--modle", "x"], "align dpo: error: No option named '--modle'. Did you mean '--model'?"),
        (["build", "--sed", "3"], "build: error: No option named '--sed'. Did you mean '--seed'?"),
        (["eval", "--JUDGE", "x"], "eval: error: No option named '--JUDGE'. Did you mean '--judge'?"),
        (["report", "--promt", "x"], "report: error: No option named '--promt'. See vlsbench report --help."),
        (["--vresion"], "vlsbench: error: No option named '--vresion'. Did you mean '--version'?"),
        (["sweep", "x.toml", "--jugde", "refusal"], "sweep: error: No option named '--jugde'. Did you mean '--judge'?"),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_an_unknown_option_is_named_with_its_command_and_the_nearest_one(capsys, words, said):
    assert vlsbench(*words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("value", ["--system=--be-brief", "--seed=-3", "--temperature=-.5"])
def test_a_value_that_begins_like_an_option_is_a_value(value):
    name, _, wanted = value.partition("=")
    assert str(getattr(main.build_parser().parse_args(["eval", value]), name[2:])) in (wanted, "-0.5")
    if name != "--system":
        assert main.build_parser().parse_args(["eval", name, wanted])


def test_after_two_dashes_nothing_is_an_option():
    assert main.build_parser().parse_args(["show", "--", "--run"]).path == "--run"


@pytest.mark.parametrize(
    "words",
    [
        ["eval", "--model", "mini:base", "--model", "mini:mixed-sft"],
        ["eval", "--dataset", "mini:leaky", "--dataset", "mini:leaky"],
        ["ablate", "--judge", "template", "--judge", "refusal"],
        ["judge", "run", "--judge", "template", "--judge", "refusal"],
        ["audit", "--guard", "guard:world", "--guard", "guard:world"],
    ],
    ids=lambda words: words[1],
)
def test_an_option_that_names_one_thing_is_not_silently_the_last_one(capsys, words):
    assert vlsbench(*words) == 2
    assert "given twice" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["evil"], ["eval", "--loud"], ["show"], ["show", "x", "--loud"]])
def test_a_command_line_that_cannot_be_read_ends_with_2(capsys, words):
    assert vlsbench(*words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "usage: vlsbench" in shown.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UserError("mind this"), 2),
        (errors.AccessDenied("mind this"), 2),
        (errors.RunError("mind this"), 2),
        (errors.DatasetError("mind this"), 2),
        (errors.MissingExtra("mind this", "hf"), 2),
        (errors.Stopped("mind this"), 3),
        (errors.Interrupted("mind this"), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_error_has_its_exit_code_and_goes_to_stderr(capsys, monkeypatch, error, code):
    def fail(args):
        raise error

    monkeypatch.setattr(main.show, "run", fail)
    assert vlsbench("show", "somewhere") == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("vlsbench: ")
    assert "mind this" in shown.err


def test_an_interrupt_before_the_run_begins_ends_with_130(capsys, monkeypatch):
    def interrupted(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(main.show, "run", interrupted)
    assert vlsbench("show", "somewhere") == 130
    assert capsys.readouterr().err


def test_a_missing_extra_prints_the_install_line(capsys, monkeypatch):
    def fail(args):
        raise errors.MissingExtra("torch", "hf")

    monkeypatch.setattr(main.show, "run", fail)
    assert vlsbench("show", "somewhere") == 2
    assert how_to_install("hf") in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_traceback():
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    code = f"{sys.executable} -m vlsbench datasets | true"
    done = subprocess.run(["bash", "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr


def test_the_package_runs_as_a_module():
    process = start("--version")
    out, err = finish(process)
    assert (process.returncode, out, err) == (0, f"vlsbench {package.__version__}\n", "")


def test_signal_handlers_are_left_as_they_were(capsys):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert vlsbench("datasets") == 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("option", [(), ("--json",)], ids=["table", "json"])
def test_output_that_does_not_fit_on_the_disk_is_said_in_one_line(option):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "vlsbench", "datasets", *option],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SRC)},
        )
    assert (done.returncode, done.stderr) == (2, "vlsbench: The output cannot be written (No space left on device).\n")


@pytest.mark.parametrize(("error", "code"), [(errors.Interrupted, 130), (errors.Stopped, 3)])
def test_a_run_that_was_stopped_shows_its_figures_so_far_and_its_folder(tmp_path, capsys, monkeypatch, error, code):
    folder = judged(tmp_path / "run", ("s0", "refusal"), ("s1", None)).run.path

    def stopped(args):
        found = error("Interrupted.")
        found.folder = folder
        raise found

    monkeypatch.setattr(main.show, "run", stopped)
    assert vlsbench("show", "somewhere") == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "So far:" in shown.err
    assert "1 pending" in shown.err
    assert f"Run folder: {folder}" in shown.err
    assert shown.err.endswith("vlsbench: Interrupted. The same command continues.\n")


def test_an_error_that_stops_a_run_names_its_folder(tmp_path, monkeypatch):
    async def gone(prompt):
        raise errors.Stopped("The disk is gone.")

    with pytest.raises(errors.Stopped) as stopped:
        package.evaluate(
            model=TalkingModel(gone), dataset=texts(2), judge=LabellingJudge(call_it_unsafe), out=tmp_path / "run"
        )
    assert stopped.value.folder == tmp_path / "run"
