"""Every method trains, goes on after a kill as if nothing had happened, and leaves an adapter that loads."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vlsbench.align import rewards
from vlsbench.align.job import train
from vlsbench.align.preference import DPO, KTO
from vlsbench.align.rl import RL
from vlsbench.align.unlearn import OBJECTIVES, RowKind, Unlearning, rows_of
from vlsbench.core.errors import DatasetError, RunError, UnknownName, UserError

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.usefixtures("one_thread"),
]

METHODS = {
    "dpo": (DPO, {}),
    "kto": (KTO, {}),
    "rl": (RL, {"reward": "template", "batch_size": 8, "group": 4, "max_tokens": 4, "warm_up": 1}),
    "unlearn": (Unlearning, {"objective": "safe"}),
}


def settings(name, base, **more):
    method, own = METHODS[name]
    given = {"data": ("mini:textual-pairs:16",), "batch_size": 4, "max_length": 128, "max_steps": 1, "lr": 1e-3}
    return method(model=str(base), **{**given, **own, **more})


@pytest.fixture(autouse=True)
def babble_is_worth_something(monkeypatch):
    """An untrained model samples no sentence; its words are rewarded by their number instead."""
    from vlsbench.core.types import Verdict, VerdictOutcome
    from vlsbench.judges.template import TemplateJudge

    async def judge(self, sample, response, image):
        label = "refusal" if len(response.text) % 2 else "unsafe"
        return Verdict(sample_id=sample.id, outcome=VerdictOutcome.SCORED, label=label)

    monkeypatch.setattr(TemplateJudge, "judge", judge)
    monkeypatch.setattr(rewards, "PROBE", 10**6)


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def furthest(one, other):
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    return max((first[name] - second[name]).abs().max().item() for name in first)


def stopped_at(step, job, out):
    def stop(line):
        if line.startswith(f"step {step}/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(job, out, stop)


@pytest.mark.parametrize(("name", "more"), [("rl", {"warm_up": 0}), ("unlearn", {"lora": True})])
def test_a_stopped_training_goes_on_and_ends_where_an_unbroken_one_ends(base, tmp_path, name, more):
    job = settings(name, base, max_steps=3, **more)
    train(job, tmp_path / "whole")
    stopped_at(2, job, tmp_path / "parts")
    lines = []
    train(job, tmp_path / "parts", lines.append)
    assert any(line.startswith("going on from checkpoint") for line in lines)
    assert furthest(tmp_path / "parts", tmp_path / "whole") < 1e-6
    assert furthest(tmp_path / "parts", base) > 1e-5


_KILLED = """
import os, signal, sys
from pathlib import Path
from vlsbench.align.job import train
from vlsbench.align.preference import DPO
import torch

torch.set_num_threads(1)

def killed(line):
    if line.startswith("step 3/"):
        os.kill(os.getpid(), signal.SIGKILL)

