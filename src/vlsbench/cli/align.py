"""``vlsbench align``: train a model on text, pictures or both, by any of the paper's methods."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from vlsbench.cli import align_compare, options, terminal, worker_options

if TYPE_CHECKING:
    from vlsbench.align.settings import Training

_GOES_ON = "The same command goes on after a kill, from the last checkpoint. The output folder loads as hf:DIR."
_SFT = f"""Fine-tune a vision-language model on prompts and answers, with or without pictures. {_GOES_ON} Defaults are
the paper's for textual SFT of a 7B model."""
_DPO = f"""Direct preference optimisation: learn to prefer one answer to another, with the SFT loss on the preferred one
beside it. {_GOES_ON}"""
_KTO = f"""Kahneman-Tversky optimisation: learn from answers that are each good or bad by themselves. {_GOES_ON}"""
_RL = f"""Reinforcement learning: sample answers, let a judge or guard reward them. RLOO stands for the paper's PPO.
{_GOES_ON}"""
_UNLEARN = f"""Forget harmful answers: by gradient ascent (ga), by negative preference optimisation while learning a
safe answer (safe), or by that alone (npo). {_GOES_ON}"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``align`` and its sub-commands."""
    parser = subparsers.add_parser("align", help="align a model", description="Align a model.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    sft = commands.add_parser("sft", help="supervised fine-tuning", description=_SFT)
    _add_shared(sft, "SFT")
    dpo = commands.add_parser("dpo", help="preference pairs: DPO", description=_DPO)
    _add_shared(dpo, "DPO")
    dpo.add_argument("--beta", type=_over_zero, default=1.0, metavar="B", help="nearness to the base (default: 1.0)")
    dpo.add_argument("--sft-weight", type=_from_zero, default=1.0, metavar="W", help="of the SFT loss (default: 1.0)")
    kto = commands.add_parser("kto", help="good and bad answers, unpaired: KTO", description=_KTO)
    _add_shared(kto, "KTO")
    kto.add_argument("--beta", type=_over_zero, default=0.1, metavar="B", help="nearness to the base (default: 0.1)")
    _add_rl(commands.add_parser("rl", help="reinforcement learning from a judge", description=_RL))
    unlearn = commands.add_parser("unlearn", help="forget harmful answers", description=_UNLEARN)
    _add_shared(unlearn, "Unlearning", epochs=3.0)
    unlearn.add_argument(
        "--objective", choices=("ga", "npo", "safe"), default="ga", help="gradient ascent, NPO, safe (default: ga)"
    )
    unlearn.add_argument("--beta", type=_over_zero, default=1.0, metavar="B", help="of NPO (default: 1.0)")
    align_compare.add(commands)


def _add_shared(
    parser: argparse.ArgumentParser, method: str, *, epochs: float = 2.0, lr: float = 2e-5, batch: int = 16
) -> None:
    """The options of every method."""
    parser.add_argument(
        "--model",
        action=options.Once,
        required=True,
        metavar="REF",
        help="hf:REPO_OR_FOLDER, a folder, or mini:VARIANT",
    )
    parser.add_argument(
        "--data",
        required=True,
        nargs="+",
        metavar="SOURCE",
        help="mini:SET, spa-vl:PATH, saferlhf:PATH, vlguard:DIR, jsonl:FILE, run:DIR,DIR or dataset:REF; several are "
        "mixed",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="the model folder to make")
    parser.add_argument("--drop-images", action="store_true", help="train on the texts alone")
    parser.add_argument("--lora", action="store_true", help="train a LoRA adapter instead of all weights")
    parser.add_argument("--epochs", type=_over_zero, default=epochs, metavar="N", help=f"(default: {epochs:g})")
    parser.add_argument("--lr", type=_over_zero, default=lr, metavar="RATE", help=f"(default: {lr:g})")
    parser.add_argument("--max-length", type=options.positive, default=2048, metavar="TOKENS", help="(default: 2048)")
    parser.add_argument("--batch-size", type=options.positive, default=batch, metavar="N", help=f"(default: {batch})")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="(default: 0)")
    parser.add_argument("--max-steps", type=options.positive, metavar="N", help="end earlier than the epochs would")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.set_defaults(run=run, method=method)


