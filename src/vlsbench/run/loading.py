"""What a run is made of: its model with retries and slots, and its judge with its own."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict, dataclass, field

from vlsbench import judges, models
from vlsbench.core.errors import RequestFailed
from vlsbench.core.protocols import (
    Adapting,
    Closing,
    Detailed,
    Judge,
    LocalModel,
    Model,
    Served,
    Telling,
    Wrapping,
    require,
)
from vlsbench.core.types import Prompt, Reply, Sees
from vlsbench.core.usage import Prices
from vlsbench.judges.smaller import DownsizingJudge
from vlsbench.run.batches.rounds import BatchEffort, Batches
from vlsbench.run.engine import PatientModel
from vlsbench.run.flow import Answering, Generation, Judging
from vlsbench.run.metering import metered_model
from vlsbench.run.progress import Progress, RunCounts
from vlsbench.run.throttle import Concurrency, Gate, Halt, Patience
from vlsbench.store.batches import Stage
from vlsbench.store.run_folder import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How hard to try. Not part of a run's identity: the figures do not depend on it.

    Args:
        concurrency: Requests to the model at once, or ``"auto"``.
        judge_concurrency: Requests to the judge at once, or ``"auto"``.
        model_key_env: Environment variable that holds the model's API key.
        judge_key_env: Environment variable that holds the judge's API key.
        servers: Where the model is served, as ``URL,URL,…`` or ``@FILE``, instead of the address in its reference.
        judge_servers: The same for the judge.
        timeout_s: Limit for one request in seconds.
        local: How local models (``hf:``) are loaded.
        batch: What goes through the provider's batches, and how long to wait for them.
        prices: What models cost, so that what is spent can be told.
    """

    concurrency: Concurrency = "auto"
    judge_concurrency: Concurrency = "auto"
    model_key_env: str | None = None
    judge_key_env: str | None = None
    servers: str | None = None
    judge_servers: str | None = None
    timeout_s: float = 300.0
    local: models.Local = field(default_factory=models.Local)
    batch: BatchEffort = field(default_factory=BatchEffort)
    prices: Prices | None = None

    def recorded(self) -> dict[str, object]:
        """As the manifest holds it; prices stand there with the models that they are of."""
        found = asdict(self)
        del found["prices"]
        return found


def judging(
    judge: str | Judge,
    sees: Sees,
    rubric: str | None,
    loader: Loader,
    halt: Halt,
    image_max_side: int | None = None,
) -> Judging:
    """The second stage: the judge of a reference, or the user's own, with its slots.

    Args:
        judge: The judge.
        sees: What a model judge is shown.
        rubric: Its rubric.
        loader: Makes its model.
        halt: The user's wish to stop.
        image_max_side: The longest side in pixels of an image that it is shown; None for any.

    Raises:
        UserError: The judge cannot be used as asked.
    """
    gate = loader.gate(loader.effort.judge_concurrency, halt)

    def model(ref: str) -> Model:
        effort = loader.effort
        return loader.asked(loader.model(ref, effort.judge_key_env, effort.judge_servers), gate, Stage.VERDICTS)

    if isinstance(judge, str):
        judge = judges.load(judge, sees=sees, rubric=rubric, model=model)
    else:
        require(judge, Judge, "judge")
    if image_max_side is not None and sees is not Sees.DESCRIPTION and judge.name not in judges.OFFLINE:
        judge = DownsizingJudge(judge, image_max_side)
    prices = loader.effort.prices
    return Judging(judge=judge, gate=gate, price=prices.of_judge(judge.name) if prices is not None else None)


def answering(model: str | Model, generation: Generation, loader: Loader, halt: Halt) -> Answering:
    """The first stage: the model under test, of a reference or the user's own, with its slots.

    Raises:
        UserError: The model cannot be made.
    """
    gate = loader.gate(loader.effort.concurrency, halt)
    loaded = loader.model(model, loader.effort.model_key_env, loader.effort.servers)
    prices = loader.effort.prices
    price = prices.of_target(loaded.name) if prices is not None else None
    return Answering(model=loader.asked(loaded, gate, Stage.ANSWERS), gate=gate, generation=generation, price=price)


def patient(model: Model, gate: Gate) -> Model:
    """The model with retries; a local one as it is, for it says itself how many requests it wants at once.

    Args:
        model: The model.
        gate: The slots of its requests.
    """
    if isinstance(model, LocalModel):
        gate.follow(model)
        return metered_model(model)
    if isinstance(model, Served):
        gate.attend(model)
    return PatientModel(model, gate, patience())


def patience() -> Patience:
    """How often and how long requests are tried again."""
    return Patience()


@dataclass(slots=True, kw_only=True)
class Shared:
    """What several runs share: requests on their way to servers, and local models, which outlive the runs.

    Args:
        budget: Requests on their way at once, over all runs.
        local: The local models by reference and how they were loaded; closed by whoever shares them.
    """

    budget: asyncio.Semaphore
    local: dict[tuple[str, models.Local], Model] = field(default_factory=dict)


