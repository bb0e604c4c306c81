"""Where local models are held: in processes of their own, by Ray."""

from __future__ import annotations

import argparse
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
    return Workers(count=args.workers, ray=args.ray or "local", gpus=args.worker_gpus)


def check(args: argparse.Namespace) -> None:
    """Nothing where a command that is to load models in workers has a local model or judge.

    Raises:
        UserError: All that it asks is elsewhere.
    """
    from vlsbench import models

    refs = [ref for name in ("model", "judge") if (ref := getattr(args, name, None)) is not None]
    if args.workers is not None and not any(models.is_local(model_behind(ref)) for ref in refs):
        raise UserError(
            f"--workers holds local models ({', '.join(f'{scheme}:' for scheme in models.LOCAL)}), and none is asked "
            "here. Leave it out; how many requests servers get at once is --concurrency."
        )


def gpus(text: str) -> float:
    """A number of GPUs: a part of one, or whole ones, as Ray has it."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not (0 <= number <= 1 or (number < 1000 and number == int(number))):
        raise argparse.ArgumentTypeError(f"should be a part of a GPU or a whole number of them, not {text!r}")
    return number
