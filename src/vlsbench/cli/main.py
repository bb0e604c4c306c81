"""The command line: parse, call, print. Results go to stdout, progress and messages to stderr."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vlsbench.cli import (
    ablate,
    align,
    audit,
    build,
    calibrate,
    compare,
    completion,
    data,
    datasets,
    demo,
    export,
    import_,
    judge,
    leaderboard,
    merge,
    paper,
    plot,
    report,
    show,
    sweep,
    table,
)
from vlsbench.cli import eval as eval_
from vlsbench.cli.parser import Parser
from vlsbench.core.errors import Interrupted, SeveralMistakes, Stopped, VLSBenchError
from vlsbench.core.privacy import no_telemetry
from vlsbench.core.version import __version__

COMMANDS = (
    demo,
    eval_,
    sweep,
    paper,
    judge,
    merge,
    show,
    compare,
    leaderboard,
    table,
    calibrate,
    report,
    plot,
    export,
    import_,
    audit,
    build,
    ablate,
    datasets,
    data,
    align,
    completion,
)
"""One module per command, in the order of the help."""

_EPILOG = """exit codes:
  0    done
  1    finished, but more samples are unscored than --max-unscored allows
  2    something in the command, the files or the settings has to change
  3    stopped by disk or network, or waiting for batches; the same command continues
  130  interrupted; the same command continues
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="vlsbench",
        description="Is a vision-language model safe when the danger is only in the picture?",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"vlsbench {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for command in COMMANDS:
        command.add(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    no_telemetry()
    words = sys.argv[1:] if argv is None else list(argv)
    parser = build_parser()
    if not words:
        parser.print_help()
        return 0
    args = parser.parse_args(words)
    args.parser = parser  # for what describes all commands
    try:
        code: int = args.run(args)
        sys.stdout.flush()
    except VLSBenchError as error:
        return fail(error)
    except KeyboardInterrupt:
        return fail(Interrupted("Interrupted."))
    return code


def fail(error: VLSBenchError) -> int:
    """Say what went wrong, and what to do about it; returns the exit code."""
    from vlsbench.cli.terminal import clean

    # Line by line: what a server or a file put into a message must not make lines of its own.
    lines = (error.heading, *error.lines) if isinstance(error, SeveralMistakes) else (str(error),)
    message = "\n  - ".join(map(clean, lines))
    if isinstance(error, Stopped | Interrupted):
        if error.folder is not None:
            from vlsbench.cli import outcome

            outcome.so_far(error.folder)
        message = f"{message.rstrip('.')}. The same command continues."
    print(f"vlsbench: {message}", file=sys.stderr)  # noqa: T201
    return error.exit_code
