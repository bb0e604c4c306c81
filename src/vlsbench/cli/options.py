"""Options that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vlsbench.cli import pricing, worker_options
from vlsbench.cli.numbers import positive as positive
from vlsbench.core.errors import UserError

if TYPE_CHECKING:
    from vlsbench.datasets.files.columns import Columns
    from vlsbench.run.loading import Effort
    from vlsbench.run.plan import Evaluation
    from vlsbench.run.throttle import Concurrency


EMBEDDED = {"model": "mini:multimodal-sft", "dataset": "mini:leakless", "judge": "template"}
"""What is evaluated where nothing is named: needs no key, no download and no GPU."""


class Once(argparse.Action):
    """Takes one value, and refuses a second one: which of two would be evaluated is not for us to choose."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        _option_string: str | None = None,
    ) -> None:
        """Store the value."""
        if getattr(namespace, self.dest, None) is not None:
            raise argparse.ArgumentError(self, "given twice; run the command once for each")
        setattr(namespace, self.dest, values)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """What is evaluated, and how the model is asked."""
    what = parser.add_argument_group("what")
    what.add_argument(
        "--model",
        action=Once,
        metavar="REF",
        help="openai:NAME, openai:NAME@URL (URL ends in /v1), anthropic:NAME, gemini:NAME, inspect:PROVIDER/NAME or "
        "hf:REPO_OR_FOLDER",
    )
    what.add_argument("--dataset", action=Once, metavar="REF", help="NAME:DIR, jsonl:FILE, …; see vlsbench datasets")
    add_dataset_options(what)
    what.add_argument(
        "--judge",
        action=Once,
        metavar="REF",
        help="a model REF, guard:MODEL_REF, choice (right answers), or refusal (keyword baseline)",
    )
    what.add_argument("--limit", type=positive, metavar="N", help="only the first N samples")
    asked = parser.add_argument_group("how the model is asked")
    asked.add_argument("--max-tokens", type=positive, default=128, metavar="N", help="(default: 128)")
    asked.add_argument("--temperature", type=float, default=0.0, metavar="T", help="(default: 0)")
    asked.add_argument("--system", metavar="TEXT", help="system prompt")
    asked.add_argument("--seed", type=int, metavar="S")
    add_image_options(asked)
    asked.add_argument("--concurrency", type=concurrency, default="auto", metavar="N|auto")
    add_servers(asked, "--servers", "openai:NAME")
    asked.add_argument("--model-key-env", metavar="VAR", help="environment variable that holds the model's API key")


def add_image_options(parser: argparse._ActionsContainer) -> None:
    """How large the images are that models and judges are shown."""
    parser.add_argument(
        "--image-max-side",
        type=positive,
        metavar="PIXELS",
        help="scale images with a longer side down, for model and judge: another run, with fewer bytes and tokens",
    )


def fill_in(args: argparse.Namespace) -> bool:
    """Complete what is to be evaluated; returns whether nothing at all was named.

    Raises:
        UserError: Something was named and something else is missing.
    """
    named = [name for name in EMBEDDED if getattr(args, name) is not None]
    if not named:
        for name, ref in EMBEDDED.items():
            setattr(args, name, ref)
        return True
    if args.judge is None and args.dataset is not None:
        from vlsbench import datasets

        args.judge = datasets.usual_judge(args.dataset, args.columns)
    if missing := [f"--{name}" for name in EMBEDDED if getattr(args, name) is None]:
        raise UserError(f"{' and '.join(missing)} must be named too (or name nothing, for the embedded default).")
    return False


