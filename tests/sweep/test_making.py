"""How the cells of a sweep share models, slots and servers."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from builders import LabellingJudge, TalkingModel, call_it_unsafe, hurry, make_set, responses, say_yes, texts
from loopback import Answer, serve, verdict
from vlsbench import models
from vlsbench.core.errors import Interrupted, UserError
from vlsbench.core.types import Reply, ResponseOutcome
from vlsbench.run.plan import Evaluation
from vlsbench.sweep.making import make_all
from vlsbench.sweep.planning import AskedAudit, AskedRun, only, plan_sweep


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    hurry(monkeypatch)


def asked(model, dataset, judge="refusal", **changes):
    return AskedRun(judged=(Evaluation(model=model, dataset=dataset, judge=judge, **changes),))


class Loaded:
    """A local model that notes its own life."""

    width = 4
    details: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, ref, life):
        self.name = ref
        self._life = life
        life.append(("loaded", ref))

    async def generate(self, prompt):
        return Reply(outcome=ResponseOutcome.OK, text="I cannot help with that.")

    async def close(self):
        self._life.append(("closed", self.name))


@pytest.fixture
def life(monkeypatch):
    noted = []
    monkeypatch.setitem(models.SCHEMES, "mini", lambda rest, access: Loaded(f"mini:{rest}", noted))
    return noted


def test_each_local_model_is_loaded_once_and_let_go_before_the_next(tmp_path, life):
    sets = [make_set(tmp_path / name, 2, category=name) for name in "ab"]
    wanted = [asked(model, data) for data in sets for model in ("mini:base", "mini:mixed-sft")]
    made = make_all(plan_sweep(wanted, tmp_path / "out"))
    assert [one.error for one in made] == [""] * 4
    expected = [(what, ref) for ref in ("mini:base", "mini:mixed-sft") for what in ("loaded", "closed")]
    assert life == expected


def test_a_local_judge_is_loaded_once_for_all_models(tmp_path, life):
    data = make_set(tmp_path / "a", 2)
    wanted = [asked(model, data, "mini:base") for model in ("mini:mixed-sft", "mini:textual-sft")]
    make_all(plan_sweep(wanted, tmp_path / "out"))
    assert life.count(("loaded", "mini:base")) == 1
    assert ("closed", "mini:base") in life[-2:]
    assert sorted(ref for what, ref in life if what == "closed") == sorted(
        ref for what, ref in life if what == "loaded"
    )


def test_nothing_is_loaded_for_cells_that_are_finished(tmp_path, life):
    cells = plan_sweep([asked("mini:base", make_set(tmp_path / "a", 2))], tmp_path / "out")
    make_all(cells)
    life.clear()
    assert [one.passed_over for one in make_all(cells)] == [True]
    assert life == []


def slow(asked):
    return verdict("unsafe") if asked.is_judging else Answer(delay_s=0.2)


def test_cells_of_different_servers_run_at_once(tmp_path):
    with serve(slow) as one, serve(slow) as other:
        data = make_set(tmp_path / "a", 3)
        started = []
        both = threading.Barrier(2, timeout=10)

        def meet(asked):
            if asked.number == 0:
                both.wait()  # breaks unless the other server is asked meanwhile
            started.append(asked)
            return Answer()

        one.behave = other.behave = meet
        made = make_all(
            plan_sweep(
                [asked(server.model(name), data) for name, server in (("x", one), ("y", other))], tmp_path / "out"
            )
        )
    assert [made.error for made in made] == ["", ""]
    assert len(started) == 6


def test_one_budget_bounds_the_requests_of_all_servers(tmp_path):
    most, now = [0], [0]
    lock = threading.Lock()

    with serve() as one, serve() as other:

        def counted(asked):
            with lock:
                now[0] = one.in_flight + other.in_flight
                most[0] = max(most[0], now[0])
            return Answer(delay_s=0.05)

        one.behave = other.behave = counted
        data = make_set(tmp_path / "a", 12)
        make_all(
            plan_sweep(
                [asked(server.model(name), data) for name, server in (("x", one), ("y", other))], tmp_path / "out"
            ),
            slots=3,
        )
        assert len(one.asked) == len(other.asked) == 12
    assert most[0] == 3


def test_a_fault_in_one_cell_does_not_cost_the_others(tmp_path, monkeypatch):
    class Broken:
        def __init__(self, *_):
            raise RuntimeError("CUDA out of memory")

    monkeypatch.setitem(models.SCHEMES, "mini", Broken)
    with serve() as server:
        data = make_set(tmp_path / "a", 2)
        made = make_all(plan_sweep([asked("mini:base", data), asked(server.model(), data)], tmp_path / "out"))
    assert [one.error for one in made] == ["RuntimeError: CUDA out of memory", ""]


def test_ctrl_c_stops_every_cell_and_the_same_call_continues(tmp_path):
    with serve() as server:

        def interrupt(asked):
            if asked.number == 3:
                os.kill(os.getpid(), signal.SIGINT)
            return Answer(delay_s=0.02)

        server.behave = interrupt
        wanted = [asked(server.model(name), make_set(tmp_path / "a", 20)) for name in ("x", "y")]
        cells = plan_sweep(wanted, tmp_path / "out")
        with pytest.raises(Interrupted):
            make_all(cells)
        assert not (cells[1].path / "responses.jsonl").exists()
        server.behave = lambda asked: Answer()
        assert [one.error for one in make_all(cells)] == ["", ""]
        assert len(responses(cells[0].path)) == len(responses(cells[1].path)) == 20


def test_objects_of_the_users_own_make_cells_too(tmp_path):
    model = TalkingModel(say_yes)
    cells = plan_sweep([asked(model, texts(3), LabellingJudge(call_it_unsafe))], tmp_path / "out")
    assert [one.error for one in make_all(cells)] == [""]
    assert sorted(model.asked) == [0, 1, 2]
    assert not model.closed
    assert cells[0].is_finished()


def test_fresh_starts_every_cell_over_and_keeps_the_old_folder(tmp_path):
    with serve() as server:
        wanted = [asked(server.model(), make_set(tmp_path / "a", 2))]
        make_all(plan_sweep(wanted, tmp_path / "out"))
        make_all(plan_sweep(wanted, tmp_path / "out", fresh=True), fresh=True)
        assert len(server.answers) == 4
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_an_audit_that_lacks_verdicts_is_not_finished(tmp_path):
    cells = plan_sweep([AskedAudit(dataset="mini:leaky:4", guard="guard:world")], tmp_path / "out")
    assert not cells[0].is_finished()
    make_all(cells)
    assert cells[0].is_finished()
    journal = cells[0].path / "guard" / "verdicts" / "pair.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[1:]))
    assert not cells[0].is_finished()


def test_a_folder_that_holds_something_else_is_found_before_anything_runs(tmp_path):
    wanted = [asked("mini:base", make_set(tmp_path / "a", 2))]
    (cell,) = plan_sweep(wanted, tmp_path / "out")
    cell.path.mkdir(parents=True)
    (cell.path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"manifest\.json"):
        plan_sweep(wanted, tmp_path / "out")


def test_only_goes_by_name_and_by_folder(tmp_path):
    cells = plan_sweep([asked("mini:base", f"mini:{split}:2") for split in ("leaky", "benign")], Path("out"))
    assert only(cells, ["*leaky*"]) == cells[:1]
    assert only(cells, [cells[1].path.name]) == cells[1:]
    assert only(cells, []) == cells


def test_progress_tells_how_all_cells_stand_together(tmp_path):
    told = []
    with serve() as server:
        wanted = [asked(server.model(name), make_set(tmp_path / "a", 3)) for name in ("x", "y", "z")]
        make_all(
            plan_sweep(wanted, tmp_path / "out"),
            progress=lambda counts: told.append((counts.total, counts.answered, counts.done)),
        )
    assert {total for total, _, _ in told} == {9}
    assert told[-1] == (9, 9, 9)
    assert [done for _, _, done in told] == sorted(done for _, _, done in told)