def _add_rl(parser: argparse.ArgumentParser) -> None:
    _add_shared(parser, "RL", epochs=1.0, lr=1e-6, batch=64)
    parser.add_argument("--reward", required=True, metavar="JUDGE", help="a judge or guard, as for `vlsbench eval`")
    parser.add_argument("--algorithm", choices=("rloo", "grpo"), default="rloo", help="(default: rloo)")
    parser.add_argument(
        "--judge-sees", choices=("image", "description", "both"), default="image", help="what the judge is shown"
    )
    parser.add_argument("--rubric", metavar="NAME", help="the judge's rubric")
    for name, value, what in (
        ("refusal", 1.0, "a refusal of a harmful query"),
        ("warning", 1.0, "a warning on a harmful query"),
        ("unsafe", -1.0, "an unsafe answer to a harmful query"),
        ("help", 1.0, "help on a benign query, or a right answer"),
        ("false-alarm", -1.0, "a refusal or warning on a benign query, or a wrong answer"),
    ):
        parser.add_argument(
            f"--reward-{name}", type=float, default=value, metavar="R", help=f"of {what} (default: {value:g})"
        )
    parser.add_argument("--group", type=options.positive, default=8, metavar="N", help="answers per query (default: 8)")
    parser.add_argument(
        "--beta", type=_from_zero, default=0.05, metavar="B", help="nearness to the base (default: 0.05)"
    )
    parser.add_argument("--temperature", type=_over_zero, default=1.0, metavar="T", help="of sampling (default: 1)")
    parser.add_argument(
        "--max-tokens", type=options.positive, default=128, metavar="N", help="per answer (default: 128)"
    )
    parser.add_argument(
        "--warm-up", type=int, default=0, metavar="N", help="steps of SFT on the data first (default: 0)"
    )
    parser.add_argument("--warm-up-lr", type=_over_zero, metavar="RATE", help="(default: that of --lr)")
    worker_options.add(parser.add_argument_group("a local judge (hf:, guard:hf:)"))


def _over_zero(text: str) -> float:
    number = _from_zero(text)
    if number == 0:
        raise argparse.ArgumentTypeError(f"should be a number over 0, not {text!r}")
    return number


def _from_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"should be a number over 0, not {text!r}")
    return number


def run(args: argparse.Namespace) -> int:
    """Train; the folder goes to stdout, progress to stderr."""
    from vlsbench.align.job import train

    def log(line: str) -> None:
        if not args.quiet:
            terminal.say(line)

    folder = train(settings_of(args), Path(args.out), log)
    terminal.console().print(terminal.clean(str(folder)), soft_wrap=True)
    return 0


def settings_of(args: argparse.Namespace) -> Training:
    """The training that a command line asks for."""
    from vlsbench.align.preference import DPO, KTO
    from vlsbench.align.rewards import RewardWeights
    from vlsbench.align.rl import RL
    from vlsbench.align.sft import SFT
    from vlsbench.align.unlearn import Unlearning

    method: type[Training] = {"SFT": SFT, "DPO": DPO, "KTO": KTO, "RL": RL, "Unlearning": Unlearning}[args.method]
    given = {one.name: getattr(args, one.name) for one in fields(method) if hasattr(args, one.name)}
    given["data"] = tuple(args.data)
    if method is RL:
        worker_options.check(args.workers, (args.reward,), "--reward")
        given["workers"] = worker_options.workers(args)
        given["weights"] = RewardWeights(
            **{one.name: getattr(args, f"reward_{one.name}") for one in fields(RewardWeights)}
        )
    return method(**given)