def columns(text: str) -> Columns:
    """The columns of ``FIELD=COLUMN,...``."""
    from vlsbench.datasets.files.columns import Columns

    try:
        return Columns.parse(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_dataset_options(parser: argparse._ActionsContainer) -> None:
    """Which column of a table holds which field of a sample."""
    parser.add_argument(
        "--columns",
        type=columns,
        metavar="FIELD=COLUMN,...",
        help="for jsonl:, parquet:, csv: and hf-data:, for example text=prompt,expect=label{0:benign,1:harmful}",
    )


def add_judge_options(parser: argparse.ArgumentParser) -> None:
    """What the judge sees, by which rubric, and how hard to try."""
    judge = parser.add_argument_group("judge")
    judge.add_argument(
        "--judge-sees",
        choices=("image", "description", "both"),
        default="image",
        help="the image (as in the paper), its description (text only, cheaper), or both (default: image)",
    )
    add_rubric(judge)
    add_judge_effort(judge)


def add_rubric(judge: argparse._ActionsContainer) -> None:
    """By which rubric the judge goes."""
    judge.add_argument(
        "--rubric",
        metavar="NAME|FILE|release:DIR",
        help="a packaged rubric, your own file, or the paper's from a clone of its release (default: vlsbench)",
    )


def add_judge_effort(judge: argparse._ActionsContainer) -> None:
    """How hard the judge is asked, where it is served, and with which key."""
    judge.add_argument("--judge-concurrency", type=concurrency, default="auto", metavar="N|auto")
    add_servers(judge, "--judge-servers", "a judge openai:NAME or guard:openai:NAME")
    judge.add_argument("--judge-key-env", metavar="VAR", help="environment variable that holds the judge's API key")


def add_servers(parser: argparse._ActionsContainer, option: str, what: str) -> None:
    """Where a model is served, if that is several places."""
    parser.add_argument(
        option,
        action=Once,
        metavar="URL,URL,...|@FILE",
        help=f"several servers of {what}: addresses, or a file with one a line, which may grow meanwhile",
    )


def add_local_options(parser: argparse.ArgumentParser) -> None:
    """How models in this process (``hf:``) are loaded."""
    local = parser.add_argument_group("local models (hf:)")
    local.add_argument("--dtype", choices=("auto", "float32", "bfloat16", "float16"), default="auto")
    local.add_argument("--device", default="auto", metavar="auto|cpu|cuda|cuda:N|mps")
    local.add_argument("--batch-size", type=concurrency, default="auto", metavar="N|auto")
    local.add_argument(
        "--trust-remote-code", action="store_true", help="allow a repository to run code of its own on this machine"
    )
    worker_options.add(local)


def add_batch_options(parser: argparse.ArgumentParser) -> None:
    """Whether requests go through the provider's batches."""
    batch = parser.add_argument_group("batches (half the price, answered within a day)")
    batch.add_argument(
        "--batch",
        action="store_true",
        help="hand requests in as batches (openai:, anthropic:, gemini:); exit 3 while they are out",
    )
    batch.add_argument(
        "--batch-wait",
        type=duration,
        default=0.0,
        metavar="TIME",
        help="wait so long for what is out, as 90s, 30m or 24h, before exit 3 (default: do not wait)",
    )
    batch.add_argument("--batch-forget", metavar="ID", help="give up a batch of this run; its requests are made again")


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Limits and display."""
    add_max_unscored(parser)
    add_timeout(parser)
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def add_timeout(parser: argparse._ActionsContainer) -> None:
    """How long one request may take."""
    parser.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="limit for one request")


def add_max_unscored(parser: argparse.ArgumentParser) -> None:
    """How much may be unscored until the command fails."""
    parser.add_argument(
        "--max-unscored",
        type=share,
        default=0.05,
        metavar="FRACTION",
        help="exit 1 where more than this share is unscored (default: 0.05)",
    )


def concurrency(text: str) -> Concurrency:
    """A number of requests at once, or ``auto``."""
    if text == "auto":
        return "auto"
    return positive(text)


def duration(text: str) -> float:
    """Seconds from ``90``, ``90s``, ``30m`` or ``24h``."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1.0)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"should be a time such as 90s, 30m or 24h, not {text!r}")
    return seconds


def share(text: str) -> float:
    """A number between 0 and 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"should be a number between 0 and 1, not {text!r}")
    return number


def evaluation(args: argparse.Namespace) -> Evaluation:
    """What is to be evaluated and how, from the options of a command."""
    from vlsbench.run.flow import Generation
    from vlsbench.run.plan import Evaluation

    return Evaluation(
        model=args.model,
        dataset=args.dataset,
        judge=args.judge,
        columns=args.columns,
        judge_sees=args.judge_sees,
        rubric=args.rubric,
        limit=args.limit,
        shard=getattr(args, "shard", None),
        generation=Generation(
            max_tokens=args.max_tokens,
            temperature=args.temperature,
            system=args.system,
            seed=args.seed,
            image_max_side=args.image_max_side,
        ),
        effort=effort(args),
    )


def effort(args: argparse.Namespace) -> Effort:
    """Concurrency, keys and time limit from the options of a command."""
    from vlsbench.models import Local
    from vlsbench.run.batches.rounds import BatchEffort
    from vlsbench.run.loading import Effort

    return Effort(
        concurrency=getattr(args, "concurrency", "auto"),
        judge_concurrency=args.judge_concurrency,
        model_key_env=getattr(args, "model_key_env", None),
        judge_key_env=args.judge_key_env,
        servers=getattr(args, "servers", None),
        judge_servers=args.judge_servers,
        timeout_s=args.timeout,
        local=Local(
            dtype=args.dtype,
            device=args.device,
            batch_size=args.batch_size,
            trust_remote_code=args.trust_remote_code,
            workers=worker_options.workers(args),
        ),
        batch=BatchEffort(
            sending=getattr(args, "batch", False),
            wait_s=getattr(args, "batch_wait", 0.0),
            forget=getattr(args, "batch_forget", None),
        ),
        prices=pricing.prices(args),
    )
