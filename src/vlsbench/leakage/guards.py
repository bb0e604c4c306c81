"""Guards by reference, each asked about a pair, its text alone or its image alone.

guard:hf:REPO, guard:openai:NAME@URL    a guard model (Llama Guard 3 Vision, Llama Guard 4)
openai:NAME[@URL], anthropic:NAME, …    any model, with the rubric ``judges/rubrics/harmful.md``
moderation:NAME[@URL]                   OpenAI's moderation endpoint
guard:world                             the truth of the miniature world
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar, runtime_checkable

from vlsbench import judges, models
from vlsbench.core.errors import Blocked, UnknownName
from vlsbench.core.protocols import Model
from vlsbench.core.types import Image, Sample, VerdictOutcome
from vlsbench.judges.guard import SAFE, UNSAFE, Finding, GuardJudge
from vlsbench.leakage import world
from vlsbench.leakage.harm import HarmJudge
from vlsbench.leakage.protocol import Part
from vlsbench.models.api import moderation
from vlsbench.models.api.servers import ServedModeration
from vlsbench.run import loading
from vlsbench.run.loading import Effort
from vlsbench.run.progress import Progress
from vlsbench.run.throttle import Gate, Halt, persist

_GUARD, _MODERATION = "guard:", "moderation:"

_KNOWN = ("guard:hf:REPO", "guard:openai:NAME@URL", "openai:NAME", "openai:NAME@URL", "moderation:NAME", world.NAME)


@runtime_checkable
class Guard(Protocol):
    """Anything that says whether a part of a sample is harmful.

    `name` and `settings` identify it: verdicts of two guards that differ in either are never mixed.
    """

    @property
    def name(self) -> str:
        """Its reference."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """What else its verdicts depend on."""
        ...

    async def check(self, sample: Sample, part: Part, image: Image | None) -> Finding:
        """Judge one part of a sample.

        Args:
            sample: The sample, whole; a guard that is shown a part must not look at the rest.
            part: What to judge.
            image: The sample's image, also where the text alone is judged; None where it has none.

        Raises:
            RequestFailed: The guard could not be asked.
        """
        ...


class Checks(Protocol):
    """Anything that checks a text, an image, or both together."""

    @property
    def name(self) -> str:
        """Its reference."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """What its verdicts depend on."""
        ...

    async def check(self, text: str, image: Image | None) -> Finding:
        """Judge a request."""
        ...


class _Judging(Protocol):
    """What `Guard` and `Checks` have in common."""

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, str]: ...


Inner = TypeVar("Inner", bound=_Judging)


class Around(Generic[Inner]):
    """A guard around whoever judges, under the same name and settings.

    Args:
        inner: Who judges.
    """

    def __init__(self, inner: Inner) -> None:
        self.inner = inner

    @property
    def name(self) -> str:
        """The reference of whoever judges."""
        return self.inner.name

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of whoever judges."""
        return self.inner.settings


class PartByPart(Around[Checks]):
    """Shows only the part in question. Implements `Guard`."""

    async def check(self, sample: Sample, part: Part, image: Image | None) -> Finding:
        """Judge one part of a sample.

        Raises:
            RequestFailed: The guard could not be asked.
        """
        text = "" if part is Part.IMAGE else sample.text
        return await self.inner.check(text, None if part is Part.TEXT else image)


class Moderates(Protocol):
    """A moderation model."""

    @property
    def name(self) -> str:
        """Its reference."""
        ...

    async def moderate(self, text: str, image: Image | None) -> moderation.Moderated:
        """Ask about one input."""
        ...


class ModerationChecks:
    """What a moderation model flags is unsafe; the highest score of any category goes along as its probability.

    Args:
        model: The moderation model.
    """

    settings: Mapping[str, str] = {}

    def __init__(self, model: Moderates) -> None:
        self.inner = model

    @property
    def name(self) -> str:
        """The model's reference."""
        return self.inner.name

    async def check(self, text: str, image: Image | None) -> Finding:
        """Judge a request.

        Raises:
            RequestFailed: The model could not be asked.
        """
        try:
            said = await self.inner.moderate(text, image)
        except Blocked as error:
            return Finding(outcome=VerdictOutcome.JUDGE_REFUSED, why=str(error), model=self.name)
        return Finding(
            outcome=VerdictOutcome.SCORED,
            label=UNSAFE if said.flagged else SAFE,
            categories=said.categories,
            p_unsafe=said.score,
            model=said.model,
        )


