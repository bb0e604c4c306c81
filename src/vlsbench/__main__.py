"""Entry point of ``vlsbench`` and ``python -m vlsbench``."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import signal
import sys
from types import FrameType

_GARBAGE_AFTER = (10_000, 3, 3)
"""When Python looks for circular garbage: after so many new objects among these, after so many such looks among older
ones. A run makes next to none, and looking after every 700, as Python does by itself, takes a tenth of its CPU time.
All objects are looked at as often as by itself, for such garbage may hold tensors."""


class _Interrupts:
    """Ctrl-C and SIGTERM (a scheduler's way of stopping), from the very first import to the very end.

    The first raises KeyboardInterrupt; every further one ends the process at once with 130, wherever it is, also while
    the first is being dealt with. Runs handle both signals themselves while they work.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self._raised = False
        self._unraisable = sys.unraisablehook
        sys.unraisablehook = self._lost
        for number in self._SIGNALS:
            signal.signal(number, self._interrupted)

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        if self._raised:
            os._exit(130)
        self._raised = True
        raise KeyboardInterrupt

    def _lost(self, unraisable: sys.UnraisableHookArgs) -> None:
        """An interruption that fell into a destructor, where Python prints it and goes on: the next one counts."""
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._raised = False
        else:
            self._unraisable(unraisable)

    def ignore(self) -> None:
        """What is left is the interpreter's own end, which sets handlers back and would die of the signal."""
        for number in self._SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def run_as_script() -> None:
    """Run the command line; an interruption ends it with 130."""
    interrupts = _Interrupts()
    gc.set_threshold(*_GARBAGE_AFTER)
    try:
        from vlsbench.cli.main import main

        code = main()
    except KeyboardInterrupt:
        code = 130
        _say("Interrupted. The same command continues.")
    except BrokenPipeError:
        # Whoever read our output has left; nothing may be written to it at exit either.
        _let_go(sys.stdout)
        code = 141
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO) or error.filename is not None:
            raise
        # Whatever writes files says so itself: this was the output, on a disk that is full or a terminal that is gone.
        _let_go(sys.stdout)
        _say(f"The output cannot be written ({error.strerror}).")
        code = 2
    interrupts.ignore()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    raise SystemExit(code)


def _say(text: str) -> None:
    """A last word on stderr, if anybody is there to read it."""
    try:
        sys.stderr.write(f"vlsbench: {text}\n")
        sys.stderr.flush()
    except OSError:
        _let_go(sys.stderr)


def _let_go(stream: object) -> None:
    """Let what is still to be written to a dead stream go nowhere, so that the end of the process is quiet."""
    descriptor = 2 if stream is sys.stderr else 1
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


if __name__ == "__main__":
    run_as_script()
