"""A local model in several processes, behind its own name: requests go to the worker that owes least.

A worker that dies is started again by Ray, and what it was asked is asked elsewhere; nodes may come and go. Whether an
answer is recorded, and once only, is for the driver's journal: workers keep nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from vlsbench.core.errors import ImageProblem, RequestFailed, Stopped, UserError
from vlsbench.core.protocols import Model
from vlsbench.core.types import GuardReading, Prompt, Reply
from vlsbench.core.version import __version__
from vlsbench.models.workers import cluster
from vlsbench.models.workers.lane import Lane, WorkerLost
from vlsbench.models.workers.settings import Workers
from vlsbench.models.workers.wire import About, Answer, Asked, Failure
from vlsbench.models.workers.worker import Worker
from vlsbench.store.identity import MODEL_DETAILS

TRIES = 5
"""Workers that may be lost with a request before it is taken to be what kills them."""

_DEATHS = 3
"""So often each worker may die while the first one loads its model; Ray would start them again for ever."""

PATIENCE_S = 900.0
"""How long a run waits while no worker is there."""


class WorkerPool:
    """A model that several workers hold. Implements `LocalModel` and `GuardModel`; made by `start`.

    Args:
        name: The model's reference.
        actors: The Ray actors.
        first: What the first worker that came up said of itself.
        leave: Gives the workers' place back.
    """

    def __init__(self, name: str, actors: list[Any], first: About, leave: Callable[[], None]) -> None:
        self.name = name
        self.details: Mapping[str, str] = first.details
        self.adaptations: list[str] = []
        self._first = first
        self._leave = leave
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Event()
        self._lanes = [Lane(actor, self._accepts, self._wake) for actor in actors]

    @property
    def width(self) -> int:
        """How many requests to keep in flight so that every worker that is there has enough to do."""
        return max(self._first.width, sum(lane.width for lane in self._lanes))

    @property
    def notice(self) -> str:
        """That requests wait for a worker, or an empty text."""
        if self._loop is None or any(lane.is_up for lane in self._lanes):
            return ""
        return f"waiting for a worker of {self.name}: none is there at the moment"

    async def generate(self, prompt: Prompt) -> Reply:
        """Answer one prompt.

        Raises:
            RequestFailed: As the model itself; or one worker after the other was lost with this request.
            Stopped: No worker has been there for a long time, or none will be.
        """
        reply = await self._ask(prompt, guard=False)
        if not isinstance(reply, Reply):
            raise TypeError(f"expected a Reply, got {type(reply).__name__}")
        return reply

    async def guard(self, prompt: Prompt) -> GuardReading:
        """Read a guard's verdict, as `vlsbench.core.protocols.GuardModel`.

        Raises:
            RequestFailed: As in `generate`, like `Stopped`.
        """
        reading = await self._ask(prompt, guard=True)
        if not isinstance(reading, GuardReading):
            raise TypeError(f"expected a GuardReading, got {type(reading).__name__}")
        return reading

    async def close(self) -> None:
        """End the workers, and Ray where it was started here."""
        import ray

        tasks, self._tasks = self._tasks, []
        if self._loop is asyncio.get_running_loop():  # a loop that has ended has cancelled its tasks
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for lane in self._lanes:
            ray.kill(lane.actor)
        await asyncio.to_thread(self._leave)

    async def _ask(self, prompt: Prompt, *, guard: bool) -> Answer:
        self._attach()
        try:
            asked = Asked.of(prompt, guard=guard)
        except ImageProblem as error:
            raise RequestFailed(str(error)) from error
        why = ""
        for _ in range(TRIES):
            lane = await self._free_lane()
            try:
                return await lane.ask(asked)
            except WorkerLost as lost:
                why = str(lost)
        raise RequestFailed(f"{TRIES} workers in a row were lost with this request: {why}")

    async def _free_lane(self) -> Lane:
        """The worker that owes least; waits while none is there."""
        if (lane := self._least_loaded()) is not None:
            return lane
        try:
            async with asyncio.timeout(PATIENCE_S):
                while (lane := self._least_loaded()) is None:
                    if all(lane.gone for lane in self._lanes):
                        raise Stopped(f"All workers are gone: {self._lanes[0].gone}")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise Stopped(f"No worker has been there for {PATIENCE_S:.0f} s. Is the cluster up?") from error
        return lane

    def _least_loaded(self) -> Lane | None:
        return min((lane for lane in self._lanes if lane.is_up), key=lambda lane: lane.load, default=None)

    def _attach(self) -> None:
        """Tend the workers in this event loop; a pool outlives the loop of one `asyncio.run`."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._changed = asyncio.Event()
            for lane in self._lanes:
                lane.begin()
            self._tasks = [loop.create_task(lane.tend()) for lane in self._lanes]

    def _wake(self) -> None:
        self._changed.set()

    def _accepts(self, about: About) -> str:
        """Why a worker that came up may not work, noted for the manifest as well; empty where it may."""
        why = misfit(about, self._first)
        if why:
            self.adaptations.append(f"a worker on {about.node} was left out: {why}")
        return why


def misfit(about: About, first: About) -> str:
    """Why a worker's answers would not be those of the others; empty where they would."""
    if about.version != __version__:
        return f"it runs vlsbench {about.version}, and this is {__version__}; install the same on every node"
    other = [key for key in MODEL_DETAILS if about.details.get(key) != first.details.get(key)]
    return f"its model has another {' and '.join(other)} than that of {first.node}" if other else ""


def start(name: str, make: Callable[[], Model], workers: Workers, *, on_cpu: bool = False) -> WorkerPool:
    """Start workers and wait for the first; the others join as they come up.

    Args:
        name: The reference that the pool's answers are known by.
        make: Makes the model in a worker; importable there.
        workers: How many, where, and how many GPUs each has.
        on_cpu: Whether the model is to run on a CPU.

    Raises:
        MissingExtra: Ray is not installed.
        UserError: The cluster cannot be used, or the model cannot be loaded in any worker, as it was raised there; or
            all workers die while they load it.
        Stopped: The hub cannot be reached from there.
    """
    place = cluster.join(workers, on_cpu=on_cpu)
    import ray

    actors: list[Any] = []
    try:
        remote = ray.remote(**place.options)(Worker)
        actors += (remote.remote(make) for _ in range(workers.count))
        return WorkerPool(name, actors, _first_up(actors), place.leave)
    except BaseException:
        for actor in actors:
            ray.kill(actor)
        place.leave()
        raise


def _first_up(actors: list[Any]) -> About:
    """What the first worker that has loaded its model says of itself."""
    import ray

    pending = [actor.about.remote() for actor in actors]
    why: Exception | None = None
    while pending:
        ready, pending = ray.wait(pending, num_returns=1, timeout=1.0)
        if not ready and (died := sum(map(cluster.restarts_of, actors))) >= _DEATHS * len(actors):
            raise UserError(
                f"No worker lives until its model is loaded: {died} died on the way, most often because memory "
                "gave out. Fewer --workers, a smaller --dtype or a larger machine help; Ray's logs (/tmp/ray) say more."
            )
        for ref in ready:
            try:
                about: About | Failure = ray.get(ref)
            except ray.exceptions.RayError as error:
                text = " ".join(str(error).split())[-400:]
                why = UserError(
                    f"No worker could start. Is vlsbench {__version__} installed on every node, and RAY_AUTH_MODE the "
                    f"same there and here? {text}"
                )
                continue
            if isinstance(about, Failure):
                raise about.revived()
            if found := misfit(about, about):
                raise UserError(f"The worker on {about.node} cannot be used: {found}.")
            return about
    raise why or UserError("No worker could start.")
