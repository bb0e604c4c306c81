"""A function in several processes: items go out, results come back in the order of the items."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Generic, TypeVar

from vlsbench.core.errors import Stopped, UserError
from vlsbench.core.privacy import no_telemetry
from vlsbench.core.version import __version__
from vlsbench.models.workers import cluster
from vlsbench.models.workers.settings import Workers
from vlsbench.models.workers.wire import Failure

In = TypeVar("In")
Out = TypeVar("Out")

_AHEAD = 2
"""Items at a worker at once, so that it need not wait for the next."""

_AGAIN_S = 1.0
_PATIENCE_S = 900.0


class FunctionWorker(Generic[In, Out]):
    """The class of the actors: a function that is made in the worker, with what it loads.

    Args:
        make: Makes the function.
        version: That of the driver, which has to be the worker's.
    """

    def __init__(self, make: Callable[[], Callable[[In], Out]], version: str) -> None:
        no_telemetry()
        self._call: Callable[[In], Out] | Failure
        try:
            if version != __version__:
                raise UserError(f"A worker runs vlsbench {__version__}, and this is {version}. Install one version.")
            self._call = make()
        except Exception as error:  # noqa: BLE001 - handed to the driver, which raises it
            self._call = Failure.of(error)

    def call(self, item: In) -> Out | Failure:
        """The result for an item, or why there is none."""
        if isinstance(self._call, Failure):
            return self._call
        try:
            return self._call(item)
        except Exception as error:  # noqa: BLE001 - as above
            return Failure.of(error)


@dataclass(slots=True)
class _Sent(Generic[In]):
    item: In
    ref: Any


class FunctionInWorkers(Generic[In, Out]):
    """A function in several processes, for as long as it is not closed.

    Args:
        make: Makes the function in a worker; importable there.
        workers: How many, where, and how many GPUs each has.
        on_cpu: Whether what it loads is to run on a CPU.

    Raises:
        MissingExtra: Ray is not installed.
        UserError: The cluster cannot be used.
    """

    def __init__(self, make: Callable[[], Callable[[In], Out]], workers: Workers, *, on_cpu: bool) -> None:
        berth = cluster.join(workers, on_cpu=on_cpu)
        import ray

        remote = ray.remote(**{**berth.options, "max_concurrency": 1})(FunctionWorker)
        self._actors = [remote.remote(make, __version__) for _ in range(workers.count)]
        self._turns = cycle(self._actors)
        self._leave = berth.leave

    def each(self, items: Iterable[In]) -> Iterator[Out]:
        """The results, in the order of the items; those of a worker that dies are asked for again.

        Raises:
            VLSBenchError: What the function, or making it, raised.
            Stopped: No worker answered for a long time.
        """
        sent: deque[_Sent[In]] = deque()
        for item in items:
            sent.append(_Sent(item, self._send(item)))
            if len(sent) >= _AHEAD * len(self._actors):
                yield self._result(sent.popleft())
        while sent:
            yield self._result(sent.popleft())

    def _send(self, item: In) -> Any:
        return next(self._turns).call.remote(item)

    def _result(self, sent: _Sent[In]) -> Out:
        import ray

        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                said: Out | Failure = ray.get(sent.ref)
            except ray.exceptions.RayActorError as error:
                if time.monotonic() > until:
                    raise Stopped(f"No worker has answered for {_PATIENCE_S:.0f} s. Is the cluster up?") from error
                time.sleep(_AGAIN_S)
                sent.ref = self._send(sent.item)
                continue
            if isinstance(said, Failure):
                raise said.revived()
            return said

    def close(self) -> None:
        """End the workers, and Ray where it was started here."""
        import ray

        for actor in self._actors:
            ray.kill(actor)
        self._leave()
