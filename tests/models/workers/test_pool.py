"""A model in several processes answers as it does in one, whatever becomes of the processes."""

import asyncio
import os
import signal
import threading
import time
from functools import partial

import pytest

import vlsbench
from builders import make_set, manifest, responses, times_recorded
from sleeping import SleepingModel, Unloadable, dies_while_loading
from vlsbench.core.errors import RequestFailed, Stopped, UserError
from vlsbench.core.types import Prompt
from vlsbench.judges.guard import GuardJudge
from vlsbench.models.workers import pool
from vlsbench.models.workers.settings import Workers

pytestmark = [
    pytest.mark.usefixtures("ray_here"),
    # Ray leaves a socket of its own to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def start():
    """Starts pools, and closes them."""
    pools = []

    def start(count=2, make=None, **options):
        pools.append(pool.start("sleeping", make or partial(SleepingModel, **options), Workers(count=count)))
        return pools[-1]

    yield start
    for each in pools:
        asyncio.run(each.close())


def texts(run):
    return {record["sample_id"]: (record["outcome"], record["text"], record["error"]) for record in responses(run)}


def kill_when(run, answers, pid):
    """Kill a process once so many answers are recorded."""

    def kill():
        until = time.monotonic() + 60
        while len(responses(run)) < answers and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def test_the_answers_are_those_of_one_process_also_when_a_worker_is_killed(start, tmp_path):
    data = make_set(tmp_path / "data", 120)
    alone = SleepingModel(batch_s=0.0)
    vlsbench.evaluate(model=alone, dataset=data, judge="refusal", out=tmp_path / "alone")
    workers = start(batch_s=0.05)
    killing = kill_when(tmp_path / "run", 30, int(workers.details["pid"]))
    found = vlsbench.evaluate(model=workers, dataset=data, judge="refusal", out=tmp_path / "run")
    killing.join()
    assert found.responses["ok"] == 120
    assert set(times_recorded(responses(tmp_path / "run")).values()) == {1}
    assert texts(tmp_path / "run") == texts(tmp_path / "alone")
    assert manifest(tmp_path / "run")["model"] == manifest(tmp_path / "alone")["model"]


def test_a_run_without_a_worker_says_what_it_waits_for(start, tmp_path):
    workers, told = start(count=1, batch_s=0.05), set()
    assert workers.notice == ""  # before it is asked anything it waits for nothing
    killing = kill_when(tmp_path / "run", 10, int(workers.details["pid"]))
    data = make_set(tmp_path / "data", 60)
    vlsbench.evaluate(
        model=workers,
        dataset=data,
        judge="refusal",
        out=tmp_path / "run",
        progress=lambda counts: told.add(counts.notice),
    )
    killing.join()
    assert "waiting for a worker of sleeping: none is there at the moment" in told
    assert workers.notice == ""


def test_a_real_model_in_a_worker_answers_and_describes_itself_as_in_this_process(tmp_path):
    pytest.importorskip("transformers")
    local = vlsbench.Local(device="cpu", workers=Workers(count=1))
    for name, effort in (("alone", None), ("run", vlsbench.Effort(local=local))):
        vlsbench.evaluate(
            model="mini:textual-sft", dataset="mini:leakless:24", judge="template", out=tmp_path / name, effort=effort
        )
    assert texts(tmp_path / "run") == texts(tmp_path / "alone")
    assert len(texts(tmp_path / "run")) == 24
    for field in ("model", "model_details", "dataset_hash"):
        assert manifest(tmp_path / "run")[field] == manifest(tmp_path / "alone")[field]
    assert manifest(tmp_path / "run")["parameters"]["local"]["workers"]["count"] == 1


def test_a_run_begun_in_one_process_goes_on_in_several(start, tmp_path):
    data = make_set(tmp_path / "data", 20)

    class Half(SleepingModel):
        async def generate(self, prompt):
            if len(responses(tmp_path / "run")) >= 10:
                raise Stopped("enough")
            return await super().generate(prompt)

    one = vlsbench.Effort(concurrency=1)
    with pytest.raises(Stopped):
        vlsbench.evaluate(model=Half(), dataset=data, judge="refusal", out=tmp_path / "run", effort=one)
    assert len(responses(tmp_path / "run")) == 10
    found = vlsbench.evaluate(model=start(), dataset=data, judge="refusal", out=tmp_path / "run")
    assert found.responses["ok"] == 20
    assert set(times_recorded(responses(tmp_path / "run")).values()) == {1}


def test_a_failure_in_a_worker_is_the_failure_that_it_is_here(start):
    workers, prompt = start(count=1), Prompt(text="refused")
    said = []
    for model in (workers, SleepingModel()):
        with pytest.raises(RequestFailed) as caught:
            asyncio.run(model.generate(prompt))
        said.append(str(caught.value))
    assert said[0] == said[1] == "the model does not like this"


def test_a_guard_in_workers_keeps_its_probability(start):
    guard = GuardJudge(start(count=1))
    found = asyncio.run(guard.check("What is this?", None))
    assert (found.label, found.p_unsafe) == ("unsafe", 0.875)


def test_a_pool_outlives_an_event_loop_that_ends_in_the_middle_of_a_request(start):
    workers = start(count=1)

    async def give_up():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workers.generate(Prompt(text="Never mind.")), 0.001)

    asyncio.run(give_up())
    answer = asyncio.run(asyncio.wait_for(workers.generate(Prompt(text="Good?")), 30))
    assert answer.text == "Good? I see nothing."


def test_a_request_that_kills_whoever_takes_it_fails_alone(start, monkeypatch):
    monkeypatch.setattr(pool, "TRIES", 2)
    workers = start(batch_s=0.0)

    async def ask():
        with pytest.raises(RequestFailed, match="2 workers in a row were lost with this request"):
            await workers.generate(Prompt(text="poison"))
        return await workers.generate(Prompt(text="Good?"))

    assert asyncio.run(ask()).text == "Good? I see nothing."


def test_nobody_spins_while_no_worker_is_there(start, monkeypatch):
    import ray

    monkeypatch.setattr(pool, "PATIENCE_S", 3.0)
    workers = start(count=1)
    given = []

    async def ask():
        await workers.generate(Prompt(text="Good?"))
        monkeypatch.setattr(workers._lanes[0], "_give", counted(workers._lanes[0]._give))
        ray.kill(workers._lanes[0].actor, no_restart=True)
        await asyncio.gather(*(workers.generate(Prompt(text=f"{n}?")) for n in range(50)))

    def counted(give):
        async def counting(requests):
            given.append(len(requests))
            await give(requests)

        return counting

    with pytest.raises(Stopped, match="No worker has been there for 3 s"):
        asyncio.run(asyncio.wait_for(ask(), 60))
    assert sum(given) <= 50  # each request at most once to the worker that was lost


def test_what_cannot_be_loaded_is_said_as_it_is_here(start):
    with pytest.raises(UserError, match=r"^There is no such model, and this is what to do\.$"):
        start(make=Unloadable)


def test_workers_that_die_while_they_load_are_given_up(start):
    with pytest.raises(UserError, match="No worker lives until its model is loaded"):
        start(count=1, make=dies_while_loading)


def test_width_grows_as_workers_come_up(start):
    workers = start(count=2, size=4)
    assert workers.width == 12

    async def until_both_are_up():
        while workers.width < 24:
            await workers.generate(Prompt(text="Good?"))

    asyncio.run(asyncio.wait_for(until_both_are_up(), 60))
