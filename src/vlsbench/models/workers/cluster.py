"""Ray: joined when the first pool needs it, left when the last one is closed; its errors in words.

Ray is told not to report its use, starts no dashboard, and never looks for a cluster by itself.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlsbench.core.errors import MissingExtra, UserError
from vlsbench.core.privacy import no_telemetry
from vlsbench.core.words import counted
from vlsbench.models.workers.settings import Workers

LOCAL = "local"

_STORE_BYTES = 256 * 1024 * 1024
"""Shared memory of a local Ray: only calls with over 100 KB pass through it."""

_REACH_S = 5.0
"""How long the head of a cluster may take to accept a connection, and to answer it."""

_MOST_HERE = 64
"""So many workers are started on any machine that asks for them."""

_HTTP2_SETTINGS = b"\x04"
_HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0" + _HTTP2_SETTINGS + b"\0" * 5
"""The preface of a connection and an empty SETTINGS frame (RFC 9113, 3.4); a server's first frame is SETTINGS too."""


@dataclass(slots=True)
class _Joined:
    """The cluster that this process has joined, how many pools use it, and what they hold of it."""

    address: str = ""
    ours: bool = False
    pools: int = 0
    cpus: float = 0.0
    gpus: float = 0.0


_joined = _Joined()


@dataclass(frozen=True, slots=True, kw_only=True)
class Berth:
    """The actors' options, and how to give their place back."""

    options: dict[str, Any]
    leave: Callable[[], None]


def join(workers: Workers, *, on_cpu: bool) -> Berth:
    """Join the cluster and find a place for some workers.

    Args:
        workers: How many, where, and how many GPUs each has.
        on_cpu: Whether the user wants the model on a CPU.

    Raises:
        MissingExtra: Ray is not installed.
        UserError: There is no such cluster, it has another version, or it could never hold such a worker.
    """
    no_telemetry()
    _ready_token(workers)
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("ray", "ray") from error
    if _joined.pools and _joined.address != workers.ray:
        raise UserError(f"This process has joined the Ray of {_joined.address} already; close its models first.")
    if not _joined.pools:
        _joined.ours = not ray.is_initialized()  # else the caller of this library has chosen a cluster
        _joined.address = workers.ray
        if _joined.ours:
            _start(workers)
    try:
        cpus, gpus = _needs(workers, ray.cluster_resources(), on_cpu=on_cpu)
    except UserError:
        if _joined.ours and not _joined.pools:
            ray.shutdown()
        raise
    _joined.pools += 1
    _joined.cpus += cpus * workers.count
    _joined.gpus += gpus * workers.count

    def leave() -> None:
        _joined.pools -= 1
        _joined.cpus -= cpus * workers.count
        _joined.gpus -= gpus * workers.count
        if _joined.ours and not _joined.pools:
            ray.shutdown()

    options = {"num_cpus": cpus, "num_gpus": gpus, "max_restarts": -1, "max_task_retries": 0, "max_concurrency": 64}
    return Berth(options={**options, "scheduling_strategy": "SPREAD"}, leave=leave)


def _ready_token(workers: Workers) -> None:
    """Settle how Ray knows its own, which is read when it is imported; what the user has settled stays."""
    if "ray" in sys.modules or "RAY_AUTH_MODE" in os.environ:
        return
    if workers.ray == LOCAL:
        # Nobody else on this machine may use our workers, and no token is left on the disk.
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    elif (
        any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
        or (Path.home() / ".ray" / "auth_token").is_file()
    ):
        # `ray start` asks for a token where the user has one; a driver without this would show none.
        os.environ["RAY_AUTH_MODE"] = "token"


def restarts_of(actor: Any) -> int:
    """How often Ray has started an actor again.

    Ray's public interface tells it only by the dashboard, which is not started; where its inner one has changed, 0.
    """
    try:
        from ray._private import state

        return int(state.actors(actor_id=actor._actor_id.hex()).get("NumRestarts", 0))  # noqa: SLF001
    except (ImportError, AttributeError, TypeError, ValueError):
        return 0