class _Patient:
    """A moderation model that is asked again where another try may help."""

    def __init__(self, inner: moderation.Moderation | ServedModeration, gate: Gate) -> None:
        self.inner = inner
        self._gate = gate
        self._patience = loading.patience()

    @property
    def name(self) -> str:
        return self.inner.name

    async def moderate(self, text: str, image: Image | None) -> moderation.Moderated:
        return await persist(lambda: self.inner.moderate(text, image), self._gate, self._patience)


class _Unloaded(loading.Unloaded):
    """Stands for a moderation model, too."""

    async def moderate(self, text: str, image: Image | None) -> moderation.Moderated:
        raise NotImplementedError


def model_ref(ref: str) -> str | None:
    """The model reference within a guard's, or None where no model of a scheme is asked.

    Raises:
        UnknownName: No guard's reference.
    """
    if ref == world.NAME or ref.startswith(_MODERATION):
        return None
    if ":" not in ref or judges.is_offline(ref):
        raise UnknownName("guard", ref, _KNOWN)
    return ref.removeprefix(_GUARD)


def require_servable(guard: str | Guard | None, servers: str | None) -> None:
    """Nothing where a list of servers, if there is one, goes with a guard.

    Raises:
        UserError: It does not, or cannot be read.
    """
    asked = guard.removeprefix(_GUARD) if isinstance(guard, str) else None
    models.require_servable(asked, servers, "--guard-servers")


def make(ref: str, dataset: str, *, model: Callable[[str], Model], moderates: Callable[[str], Moderates]) -> Guard:
    """The guard of a reference.

    Args:
        ref: As the module says.
        dataset: The name of the dataset that it is to judge.
        model: Makes the model of a model reference.
        moderates: Makes the moderation model of what follows ``moderation:``.

    Raises:
        UnknownName: No guard's reference.
        UserError: It cannot be used on this dataset, or its model cannot be made.
    """
    asked = model_ref(ref)
    if ref == world.NAME:
        return world.WorldGuard(dataset)
    if asked is None:
        return PartByPart(ModerationChecks(moderates(ref.removeprefix(_MODERATION))))
    return PartByPart(GuardJudge(model(asked)) if ref.startswith(_GUARD) else HarmJudge(model(asked)))


def identify(ref: str, dataset: str) -> Guard:
    """A guard with its name and settings, which cannot be asked: nothing is loaded or contacted.

    Raises:
        UserError: As `make` does.
    """
    return make(
        ref,
        dataset,
        model=lambda asked: _Unloaded(name=models.canonical(asked)),
        moderates=lambda rest: _Unloaded(name=moderation.canonical(rest)),
    )


class Desk:
    """A guard at work: with its model, its request slots, and their end.

    Args:
        guard: A reference, or the user's own.
        dataset: The name of the dataset.
        effort: Requests at once (`judge_concurrency`), key (`judge_key_env`), time limit, local models.
        halt: The user's wish to stop.
        remember: Put around the guard.
        progress: Told when a local model is about to be loaded.
        shared: What is shared with other jobs.

    Raises:
        UserError: The guard cannot be made.
    """

    def __init__(
        self,
        guard: str | Guard,
        dataset: str,
        effort: Effort,
        halt: Halt,
        remember: Callable[[Guard], Guard] | None = None,
        progress: Progress | None = None,
        shared: loading.Shared | None = None,
    ) -> None:
        asked = (model_ref(guard) if isinstance(guard, str) else None,)
        self._loader = loading.Loader(effort, asked, progress, shared)
        self.gate = self._loader.gate(effort.judge_concurrency, halt)
        self._effort = effort
        self._moderation: moderation.Moderation | ServedModeration | None = None
        if isinstance(guard, str):
            guard = make(guard, dataset, model=self._model, moderates=self._moderates)
        self.guard = guard if remember is None else remember(guard)

    def _model(self, ref: str) -> Model:
        effort = self._effort
        return loading.patient(self._loader.model(ref, effort.judge_key_env, effort.judge_servers), self.gate)

    def _moderates(self, rest: str) -> Moderates:
        effort = self._effort
        self._moderation = models.load_moderation(rest, self._loader.access(effort.judge_key_env, effort.judge_servers))
        self.gate.attend(self._moderation)
        return _Patient(self._moderation, self.gate)

    async def close(self) -> None:
        """Close the models that were made here."""
        if self._moderation is not None:
            await self._moderation.close()
        await self._loader.close()
