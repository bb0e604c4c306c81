"""``vlsbench align sft``: fine-tune a model on text, pictures or both."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vlsbench.cli import options, terminal

_SFT = """Fine-tune a vision-language model on prompts and answers, with or without pictures. The same command goes on
after a kill, from the last checkpoint. The output folder loads as hf:DIR. Defaults are the paper's for textual SFT of
a 7B model."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register ``align`` and its sub-commands."""
    parser = subparsers.add_parser("align", help="align a model", description="Align a model.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    sft = commands.add_parser("sft", help="supervised fine-tuning", description=_SFT)
    sft.add_argument("--model", required=True, metavar="REF", help="hf:REPO_OR_FOLDER, a folder, or mini:VARIANT")
    sft.add_argument(
        "--data",
        required=True,
        nargs="+",
        metavar="SOURCE",
        help="mini:textual, mini:multimodal, saferlhf:PATH, vlguard:DIR or jsonl:FILE; several are mixed",
    )
    sft.add_argument("--out", required=True, metavar="DIR", help="the model folder to make")
    sft.add_argument("--lora", action="store_true", help="train a LoRA adapter instead of all weights")
    sft.add_argument("--epochs", type=_over_zero, default=2.0, metavar="N", help="(default: 2)")
    sft.add_argument("--lr", type=_over_zero, default=2e-5, metavar="RATE", help="(default: 2e-5)")
    sft.add_argument("--max-length", type=options.positive, default=2048, metavar="TOKENS", help="(default: 2048)")
    sft.add_argument("--batch-size", type=options.positive, default=16, metavar="N", help="(default: 16)")
    sft.add_argument("--seed", type=int, default=0, metavar="S", help="(default: 0)")
    sft.add_argument("--max-steps", type=options.positive, metavar="N", help="end earlier than the epochs would")
    sft.add_argument("--quiet", action="store_true", help="no progress")
    sft.set_defaults(run=run)


def _over_zero(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"should be a number over 0, not {text!r}")
    return number


def run(args: argparse.Namespace) -> int:
    """Train; the folder goes to stdout, progress to stderr."""
    from vlsbench.align.sft import SFT, train_sft

    def log(line: str) -> None:
        if not args.quiet:
            sys.stderr.write(f"{terminal.clean(line)}\n")

    settings = SFT(
        model=args.model,
        data=tuple(args.data),
        lora=args.lora,
        epochs=args.epochs,
        lr=args.lr,
        max_length=args.max_length,
        batch_size=args.batch_size,
        seed=args.seed,
        max_steps=args.max_steps,
    )
    folder = train_sft(settings, Path(args.out), log)
    terminal.console().print(terminal.clean(str(folder)), soft_wrap=True)
    return 0
