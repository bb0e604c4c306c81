"""Where local models are held: in processes of their own, by Ray."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from vlsbench.cli.numbers import positive
from vlsbench.core.errors import UserError
from vlsbench.core.names import model_behind

if TYPE_CHECKING:
    from vlsbench.models.workers.settings import Workers


def add(local: argparse._ActionsContainer) -> None:
    """Processes that hold a local model."""
    local.add_argument("--workers", type=positive, metavar="N", help="load the model in N processes, by Ray")
    local.add_argument(
        "--ray", metavar="ADDRESS|local", help="HOST:PORT of the Ray cluster for --workers (default: local)"
    )
    local.add_argument(
        "--worker-gpus", type=gpus, metavar="G", help="GPUs of each worker (default: 1 where there are any)"
    )


def workers(args: argparse.Namespace) -> Workers | None:
    """The processes that are to hold a local model.

    Raises:
        UserError: It is said where they are, but not how many.
    """
    from vlsbench.models.workers.settings import Workers

    if args.workers is None:
        if args.ray is not None or args.worker_gpus is not None:
            raise UserError("--ray and --worker-gpus go with --workers N.")
        return None
    return Workers(count=args.workers, ray="local" if args.ray is None else args.ray, gpus=args.worker_gpus)


def check(workers: Workers | int | None, refs: Iterable[object], who: str = "--model or --judge") -> None:
    """Nothing where a command that is to load models in workers has a local model.

    Args:
        workers: What was asked for.
        refs: The models, judges or guards of the command; one that is no reference is not loaded by us.
        who: The options that could name one, for the message.

    Raises:
        UserError: All that it asks is elsewhere.
    """
    from vlsbench import models

    if workers is None or any(isinstance(ref, str) and models.is_local(model_behind(ref)) for ref in refs):
        return
    schemes = " or ".join(f"{scheme}:" for scheme in models.LOCAL)
    raise UserError(
        f"--workers holds local models ({schemes}), and none is asked here: {who} could name one. Leave --workers out; "
        "how many requests a server gets at once is for --concurrency and the like."
    )


def gpus(text: str) -> float:
    """A number of GPUs: a part of one, or whole ones, as Ray has it."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not (0 <= number <= 1 or (1 < number < 1000 and number.is_integer())):
        raise argparse.ArgumentTypeError(f"should be a part of a GPU or a whole number of them, not {text!r}")
    return number