class Loader:
    """Makes the models of a run, each local one once, even where it is both target and judge.

    Args:
        effort: Keys, time limit, and how local models are loaded.
        asked: Every model of the run; the references among them decide which key goes where.
        progress: Told when a local model is about to be loaded, which may take minutes.
        shared: What is shared with other runs.
        servers_beside: Servers of the same run that other loaders ask; they decide too which key goes where.
        batches: Those that the session's requests go through, where there are any.
    """

    def __init__(
        self,
        effort: Effort,
        asked: tuple[str | Model | None, ...],
        progress: Progress | None = None,
        shared: Shared | None = None,
        servers_beside: tuple[str, ...] = (),
        batches: Batches | None = None,
    ) -> None:
        self.effort = effort
        self.refs = tuple(ref for ref in asked if isinstance(ref, str))
        self._progress = progress
        self._shared = shared
        self.servers_beside = servers_beside
        self.batches = batches
        self._loaded = shared.local if shared is not None else {}
        self._made: list[Model] = []

    def access(self, key_env: str | None, servers: str | None) -> models.Access:
        """How one model of the run may be reached."""
        effort = self.effort
        return models.Access(
            key_env=key_env,
            refs_in_use=self.refs,
            servers=servers,
            servers_in_use=tuple(filter(None, (effort.servers, effort.judge_servers, *self.servers_beside))),
            timeout_s=effort.timeout_s,
            local=effort.local,
        )

    def model(self, model: str | Model, key_env: str | None, servers: str | None = None) -> Model:
        """The model of a reference, or the user's own as it is.

        Args:
            model: What was asked for.
            key_env: Environment variable that holds its API key.
            servers: Where it is served, if that is not in its reference.

        Raises:
            UserError: It cannot be made.
        """
        if not isinstance(model, str):
            require(model, Model, "model")
            return model
        known = (model, self.effort.local)
        if known in self._loaded:
            return self._loaded[known]
        if self._progress is not None and model.partition(":")[0] not in models.SERVED:
            self._progress(RunCounts(total=0, loading=model))
        made = models.load(model, self.access(key_env, servers))
        if isinstance(made, LocalModel):
            self._loaded[known] = made
        if self._shared is None or not isinstance(made, LocalModel):
            self._made.append(made)
        return made

    def asked(self, model: Model, gate: Gate, stage: Stage) -> Model:
        """The model as a stage asks it: with retries and, where there are batches, with its requests in them."""
        directly = patient(model, gate)
        return directly if self.batches is None else self.batches.model(model, directly, stage, patience())

    def gate(self, concurrency: Concurrency, halt: Halt) -> Gate:
        """The slots of one stage."""
        return Gate(concurrency, halt, self._shared.budget if self._shared is not None else None)

    async def close(self) -> None:
        """Close the models that were made here; a user's own model stays open, for it may be used again."""
        for model in self._made:
            if isinstance(model, Closing):
                await model.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unloaded:
    """Stands for a model of which only the name is needed."""

    name: str

    async def generate(self, prompt: Prompt) -> Reply:
        """Nobody is there to answer."""
        raise NotImplementedError


def adaptations_of(asked: object) -> list[str]:
    """What a model, or the model within a judge, had to change for its server."""
    return [text for layer in _layers(asked) if isinstance(layer, Adapting) for text in layer.adaptations]


def parameters_of(effort: Effort, model: object) -> dict[str, object]:
    """What the manifest says of a session beside what the run is: how hard was tried, and where the model was asked."""
    addresses = addresses_of(model)
    return effort.recorded() | ({"addresses": addresses} if addresses else {})


def addresses_of(asked: object) -> list[str]:
    """Where a model, or the model within a judge, is asked; nothing where it is in this process."""
    return [address for layer in _layers(asked) if isinstance(layer, Served) for address in layer.addresses]


def placed(run: Run, asked: object) -> dict[str, object]:
    """The field of a run's manifest that says where its model was asked: servers may have come meanwhile."""
    addresses = addresses_of(asked)
    return {"parameters": {**run.manifest.parameters, "addresses": addresses}} if addresses else {}


def roots_of(asked: object) -> list[str]:
    """What the servers of a model, or of the model within a judge, said is behind its name."""
    return [root for layer in _layers(asked) if isinstance(layer, Telling) for root in layer.roots]


async def meet(asked: object) -> None:
    """Ask the servers of a model, or of the model within a judge, what they serve; silence is no failure.

    Raises:
        UserError: They serve different models.
    """
    for layer in _layers(asked):
        if isinstance(layer, Telling):
            with contextlib.suppress(RequestFailed):
                await layer.meet()


def names_of(asked: object) -> set[str]:
    """The names of a model or judge, and of what it wraps."""
    return {layer.name for layer in _layers(asked) if isinstance(layer, Model | Judge)}


def details_of(model: object) -> dict[str, str]:
    """What a model says of itself beyond its name (`details`), as text."""
    found = (layer.details for layer in _layers(model) if isinstance(layer, Detailed))
    return {str(name): str(value) for details in found for name, value in details.items()}


def _layers(thing: object) -> list[object]:
    """A model or judge and what it wraps (`inner`), the outermost first."""
    layers = [thing]
    while isinstance(thing, Wrapping):
        thing = thing.inner
        layers.append(thing)
    return layers