def _start(workers: Workers) -> None:
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if workers.ray == LOCAL:
        quiet |= {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    else:
        _reach(workers.ray)
    try:
        ray.init(address=workers.ray, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        raise UserError(_why_not(workers.ray, str(error))) from error


def _reach(address: str) -> None:
    """Ray itself would try for a minute, or for ever where something else listens, and say nothing that helps."""
    found = re.fullmatch(r"\[?([^\s/]+?)\]?:(\d{1,5})", address)
    if found is None or int(found[2]) > 65535:
        raise UserError(
            f"--ray takes local, or HOST:PORT of the cluster's head (usually port 6379), not {address!r:.80}."
        )
    try:
        with socket.create_connection((found[1], int(found[2])), timeout=_REACH_S) as there:
            why = "" if _uses_tls() else _what_answers(there)
    except OSError as error:
        why = str(error)
    if why:
        raise UserError(
            f"No Ray cluster answers at {address} ({why}). `ray start --head` prints the address; --ray local needs no "
            "cluster."
        )


def _what_answers(there: socket.socket) -> str:
    """What is wrong with what listens at an address; empty where it speaks HTTP/2, as the head of a cluster does.

    Raises:
        OSError: It says nothing.
    """
    there.sendall(_HTTP2_HELLO)
    first = there.recv(9)
    return "" if first[3:4] == _HTTP2_SETTINGS else "something else listens there"


def _uses_tls() -> bool:
    return os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true")


def _why_not(address: str, error: str) -> str:
    short = " ".join(error.split())[:400]
    if "ersion mismatch" in error:
        return f"The Ray cluster at {address} has other versions. Install the same Ray and Python on all nodes: {short}"
    if "token" in error.lower():
        return f"The Ray cluster at {address} wants a token (RAY_AUTH_MODE=token, `ray get-auth-token`): {short}"
    return (
        f"Cannot join the Ray cluster at {address}; this machine has to be one of its nodes (`ray start`) and to have "
        f"its token, where it wants one (RAY_AUTH_MODE=token, `ray get-auth-token`): {short}"
    )


def _needs(workers: Workers, total: dict[str, float], *, on_cpu: bool) -> tuple[float, float]:
    """CPUs and GPUs that each worker reserves.

    A local Ray reserves no CPUs: one machine's workers share its cores as they can. On a cluster a CPU each keeps two
    models off one core.

    Raises:
        UserError: Not one worker could ever have them; or, on this machine, not all.
    """
    local = workers.ray == LOCAL
    gpus_here = total.get("GPU", 0.0)
    gpus = workers.gpus if workers.gpus is not None else float(gpus_here > 0 and not on_cpu)
    cpus = 0.0 if local else 1.0
    wanted = workers.count if local else 1
    most = max(_MOST_HERE, 4 * int(total.get("CPU", 1.0)))
    if local and workers.count > most:
        raise UserError(
            f"{workers.count:,} workers on this machine would be as many processes with a model each; over {most:,} "
            "are not started here. Take one for each GPU, or a few where there is none."
        )
    if gpus_here - _joined.gpus < gpus * wanted:
        if not gpus_here:
            raise UserError(
                f"There is no GPU: Ray at {workers.ray} knows of none. Leave --worker-gpus out, and the workers use "
                "CPUs; or start Ray where there are GPUs."
            )
        held = f", of which the other model's workers hold {_joined.gpus:g}" if _joined.gpus else ""
        raise UserError(
            f"{counted(workers.count, 'worker')} with {gpus:g} GPU each cannot be placed: Ray at {workers.ray} has "
            f"{gpus_here:g} GPU{held}. Ask for fewer --workers, or for a part of a GPU with --worker-gpus."
        )
    if total.get("CPU", 0.0) - _joined.cpus < cpus * wanted:
        raise UserError(f"No worker can be placed: the Ray cluster at {workers.ray} has no CPU that is free for one.")
    return cpus, gpus