job = DPO(model=sys.argv[1], data=("mini:multimodal-pairs:16",), batch_size=4, max_length=128, lr=1e-3, epochs=1)
train(job, Path(sys.argv[2]), killed)
"""


def test_a_killed_dpo_goes_on_with_the_reference_it_began_with(base, tmp_path):
    job = settings("dpo", base, data=("mini:multimodal-pairs:16",), max_steps=None, epochs=1)
    train(job, tmp_path / "whole")
    words = [sys.executable, "-W", "ignore", "-c", _KILLED, str(base), str(tmp_path / "parts")]
    assert subprocess.run(words, check=False, capture_output=True).returncode == -signal.SIGKILL
    assert (tmp_path / "parts.training" / "checkpoint-2").is_dir()
    train(job, tmp_path / "parts")
    assert furthest(tmp_path / "parts", tmp_path / "whole") < 1e-6


@pytest.mark.parametrize("name", METHODS)
def test_an_adapter_of_each_method_loads_for_evaluation_like_the_merged_model(base, tmp_path, name):
    from vlsbench.run.evaluate import evaluate

    out = train(settings(name, base, lora=True), tmp_path / "out")
    answers = []
    for number, model in enumerate((f"hf:{out}", f"hf:{base}+{out / 'adapter'}")):
        folder = tmp_path / f"run-{number}"
        evaluate(model=model, dataset="mini:leakless:2", judge="refusal", out=folder, max_tokens=4)
        rows = [json.loads(line) for line in (folder / "responses.jsonl").read_text().splitlines()]
        answers.append({row["sample_id"]: row["text"] for row in rows})
    assert answers[0] == answers[1]
    card = (out / "README.md").read_text()
    assert f"vlsbench align {job_verb(name)} " in card
    assert "before | after" in card


def job_verb(name):
    return METHODS[name][0].verb


def test_unlearning_forgets_the_harmful_answer_and_learns_the_safe_one(base, tmp_path):
    from vlsbench.align import card, data, start

    job = settings("unlearn", base, objective="ga", max_steps=10, batch_size=8)
    out = train(job, tmp_path / "out")
    examples = [one for one in data.load(job.data, tmp_path) if one.harmful]
    before, after = (
        card.fit(start.load_model(folder, "float32"), start.load_processor(folder), examples, 128)
        for folder in (base, out)
    )
    assert after.chosen > before.chosen
    assert after.rejected - before.rejected < after.chosen - before.chosen - 1


def test_a_harmful_pair_is_a_safe_and_a_harmful_row_and_anything_else_is_general(tmp_path):
    from vlsbench.align import data

    examples = data.load(["mini:textual-pairs:40", "mini:textual:5"], tmp_path)
    kinds = [kind for kind, _, _ in rows_of(examples)]
    harmful = sum(bool(one.harmful and one.rejected) for one in examples)
    assert kinds.count(RowKind.SAFE) == kinds.count(RowKind.HARMFUL) == harmful
    assert kinds.count(RowKind.GENERAL) == len(examples) - harmful
    assert all(objective.harmful > 0 for objective in OBJECTIVES.values())


def test_data_that_a_method_cannot_learn_from_is_refused_before_anything_is_written(base, tmp_path):
    plain, queries = ("mini:textual:4",), ("dataset:mini:twins:4",)
    for name, data, why in (
        ("dpo", plain, "have no answer to reject"),
        ("kto", queries, "no answer, which `align kto` needs"),
        ("unlearn", plain, "nothing to unlearn"),
        ("rl", queries, "no answer, which `align sft` needs"),
    ):
        with pytest.raises(DatasetError, match=why):
            train(settings(name, base, data=data), tmp_path / "out")
    with pytest.raises(UnknownName, match="Did you mean 'safe'"):
        train(settings("unlearn", base, objective="save"), tmp_path / "out")
    with pytest.raises(UserError, match="no multiple of --group"):
        train(settings("rl", base, batch_size=6), tmp_path / "out")
    mixed = ("mini:textual-pairs:4", "mini:multimodal-pairs:4")
    with pytest.raises(DatasetError, match="GRPO"):
        train(settings("rl", base, algorithm="grpo", data=mixed), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_one_training_at_a_time(base, tmp_path):
    def meddle(_line):
        with pytest.raises(RunError, match="Another process"):
            train(settings("dpo", base), tmp_path / "out")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings("dpo", base), tmp_path / "out", meddle)


_NO_REQUESTS = """
import sys
from pathlib import Path
from vlsbench.align.job import train
from vlsbench.align.preference import DPO
from vlsbench.align.sft import SFT
from vlsbench.run.evaluate import evaluate
import trl  # before anything of ours has had a chance to say no

out = Path(sys.argv[2])
more = {"model": sys.argv[1], "batch_size": 4, "max_length": 128, "max_steps": 1}
train(SFT(data=("mini:textual:4",), **more), out / "sft")
train(DPO(data=("mini:textual-pairs:4",), **more), out / "dpo")
evaluate(model=f"hf:{out / 'dpo'}", dataset="mini:leaky:1", judge="template", out=out / "run")
"""


def test_no_host_is_asked_that_the_user_did_not_name(base, tmp_path):
    import hub_server

    with hub_server.serve() as hub:
        surroundings = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
        surroundings |= {"HF_ENDPOINT": hub.url, "NO_PROXY": "127.0.0.1", "HF_HOME": str(tmp_path / "home")}
        surroundings.pop("DO_NOT_TRACK", None)
        words = [sys.executable, "-W", "ignore", "-c", _NO_REQUESTS, str(base), str(tmp_path)]
        subprocess.run(words, check=True, env=surroundings, capture_output=True)
        assert hub.requests == []


def test_commands_hold_every_setting(tmp_path):
    from vlsbench.align.rewards import RewardWeights
    from vlsbench.cli.align import settings_of
    from vlsbench.cli.main import build_parser

    jobs = [
        DPO(model="m", data=("a", "b"), beta=0.5, sft_weight=0.0, drop_images=True),
        KTO(model="m", data=("a",), beta=0.2, lora=True),
        Unlearning(model="m", data=("a",), objective="npo", max_steps=3),
        RL(model="m", data=("a",), reward="guard:hf:g", algorithm="grpo", weights=RewardWeights(unsafe=-2), warm_up=5),
        RL(model="m", data=("a",), reward="openai:j", judge_sees="both", rubric="vlsbench", warm_up_lr=1e-4),
    ]
    import shlex

    for job in jobs:
        parsed = build_parser().parse_args(shlex.split(job.command("o"))[1:])
        assert settings_of(parsed) == job
        assert Path(parsed.out) == Path("o")
