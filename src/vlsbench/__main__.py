"""Entry point of ``vlsbench`` and ``python -m vlsbench``."""

from __future__ import annotations

import errno
import os
import signal
import sys


def run_as_script() -> None:
    """Run the command line; an interruption ends it with 130, from the very first import on."""
    # SIGTERM (a scheduler's way of stopping) is taken like Ctrl-C; runs handle both themselves while they work.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from vlsbench.cli.main import main

        code = main()
    except KeyboardInterrupt:
        sys.stderr.write("vlsbench: Interrupted. The same command continues.\n")
        code = 130
    except BrokenPipeError:
        # Whoever read our output has left; nothing may be written to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO) or error.filename is not None:
            raise
        # Whatever writes files says so itself: this was the output, on a disk that is full.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stderr.write(f"vlsbench: The output cannot be written ({error.strerror}).\n")
        code = 2
    raise SystemExit(code)


if __name__ == "__main__":
    run_as_script()
